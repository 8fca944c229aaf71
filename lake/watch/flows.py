"""What each step reads and writes, with where every column comes from: compiled from the contracts. Pure.

A measure's columns are found in its SQL expression by sqlglot. Nothing here looks at data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from lake.watch.events import Dataset, Field, Name, Origin
from lake.watch.events import Transformation as How
from lake.watch.lineage import Flow
from lake.watch.names import Names
from schemas import columns as c
from schemas.model import Aggregate, Dimension, Fact, Pipeline, SourceColumn, SourceContract

Origins = dict[str, tuple[Origin, ...]]
Fields = Mapping[str, Sequence[Field]]
"""Columns by table, of tables in the lake."""

_LITERAL_OR_REFERENCE: Final = re.compile(r"('(?:[^'\\]|\\.|'')*')|\b([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\b")
_IMAGES: Final = ("before", "after")


def landing_flow(source: SourceContract, names: Names) -> Flow:
    """Hop 1: a topic into the landed files of its table; the columns are those the contract knows."""
    topic, landed = names.topic(source.topic), names.landing(source.table)
    images = [("key", source.key_columns), *((image, source.columns) for image in _IMAGES)]
    parts = tuple(Field(part, "struct", fields=tuple(map(_field, columns))) for part, columns in images)
    inside = [f"{part}.{column.name}" for part, columns in images for column in columns]
    return Flow(
        (Dataset("topic", topic, parts),),
        (Dataset(source.table, landed, (*_LANDED, *parts), origins=same(inside, topic)),),
    )


def staging_flow(source: SourceContract, names: Names, fields: Fields) -> Flow:
    """Hop 2: landed files into the change log, and what the checks refuse into quarantine."""
    landed = names.landing(source.table)
    origins: Origins = {
        column.name: tuple(
            Origin(landed, f"{part}.{column.name}", How.TRANSFORMATION) for part in _parts(source, column)
        )
        for column in source.columns
    }
    origins[c.CHANGED_AT] = tuple(Origin(landed, name, How.TRANSFORMATION) for name in (c.SOURCE_TS, c.KAFKA_TS))
    origins |= same((c.KAFKA_TS, c.PARTITION, c.OFFSET, c.OP, c.POSITION, c.SOURCE_TS), landed)
    quarantine = f"{source.table}_quarantine"
    return Flow(
        (Dataset("landing", landed),),
        (
            _iceberg(names, "staging", source.table, fields, origins),
            _iceberg(names, "staging", quarantine, fields, same((c.PARTITION, c.OFFSET, c.KAFKA_TS, c.OP), landed)),
        ),
    )


def source_flow(pipeline: Pipeline, source: SourceContract, names: Names, fields: Fields) -> Flow:
    """Hop 3: a change log into the dimensions that it feeds, and into the state of its keys."""
    log = names.log(source.table)
    state = same([column.name for column in source.columns], log)
    written = [
        _iceberg(names, "curated", dimension.name, fields, dimension_origins(dimension, log))
        for dimension in pipeline.dimensions_of(source.table)
    ]
    written.append(_iceberg(names, "curated", state_name(source.table), fields, state))
    return Flow((_iceberg(names, "staging", source.table, fields, {}),), tuple(written))


def fact_flow(pipeline: Pipeline, fact: Fact, names: Names, fields: Fields) -> Flow:
    """Hop 3: states of a fact's sources and versions of its dimensions into the fact."""
    read = [_iceberg(names, "curated", state_name(source), fields, {}) for source in fact.sources]
    referenced = dict.fromkeys(reference.dimension for reference in fact.dimensions)
    read += [_iceberg(names, "curated", name, fields, {}) for name in referenced]
    states = {source: names.curated(state_name(source)) for source in fact.sources}
    versions = {name: names.curated(name) for name in referenced}
    origins = fact_origins(fact, states) | key_origins(pipeline, fact, states, versions)
    joined = tuple(
        Origin(states[table], column, How.JOIN)
        for join in fact.joins
        for left, right in join.on
        for table, column in ((fact.base, left), (join.source, right))
    )
    return Flow(tuple(read), (_iceberg(names, "curated", fact.name, fields, origins, joined),))


def aggregate_flow(pipeline: Pipeline, aggregate: Aggregate, names: Names, fields: Fields) -> Flow:
    """Hop 3: a fact, and dimensions as of its events, into an aggregate."""
    fact = pipeline.facts[aggregate.fact]
    facts, references = names.curated(fact.name), {item.name: item.dimension for item in fact.dimensions}
    grouped: Origins = {aggregate.date: (Origin(facts, fact.event_time.name, How.TRANSFORMATION),)}
    read = {fact.name: None}
    for item in aggregate.group_by:
        owner, _, column = item.source.partition(".")
        table = references.get(owner, fact.name)
        read[table] = None
        grouped[item.name] = (Origin(names.curated(table), column, How.IDENTITY),)
    measures = {item.name: (Origin(facts, item.column, How.AGGREGATION),) for item in aggregate.measures}
    shaped = tuple(Origin(o.dataset, o.column, How.GROUP_BY) for o in chain.from_iterable(grouped.values()))
    return Flow(
        tuple(_iceberg(names, "curated", name, fields, {}) for name in read),
        (_iceberg(names, "curated", aggregate.name, fields, grouped | measures, shaped),),
    )


def load_files_flow(pipeline: Pipeline, names: Names, fields: Fields) -> Flow:
    """Hop 3b: change logs and states into load files: change rows of dimensions, states of facts, mirrors."""
    logs = dict.fromkeys(dimension.source for dimension in pipeline.dimensions.values())
    read = [_iceberg(names, "staging", source, fields, {}) for source in logs]
    fed = dict.fromkeys((*pipeline.mirrors, *(name for fact in pipeline.facts.values() for name in fact.sources)))
    read += [_iceberg(names, "curated", state_name(source), fields, {}) for source in fed]
    states = {source: names.curated(state_name(source)) for source in fed}
    written = [
        Dataset(name, names.load(name), origins=load_origins(pipeline, name, names)) for name in load_tables(pipeline)
    ]
    written += [
        Dataset(name, names.load(name), origins=same([column.name for column in source.columns], states[name]))
        for name, source in pipeline.mirrors.items()
    ]
    return Flow(tuple(read), tuple(written))


def warehouse_flow(pipeline: Pipeline, tables: Iterable[str], names: Names) -> Flow:
    """Hop 4: load files into the tables of the star.

    Args:
        pipeline: the contracts.
        tables: those that the load has files of.
        names: of the datasets.
    """
    loaded = [name for name in tables if name in pipeline.dimensions or name in pipeline.facts]
    written = [
        Dataset(name, names.warehouse(name), origins=_warehouse_origins(pipeline, name, names)) for name in loaded
    ]
    return Flow(tuple(Dataset(f"load {name}", names.load(name)) for name in loaded), tuple(written))


def load_tables(pipeline: Pipeline) -> tuple[str, ...]:
    """Tables of the star that are loaded with columns of sources."""
    return (*pipeline.dimensions, *pipeline.facts)


def state_name(source: str) -> str:
    """Name of a source's state table, as `glue_jobs.curated.tables` gives it."""
    return f"{source}_state"


def dimension_origins(dimension: Dimension, log: Name) -> Origins:
    """Where a dimension's columns come from, in its source's change log."""
    key = [Origin(log, item.source, How.TRANSFORMATION) for item in dimension.business_key]
    opens = tuple(Origin(log, item.source, How.CONDITION) for item in dimension.type2)
    interval = (Origin(log, c.CHANGED_AT, How.TRANSFORMATION), *opens)
    return {
        dimension.surrogate_key: (*key, Origin(log, c.IDENTITY, How.TRANSFORMATION)),
        **_shown(dimension, log),
        **dict.fromkeys((c.EFFECTIVE_FROM, c.EFFECTIVE_TO, c.IS_CURRENT), interval),
        c.IS_DELETED: (Origin(log, c.OP, How.TRANSFORMATION),),
        c.VERSION_IDENTITY: (Origin(log, c.IDENTITY, How.IDENTITY),),
    }


def fact_origins(fact: Fact, states: Mapping[str, Name]) -> Origins:
    """Where a fact's own columns come from: keys, event time, the dimensions' business keys, columns, measures."""
    expressions = {item.name: item.source for item in (*fact.business_key, fact.event_time)}
    keys = {name: source for reference in fact.dimensions for name, source in reference.keys}
    expressions = keys | expressions | {item.name: item.expr for item in fact.columns}
    return {name: _of_expression(expression, states) for name, expression in expressions.items()}


def _shown(dimension: Dimension, log: Name) -> Origins:
    """Business key and attributes."""
    keys = {item.name: item.source for item in dimension.business_key}
    sources = keys | {item.name: item.source for item in dimension.attributes}
    return {name: (Origin(log, source, How.IDENTITY),) for name, source in sources.items()}


def key_origins(pipeline: Pipeline, fact: Fact, states: Mapping[str, Name], versions: Mapping[str, Name]) -> Origins:
    """Where a fact's surrogate keys come from: versions of dimensions, found by key and event time; and its days."""
    found: Origins = {}
    event = [Origin(o.dataset, o.column, How.JOIN) for o in _of_expression(fact.event_time.source, states)]
    for reference in fact.dimensions:
        dimension = pipeline.dimensions[reference.dimension]
        by = [Origin(o.dataset, o.column, How.JOIN) for _, s in reference.keys for o in _of_expression(s, states)]
        key = Origin(versions[reference.dimension], dimension.surrogate_key, How.IDENTITY)
        found[reference.name] = (key, *by, *event)
    for calendar in fact.calendars:
        days = _of_expression(calendar.expr, states)
        found[calendar.name] = tuple(Origin(o.dataset, o.column, How.TRANSFORMATION) for o in days)
    return found


def load_origins(pipeline: Pipeline, table: str, names: Names) -> Origins:
    """Where the columns of a table's load files come from."""
    if table in pipeline.facts:
        fact = pipeline.facts[table]
        states = {source: names.curated(state_name(source)) for source in fact.sources}
        days = key_origins(pipeline, fact, states, {item.dimension: Name("", "") for item in fact.dimensions})
        return fact_origins(fact, states) | {item.name: days[item.name] for item in fact.calendars}
    dimension = pipeline.dimensions[table]
    log = names.log(dimension.source)
    key = tuple(Origin(log, item.source, How.TRANSFORMATION) for item in dimension.business_key)
    return {
        **_shown(dimension, log),
        "change_identity": (Origin(log, c.IDENTITY, How.IDENTITY),),
        "change_op": (Origin(log, c.OP, How.IDENTITY),),
        "changed_at": (Origin(log, c.CHANGED_AT, How.IDENTITY),),
        "change_sk": (*key, Origin(log, c.IDENTITY, How.TRANSFORMATION)),
        "origin_sk": key,
    }


def same(columns: Iterable[str], dataset: Name) -> Origins:
    """Columns that are those of the same names."""
    return {name: (Origin(dataset, name, How.IDENTITY),) for name in columns}


def references(expression: str) -> tuple[tuple[str, str], ...]:
    """The (table, column) pairs of an expression over `table.column` references, in order, each once.

    Raises:
        sqlglot.errors.ParseError: it is no SQL.
    """
    import sqlglot
    from sqlglot import exp

    quoted = _LITERAL_OR_REFERENCE.sub(lambda m: m[1] or f"`{m[2]}`.`{m[3]}`", expression)
    tree = sqlglot.parse_one(quoted, read="spark")
    found = ((column.table, column.name) for column in tree.find_all(exp.Column, bfs=False) if column.table)
    return tuple(dict.fromkeys(found))


def _of_expression(expression: str, states: Mapping[str, Name]) -> tuple[Origin, ...]:
    found = references(expression)
    plain = len(found) == 1 and expression.strip() == ".".join(found[0])
    how = How.IDENTITY if plain else How.TRANSFORMATION
    return tuple(Origin(states[table], column, how) for table, column in found)


def _warehouse_origins(pipeline: Pipeline, table: str, names: Names) -> Origins:
    load = names.load(table)
    if table in pipeline.facts:
        fact = pipeline.facts[table]
        versions = {item.dimension: names.warehouse(item.dimension) for item in fact.dimensions}
        keys = [Origin(load, fact.event_time.name, How.JOIN)]
        found = same(load_origins(pipeline, table, names), load)
        for reference in fact.dimensions:
            dimension = pipeline.dimensions[reference.dimension]
            by = [Origin(load, name, How.JOIN) for name, _ in reference.keys]
            version = Origin(versions[reference.dimension], dimension.surrogate_key, How.IDENTITY)
            found[reference.name] = (version, *by, *keys)
        return found
    dimension = pipeline.dimensions[table]
    interval = (
        Origin(load, "changed_at", How.TRANSFORMATION),
        *(Origin(load, item.name, How.CONDITION) for item in dimension.type2),
    )
    return {
        dimension.surrogate_key: tuple(Origin(load, name, How.IDENTITY) for name in ("change_sk", "origin_sk")),
        **same(_shown(dimension, load), load),
        **dict.fromkeys((c.EFFECTIVE_FROM, c.EFFECTIVE_TO, c.IS_CURRENT), interval),
        c.IS_DELETED: (Origin(load, "change_op", How.TRANSFORMATION),),
        c.VERSION_IDENTITY: (Origin(load, "change_identity", How.IDENTITY),),
    }


_LANDED: Final = (
    *(Field(c.PARTITION, "int"), Field(c.OFFSET, "bigint"), Field(c.KAFKA_TS, "timestamp"), Field(c.OP, "string")),
    *(Field(c.POSITION, "string"), Field(c.SOURCE_TS, "timestamp")),
)


def _parts(source: SourceContract, column: SourceColumn) -> tuple[str, ...]:
    return ("key",) if column.name in source.key else _IMAGES


def _field(column: SourceColumn) -> Field:
    return Field(column.name, column.type.text, column.description)


def _iceberg(
    names: Names,
    zone: str,
    table: str,
    fields: Fields,
    origins: Origins,
    shaped_by: tuple[Origin, ...] = (),
) -> Dataset:
    name = names.log(table) if zone == "staging" else names.curated(table)
    also = names.in_catalog(zone, table)
    return Dataset(table, name, tuple(fields.get(table, ())), also, origins, shaped_by)
