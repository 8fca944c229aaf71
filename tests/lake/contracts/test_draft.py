"""Drafts of contracts: from a registry's schema or a live table's columns to files that load and fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lake.contracts import check
from lake.contracts.draft import drafts
from lake.contracts.shapes import FoundColumn, FoundTable, table_of
from schemas import load_pipeline
from schemas.errors import ContractError
from schemas.model import Dimension, Pipeline
from schemas.parse import parse_pipeline
from schemas.types import ColumnType
from schemas.writer import row_fields, suggested_type
from tests.support import envelopes as e


def found(
    columns: Mapping[str, str], *, key: tuple[str, ...] = ("supplier_id",), table: str = "supplier"
) -> FoundTable:
    """A table of columns by contract type; a `?` after the type allows NULL."""
    return FoundTable(
        table,
        f"retail.{table}.cdc",
        key,
        tuple(FoundColumn(name, ColumnType(kind.rstrip("?")), kind.endswith("?")) for name, kind in columns.items()),
        f"table public.{table}",
    )


SUPPLIER = found(
    {
        "supplier_id": "bigint",
        "name": "string",
        "contact_email": "varchar(320)?",
        "birth_date": "date?",
        "status": "varchar(32)",
        "rating": "decimal(5,2)?",
        "is_current": "boolean",
        "updated_at": "timestamp",
    }
)


def written(folder: Path, table: FoundTable, dimensions: Mapping[str, Dimension] | None = None) -> Pipeline:
    for draft in drafts(table, dimensions or {}):
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft.text)
    (folder / "pipeline.yaml").write_text("pipeline: drafted\n")
    return parse_pipeline(folder)


def test_a_draft_loads_and_passes_the_check(tmp_path: Path) -> None:
    pipeline = written(tmp_path, SUPPLIER)
    source = pipeline.sources["supplier"]
    assert (source.key, source.topic) == (("supplier_id",), "retail.supplier.cdc")
    assert {c.name: (c.type.text, c.nullable) for c in source.columns}["rating"] == ("decimal(5,2)", True)
    assert list(check.expressions(source)) == []
    assert list(check.against_registry(source, SUPPLIER)) == []


def test_guesses_are_made_by_name_and_marked(tmp_path: Path) -> None:
    pipeline = written(tmp_path, SUPPLIER)
    pii = {c.name: str(c.pii) for c in pipeline.sources["supplier"].columns}
    assert (pii["contact_email"], pii["birth_date"], pii["rating"]) == ("direct", "quasi", "none")
    scd = {a.name: a.scd for a in pipeline.dimensions["dim_supplier"].attributes}
    assert scd == {"name": 1, "contact_email": 1, "birth_date": 1, "status": 2, "rating": 1, "source_is_current": 1}
    text = (tmp_path / "sources/supplier.yaml").read_text()
    assert "decide: is it personal?" in text
    assert "# decide" in (tmp_path / "star/dim_supplier.yaml").read_text()


def test_a_table_that_refers_to_dimensions_becomes_a_fact(tmp_path: Path) -> None:
    visits = found(
        {
            "visit_id": "bigint",
            "customer_id": "bigint?",
            "visited_on": "timestamp",
            "pages": "int",
            "updated_at": "timestamp",
        },
        key=("visit_id",),
        table="visit",
    )
    retail = load_pipeline("retail")
    source, star = drafts(visits, retail.dimensions)
    assert star.path == "star/fact_visit.yaml"
    body = yaml.safe_load(star.text)
    assert body["event_time"] == {"name": "visited_on", "from": "visit.visited_on"}
    assert body["dimensions"] == {
        "customer_sk": {"dimension": "dim_customer", "keys": {"customer_id": "visit.customer_id"}}
    }
    assert body["columns"] == {"pages": {"type": "int", "expr": "visit.pages", "measure": True}}
    folder = Path(str(__import__("schemas").__path__[0])) / "retail"
    for file in folder.rglob("*.yaml"):
        copy = tmp_path / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    for draft in (source, star):
        (tmp_path / draft.path).write_text(draft.text)
    assert parse_pipeline(tmp_path).facts["fact_visit"].base == "visit"


def test_a_composite_key_and_a_table_of_keys_alone(tmp_path: Path) -> None:
    table = found({"a_id": "int", "b_id": "uuid"}, key=("b_id", "a_id"), table="link")
    pipeline = written(tmp_path, table)
    assert pipeline.sources["link"].key == ("b_id", "a_id")
    assert [key.name for key in pipeline.dimensions["dim_link"].business_key] == ["b_id", "a_id"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (replace(SUPPLIER, table="Order Items; DROP"), "the table has a name that contracts cannot hold"),
        (replace(SUPPLIER, key=("Supplier Id",)), "the key column has a name"),
        (replace(SUPPLIER, key=()), "the table has no key"),
    ],
)
def test_names_and_keys_that_contracts_cannot_hold_are_named(table: FoundTable, says: str) -> None:
    with pytest.raises(ContractError, match=says) as caught:
        drafts(table, {})
    assert caught.value.remedy


def test_a_column_with_a_hostile_name_is_left_out_and_said(tmp_path: Path) -> None:
    hostile = 'x": {type: int}\nkey: [evil'
    columns = (*SUPPLIER.columns, FoundColumn(hostile, ColumnType("int"), True, 'a "quoted"\ncomment: here'))
    pipeline = written(tmp_path, replace(SUPPLIER, columns=columns))
    assert pipeline.sources["supplier"].key == ("supplier_id",)
    assert "is left out" in (tmp_path / "sources/supplier.yaml").read_text()


def test_a_comment_of_the_source_cannot_break_the_file(tmp_path: Path) -> None:
    comment = 'it\'s "so": }\n- {a: b} # c'
    columns = tuple(replace(item, comment=comment) for item in SUPPLIER.columns)
    pipeline = written(tmp_path, replace(SUPPLIER, columns=columns))
    assert {item.description for item in pipeline.sources["supplier"].columns} == {comment}


def test_every_avro_type_of_the_source_gets_a_type_that_holds_it(tmp_path: Path) -> None:
    columns: dict[str, e.AvroType] = {f"c_{name}": e.nullable(kind) for name, kind in e.AVRO.items()}
    columns["c_money"] = e.decimal(19, 2)
    columns["supplier_id"] = e.AVRO["bigint"]
    text = json.dumps(e.envelope_schema("supplier", columns))
    fields = row_fields(text)
    registered = FoundTable(
        "supplier",
        "retail.supplier.cdc",
        ("supplier_id",),
        tuple(FoundColumn(item.name, suggested_type(item), item.optional, "", item) for item in fields),
        "topic",
    )
    pipeline = written(tmp_path, registered)
    assert list(check.against_registry(pipeline.sources["supplier"], registered)) == []


def test_the_topic_names_the_table() -> None:
    assert [table_of(topic) for topic in ("retail.customer.cdc", "Sales.dbo.Order-Line", "plain")] == [
        "customer",
        "order_line",
        "plain",
    ]
