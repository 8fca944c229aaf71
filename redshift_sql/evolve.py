"""Tables as they are found against tables as contracts want them: the steps between, as data.

Nothing here runs anything. What Redshift's ALTER TABLE allows decides how a step is done: one column is added a
statement, at the end, never a distribution or sort key; only a VARCHAR's size is altered in place, and not inside a
transaction (https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html). All else makes the table anew and takes
its rows over. The order of columns counts in load tables alone, which COPY fills by position and which hold nothing
between loads; every other statement names its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, partial
from typing import Final

from redshift_sql import contexts, shapes
from redshift_sql.plan import schema_plan
from redshift_sql.render import Context, Item, statements
from redshift_sql.statements import Statement, flat
from schemas.errors import LakeError
from schemas.model import Dimension, Fact, Pipeline

Found = Mapping[str, Mapping[str, str]]
"""Redshift type by column, in table order, by qualified table name. A `varchar` without a size has no bound."""

_TYPE: Final = re.compile(r"^([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?$")
_CREATED: Final = re.compile(r"^create table if not exists (\S+) \(", re.MULTILINE)
_INTEGERS: Final = ("smallint", "integer", "bigint")
_FLOATS: Final = ("real", "double precision")


class EvolutionError(LakeError):
    """A table cannot follow its contract."""


class Change(StrEnum):
    """What a step does to a table."""

    CREATE = "create"
    """It is not there; every load makes what is missing, so this needs no migration."""
    RENEW = "renew"
    """Dropped and made again: it holds nothing that is not elsewhere."""
    ADD = "add"
    """A column more, at the end."""
    WIDEN = "widen"
    """A longer VARCHAR, in place."""
    REBUILD = "rebuild"
    """Made anew, the rows taken over: a type widens, or a column goes (which is destructive)."""
    DROP = "drop"
    """Gone: the mirror of a source table whose contract says that it has none, and its load table."""
    IMPOSSIBLE = "impossible"
    """A key or a technical column differs: another table name, or another warehouse."""


@dataclass(frozen=True)
class Step:
    """One change of one table; `then` names what is computed again after it (`recompute dim_x`, `refill agg_x`)."""

    table: str
    change: Change
    what: str
    columns: tuple[str, ...] = ()
    destructive: bool = False
    statements: tuple[Statement, ...] = ()
    then: str = ""


def evolution(pipeline: Pipeline, found: Found) -> tuple[Step, ...]:
    """The steps from the tables as they are to the tables that contracts want; empty when they fit.

    Args:
        pipeline: the contracts.
        found: the tables of the schemas `staging` and `analytics`; those of no contract are left alone.
    """
    create: dict[str, Statement] = {}
    for statement in flat(schema_plan(pipeline)):
        if match := _CREATED.search(statement.sql):
            create[match[1].replace('"', "")] = statement
    kept = tuple(
        step
        for table, columns in shapes.columns_of(pipeline).items()
        for step in _steps(_Table(pipeline, table, columns, found.get(table), create[table]))
    )
    return (*kept, *map(_dropped, _unmirrored(pipeline, found)))


def _unmirrored(pipeline: Pipeline, found: Found) -> Iterator[str]:
    """Mirrors that are there, of sources that have none. No other table has such a name: contracts are held to that."""
    for name in pipeline.sources.keys() - pipeline.mirrors.keys():
        yield from (table for table in (f"staging.{name}_load", f"staging.{name}") if table in found)


def widens(found: str, wanted: str) -> bool:
    """Whether every value of one Redshift type is a value of the other, and the types differ."""
    old, new = _parsed(found), _parsed(wanted)
    if old[0] in _INTEGERS and new[0] in _INTEGERS:
        return _INTEGERS.index(old[0]) < _INTEGERS.index(new[0])
    if old[0] in _FLOATS and new[0] in _FLOATS:
        return _FLOATS.index(old[0]) < _FLOATS.index(new[0])
    if old[0] != new[0] or old == new:
        return False
    if old[0] == "decimal":
        return new[2] >= old[2] and new[1] - new[2] >= old[1] - old[2]
    return bool(old[1]) and new[1] > old[1]


def fits(found: str, wanted: str) -> bool:
    """Whether a column of one Redshift type may stand where the other is wanted."""
    family, size, _ = _parsed(found)
    return found == wanted or (family in ("varchar", "varbyte") and not size and _parsed(wanted)[0] == family)


def _parsed(kind: str) -> tuple[str, int, int]:
    match = _TYPE.match(kind)
    if match is None:
        return kind, 0, 0
    return match[1], int(match[2] or 0), int(match[3] or 0)


@dataclass(frozen=True)
class _Table:
    """One table: the columns wanted and found (None: no such table), and the statement that creates it."""

    pipeline: Pipeline
    table: str
    wanted: shapes.Columns
    found: Mapping[str, str] | None
    created: Statement

    @property
    def name(self) -> str:
        return self.table.split(".", 1)[1]

    @property
    def present(self) -> Mapping[str, str]:
        return self.found or {}

    @cached_property
    def missing(self) -> shapes.Columns:
        return tuple(item for item in self.wanted if item.name not in self.present)

    @cached_property
    def kept(self) -> shapes.Columns:
        return tuple(item for item in self.wanted if item.name in self.present)

    @cached_property
    def extra(self) -> tuple[str, ...]:
        names = {item.name for item in self.wanted}
        return tuple(name for name in self.present if name not in names)

    @cached_property
    def grown(self) -> shapes.Columns:
        return tuple(item for item in self.kept if widens(self.present[item.name], item.type))

    @cached_property
    def narrowed(self) -> shapes.Columns:
        differing = (item for item in self.kept if not fits(self.present[item.name], item.type))
        return tuple(item for item in differing if item not in self.grown)

    @cached_property
    def differing(self) -> tuple[str, ...]:
        changed = (*self.missing, *self.grown, *self.narrowed)
        return tuple(dict.fromkeys((*(item.name for item in changed), *self.extra)))

    def type_change(self, item: Item) -> str:
        verb = "grows" if item in self.grown else "shrinks"
        return f"{item.name} {verb} from {self.present[item.name]} to {item.type}"


def _steps(table: _Table) -> Iterator[Step]:
    is_load = table.table in shapes.load_tables(table.pipeline)
    if table.found is None:
        yield Step(table.table, Change.CREATE, "is not there yet", tuple(item.name for item in table.wanted))
    elif is_load and not table.differing and [*table.found] != [item.name for item in table.wanted]:
        yield _renewed(table, "takes its columns in another order")
    elif not table.differing:
        return
    elif is_load:
        yield _renewed(table, f"takes other columns: {', '.join(table.differing)}")
    elif table.name in table.pipeline.aggregates:
        yield replace(
            _renewed(table, f"is grouped again: {', '.join(table.differing)}"),
            then=f"refill {table.name}",
        )
    elif fixed := sorted({item.name for item in table.missing} - addable(table.pipeline, table.table)):
        what = f"lacks {', '.join(fixed)}, which no contract adds to a table that holds rows"
        yield Step(table.table, Change.IMPOSSIBLE, what, tuple(fixed))
    elif table.extra or table.narrowed or any(not item.type.startswith("varchar") for item in table.grown):
        yield _rebuilt(table)
    else:
        yield from map(partial(_widened, table), table.grown)
        yield from map(partial(_added, table), table.missing)


def _dropped(table: str) -> Step:
    loses = not table.endswith("_load")
    what = "goes: its source has no mirror any more"
    return Step(table, Change.DROP, what, destructive=loses, statements=_rendered("740_drop.sql", table))


def _renewed(table: _Table, what: str) -> Step:
    made = (*_rendered("740_drop.sql", table.table), table.created)
    return Step(table.table, Change.RENEW, what, table.differing, statements=made)


def _widened(table: _Table, item: Item) -> Step:
    altered = _rendered("720_widen.sql", table.table, column=(item,))
    return Step(table.table, Change.WIDEN, table.type_change(item), (item.name,), statements=altered)


def _added(table: _Table, item: Item) -> Step:
    added = _rendered("700_add.sql", table.table, column=(item,))
    first = _first_values(table.pipeline, table.table, item)
    return Step(table.table, Change.ADD, f"gets {item.name} {item.type}", (item.name,), statements=(*added, *first))


def _rebuilt(table: _Table) -> Step:
    parts = [
        *(f"loses {name}" for name in table.extra),
        *(table.type_change(item) for item in (*table.narrowed, *table.grown)),
        *(f"gets {item.name} {item.type}" for item in table.missing),
    ]
    first = [value for item in table.missing for value in _first_values(table.pipeline, table.table, item)]
    aside = _rendered("730_set_aside.sql", table.table)
    taken = _rendered("731_take_over.sql", table.table, kept=table.kept)
    destructive = bool(table.extra or table.narrowed)
    # Versions that only a lost attribute told apart are one.
    again = destructive and table.table.startswith("analytics.") and table.name in table.pipeline.dimensions
    return Step(
        table.table,
        Change.REBUILD,
        "; ".join(parts),
        table.differing,
        destructive=destructive,
        statements=(*aside, table.created, *taken, *first),
        then=f"recompute {table.name}" if again else "",
    )


def addable(pipeline: Pipeline, table: str) -> frozenset[str]:
    """Columns that a table may lack and get: what a contract states beside keys."""
    name = table.split(".", 1)[1]
    owner = _dimension_of(pipeline, name)
    if owner is not None:
        return frozenset(item.name for item in owner.attributes)
    if name in pipeline.facts:
        fact = pipeline.facts[name]
        keys = (*shapes.references(fact), *shapes.calendar_keys(fact), *shapes.reference_keys(fact, pipeline))
        return frozenset(item.name for item in (*shapes.fact_values(fact), *keys))
    if name in pipeline.calendars:
        return frozenset(item.name for item in pipeline.calendars[name].columns)
    if name in pipeline.sources:
        return frozenset(column.name for column in pipeline.sources[name].value_columns)
    return frozenset()


def _first_values(pipeline: Pipeline, table: str, item: Item) -> tuple[Statement, ...]:
    """What the rows that are there say in a column that was added; NULL where this is empty."""
    name = table.split(".", 1)[1]
    if name in pipeline.dimensions:
        context = {**contexts.dimension_context(pipeline.dimensions[name]), "a": contexts.word(item.name)}
        return statements("migrations/710_unknown_attribute.sql", name, context)
    fact: Fact | None = pipeline.facts.get(name)
    if fact is None or item not in (*shapes.references(fact), *shapes.calendar_keys(fact)):
        return ()
    return _rendered("711_unknown_member.sql", table, column=(item,))


def _dimension_of(pipeline: Pipeline, name: str) -> Dimension | None:
    for dimension in pipeline.dimensions.values():
        if name in {dimension.name, *(f"{dimension.name}_{kind}" for kind in ("load", "log", "truncate", "tip"))}:
            return dimension
    return None


def _rendered(file: str, table: str, **lists: shapes.Columns) -> tuple[Statement, ...]:
    schema, name = table.split(".", 1)
    context: Context = {"schema": contexts.word(schema), "t": contexts.word(name), **lists}
    return statements(f"migrations/{file}", name, context)
