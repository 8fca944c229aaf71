"""`lake contract` against a live registry and database."""

from __future__ import annotations

import json
import urllib.request
import uuid
from pathlib import Path

import pytest

from lake.contracts.shapes import ShapeError, from_postgres, from_registry
from schemas.parse import parse_pipeline
from tests.integration.conftest import LiveStack
from tests.support import envelopes as e

DDL = """
CREATE TABLE IF NOT EXISTS supplier (
    region smallint, code varchar(20), name text NOT NULL, email varchar(80), rating numeric(5, 2), free numeric,
    since date NOT NULL, checked_at timestamptz, tags text[], extra jsonb, score real, "Odd Name" int, status text,
    PRIMARY KEY (code, region)
);
COMMENT ON COLUMN supplier.rating IS 'Stars, "0" to 5';
"""
COLUMNS: dict[str, e.AvroType] = {
    "id": e.AVRO["bigint"],
    "name": e.AVRO["text"],
    "day": e.nullable(e.AVRO["date"]),
    "price": e.decimal(12, 2),
}


def register(stack: LiveStack, subject: str, schema: e.Json) -> None:
    body = json.dumps({"schema": json.dumps(schema)}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(f"{stack.ccompat_url}/subjects/{subject}/versions", body, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def test_a_table_of_the_source_becomes_contracts_that_load(stack: LiveStack, tmp_path: Path) -> None:
    with stack.source() as source:
        source.execute(DDL)
    folder = tmp_path / "drafted"
    done = stack.lake("contract", "new", "--from", "supplier", "--into", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["written"]) == 3
    pipeline = parse_pipeline(folder)
    supplier = pipeline.sources["supplier"]
    assert (supplier.key, supplier.topic) == (("code", "region"), "retail.supplier.cdc")
    assert {column.name: column.type.text for column in supplier.columns} == {
        "region": "smallint",
        "code": "varchar(80)",
        "name": "string",
        "email": "varchar(320)",
        "rating": "decimal(5,2)",
        "free": "decimal(38,10)",
        "since": "date",
        "checked_at": "timestamp",
        "tags": "json",
        "extra": "json",
        "score": "float",
        "status": "string",
    }
    assert supplier.by_name["rating"].description == 'Stars, "0" to 5'
    assert not supplier.by_name["since"].nullable
    again = stack.lake("contract", "new", "--from", "supplier", "--into", str(folder))
    assert again.returncode == 1
    assert "the contract is there already" in again.stderr


def test_a_topic_becomes_contracts_that_pass_the_check_until_it_changes(
    stack: LiveStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    topic = f"{name}.thing.cdc"
    register(stack, f"{topic}-key", e.key_schema("thing", {"id": COLUMNS["id"]}))
    register(stack, f"{topic}-value", e.envelope_schema("thing", COLUMNS))
    monkeypatch.setenv("LAKE_PIPELINES", str(tmp_path))
    made = stack.lake("contract", "new", "--from", topic, "--into", str(tmp_path / name), "--pipeline", name)
    assert made.returncode == 0, made.stderr
    fits = stack.lake("contract", "check", "--pipeline", name, "--json")
    assert fits.returncode == 0, fits.stderr + fits.stdout
    assert json.loads(fits.stdout)["findings"] == []
    changed = {**COLUMNS, "day": e.nullable(e.AVRO["bytes"])}
    register(stack, f"{topic}-value", e.envelope_schema("thing", changed, namespace="other"))
    breaks = stack.lake("contract", "check", "--pipeline", name)
    assert breaks.returncode == 1
    assert "columns.day: the source's type (binary) cannot become date" in breaks.stdout


def test_what_is_not_there_is_named(stack: LiveStack) -> None:
    with pytest.raises(ShapeError, match="knows no value schema"):
        from_registry(stack.ccompat_url, "no.such.topic")
    with pytest.raises(ShapeError, match="no such table"):
        from_postgres(stack.endpoints.source_dsn("retail"), "nothing", "t")
    done = stack.lake("contract", "new", "--from", "no_such_table", "--show")
    assert done.returncode == 1
    assert "remedy" in done.stderr


def test_a_registry_and_a_database_that_are_down_are_named() -> None:
    with pytest.raises(ShapeError, match="the registry does not answer"):
        from_registry("http://127.0.0.1:1", "t")
    with pytest.raises(ShapeError, match="the source database does not answer") as caught:
        from_postgres("postgresql://user:s3cret@127.0.0.1:1/db", "a", "t")
    assert "s3cret" not in str(caught.value)
