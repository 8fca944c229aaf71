"""By which contract load rows were made: their columns, and a checksum of what the values come from.

A load's manifest says of each table which columns its files have, and by which checksum they were made. Files of an
earlier contract are taken over column by column; a table whose checksum is not its contract's is written as a whole by
the next load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from redshift_sql import contexts, shapes
from redshift_sql.plan import copy_plan
from redshift_sql.render import Context, Item, statements
from redshift_sql.statements import Statement
from schemas.checksum import checksum
from schemas.errors import LakeError
from schemas.model import Fact, Pipeline

FileColumns = tuple[tuple[str, str], ...]
"""Name and Redshift type of each column of a table's load files, in their order."""
_REMEDY: Final = "load it with the contracts that it was made by, or into a new warehouse"


class EarlierLoadError(LakeError):
    """Load files of an earlier contract cannot be taken over: its keys were others."""


def made_by(table: str) -> str:
    """Under which name a load's progress has the checksum of a table's contract."""
    return f"{table} (contract)"


def tracked(pipeline: Pipeline) -> tuple[str, ...]:
    """Tables whose load rows follow their sources' progress: dimensions, facts, mirrors."""
    return (*pipeline.dimensions, *pipeline.facts, *pipeline.mirrors)


def file_columns(pipeline: Pipeline, table: str) -> FileColumns:
    """Columns of a table's load files by its contract."""
    return tuple((item.name, item.type) for item in shapes.columns_of(pipeline)[f"staging.{table}_load"])


def rows_checksum(pipeline: Pipeline, table: str) -> int:
    """Changes when the same source rows may give a dimension, fact or mirror other load rows.

    The types of a dimension's and a mirror's columns are left out: a wider one changes no value.
    """
    if table in pipeline.dimensions:
        dimension = pipeline.dimensions[table]
        keys = [(key.name, key.source) for key in dimension.business_key]
        return checksum(keys, sorted((item.name, item.source) for item in dimension.attributes))
    if table in pipeline.facts:
        return checksum(fact_parts(pipeline.facts[table]))
    source = pipeline.sources[table]
    return checksum(source.key, sorted(column.name for column in source.columns))


def fact_parts(fact: Fact) -> tuple[object, ...]:
    """What a fact's values come from; types too, because a value that did not fit may fit a wider one."""
    return (
        fact.base,
        [(join.source, join.on) for join in fact.joins],
        [(key.name, key.source) for key in (*fact.business_key, fact.event_time)],
        sorted(keys for item in fact.dimensions for keys in item.keys),
        [(item.name, item.calendar, item.expr) for item in fact.calendars],
        sorted((item.name, item.type.text, item.expr) for item in fact.columns),
        fact.misfit.value,
    )


def lacking(pipeline: Pipeline, table: str, found: FileColumns) -> tuple[str, ...]:
    """Columns of a table's load rows that files of these columns do not have."""
    names = {name for name, _ in found}
    return tuple(name for name, _ in file_columns(pipeline, table) if name not in names)


def early_plan(
    pipeline: Pipeline, table: str, found: FileColumns
) -> tuple[tuple[Statement, ...], Statement, tuple[Statement, ...]]:
    """A load table filled from files of an earlier contract: what runs before COPY, COPY, and what runs after it.

    An attribute that the files lack is unavailable in their changes, a column of a fact or a mirror is NULL, a
    reference leads to the unknown member. Columns that the contract lacks are left out. Facts that have the key of a
    reference, but not the member that it needs where the key has no version, are left to the whole load that follows.

    Raises:
        EarlierLoadError: the files lack a key or a technical column.
    """
    missing = lacking(pipeline, table, found)
    if fixed := [name for name in missing if name not in may_lack(pipeline, table)]:
        what = f"its files lack {', '.join(fixed)}, which no contract adds"
        raise EarlierLoadError(what, where=f"staging.{table}_load", remedy=_REMEDY)
    kinds = dict(found)
    kept = [Item(name, kind) for name, kind in file_columns(pipeline, table) if name in kinds]
    same = [item for item in kept if kinds[item.name] == item.type]
    other = [item for item in kept if item not in same]
    before = (
        copy_plan(table)[0],
        *_rendered("031_early.sql", table, {"column": tuple(Item(name, kind) for name, kind in found)}),
    )
    copy = copy_plan(table, early=True)[1]
    taken, dropped = _rendered("032_taken_over.sql", table, {"same": same, "other": other})
    if _lacks_members(pipeline, table, kinds):
        return before, copy, (dropped,)
    after = [taken, dropped]
    for name in missing:
        if name in _attributes(pipeline, table):
            after += _rendered("033_unavailable.sql", table, {"a": contexts.word(name)})
        elif name in _unknown_members(pipeline, table):
            after += _rendered("034_unknown.sql", table, {"column": (Item(name),)})
    return before, copy, tuple(after)


def may_lack(pipeline: Pipeline, table: str) -> frozenset[str]:
    """Columns of load rows that files of an earlier contract may be without."""
    return _attributes(pipeline, table) | _unknown_members(pipeline, table) | _plain(pipeline, table)


def _attributes(pipeline: Pipeline, table: str) -> frozenset[str]:
    dimension = pipeline.dimensions.get(table)
    return frozenset(item.name for item in dimension.attributes) if dimension else frozenset()


def _plain(pipeline: Pipeline, table: str) -> frozenset[str]:
    """Columns that may be missing and are NULL then."""
    if table in pipeline.facts:
        fact = pipeline.facts[table]
        items = (*shapes.fact_values(fact), *shapes.reference_keys(fact, pipeline))
        return frozenset(item.name for item in items)
    if table in pipeline.calendars:
        return frozenset(column.name for column in pipeline.calendars[table].columns)
    return (
        frozenset(c.name for c in pipeline.sources[table].value_columns) if table in pipeline.sources else frozenset()
    )


def _unknown_members(pipeline: Pipeline, table: str) -> frozenset[str]:
    """References of a fact, as its load rows have them."""
    if table not in pipeline.facts:
        return frozenset()
    fact = pipeline.facts[table]
    calendars = (item.name for item in fact.calendars)
    return frozenset((*(f"{item.name}_origin_sk" for item in fact.dimensions), *calendars))


def _lacks_members(pipeline: Pipeline, table: str, found: Mapping[str, str]) -> bool:
    """Whether fact rows say to which key a reference leads, and not which member it needs if there is no version."""
    references = pipeline.facts[table].dimensions if table in pipeline.facts else ()
    missing = (item for item in references if f"{item.name}_origin_sk" not in found)
    return any(all(name in found for name, _ in item.keys) for item in missing)


def _rendered(file: str, table: str, more: Context) -> tuple[Statement, ...]:
    return statements(f"load/{file}", table, {"t": contexts.word(table), **more})
