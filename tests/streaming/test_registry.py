"""A registry's three answers stay apart: the schema, there is none, and no answer."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto import mock_aws

from schemas.errors import LakeError
from schemas.writer import LARGEST_SCHEMA
from streaming.registry import (
    ConfluentRegistry,
    GlueRegistry,
    RegistryUnavailableError,
    SchemaCache,
    StoppedError,
    registry_for,
)

SCHEMA = '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}'


@dataclass
class Answers:
    """What a small HTTP server answers, and the credentials it was shown."""

    by_path: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    authorization: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def answers() -> Iterator[Answers]:
    given = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.authorization.append(self.headers.get("Authorization"))
            status, body = given.by_path.get(self.path, (404, b"<html>nothing here</html>"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    given.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield given
    server.shutdown()
    server.server_close()


def test_a_known_id_gives_its_schema(answers: Answers) -> None:
    answers.by_path["/schemas/ids/7"] = (200, json.dumps({"schema": SCHEMA}).encode())
    assert ConfluentRegistry(answers.url).schema("7") == SCHEMA


def test_an_id_the_registry_does_not_hold_is_none(answers: Answers) -> None:
    answers.by_path["/schemas/ids/7"] = (404, b'{"error_code": 40403, "message": "Schema not found"}')
    assert ConfluentRegistry(answers.url).schema("7") is None
    assert ConfluentRegistry(answers.url).schema("2ac9…") is None


def test_an_answer_without_end_is_a_schema_that_nobody_can_use(answers: Answers) -> None:
    answers.by_path["/schemas/ids/7"] = (200, b'{"schema": "' + b"x" * (3 * LARGEST_SCHEMA))
    found = ConfluentRegistry(answers.url).schema("7")
    assert found is not None
    assert LARGEST_SCHEMA < len(found) <= 2 * LARGEST_SCHEMA + 1


@pytest.mark.parametrize(
    "answer", [(200, b"[" * 100_000), (500, b"{}"), (503, b""), (401, b"{}"), (404, b"<html>"), (200, b"no json")]
)
def test_an_answer_that_decides_nothing_is_an_outage(answers: Answers, answer: tuple[int, bytes]) -> None:
    answers.by_path["/schemas/ids/7"] = answer
    with pytest.raises(RegistryUnavailableError, match=f"HTTP {answer[0]}"):
        ConfluentRegistry(answers.url).schema("7")


def test_no_answer_is_an_outage_that_names_the_registry() -> None:
    with pytest.raises(RegistryUnavailableError, match=r"http://127\.0\.0\.1:1: schema registry does not answer"):
        ConfluentRegistry("http://127.0.0.1:1").schema("7")


def test_credentials_are_sent_and_never_told(answers: Answers) -> None:
    registry = ConfluentRegistry(answers.url.replace("http://", "http://user:s3cret@"))
    with pytest.raises(RegistryUnavailableError) as caught:
        registry.schema("7")
    assert "s3cret" not in f"{caught.value} {registry.name}"
    assert answers.authorization == ["Basic dXNlcjpzM2NyZXQ="]


def test_glue_gives_a_schema_by_version_and_none_for_an_unknown_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("glue", region_name="us-east-1")
        client.create_registry(RegistryName="r")
        made = client.create_schema(
            RegistryId={"RegistryName": "r"},
            SchemaName="s",
            DataFormat="AVRO",
            Compatibility="NONE",
            SchemaDefinition=SCHEMA,
        )
        registry = GlueRegistry("us-east-1", client)
        assert registry.schema(made["SchemaVersionId"]) == SCHEMA
        assert registry.schema("00000000-0000-0000-0000-000000000000") is None
        assert registry.schema("17") is None


@pytest.mark.parametrize("address", ["ftp://x", "localhost:8081", ""])
def test_what_is_no_registry_is_named(address: str) -> None:
    with pytest.raises(LakeError, match="is not the address of a schema registry"):
        registry_for(address)


@dataclass
class Flaky:
    """A registry that is down for the first so many questions."""

    down: int
    asked: int = 0
    name: str = "flaky"

    def schema(self, schema_id: str) -> str | None:
        self.asked += 1
        if self.asked <= self.down:
            raise RegistryUnavailableError("schema registry does not answer", where=self.name)
        return SCHEMA if schema_id == "1" else None


@dataclass
class Clock:
    """Time that passes only while sleeping."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)


def cache(registry: Flaky, clock: Clock, **more: Any) -> SchemaCache:
    return SchemaCache(registry, sleep=clock.sleep, clock=clock, **more)


def test_each_id_is_asked_for_once() -> None:
    registry, clock = Flaky(0), Clock()
    schemas = cache(registry, clock)
    assert schemas.texts(["1", "2", "1"]) == {"1": SCHEMA, "2": None}
    schemas.texts(["1", "2"])
    assert registry.asked == 2


def test_an_unknown_id_is_asked_for_again_after_a_while() -> None:
    registry, clock = Flaky(0), Clock()
    schemas = cache(registry, clock)
    schemas.texts(["2"])
    clock.now += 301
    schemas.texts(["2"])
    assert registry.asked == 2


def test_an_outage_is_waited_for_with_growing_pauses_and_told(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with caplog.at_level(logging.WARNING):
        assert cache(Flaky(4), clock).texts(["1"]) == {"1": SCHEMA}
    pauses = [float(str(record.args[2])) for record in caplog.records if isinstance(record.args, tuple)]
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert "batch waits for schema 1" in caplog.text


def test_an_outage_that_outlasts_the_patience_is_raised() -> None:
    with pytest.raises(RegistryUnavailableError):
        cache(Flaky(10**6), Clock(), patience=5.0).texts(["1"])


def test_waiting_ends_when_the_job_is_to_end() -> None:
    with pytest.raises(StoppedError):
        cache(Flaky(10**6), Clock(), stopping=lambda: True).texts(["1"])
