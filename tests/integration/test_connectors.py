"""The connector configurations before Connect's own validation."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.local.capture import capture_of, connector_config
from schemas import load_pipeline
from schemas.parse import pipeline_folder
from streaming.connectors.render import CapturedTable, render
from tests.integration.conftest import LiveStack

SCHEMAS = {"sqlserver": "dbo", "mysql": "retail"}


def validated(stack: LiveStack, config: dict[str, str]) -> list[dict[str, Any]]:
    """Connect's verdict, field by field."""
    plugin = config["connector.class"].rsplit(".", 1)[1]
    code, answer = stack.connect("PUT", f"/connector-plugins/{plugin}/config/validate", config)
    assert code == 200, answer
    fields: list[dict[str, Any]] = answer["configs"]
    return fields


def errors_in(fields: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What Connect finds wrong, by field."""
    return {field["value"]["name"]: field["value"]["errors"] for field in fields if field["value"]["errors"]}


def places(stack: LiveStack) -> dict[str, object]:
    return {
        "pipeline": "retail",
        "database": "retail",
        "database_host": "127.0.0.1",
        "database_port": 9,
        "server_id": 5401,
        "secrets_file": stack.endpoints.context.secrets_file,
        "bootstrap_servers": stack.bootstrap_servers,
        "registry_url": stack.endpoints.registry_url,
    }


def without_a_server(stack: LiveStack, kind: str) -> dict[str, str]:
    tables = tuple(
        CapturedTable(SCHEMAS[kind], source.table, source.topic) for source in load_pipeline("retail").sources.values()
    )
    return render(kind, places(stack), tables)


@pytest.fixture(scope="module", params=sorted(SCHEMAS))
def refused(stack: LiveStack, request: pytest.FixtureRequest) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """A configuration whose server is not there, and Connect's verdict (its driver tries for half a minute)."""
    config = without_a_server(stack, request.param)
    return config, validated(stack, config)


def test_the_postgres_configuration_has_no_error(stack: LiveStack) -> None:
    retail = load_pipeline("retail")
    capture = capture_of("retail", retail.sources, pipeline_folder("retail"), partitions=4, retention_days=7)
    assert errors_in(validated(stack, connector_config(stack.endpoints.context, capture))) == {}


def test_the_other_configurations_have_exactly_the_error_that_no_server_is_there(
    refused: tuple[dict[str, str], list[dict[str, Any]]],
) -> None:
    errors = errors_in(refused[1])
    assert list(errors) == ["database.hostname"]
    (said,) = errors["database.hostname"]
    assert "connect" in said.lower()


def test_every_key_of_a_configuration_is_one_that_the_connector_or_connect_knows(
    stack: LiveStack, refused: tuple[dict[str, str], list[dict[str, Any]]]
) -> None:
    config, fields = refused
    passed_on = ("driver.", "key.converter.", "value.converter.", "header.converter.", "producer.override.")
    unlisted = {key for key in config if not key.startswith(passed_on)} - {
        field["definition"]["name"] for field in fields
    }
    kind = config["name"].split("-")[1]
    classes = class_bytes(stack.home.stack / "connect" / "plugins" / f"debezium-{kind}")
    assert {key for key in unlisted if key.encode() not in classes} == set()


def class_bytes(plugin: Path) -> bytes:
    """All of Debezium's classes of a plugin: a key that none of them names has no effect."""
    found = []
    for jar in plugin.glob("debezium*.jar"):
        with zipfile.ZipFile(jar) as archive:
            found += [archive.read(name) for name in archive.namelist() if name.endswith(".class")]
    return b"".join(found)


def test_the_live_connector_holds_no_secret(stack: LiveStack) -> None:
    _, config = stack.connect("GET", "/connectors/retail-postgres/config")
    secrets = set(stack.endpoints.context.secrets.values())
    assert not secrets & set(config.values())
    assert config["database.password"].startswith("${file:")


def test_the_live_connector_delivers_exactly_once(stack: LiveStack) -> None:
    _, config = stack.connect("GET", "/connectors/retail-postgres/config")
    assert config["exactly.once.support"] == "required"
    _, status = stack.connect("GET", "/connectors/retail-postgres/status")
    assert {task["state"] for task in status["tasks"]} == {"RUNNING"}
