"""Real PostgreSQL types through Debezium, Avro and landing into staging; dead letters of both hops by command."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from pyspark.sql import SparkSession

from lake.catalog import find_table, rows
from lake.demo.live import wait_until_captured
from tests.integration.conftest import LiveStack
from tests.integration.here import Here

PIPELINE = "typed"
DDL = """
DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad', 'happy'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE TABLE IF NOT EXISTS sample (
    id int PRIMARY KEY, price numeric(12, 2), free numeric, day date, at timestamp, zoned timestamptz, clock time,
    ref uuid, doc jsonb, raw bytea, flags bit(10), tags text[], feeling mood, cash money, small smallint, ok boolean,
    ratio double precision, long_text text
);
ALTER TABLE sample ALTER COLUMN long_text SET STORAGE EXTERNAL;
"""
CONTRACT = """
table: sample
topic: typed.sample.cdc
key: [id]
columns:
  id: {type: bigint, nullable: false}
  price: {type: "decimal(12,2)"}
  free: {type: "decimal(20,5)"}
  day: {type: date}
  at: {type: timestamp}
  zoned: {type: timestamp}
  clock: {type: varchar(20)}
  ref: {type: uuid}
  doc: {type: json}
  raw: {type: binary}
  flags: {type: int}
  tags: {type: json}
  feeling: {type: varchar(10)}
  cash: {type: "decimal(19,2)"}
  small: {type: smallint}
  ok: {type: boolean}
  ratio: {type: double}
  long_text: {type: string}
checks:
  - {name: price_known, expr: "price IS NOT NULL OR id <> 3", severity: reject}
"""
LONG = "long " * 2000
INSERT = """
INSERT INTO sample VALUES
  (1, 12.34, 1.25, '2024-02-29', '2024-02-29 10:11:12.123456', '2024-02-29 10:11:12.123456+02', '23:59:59.000001',
   'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a": [1, 2]}', '\\x00ff', B'1000000001', '{x,"y z"}', 'happy', 9.99, -5,
   true, 0.1, %s),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, NULL, 0.123456, 'infinity', 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL)
"""


@pytest.fixture
def typed(stack: LiveStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStack:
    folder = tmp_path / PIPELINE
    (folder / "sources").mkdir(parents=True)
    (folder / "pipeline.yaml").write_text(f"pipeline: {PIPELINE}\n")
    (folder / "source.sql").write_text(DDL)
    (folder / "sources" / "sample.yaml").write_text(CONTRACT)
    monkeypatch.setenv("LAKE_PIPELINES", str(tmp_path))
    monkeypatch.setenv("LAKE_HOME", str(stack.home.root))
    stack.capture(PIPELINE, tmp_path)
    return stack


@pytest.fixture
def here(
    typed: LiveStack, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    return Here(typed.home, spark, monkeypatch, capsys)


def landed(stack: LiveStack, here: Here) -> int:
    """Lands everything captured; the number of records."""
    wait_until_captured(stack.endpoints.source_dsn(PIPELINE), PIPELINE, 120)
    summary = here.lake("stream", "--once", pipeline=PIPELINE)
    return int(summary["rows"] + summary["dead_letters"])


def promoted(here: Here) -> dict[str, Any]:
    (outcome,) = here.lake("promote", "staging", pipeline=PIPELINE)
    found: dict[str, Any] = outcome
    return found


def log(stack: LiveStack) -> list[dict[str, Any]]:
    table = find_table(stack.home.catalog_uri(PIPELINE), f"{PIPELINE}_staging", "sample")
    assert table is not None
    names = tuple(field.name for field in table.schema().fields)
    found: list[dict[str, Any]] = rows(table, "_offset >= 0", names).to_pylist()
    return sorted(found, key=lambda item: (item["_source_ts"], item["_op"] != "d"))


def test_every_type_arrives_as_the_contract_says(typed: LiveStack, here: Here) -> None:
    with typed.source(PIPELINE) as source:
        source.execute(INSERT, (LONG,))
        source.execute("UPDATE sample SET small = 7 WHERE id = 1")
        source.execute("UPDATE sample SET id = 10 WHERE id = 2")
        source.execute("DELETE FROM sample WHERE id = 10")
        source.execute("TRUNCATE sample")
    producer = Producer({"bootstrap.servers": typed.bootstrap_servers})
    producer.produce(f"{PIPELINE}.sample.cdc", b"no avro", b"key")
    assert producer.flush(30) == 0
    # 3 inserts, 1 update, key change (delete, tombstone, create), delete, tombstone, truncate, 1 of poison
    assert landed(typed, here) == 11
    outcome = promoted(here)
    assert (outcome["rows"], outcome["quarantined"]) == (8, 1)
    changes = log(typed)
    assert [(item["_op"], item["id"]) for item in changes] == [
        ("c", 1),
        ("c", 2),
        ("u", 1),
        ("d", 2),
        ("c", 10),
        ("d", 10),
        ("t", None),
    ]
    first, second, update = changes[:3]
    assert {name: first[name] for name in ("price", "free", "cash")} == {
        "price": Decimal("12.34"),
        "free": Decimal("1.25000"),
        "cash": Decimal("9.99"),
    }
    assert first["day"] == date(2024, 2, 29)
    assert first["at"] == datetime(2024, 2, 29, 10, 11, 12, 123456, UTC)
    assert first["zoned"] == datetime(2024, 2, 29, 8, 11, 12, 123456, UTC)
    assert first["clock"] == "23:59:59.000001"
    assert first["ref"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert json.loads(first["doc"]) == {"a": [1, 2]}
    assert first["raw"] == b"\x00\xff"
    assert first["flags"] == 0b1000000001
    assert json.loads(first["tags"]) == ["x", "y z"]
    assert (first["feeling"], first["small"], first["ok"], first["ratio"]) == ("happy", -5, True, 0.1)
    assert first["long_text"] == LONG
    assert second["long_text"] is None
    assert (update["small"], update["long_text"], update["_unavailable"]) == (7, None, ["long_text"])
    assert changes[4]["_old_key"] == {"id": 2}

    listed = json.loads(typed.lake("dlq", "list", "--json", "--pipeline", PIPELINE).stdout)
    reasons = {item["hop"]: item["reasons"] for item in listed}
    assert reasons["staging"] == ["type:free", "type:day", "type:at", "price_known"]
    assert len(reasons["landing"]) == 1
    shown = typed.lake("dlq", "show", next(i["id"] for i in listed if i["hop"] == "staging"), "--pipeline", PIPELINE)
    assert "price IS NOT NULL" in shown.stdout
    assert "0.123456" not in shown.stdout
    again = promoted(here)
    assert (again["batches"], again["rows"]) == (0, 0)
