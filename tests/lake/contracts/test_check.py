"""What would break is found before it does: contracts against registry, change log and warehouse."""

from __future__ import annotations

import dataclasses

import pytest

from lake.contracts import check
from lake.contracts.shapes import FoundColumn, FoundTable
from schemas import load_pipeline
from schemas.model import Check, Evolution, SourceContract
from schemas.types import ColumnType
from schemas.writer import DEBEZIUM_TIME, WriterField
from tests.glue_jobs.items import column, contract


def field(name: str, avro: str, semantic: str = "", *, nullable: bool = False) -> FoundColumn:
    written = WriterField(name, avro, semantic, optional=nullable)
    return FoundColumn(name, ColumnType("string"), nullable, "", written)


ITEM = contract(columns=[column("item_id", "bigint", nullable=False), column("made_on", "date")])
THERE = FoundTable(
    "item",
    "shop.item.cdc",
    ("item_id",),
    (field("item_id", "long"), field("made_on", "int", f"{DEBEZIUM_TIME}Date", nullable=True)),
    "topic",
)


def says(source: SourceContract, found: FoundTable | None) -> list[tuple[str, bool]]:
    return [(finding.what, finding.breaks) for finding in check.against_registry(source, found)]


def test_a_contract_that_fits_gives_no_finding() -> None:
    assert says(ITEM, THERE) == []


def test_a_topic_without_a_schema_is_named() -> None:
    assert says(ITEM, None) == [("the registry knows no schema of 'shop.item.cdc'", True)]


def test_another_key_would_break() -> None:
    found = dataclasses.replace(THERE, key=("other",))
    assert ("the topic's key is (other), the contract's (item_id)", True) in says(ITEM, found)


def test_a_type_without_a_rule_would_break() -> None:
    changed = dataclasses.replace(THERE, columns=(THERE.columns[0], field("made_on", "boolean", nullable=True)))
    assert says(ITEM, changed) == [("the source's type (string) cannot become date", True)]


@pytest.mark.parametrize(("nullable", "breaks"), [(True, False), (False, True)])
def test_a_dropped_column_breaks_where_null_may_not_be(nullable: bool, breaks: bool) -> None:
    source = contract(
        columns=[column("item_id", "bigint", nullable=False), column("made_on", "date", nullable=nullable)]
    )
    found = dataclasses.replace(THERE, columns=THERE.columns[:1])
    assert says(source, found) == [("the source has no such column", breaks)]


def test_a_null_that_the_contract_forbids_is_noted() -> None:
    source = contract(columns=[column("item_id", "bigint", nullable=False), column("made_on", "date", nullable=False)])
    assert [breaks for _, breaks in says(source, THERE)] == [False]


@pytest.mark.parametrize(
    ("evolution", "breaks"), [(Evolution.EVOLVE, False), (Evolution.FREEZE, True), (Evolution.DISCARD, True)]
)
def test_a_new_column_breaks_as_the_contract_says(evolution: Evolution, breaks: bool) -> None:
    found = dataclasses.replace(THERE, columns=(*THERE.columns, field("colour", "string")))
    ((what, found_breaks),) = says(dataclasses.replace(ITEM, evolution=evolution), found)
    assert "the source has a column that the contract does not" in what
    assert found_breaks is breaks


def test_the_change_log_must_be_able_to_follow() -> None:
    source = contract(
        columns=[
            column("item_id", "bigint", nullable=False),
            column("price", "decimal(12,2)"),
            column("made_on", "date"),
            column("fresh", "string"),
        ]
    )
    fits = {"item_id": "int", "price": "decimal(10,2)", "made_on": "date"}
    assert list(check.against_change_log(source, fits)) == []
    breaks = {"item_id": "string", "price": "decimal(14,2)", "made_on": "timestamp"}
    assert [finding.where.rsplit(".", 2)[-2] for finding in check.against_change_log(source, breaks)] == [
        "item_id",
        "price",
        "made_on",
    ]


def test_the_warehouse_must_have_the_contracts_columns() -> None:
    retail = load_pipeline("retail")
    wanted = {
        "analytics.dim_customer": {"customer_id": "BIGINT", "segment": "VARCHAR"},
        "analytics.new": {"a": "INTEGER"},
    }
    assert (
        list(check.against_warehouse(retail, wanted, {"analytics.dim_customer": wanted["analytics.dim_customer"]}))
        == []
    )
    found = {"analytics.dim_customer": {"customer_id": "INTEGER", "old": "DATE"}}
    findings = list(check.against_warehouse(retail, wanted, found))
    assert [finding.where for finding in findings] == ["retail/star/dim_customer.yaml"] * 3
    assert [finding.what.split(" ")[0] for finding in findings] == [
        "analytics.dim_customer.customer_id",
        "analytics.dim_customer",
        "analytics.dim_customer",
    ]


def test_checks_are_expressions_over_known_columns() -> None:
    checks = [
        Check("fits", "made_on > DATE '2020-01-01' AND item_id IN (1, 2)"),
        Check("unknown", "made_on > born_on"),
        Check("broken", "made_on >"),
    ]
    findings = list(check.expressions(dataclasses.replace(ITEM, checks=tuple(checks))))
    assert [(finding.where.rsplit(".", 1)[-1], finding.what) for finding in findings] == [
        ("unknown", "no column 'born_on'"),
        ("broken", "its expr is no Spark SQL expression"),
    ]


def test_a_column_named_as_one_of_the_streams_own_is_noted() -> None:
    named = contract(columns=[column("item_id", "bigint", nullable=False), column("position", "int")])
    (finding,) = check.against_stream(named)
    assert finding.where.endswith("item.yaml: columns.position")
    assert "named position" in finding.what
    assert not finding.breaks
    assert not list(check.against_stream(ITEM))
