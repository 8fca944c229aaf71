"""What the templates may name, per contract: words and lists, nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from redshift_sql import shapes
from redshift_sql.render import Context, Item, RenderError, quoted
from schemas import columns as c
from schemas.model import Aggregate, Calendar, Dimension, DimensionReference, Fact, Pipeline, SourceContract, Storage

_WORD: Final = re.compile(r"^[a-z_][a-z0-9_]*$")


def word(name: str) -> str:
    """A name that may become a part of SQL.

    Raises:
        RenderError: it is no identifier.
    """
    if not _WORD.match(name):
        raise RenderError("not a name that SQL may hold", where=name[:40], remedy="use a-z, 0-9 and _")
    return name


def dimension_context(dimension: Dimension) -> Context:
    """Names of the `dimension/` templates."""
    attributes = shapes.attributes(dimension)
    kinds = {item.name: item.type.kind for item in dimension.attributes}
    key = shapes.business_key(dimension)
    return {
        "d": word(dimension.name),
        "sk": word(dimension.surrogate_key),
        "grain": _comment(dimension.grain),
        "distkey": key[0].name,
        "storage": _storage(dimension.storage),
        "origin": c.BEGINNING_OF_TIME,
        "hard_delete": dimension.hard_delete.value,
        "truncate": dimension.truncate.value,
        "first_snapshot": "origin" if dimension.first_snapshot_at_origin else "source_time",
        "key": key,
        "first_key": key[:1],
        "load": shapes.dimension_load(dimension),
        "tip": shapes.dimension_tip(dimension),
        "dimension": shapes.dimension_table(dimension),
        "attribute": attributes,
        "type1": _only(attributes, {item.name for item in dimension.type1}),
        "type2": _only(attributes, {item.name for item in dimension.type2}),
        "ordinary_attribute": tuple(i for i in attributes if kinds[i.name] not in ("boolean", "binary")),
        "boolean_attribute": tuple(i for i in attributes if kinds[i.name] == "boolean"),
        "binary_attribute": tuple(i for i in attributes if kinds[i.name] == "binary"),
    }


def grouped_context(dimension: Dimension, grouped: Collection[str]) -> Context:
    """Names of a dimension's templates that concern the attributes aggregates group by."""
    return {**dimension_context(dimension), "grouped": _only(shapes.attributes(dimension), grouped)}


def fact_context(fact: Fact, pipeline: Pipeline) -> Context:
    """Names of the `fact/` templates."""
    return {
        "f": word(fact.name),
        "event": word(fact.event_time.name),
        "grain": _comment(fact.grain),
        "storage": _storage(fact.storage),
        "key": shapes.fact_key(fact),
        "load": shapes.fact_load(fact, pipeline),
        "fact": shapes.fact_table(fact, pipeline),
        "reference": shapes.references(fact),
        "calendar": shapes.calendar_keys(fact),
        "reference_key": shapes.reference_keys(fact, pipeline),
        "value": shapes.fact_values(fact),
    }


def reference_context(fact: Fact, reference: DimensionReference, pipeline: Pipeline) -> Context:
    """Names of the `fact/` templates for one dimension reference; `pair` matches fact columns with the member's key."""
    dimension = pipeline.dimensions[reference.dimension]
    pairs = zip(reference.keys, dimension.business_key, strict=True)
    return {
        **fact_context(fact, pipeline),
        "r": word(reference.name),
        "d": word(dimension.name),
        "sk": word(dimension.surrogate_key),
        "origin": c.BEGINNING_OF_TIME,
        "pair": tuple(Item(column, key.type.redshift, key.name) for (column, _), key in pairs),
    }


def aggregate_context(aggregate: Aggregate, pipeline: Pipeline) -> Context:
    """Names of the `aggregate/` templates."""
    fact = pipeline.facts[aggregate.fact]
    measured = dict.fromkeys(measure.column for measure in aggregate.measures)
    groups = []
    for item in aggregate.group_by:
        table, column = item.source.split(".")
        groups.append(Item(item.name, item.type.redshift, column, "f" if table == fact.name else f"{table}_member"))
    by_function = {
        function: tuple(Item(m.name, m.type.redshift, m.column) for m in aggregate.measures if m.function == function)
        for function in ("sum", "count", "count_distinct", "min", "max")
    }
    return {
        **by_function,
        "a": word(aggregate.name),
        "f": word(fact.name),
        "event": word(fact.event_time.name),
        "date": word(aggregate.date),
        "grain": _comment(aggregate.grain),
        "storage": _storage(aggregate.storage),
        "aggregate": shapes.aggregate_table(aggregate),
        "group": tuple(groups),
        "measured": tuple(Item(name) for name in measured),
    }


def calendar_context(calendar: Calendar) -> Context:
    """Names of the `calendar/` templates."""
    return {
        "c": word(calendar.name),
        "calendar": shapes.calendar_table(calendar),
        "storage": _storage(calendar.storage),
    }


def mirror_context(source: SourceContract) -> Context:
    """Names of the `mirror/` templates."""
    key = tuple(Item(column.name, column.type.redshift) for column in source.key_columns)
    return {
        "s": word(source.table),
        "distkey": key[0].name,
        "key": key,
        "column": shapes.mirror_table(source),
        "load": shapes.mirror_load(source),
    }


def _storage(storage: Storage) -> str:
    lines = [f"diststyle {word(storage.diststyle)}"]
    if storage.distkey is not None:
        lines.append(f"distkey ({quoted(word(storage.distkey))})")
    if storage.sortkey:
        lines.append(f"sortkey ({', '.join(quoted(word(name)) for name in storage.sortkey)})")
    return "\n".join(lines)


def _comment(text: str) -> str:
    """Free text of a contract as one line of a comment."""
    return " ".join(text.split())


def _only(items: shapes.Columns, names: Collection[str]) -> shapes.Columns:
    return tuple(item for item in items if item.name in names)
