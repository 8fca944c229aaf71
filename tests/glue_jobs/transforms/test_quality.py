"""Row checks: which rows they reject, under which names, and which rows they leave alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs.transforms import measures, quality
from glue_jobs.transforms.conform import conform
from glue_jobs.transforms.types import PLACEHOLDER
from schemas.model import Check, Evolution, Severity, SourceContract
from schemas.writer import row_fields
from tests.glue_jobs.items import SOURCE, A, column, contract, create, row, with_column
from tests.support import envelopes as e
from tests.support.landed import Event, Table, rows

CHECKS = (
    Check("price_positive", "price > 0", Severity.REJECT),
    Check("note_short", "length(note) < 5", Severity.REJECT),
    Check("made_lately", "made_on > DATE '2020-01-01'", Severity.WARN),
)


def reasons(
    spark: SparkSession, events: Sequence[Event], source: SourceContract | None = None, table: Table = SOURCE
) -> dict[int, str | None]:
    landed = rows(spark, table, events).withColumn("_ingest_seq", F.lit(1).cast("bigint"))
    source = source or contract(checks=CHECKS)
    judged = quality.judged(conform(landed, row_fields(json.dumps(table.envelope)), source), source)
    return {item["_offset"]: item[quality.REASON] for item in judged.select("_offset", quality.REASON).collect()}


def test_a_row_is_rejected_by_the_names_of_its_failed_checks(spark: SparkSession) -> None:
    events = [
        create(1),
        create(2, price=Decimal(0)),
        create(3, price=Decimal(-1), note="too long"),
        create(4, note=None),  # NULL passes
        create(5, made_on=0),  # warns only
        create(6, label="much too long", price=Decimal(0)),
    ]
    assert reasons(spark, events) == {
        1: None,
        2: "price_positive",
        3: "price_positive,note_short",
        4: None,
        5: None,
        6: "type:label,null:label,price_positive",
    }


def test_deletes_and_truncates_are_not_held_to_values(spark: SparkSession) -> None:
    events = [
        Event("d", None, 1, lsn=1, before=row(1, label="much too long", price=Decimal(-1), changed_at="")),
        Event("t", None, 2, lsn=2),
    ]
    assert reasons(spark, events) == {1: None, 2: None}


def test_a_delete_without_its_key_is_rejected(spark: SparkSession) -> None:
    optional = Table("item", ("item_id",), {**SOURCE.columns, "item_id": e.nullable(A["bigint"])})
    events = [Event("d", None, 1, lsn=1, before=row(1), key={"item_id": None})]
    assert reasons(spark, events, table=optional) == {1: "key:item_id"}


def test_an_unavailable_value_is_no_missing_value(spark: SparkSession) -> None:
    assert reasons(spark, [create(1, label=PLACEHOLDER, note=PLACEHOLDER)]) == {1: None}


def test_an_upsert_without_a_row_is_rejected(spark: SparkSession) -> None:
    source = contract(columns=[column("item_id", "bigint", nullable=False), column("note", "string")])
    assert reasons(spark, [Event("u", None, 1, lsn=1, key={"item_id": 1})], source) == {1: "envelope:no_row_image"}


def test_a_discarded_column_rejects_the_rows_that_carry_it(spark: SparkSession) -> None:
    table = with_column("colour", e.nullable(A["text"]), 8)
    events = [
        Event("c", row(1, colour="red"), 1, lsn=1),
        Event("c", row(2, colour=None), 2, lsn=2),
        Event("d", None, 3, lsn=3, before=row(1, colour="red")),
    ]
    source = contract(evolution=Evolution.DISCARD)
    assert reasons(spark, events, source, table) == {1: "evolution:colour", 2: None, 3: None}


def test_warnings_are_checks_apart(spark: SparkSession) -> None:
    source = contract(checks=CHECKS)
    assert [check.name for check in quality.warning(source)] == ["made_lately"]
    assert "made_lately" not in [check.name for check in quality.rejecting(source)]


def test_measures_count_what_great_expectations_counts(spark: SparkSession) -> None:
    values = [(1, "a", True), (None, "b", True), (5, None, True), (9, "zzz", False)]
    data = spark.createDataFrame(values, "n int, s string, kept boolean")
    kept = F.col("kept")
    cases: list[tuple[str, dict[str, Any], Any]] = [
        ("table.row_count", {}, 3),
        ("column_values.nonnull.unexpected_count", {"column": "n"}, 1),
        ("column_values.null.unexpected_count", {"column": "n"}, 2),
        ("column_values.between.unexpected_count", {"column": "n", "min_value": 1, "max_value": 4}, 1),
        ("column_values.between.unexpected_count", {"column": "n", "min_value": 1, "strict_min": True}, 1),
        ("column_values.in_set.unexpected_count", {"column": "s", "value_set": ["a"]}, 1),
        ("column_values.not_in_set.unexpected_count", {"column": "s", "value_set": ["a"]}, 1),
        ("column_values.match_regex.unexpected_count", {"column": "s", "regex": "^a$"}, 1),
        ("column_values.not_match_regex.unexpected_count", {"column": "s", "regex": "^a$"}, 1),
        ("column_values.value_length.between.unexpected_count", {"column": "s", "min_value": 2}, 2),
        ("column_values.value_length.equals.unexpected_count", {"column": "s", "value": 1}, 0),
        ("column.max", {"column": "n"}, 5),
        ("column.min", {"column": "n"}, 1),
        ("column.mean", {"column": "n"}, 3.0),
        ("column.sum", {"column": "n"}, 6),
    ]
    columns = [measures.aggregate(metric, arguments, kept) for metric, arguments, _ in cases]
    found = data.agg(*(item.alias(str(i)) for i, item in enumerate(columns) if item is not None)).first()
    assert list(found or ()) == [expected for _, _, expected in cases]
    assert measures.aggregate("column_values.unique.unexpected_count", {"column": "n"}, kept) is None
