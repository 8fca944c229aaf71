"""A landing zone made without Kafka: envelopes → Avro bytes → hop 1's own decoding → Parquet and manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.manifests import LandedFile, LandingManifest, seq_name
from streaming.decoding import writer_schema
from streaming.envelope import REJECTED, Group, landing_rows
from tests.support import envelopes as e

RECORDS = (
    "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp, "
    "headers array<struct<key: string, value: binary>>"
)
EPOCH_START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """A source table as the connector sees it: columns in Debezium's encodings."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, e.AvroType]
    schema_id: int = 7

    @property
    def envelope(self) -> e.Json:
        return e.envelope_schema(self.name, self.columns)

    @property
    def key_schema(self) -> e.Json:
        return e.key_schema(self.name, {name: self.columns[name] for name in self.key})


@dataclass(frozen=True)
class Event:
    """One change; `seconds` after the start of 2024 is its source time, and its Kafka time unless that differs."""

    op: str
    row: Mapping[str, Any] | None
    offset: int
    lsn: int | None = None
    seconds: float = 0
    kafka_seconds: float | None = None
    partition: int = 0
    before: Mapping[str, Any] | None = None
    key: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


def records(spark: SparkSession, table: Table, events: Sequence[Event]) -> DataFrame:
    """Kafka records of the events, in Confluent framing."""
    return spark.createDataFrame([_record(table, event) for event in events], RECORDS)


def rows(spark: SparkSession, table: Table, events: Sequence[Event], *, epoch: int = 0) -> DataFrame:
    """Landing rows of the events, decoded as hop 1 does."""
    value = writer_schema(spark, str(table.schema_id), json.dumps(table.envelope))
    key = writer_schema(spark, str(table.schema_id + 1000), json.dumps(table.key_schema)) if table.key else None
    return landing_rows(records(spark, table, events), Group(key, value), epoch).drop(REJECTED)


def land(
    spark: SparkSession,
    lake: Path,
    pipeline: str,
    seq: int,
    batch: Sequence[tuple[Table, Sequence[Event]]],
) -> LandingManifest:
    """Lands one batch of one source table, a file group per writer schema, and commits its manifest."""
    name = batch[0][0].name
    attempt = f"{seq:04x}ab"
    files: dict[str, LandedFile] = {}
    schemas: dict[str, str] = {}
    for table, events in batch:
        if not events:
            continue
        schema_id = str(table.schema_id)
        schemas[schema_id] = f"landing/_schemas/{name}/{schema_id}.avsc"
        _write(lake / schemas[schema_id], json.dumps(table.envelope))
        folder = f"landing/{name}/year=2024/month=01/day=01/hour=00/batch={seq}-{attempt}"
        rows(spark, table, events).coalesce(1).write.mode("append").parquet(f"file://{lake / folder}")
        for path in sorted((lake / folder).glob("*.parquet")):
            relative = path.relative_to(lake).as_posix()
            files.setdefault(
                relative,
                LandedFile(relative, len(events), path.stat().st_size, schema_id),
            )
    ranges = dict.fromkeys({event.partition for _, events in batch for event in events}, (0, 1000000)) or {0: (0, 0)}
    manifest = LandingManifest(
        pipeline=pipeline,
        table=name,
        topic=f"{pipeline}.{name}.cdc",
        epoch=0,
        seq=seq,
        attempt=attempt,
        ranges=ranges,
        files=tuple(files.values()),
        schemas=schemas,
        committed_at="2024-01-01T00:00:00.000Z",
    )
    _write(lake / "landing/_manifests" / name / seq_name(seq), manifest.to_json())
    return manifest


def at(seconds: float) -> datetime:
    """The instant so many seconds after the start of 2024, UTC."""
    return EPOCH_START + timedelta(seconds=seconds)


def micros(seconds: float) -> int:
    """The same as microseconds since 1970."""
    return round(at(seconds).timestamp() * 1_000_000)


def _record(table: Table, event: Event) -> tuple[Any, ...]:
    row = event.row if event.op != "d" else event.before or event.row
    key = event.key or {name: (row or {}).get(name) for name in table.key}
    has_key = table.key and event.op != "t"
    raw_key = e.framed(table.schema_id + 1000, e.avro_bytes(table.key_schema, dict(key))) if has_key else None
    raw_value = None if event.op == "x" else e.avro_bytes(table.envelope, _envelope(table, event))
    value = None if raw_value is None else e.framed(table.schema_id, raw_value)
    kafka = at(event.seconds if event.kafka_seconds is None else event.kafka_seconds)
    headers = [(name, json.dumps(body).encode()) for name, body in event.headers.items()] or None
    return (
        raw_key,
        value,
        f"retail.{table.name}.cdc",
        event.partition,
        event.offset,
        kafka,
        headers,
    )


def _envelope(table: Table, event: Event) -> e.Json:
    after = dict(event.row) if event.row is not None and event.op in "cur" else None
    before = event.before if event.op != "d" else event.before or event.row
    return e.pg_change(
        event.op,
        table.name,
        lsn=event.lsn,
        ts_us=micros(event.seconds),
        before=dict(before) if before is not None else None,
        after=after,
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
