"""The model's changes as rows of a staging change log, and dimension rows as the model's versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pyspark.sql import DataFrame, Row, SparkSession

from schemas.model import Attribute, DeletePolicy, Dimension, KeyColumn, Pipeline, SourceColumn, SourceContract
from schemas.types import ColumnType
from tests.reference.history import BEGINNING_OF_TIME, Change, Policies, _Unavailable

STRING: Final = ColumnType("string")
SCHEMA: Final = (
    "_ingest_seq bigint, _kafka_partition int, _offset bigint, _kafka_ts timestamp, _epoch int, _op string, "
    "_position string, _identity string, _source_ts timestamp, _changed_at timestamp, _unavailable array<string>, "
    "_old_key struct<id:bigint>, id bigint, segment string, region string, address string"
)
ORIGIN_INSTANT: Final = datetime(1900, 1, 1)  # noqa: DTZ001 - Spark hands out naive UTC times
NAMES: Final = ("segment", "region", "address")


def source_contract(table: str = "party") -> SourceContract:
    """Contract of the table that the model's changes are of."""
    columns = (
        SourceColumn("id", ColumnType("bigint"), nullable=False),
        *(SourceColumn(name, STRING) for name in NAMES),
    )
    return SourceContract("test", table, f"test.{table}", ("id",), columns)


def dimension(
    hard_delete: Literal["close", "new_record", "ignore"] = "close",
    truncate: Literal["close", "ignore"] = "close",
    *,
    first_snapshot_at_origin: bool = True,
    name: str = "dim_party",
) -> Dimension:
    """The dimension that the model's policies describe."""
    return Dimension(
        name=name,
        grain="one row per party and version",
        source="party",
        surrogate_key="party_sk",
        business_key=(KeyColumn("party_id", ColumnType("bigint"), "id"),),
        attributes=(
            Attribute("segment", STRING, "segment", 2),
            Attribute("region", STRING, "region", 2),
            Attribute("address", STRING, "address", 1),
        ),
        hard_delete=DeletePolicy(hard_delete),
        truncate=DeletePolicy(truncate),
        first_snapshot_at_origin=first_snapshot_at_origin,
    )


def dimension_for(policies: Policies, name: str = "dim_party") -> Dimension:
    """As `dimension`, from the model's policies."""
    at_origin = policies.first_snapshot_at_origin
    return dimension(policies.hard_delete, policies.truncate, first_snapshot_at_origin=at_origin, name=name)


def pipeline_of(name: str, dimensions: Sequence[Dimension]) -> Pipeline:
    """A pipeline of one source and the dimensions it feeds."""
    source = replace(source_contract(), pipeline=name)
    return Pipeline(name, "", {"party": source}, {item.name: item for item in dimensions}, {}, {}, {})


def instant(seconds: int) -> datetime:
    """The model's instant as a naive UTC time, as Spark hands it out."""
    if seconds <= BEGINNING_OF_TIME:
        return ORIGIN_INSTANT
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def staging_row(change: Change, tolerance: int, seq: int = 1) -> tuple[Any, ...]:
    """One change as staging has it: `_changed_at` bounded by Kafka's time, unavailable values NULL and named."""
    values = dict(change.attributes)
    unavailable = [name for name, value in values.items() if isinstance(value, _Unavailable)]
    row = [None if isinstance(value, _Unavailable) else value for value in (values.get(name) for name in NAMES)]
    changed_at = min(change.source_ts, change.kafka_ts + tolerance)
    return (
        seq,
        change.partition,
        change.offset,
        instant(change.kafka_ts).replace(tzinfo=UTC),
        change.epoch,
        change.op,
        change.position,
        change.identity,
        instant(change.source_ts).replace(tzinfo=UTC),
        instant(changed_at).replace(tzinfo=UTC),
        unavailable,
        None if change.old_key is None else Row(id=change.old_key[0]),
        None if change.key is None else change.key[0],
        *row,
    )


def staging_frame(spark: SparkSession, log: Iterable[Change], tolerance: int, seq: int = 1) -> DataFrame:
    """A change log as a DataFrame of `SCHEMA`."""
    return spark.createDataFrame([staging_row(change, tolerance, seq) for change in log], SCHEMA)


def as_model_rows(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """Dimension rows as the model's `Version.as_row` gives them, sorted; inferred and unknown members left out."""
    found: list[tuple[object, ...]] = [
        (
            (row.party_id,),
            BEGINNING_OF_TIME if row.effective_from == ORIGIN_INSTANT else _seconds(row.effective_from),
            None if row.effective_to is None else _seconds(row.effective_to),
            (("address", row.address), ("region", row.region), ("segment", row.segment)),
            row.is_deleted,
            row.is_incomplete,
            row.version_identity,
        )
        for row in rows
        if not row.is_inferred and row.party_sk != -1
    ]
    return sorted(found, key=lambda row: row[:2])


def _seconds(value: datetime) -> int:
    return int(value.replace(tzinfo=UTC).timestamp())
