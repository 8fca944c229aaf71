"""Kafka clients log in to MSK by IAM: the JVM's by AWS's plug-in, confluent-kafka by signed tokens."""

from __future__ import annotations

import base64
import time
import zipfile
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from infra.local.jars import jar_paths
from lake.kafka_auth import IAM, NONE, KafkaAuthError, client_options, jvm_options, region_of
from streaming.job import StreamSettings

MSK = "b-1.retail.abc123.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.retail.abc123.c2.kafka.eu-west-1.amazonaws.com:9098"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")


def test_without_it_a_client_gets_its_address_alone() -> None:
    assert (jvm_options(NONE), client_options("b:9092", NONE)) == ({}, {"bootstrap.servers": "b:9092"})


def test_the_jvms_classes_are_in_the_jar_that_jobs_get() -> None:
    (jar,) = [path for path in jar_paths("glue") if path.name.startswith("aws-msk-iam-auth")]
    with zipfile.ZipFile(jar) as archive:
        names = set(archive.namelist())
    options = jvm_options(IAM)
    classes = [options["sasl.jaas.config"].split()[0], options["sasl.client.callback.handler.class"]]
    assert [name for name in classes if f"{name.replace('.', '/')}.class" not in names] == []
    assert (options["security.protocol"], options["sasl.mechanism"]) == ("SASL_SSL", "AWS_MSK_IAM")


def test_the_stream_jobs_client_logs_in_so_and_further_options_win() -> None:
    settings = StreamSettings("retail", MSK, "glue", "s3://lake", kafka_auth=IAM, kafka_options={"client.id": "lake"})
    assert settings.client_options() == {"bootstrap.servers": MSK, **jvm_options(IAM), "client.id": "lake"}


def test_a_token_is_a_signed_call_of_the_clusters_region() -> None:
    token, expires = client_options(MSK, IAM)["oauth_cb"]("")
    url = urlparse(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = parse_qs(url.query)
    assert url.netloc == "kafka.eu-west-1.amazonaws.com"
    assert query["Action"] == ["kafka-cluster:Connect"]
    assert query["X-Amz-Credential"][0].endswith("/eu-west-1/kafka-cluster/aws4_request")
    assert 0 < expires - time.time() <= 900


@pytest.mark.parametrize("make", [AdminClient, lambda options: Consumer(options | {"group.id": "g"})])
def test_confluents_clients_take_the_options_and_ask_for_a_token_at_once(make: Any) -> None:
    asked: list[object] = []
    options = client_options("127.0.0.1:1", NONE) | {
        name: value for name, value in client_options(MSK, IAM).items() if name != "bootstrap.servers"
    }
    token = options["oauth_cb"]

    def noted(config: object) -> Any:
        asked.append(config)
        return token(config)

    client = make(options | {"oauth_cb": noted, "log_level": 0})
    assert len(asked) == 1
    del client


@pytest.mark.parametrize(
    ("bootstrap", "region"),
    [
        (MSK, "eu-west-1"),
        ("boot-x1.c1.kafka-serverless.us-gov-west-1.amazonaws.com:9098", "us-gov-west-1"),
        ("b-1.x.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"),
    ],
)
def test_a_clusters_address_tells_its_region(bootstrap: str, region: str) -> None:
    assert region_of(bootstrap) == region


def test_a_name_of_ones_own_leaves_the_region_to_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaAuthError, match="its region is not known"):
        region_of("kafka.example.org:9098")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert region_of("kafka.example.org:9098") == "eu-north-1"


def test_an_unknown_way_is_named() -> None:
    with pytest.raises(KafkaAuthError, match="no way of authentication 'scram'"):
        jvm_options("scram")
