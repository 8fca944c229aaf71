"""Landing data without Kafka: records made here go through the real decoding, writing and manifest commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lake.store import store_for
from schemas.manifests import LandingManifest
from streaming.envelope import KAFKA_SCHEMA
from streaming.landing import TableLanding
from streaming.registry import SchemaCache
from streaming.target import Target
from tests.support.envelopes import Json, avro_bytes, framed, schema_text

T0 = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """A Kafka record."""

    value: bytes | None
    key: bytes | None
    offset: int
    partition: int = 0
    topic: str = "retail.customer.cdc"
    timestamp: datetime = T0
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass
class FixedRegistry:
    """A registry with given schemas; counts what it is asked."""

    schemas: Mapping[str, str]
    asked: list[str] = field(default_factory=list)
    name: str = "fixed"

    def schema(self, schema_id: str) -> str | None:
        """Text by id, `None` for an unknown one."""
        self.asked.append(schema_id)
        return self.schemas.get(schema_id)


@dataclass(frozen=True)
class Events:
    """Encodes keys and changes of one table with fixed schema ids: key 1, value 2 unless told."""

    key_schema: Json
    value_schema: Json
    key_id: int = 1
    value_id: int = 2

    def record(self, key: Json | None, value: Json | None, offset: int, **kafka: Any) -> Record:
        """A record with framed key and value; a `None` value is a tombstone."""
        key_bytes = None if key is None else framed(self.key_id, avro_bytes(self.key_schema, key))
        value_bytes = None if value is None else framed(self.value_id, avro_bytes(self.value_schema, value))
        return Record(value_bytes, key_bytes, offset, **kafka)

    @property
    def texts(self) -> dict[str, str]:
        """Both schemas as a registry holds them."""
        return {str(self.key_id): schema_text(self.key_schema), str(self.value_id): schema_text(self.value_schema)}


def kafka_frame(spark: SparkSession, records: Iterable[Record]) -> DataFrame:
    """Records in the shape of Spark's Kafka source."""
    rows = [
        (
            None if r.key is None else bytearray(r.key),
            None if r.value is None else bytearray(r.value),
            r.topic,
            r.partition,
            r.offset,
            r.timestamp,
            [(name, None if value is None else bytearray(value)) for name, value in r.headers] or None,
        )
        for r in records
    ]
    return spark.createDataFrame(rows, KAFKA_SCHEMA)


def land(
    spark: SparkSession,
    lake_uri: str,
    records: Sequence[Record],
    schemas: Mapping[str, str],
    *,
    table: str = "customer",
    pipeline: str = "retail",
    epoch: int = 0,
) -> LandingManifest:
    """Lands the records as the next batch of the table, as hop 1 does, and gives the manifest.

    Args:
        spark: a session in UTC.
        lake_uri: root of the lake.
        records: Kafka records of one topic; offsets at or after what is committed.
        schemas: registry content, schema text by id.
        table: contract name.
        pipeline: name of the pipeline.
        epoch: epoch of the table.
    """
    target = Target(pipeline, table, records[0].topic, epoch=epoch)
    landing = TableLanding.resume(spark, store_for(lake_uri), target, SchemaCache(FixedRegistry(schemas), patience=0))
    partitions = {r.partition for r in records}
    first = {p: min(r.offset for r in records if r.partition == p) for p in partitions}
    ends = {p: max(r.offset for r in records if r.partition == p) + 1 for p in partitions}
    starts = {p: landing.committed.get(p, first[p]) for p in partitions}
    manifest = landing.land(kafka_frame(spark, records), starts, ends)
    assert manifest is not None, "these offsets are committed already"
    return manifest
