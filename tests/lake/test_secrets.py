"""A reference stands for a secret, and what goes wrong with one tells no value."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lake.secrets import SecretError, all_revealed, revealed
from streaming.job import StreamSettings

VALUE = "pa55word"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        client.create_secret(Name="plain", SecretString=VALUE)
        client.create_secret(Name="fields", SecretString=json.dumps({"password": VALUE, "port": 9096, "list": [VALUE]}))
        client.create_secret(Name="binary", SecretBinary=VALUE.encode())
        yield client


def test_a_reference_stands_for_the_secret_or_its_field(secrets: Any) -> None:
    arn = secrets.describe_secret(SecretId="plain")["ARN"]
    found = [
        revealed(text) for text in ("secret:plain", f"secret:{arn}", "secret:fields#password", "secret:fields#port")
    ]
    assert found == [VALUE, VALUE, VALUE, "9096"]


def test_any_other_text_stands_for_itself_and_asks_nobody() -> None:
    assert [revealed(text) for text in ("", "plain", "http://r", "secrets:x")] == ["", "plain", "http://r", "secrets:x"]


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("secret:none", r"the secret cannot be read \(ResourceNotFoundException\)"),
        ("secret:plain#password", "the secret is no JSON object"),
        ("secret:fields#user", "the secret has no such field"),
        ("secret:fields#list", "the secret has no such field"),
        ("secret:binary", "the secret is binary"),
        ("secret:", "the reference names no secret"),
        ("secret:#x", "the reference names no secret"),
    ],
)
def test_what_is_wrong_with_a_reference_is_named_without_a_value(secrets: Any, reference: str, what: str) -> None:
    with pytest.raises(SecretError, match=what) as caught:
        revealed(reference)
    assert (caught.value.where, bool(caught.value.remedy)) == (reference, True)
    assert VALUE not in "".join(traceback.format_exception(caught.value))


class Refusing:
    """A client that may not read."""

    def get_secret_value(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")


def test_a_refused_reading_names_the_right_that_lacks() -> None:
    with pytest.raises(SecretError) as caught:
        revealed("secret:plain", Refusing())
    assert "secretsmanager:GetSecretValue" in caught.value.remedy


def test_a_jobs_settings_hold_references_and_its_kafka_client_the_secrets(secrets: Any) -> None:
    options = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": "secret:plain"}
    settings = StreamSettings("retail", "b:9096", "secret:fields#password", "s3://lake", kafka_options=options)
    assert VALUE not in repr(settings)
    assert settings.client_options() == {"bootstrap.servers": "b:9096", **options, "sasl.jaas.config": VALUE}
    assert all_revealed(options) == options | {"sasl.jaas.config": VALUE}
