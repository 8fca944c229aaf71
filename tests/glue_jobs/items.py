"""A small table for the tests of hop 2: its contract and its source, in Debezium's encodings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from schemas.model import Check, Evolution, Expectation, Pipeline, SourceColumn, SourceContract
from schemas.types import ColumnType
from tests.support import envelopes as e
from tests.support.landed import Event, Table

A = e.AVRO
COLUMNS: Mapping[str, e.AvroType] = {
    "item_id": A["bigint"],
    "label": A["text"],
    "note": e.nullable(A["text"]),
    "price": e.decimal(12, 4),
    "made_on": e.nullable(A["date"]),
    "changed_at": A["timestamptz"],
}
SOURCE = Table("item", ("item_id",), COLUMNS)


def column(name: str, kind: str, *, nullable: bool = True) -> SourceColumn:
    return SourceColumn(name, ColumnType(kind), nullable)


def contract(
    pipeline: str = "shop",
    *,
    checks: Sequence[Check] = (),
    expectations: Sequence[Expectation] = (),
    evolution: Evolution = Evolution.EVOLVE,
    columns: Sequence[SourceColumn] | None = None,
) -> SourceContract:
    return SourceContract(
        pipeline=pipeline,
        table="item",
        topic=f"{pipeline}.item.cdc",
        key=("item_id",),
        columns=tuple(
            columns
            or (
                column("item_id", "bigint", nullable=False),
                column("label", "varchar(10)", nullable=False),
                column("note", "string"),
                column("price", "decimal(10,2)", nullable=False),
                column("made_on", "date"),
                column("changed_at", "timestamp", nullable=False),
            )
        ),
        checks=tuple(checks),
        expectations=tuple(expectations),
        evolution=evolution,
    )


def pipeline_of(source: SourceContract) -> Pipeline:
    return Pipeline(source.pipeline, "", {source.table: source}, {}, {}, {}, {})


def with_column(name: str, avro: e.AvroType, schema_id: int) -> Table:
    """The source with one more column."""
    return replace(SOURCE, columns={**COLUMNS, name: avro}, schema_id=schema_id)


def without_column(name: str, schema_id: int) -> Table:
    """The source with one column less."""
    left = {column: avro for column, avro in COLUMNS.items() if column != name}
    return replace(SOURCE, columns=left, schema_id=schema_id)


def row(item_id: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "label": "apple",
        "note": None,
        "price": Decimal("1.5000"),
        "made_on": 19723,
        "changed_at": "2024-01-01T00:00:00Z",
    } | values


def create(offset: int, item_id: int | None = None, **values: Any) -> Event:
    return Event("c", row(offset if item_id is None else item_id, **values), offset, lsn=100 + offset, seconds=offset)
