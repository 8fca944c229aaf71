"""Landing rows become staging rows: the row image of each op, identity, instant, unavailable values, old keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from glue_jobs.staging_tables import change_log
from glue_jobs.transforms import conform as conforming
from glue_jobs.transforms.conform import IncompatibleSchemaError, conform
from glue_jobs.transforms.identity import collapse
from glue_jobs.transforms.types import PLACEHOLDER
from schemas.model import Evolution, SourceContract
from schemas.writer import row_fields
from tests.glue_jobs.items import SOURCE, A, column, contract, create, row, with_column, without_column
from tests.support import envelopes as e
from tests.support.landed import Event, Table, rows

SECOND = datetime(2024, 1, 1)  # noqa: DTZ001 - Spark hands out naive UTC times


def conformed(
    spark: SparkSession,
    events: Sequence[Event],
    table: Table = SOURCE,
    source: SourceContract | None = None,
    extra: dict[str, str] | None = None,
) -> DataFrame:
    landed = rows(spark, table, events).select(F.lit(1).cast("bigint").alias("_ingest_seq"), "*")
    return conform(landed, row_fields(json.dumps(table.envelope)), source or contract(), extra)


def by_offset(found: DataFrame) -> dict[int, Row]:
    return {item["_offset"]: item for item in found.collect()}


def test_each_op_gives_its_row_image(spark: SparkSession) -> None:
    old, new = row(1, label="old"), row(1, label="new")
    events = [
        Event("c", old, 0, lsn=10, seconds=0),
        Event("u", new, 1, lsn=11, seconds=1, before=old),
        Event("d", None, 2, lsn=12, seconds=2, before=new),
        Event("x", None, 3, key={"item_id": 1}),
        Event("r", new, 4, seconds=3),
        Event("t", None, 5, lsn=13, seconds=4),
    ]
    found = by_offset(conformed(spark, events))
    assert {offset: (item["_op"], item["item_id"], item["label"]) for offset, item in found.items()} == {
        0: ("c", 1, "old"),
        1: ("u", 1, "new"),
        2: ("d", 1, "new"),
        4: ("r", 1, "new"),
        5: ("t", None, None),
    }
    assert found[0]["price"] == Decimal("1.50")
    assert found[0]["made_on"] == date(2024, 1, 1)
    assert found[0]["changed_at"] == SECOND
    assert found[4]["_position"] is None


def test_the_columns_are_those_of_the_change_log(spark: SparkSession) -> None:
    found = conformed(spark, [create(1)])
    wanted = {item.name: item.type.replace("`", "").replace(" ", "") for item in change_log(contract()).columns}
    types = {field.name: field.dataType.simpleString() for field in found.schema.fields}
    assert {name: types[name] for name in wanted} == wanted


def test_a_delete_with_nothing_but_the_key_is_whole(spark: SparkSession) -> None:
    before = row(7, label="", price=Decimal(0), made_on=None, changed_at="")
    found = by_offset(conformed(spark, [Event("d", None, 0, lsn=1, before=before)]))[0]
    assert (found["item_id"], found["label"]) == (7, "")


def test_an_unavailable_value_is_null_and_named(spark: SparkSession) -> None:
    found = by_offset(conformed(spark, [create(1, label=PLACEHOLDER, note=PLACEHOLDER), create(2)]))
    assert (found[1]["label"], found[1]["note"]) == (None, None)
    assert found[1]["_unavailable"] == ["label", "note"]
    assert found[1][conforming.FAULTS] is None
    assert found[2]["_unavailable"] == []


def test_what_cannot_be_held_is_null_and_named(spark: SparkSession) -> None:
    events = [create(1, label="much too long", price=Decimal("1.2345"), changed_at="soon"), create(2)]
    found = by_offset(conformed(spark, events))
    assert found[1][conforming.FAULTS] == "type:label,type:price,type:changed_at"
    assert (found[1]["label"], found[1]["price"], found[1]["changed_at"]) == (None, None, None)
    assert found[2][conforming.FAULTS] is None


def test_a_wild_clock_is_held_and_flagged(spark: SparkSession) -> None:
    events = [
        Event("c", row(1), 0, lsn=1, seconds=5, kafka_seconds=6),
        Event("c", row(2), 1, lsn=2, seconds=306, kafka_seconds=6),
        Event("c", row(3), 2, lsn=3, seconds=307, kafka_seconds=6),
        Event("c", row(4), 3, lsn=4, seconds=-86400, kafka_seconds=6),
    ]
    found = by_offset(conformed(spark, events))
    after = {offset: (item["_changed_at"] - SECOND).total_seconds() for offset, item in found.items()}
    assert after == {0: 5, 1: 306, 2: 306, 3: -86400}
    assert [found[offset]["_clock_flagged"] for offset in range(4)] == [False, False, True, False]


def test_without_a_source_time_the_kafka_time_counts(spark: SparkSession) -> None:
    landed = rows(spark, SOURCE, [create(9)]).withColumn("_source_ts", F.lit(None).cast("timestamp"))
    landed = landed.withColumn("_ingest_seq", F.lit(1).cast("bigint"))
    found = conform(landed, row_fields(json.dumps(SOURCE.envelope)), contract()).first()
    assert found is not None
    assert (found["_changed_at"] - SECOND).total_seconds() == 9
    assert found["_clock_flagged"] is False


def test_identity_tells_changes_apart_and_re_emissions_together(spark: SparkSession) -> None:
    first = Event("u", row(1), 0, lsn=10, seconds=1)
    events = [
        first,
        replace(first, offset=1, partition=1, seconds=9, kafka_seconds=99),  # emitted again, later
        replace(first, offset=2, lsn=11),
        replace(first, offset=3, op="c"),
        replace(first, offset=4, row=row(1, note="x")),
        replace(first, offset=5, row=row(1, note="")),
        replace(first, offset=6, row=row(2)),
        replace(first, offset=7, before=row(1)),
        Event("r", row(1), 8),
        Event("r", row(1), 9),
    ]
    identities = [item["_identity"] for _, item in sorted(by_offset(conformed(spark, events)).items())]
    assert identities[0] == identities[1]
    assert len(set(identities)) == len(identities) - 1
    assert all(len(identity) == 32 for identity in identities)


def test_a_new_column_that_is_null_changes_no_identity(spark: SparkSession) -> None:
    wider = with_column("colour", e.nullable(A["text"]), schema_id=8)
    event = create(1)
    again = replace(event, row=row(1, colour=None))
    narrow = by_offset(conformed(spark, [event]))[1]["_identity"]
    assert by_offset(conformed(spark, [again], wider))[1]["_identity"] == narrow


def test_the_epoch_is_part_of_the_identity(spark: SparkSession) -> None:
    fields = row_fields(json.dumps(SOURCE.envelope))
    found = set()
    for epoch in (0, 1):
        landed = rows(spark, SOURCE, [create(1), Event("r", row(1), 2)], epoch=epoch)
        changes = conform(landed.withColumn("_ingest_seq", F.lit(1).cast("bigint")), fields, contract())
        found |= {item["_identity"] for item in changes.select("_identity").collect()}
    assert len(found) == 4


def test_collapse_keeps_the_earliest_of_each_identity(spark: SparkSession) -> None:
    first = Event("u", row(1), 5, lsn=10, seconds=1)
    events = [first, replace(first, offset=3), replace(first, offset=2, partition=1), create(9)]
    left = collapse(conformed(spark, events)).select("_kafka_partition", "_offset").collect()
    assert sorted((item[0], item[1]) for item in left) == [(0, 3), (0, 9)]


def test_the_old_key_comes_from_the_header(spark: SparkSession) -> None:
    header: dict[str, Any] = {"__debezium.oldkey": {"item_id": 3}}
    damaged: dict[str, Any] = {"__debezium.oldkey": {"other": 3}}
    events = [replace(create(1), headers=header), create(2), replace(create(3), headers=damaged)]
    found = by_offset(conformed(spark, events))
    assert found[1]["_old_key"] == Row(item_id=3)
    assert found[2]["_old_key"] is None
    assert found[3]["_old_key"] is None
    assert found[3][conforming.FAULTS] == "header:__debezium.oldkey"


def test_a_decimal_old_key_is_read_from_its_base64_bytes(spark: SparkSession) -> None:
    table = Table("item", ("item_id",), {"item_id": e.decimal(10, 2)})
    source = contract(columns=[column("item_id", "decimal(10,2)", nullable=False)])
    events = [
        Event("c", {"item_id": Decimal("7.00")}, 1, lsn=1, headers={"__debezium.oldkey": {"item_id": "MDk="}}),
    ]  # 0x3039 = 12345
    found = by_offset(conformed(spark, events, table, source))[1]
    assert (found["item_id"], found["_old_key"]["item_id"]) == (Decimal("7.00"), Decimal("123.45"))


def test_a_new_column_is_added_where_the_contract_evolves(spark: SparkSession) -> None:
    wider = with_column("colour", e.nullable(A["text"]), schema_id=8)
    image = conforming.planned(rows(spark, wider, []).schema, row_fields(json.dumps(wider.envelope)), contract())
    assert {name: kind.text for name, kind in conforming.added_columns(image, contract()).items()} == {
        "colour": "string"
    }
    event = replace(create(1), row=row(1, colour="red"))
    assert by_offset(conformed(spark, [event], wider, extra={"colour": "string"}))[1]["colour"] == "red"
    assert by_offset(conformed(spark, [create(1)], SOURCE, extra={"colour": "string"}))[1]["colour"] is None


def test_a_new_column_stops_a_frozen_table(spark: SparkSession) -> None:
    wider = with_column("colour", e.nullable(A["text"]), schema_id=8)
    with pytest.raises(IncompatibleSchemaError, match="colour"):
        conformed(spark, [], wider, contract(evolution=Evolution.FREEZE))


def test_rows_that_carry_a_new_column_are_named_where_it_is_discarded(spark: SparkSession) -> None:
    wider = with_column("colour", e.nullable(A["text"]), schema_id=8)
    events = [replace(create(1), row=row(1, colour="red")), replace(create(2), row=row(2, colour=None))]
    found = by_offset(conformed(spark, events, wider, contract(evolution=Evolution.DISCARD)))
    assert found[1][conforming.NEW_COLUMNS] == "evolution:colour"
    assert found[2][conforming.NEW_COLUMNS] is None


@pytest.mark.parametrize(
    ("table", "source", "says"),
    [
        (without_column("label", 9), contract(), "column label is gone"),
        (replace(SOURCE, columns={**SOURCE.columns, "price": A["bytes"]}), contract(), "column price: bytes cannot"),
        (
            Table("item", (), {name: kind for name, kind in SOURCE.columns.items() if name != "item_id"}),
            contract(),
            "key column item_id is gone",
        ),
    ],
)
def test_an_incompatible_schema_is_named_with_a_remedy(
    spark: SparkSession, table: Table, source: SourceContract, says: str
) -> None:
    with pytest.raises(IncompatibleSchemaError) as caught:
        conformed(spark, [], table, source)
    assert says in str(caught.value)
    assert "shop/sources/item.yaml" in str(caught.value)
    assert "remedy" in str(caught.value)


def test_a_nullable_column_that_is_gone_is_null(spark: SparkSession) -> None:
    event = Event("c", {name: value for name, value in row(1).items() if name != "note"}, 1, lsn=1)
    assert by_offset(conformed(spark, [event], without_column("note", 9)))[1]["note"] is None


def test_the_envelope_is_kept_for_quarantine(spark: SparkSession) -> None:
    kept = json.loads(by_offset(conformed(spark, [create(1, label="much too long")]))[1][conforming.ENVELOPE])
    assert kept["op"] == "c"
    assert kept["key"] == {"item_id": 1}
    assert kept["after"]["label"] == "much too long"
    assert kept["source"]["lsn"] == 101
