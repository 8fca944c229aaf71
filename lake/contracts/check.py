"""Contracts against what exists: what would break, where, and what to do. Pure; `lake.contracts.facts` asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from glue_jobs.transforms.types import fits
from lake.contracts.shapes import FoundTable
from redshift_sql.stream import RENAME, taken_names
from schemas.model import Evolution, Pipeline, SourceContract
from schemas.types import ColumnType


@dataclass(frozen=True)
class Finding:
    """Something that does not fit; `breaks` where it would stop a table or quarantine rows, else only worth knowing."""

    where: str
    what: str
    remedy: str
    breaks: bool = True

    def to_json(self) -> dict[str, object]:
        """As `--json` shows it."""
        return {"where": self.where, "what": self.what, "remedy": self.remedy, "breaks": self.breaks}


def against_registry(contract: SourceContract, found: FoundTable | None) -> Iterator[Finding]:
    """A source contract against the newest schemas of its topic.

    Args:
        contract: the contract.
        found: the table as the registry has it; None where the registry has no schema of the topic.
    """
    where = _file(contract)
    if found is None:
        remedy = "check the topic's name; a topic has a schema once its first record is written"
        yield Finding(f"{where}: topic", f"the registry knows no schema of '{contract.topic}'", remedy)
        return
    if found.key and set(found.key) != set(contract.key):
        what = f"the topic's key is ({', '.join(found.key)}), the contract's ({', '.join(contract.key)})"
        yield Finding(f"{where}: key", what, "name the topic's key columns")
    columns = {column.name: column for column in found.columns}
    for column in contract.columns:
        there = columns.get(column.name)
        place = f"{where}: columns.{column.name}"
        if there is None:
            if column.name in contract.key and column.name in found.key:
                continue
            remedy = "remove the column, or say nullable: true to keep its history"
            yield Finding(place, "the source has no such column", remedy, breaks=not column.nullable)
        elif there.field is not None and not fits(there.field, column.type):
            what = f"the source's type ({there.type.text}) cannot become {column.type.text}"
            yield Finding(place, what, f"say {there.type.text}")
        elif there.nullable and not column.nullable and column.name not in found.key:
            what = "the source allows NULL, the contract does not: such rows go to quarantine"
            yield Finding(place, what, "say nullable: true if NULL may come", breaks=False)
    yield from _new_columns(contract, [name for name in columns if name not in contract.by_name])


def _new_columns(contract: SourceContract, names: Sequence[str]) -> Iterator[Finding]:
    effects = {
        Evolution.EVOLVE: ("the change log gets it, the star does not", False),
        Evolution.FREEZE: ("the table stops (evolution: freeze)", True),
        Evolution.DISCARD: ("rows that carry it go to quarantine (evolution: discard)", True),
    }
    what, breaks = effects[contract.evolution]
    for name in names:
        place = f"{_file(contract)}: columns.{name}"
        yield Finding(place, f"the source has a column that the contract does not: {what}", "add it to columns", breaks)


def against_stream(contract: SourceContract) -> Iterator[Finding]:
    """A source contract against the columns that the stream beside the batch has of its own."""
    for name in taken_names(contract):
        what = f"the stream's views have a column of their own named {name}: they cannot be made over this table"
        yield Finding(f"{_file(contract)}: columns.{name}", what, RENAME, breaks=False)


_WIDER: Final = {("int", "bigint"), ("float", "double")}


def against_change_log(contract: SourceContract, found: Mapping[str, str]) -> Iterator[Finding]:
    """A source contract against its change log (Spark SQL type by column; empty where there is none yet)."""
    for column in contract.columns:
        there = found.get(column.name)
        if there is None or there == column.type.spark or _widens(there, column.type):
            continue
        what = f"the change log holds {there}, which cannot become {column.type.spark}"
        yield Finding(f"{_file(contract)}: columns.{column.name}.type", what, "keep its type, or use a new name")


def _widens(old: str, new: ColumnType) -> bool:
    if (old, new.spark) in _WIDER:
        return True
    if not old.startswith("decimal(") or new.kind != "decimal":
        return False
    precision, scale = (int(part) for part in old[len("decimal(") : -1].split(","))
    return new.sizes[1] == scale and new.sizes[0] > precision


def against_warehouse(
    pipeline: Pipeline, wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """The star against the warehouse's tables that exist; both as type by column by qualified table."""
    for table, columns in wanted.items():
        there = found.get(table)
        if there is None:
            continue
        name = table.split(".", 1)[1]
        place = f"{pipeline.name}/star/{_star_file(pipeline, name)}.yaml"
        for column, kind in columns.items():
            if column not in there:
                remedy = "see: lake warehouse plan"
                yield Finding(place, f"{table} in the warehouse has no column {column}", remedy)
            elif there[column] != kind:
                what = f"{table}.{column} is {there[column]} in the warehouse, {kind} in the contract"
                yield Finding(place, what, "keep the contract's type, or see: lake warehouse plan")
        for column in there:
            if column not in columns:
                what = f"{table} in the warehouse has a column {column} that the contract does not"
                yield Finding(place, what, "put it back, or see: lake warehouse plan")


def _star_file(pipeline: Pipeline, table: str) -> str:
    """The star table that a table of the warehouse belongs to: `dim_customer_log` to `dim_customer`."""
    names = (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts, *pipeline.aggregates)
    return max((name for name in names if table == name or table.startswith(f"{name}_")), key=len, default=table)


def expressions(contract: SourceContract) -> Iterator[Finding]:
    """Row checks that are no expression, or name a column that is not there."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    for check in contract.checks:
        place = f"{_file(contract)}: checks.{check.name}"
        try:
            tree = sqlglot.parse_one(check.expr, read="spark")
        except SqlglotError:
            yield Finding(place, "its expr is no Spark SQL expression", "correct its expr")
            continue
        for name in sorted({item.name.lower() for item in tree.find_all(exp.Column)} - set(contract.by_name)):
            yield Finding(place, f"no column '{name}'", f"use one of {', '.join(sorted(contract.by_name))}")


def _file(contract: SourceContract) -> str:
    return f"{contract.pipeline}/sources/{contract.table}.yaml"
