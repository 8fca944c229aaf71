"""Contracts and the tables of a load to statements, as data: nothing here runs anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from redshift_sql import contexts
from redshift_sql.render import Context, fragment, quoted, statements, step
from redshift_sql.statements import Kind, Plan, Statement
from schemas.model import Aggregate, Dimension, DimensionReference, Fact, Pipeline, SourceContract

DIMENSION_FILES: Final = (
    "dimension/110_incoming.sql",
    "dimension/120_paths.sql",
    "dimension/121_linked.repeat.sql",
    "dimension/130_log.sql",
    "dimension/140_changes.sql",
    "dimension/150_filled.repeat.sql",
    "dimension/160_steps.sql",
    "dimension/170_opened.sql",
    "dimension/180_after.sql",
    "dimension/190_write.sql",
    "dimension/200_tip.sql",
    "dimension/210_moves.sql",
)
_REKEY_FILES: Final = ("fact/320_bounds.bind.sql", "fact/321_rekeyed.sql")
_Pair = tuple[Fact, DimensionReference]


def schema_plan(pipeline: Pipeline) -> Plan:
    """Everything that a pipeline needs, created where it is not there."""
    return (*base_plan(pipeline), *tables_plan(pipeline))


def base_plan(pipeline: Pipeline) -> Plan:
    """Schemas and ledgers: what there must be before anything can be locked."""
    return (
        *statements("ddl/010_schemas.sql", pipeline.name, {}),
        *statements("ddl/015_ops.sql", pipeline.name, {}),
    )


def tables_plan(pipeline: Pipeline) -> Plan:
    """The tables of a pipeline's contracts, and their unknown members."""
    parts = [
        *(
            statements("ddl/020_dimension.sql", d.name, contexts.dimension_context(d))
            for d in pipeline.dimensions.values()
        ),
        *(statements("ddl/030_fact.sql", f.name, contexts.fact_context(f, pipeline)) for f in pipeline.facts.values()),
        *(
            statements("ddl/040_aggregate.sql", a.name, contexts.aggregate_context(a, pipeline))
            for a in pipeline.aggregates.values()
        ),
        *(
            statements("ddl/050_calendar.sql", c.name, contexts.calendar_context(c))
            for c in pipeline.calendars.values()
        ),
        *(
            statements("ddl/060_mirror.sql", source.table, contexts.mirror_context(source))
            for source in pipeline.mirrors.values()
        ),
    ]
    return tuple(chain.from_iterable(parts))


def begin_plan() -> Plan:
    """The first statements of a load: the ledger's lock, then the newest load (binds `last_seq`)."""
    lock = statements("load/010_lock.sql", "load_ledger", {}, kind=Kind.LOCK)
    return (*lock, *step("load/011_last.bind.sql", "load_ledger", {}))


def copy_plan(table: str, *, early: bool = False) -> tuple[Statement, Statement]:
    """`staging.<table>_load` emptied, and COPY of the table's manifest into it (`early`: `staging.<table>_early`)."""
    target = f"{table}_early" if early else f"{table}_load"
    (empty,) = statements("load/020_empty.sql", table, {"t": contexts.word(table)})
    (copy,) = statements("load/030_copy.sql", table, {"target": contexts.word(target)}, kind=Kind.COPY)
    return empty, replace(copy, table=f"staging.{target}")


def recompute_plan(pipeline: Pipeline, names: Collection[str]) -> Plan:
    """Dimensions computed again, every key from its log, and all that follows from it; a load's parameters.

    Where log and versions agree, nothing is written.
    """
    empty = chain.from_iterable(statements("load/020_empty.sql", name, {"t": contexts.word(name)}) for name in names)
    return (*empty, *load_plan(pipeline, names, whole=names))


def refill_plan(pipeline: Pipeline, name: str) -> Plan:
    """An aggregate grouped again from all of its facts."""
    aggregate = pipeline.aggregates[name]
    fact = pipeline.facts[aggregate.fact]
    times = f"select {_column(fact.event_time.name)} as _event_time from analytics.{contexts.word(fact.name)}"
    return _grouped_again(aggregate, pipeline, [times])


def load_plan(
    pipeline: Pipeline, loaded: Collection[str], *, whole: Collection[str] = (), replaced: Collection[str] = ()
) -> Plan:
    """From the rows of the staging load tables to the star: dimensions, facts, aggregates, checks.

    Args:
        pipeline: the contracts.
        loaded: star tables of this load; their `staging.<table>_load` holds its rows.
        whole: dimensions of which every key is computed again from its log.
        replaced: dimensions whose load rows are the whole log, in place of the one that is kept.
    """
    dimensions = [d for d in pipeline.dimensions.values() if d.name in loaded]
    facts = [f for f in pipeline.facts.values() if f.name in loaded]
    moved = [(f, r) for f, r in _references(pipeline) if r.dimension in loaded]
    parts = [
        *(
            _files(("calendar/500_write.sql",), c.name, contexts.calendar_context(c))
            for c in pipeline.calendars.values()
            if c.name in loaded
        ),
        *(
            _files(("mirror/510_write.sql",), source.table, contexts.mirror_context(source))
            for source in pipeline.mirrors.values()
            if source.table in loaded
        ),
        *(dimension_plan(d, whole=d.name in whole, replaced=d.name in replaced) for d in dimensions),
        *(_files(("fact/310_replaced.sql",), f.name, contexts.fact_context(f, pipeline)) for f in facts),
        *(_files(_REKEY_FILES, f.name, contexts.reference_context(f, r, pipeline)) for f, r in moved),
        *(_recolored(d, pipeline) for d in dimensions),
        *(_fact_inserts(f, pipeline) for f in facts),
        *(_unneeded(d, facts, pipeline) for d in pipeline.dimensions.values()),
        *(_aggregate(a, loaded, pipeline) for a in pipeline.aggregates.values()),
        *(_dimension_checks(d) for d in dimensions),
        *(_reference_checks(f, r, loaded, pipeline) for f, r in _references(pipeline)),
    ]
    return tuple(chain.from_iterable(parts))


def dimension_plan(dimension: Dimension, *, whole: bool = False, replaced: bool = False) -> Plan:
    """From the rows of `staging.<dimension>_load` to the versions of `analytics.<dimension>`, and how they moved."""
    files = [file for file in DIMENSION_FILES if dimension.attributes or "_filled" not in file]
    if whole:
        files.insert(files.index("dimension/121_linked.repeat.sql"), "dimension/122_whole.sql")
    if replaced:
        files.insert(files.index("dimension/121_linked.repeat.sql"), "dimension/123_every.sql")
        files.insert(0, "dimension/105_replaced.sql")
    return _files(files, dimension.name, contexts.dimension_context(dimension))


def newest_plan(source: SourceContract) -> Plan:
    """How new a source table without a mirror is (`changed_at`, `load_seq`); a mirror's load tells it by itself."""
    return statements("load/894_newest.sql", source.table, {"s": contexts.word(source.table)})


def rows_plan() -> Plan:
    """How many rows the load brought of one table (`table_name`, `rows_loaded`)."""
    return statements("load/890_rows.sql", "load_rows", {})


def end_plan() -> Plan:
    """What is told of the load, and the ledger's row, the last statement of a load (`finished_at`: when it is sent)."""
    return (*statements("load/895_run.sql", "load_run", {}), *statements("load/900_ledger.sql", "load_ledger", {}))


def _files(files: Iterable[str], subject: str, context: Context) -> Plan:
    return tuple(chain.from_iterable(step(file, subject, context) for file in files))


def _references(pipeline: Pipeline) -> Iterator[_Pair]:
    return ((fact, reference) for fact in pipeline.facts.values() for reference in fact.dimensions)


def _fact_inserts(fact: Fact, pipeline: Pipeline) -> Plan:
    each = [contexts.reference_context(fact, reference, pipeline) for reference in fact.dimensions]
    members = chain.from_iterable(_files(("fact/330_members.sql",), fact.name, context) for context in each)
    joins = "\n".join(fragment("fact/331_join.fragment.sql", context) for context in each)
    context = {**contexts.fact_context(fact, pipeline), "joins": joins}
    checks = _files(("checks/620_loaded_once.check.sql",), fact.name, context)
    return (*checks, *members, *_files(("fact/340_insert.sql",), fact.name, context))


def _unneeded(dimension: Dimension, facts: Iterable[Fact], pipeline: Pipeline) -> Plan:
    lost = [(f, r) for f in facts for r in f.dimensions if r.dimension == dimension.name]
    if not lost:
        return ()
    selects = [f"select {_column(r.name)} as _sk from {contexts.word(f.name)}_replaced" for f, r in lost]
    context = {**contexts.dimension_context(dimension), "lost_references": "\n    union\n    ".join(selects)}
    every = [(f, r) for f, r in _references(pipeline) if r.dimension == dimension.name]
    kept = chain.from_iterable(
        _files(("dimension/301_still_needed.sql",), dimension.name, contexts.reference_context(f, r, pipeline))
        for f, r in every
    )
    first = _files(("dimension/300_unneeded.sql",), dimension.name, context)
    return (*first, *kept, *_files(("dimension/302_drop_unneeded.sql",), dimension.name, context))


def _grouped(dimension: Dimension, pipeline: Pipeline) -> frozenset[str]:
    """Attributes of a dimension that some aggregate groups by."""
    return frozenset(
        column
        for aggregate in pipeline.aggregates.values()
        for reference, column in _group_sources(aggregate)
        for item in pipeline.facts[aggregate.fact].dimensions
        if item.name == reference and item.dimension == dimension.name
    )


def _group_sources(aggregate: Aggregate) -> Iterator[tuple[str, str]]:
    for item in aggregate.group_by:
        table, _, column = item.source.partition(".")
        yield table, column


def _recolored(dimension: Dimension, pipeline: Pipeline) -> Plan:
    grouped = _grouped(dimension, pipeline)
    if not grouped:
        return ()
    return _files(("dimension/220_recolored.sql",), dimension.name, contexts.grouped_context(dimension, grouped))


def _aggregate(aggregate: Aggregate, loaded: Collection[str], pipeline: Pipeline) -> Plan:
    fact = pipeline.facts[aggregate.fact]
    by_name = {reference.name: reference for reference in fact.dimensions}
    times = list(_touched_times(fact, [by_name[name] for name in _grouping(aggregate, fact)], loaded))
    return _grouped_again(aggregate, pipeline, times) if times else ()


def _grouping(aggregate: Aggregate, fact: Fact) -> tuple[str, ...]:
    """References of the fact whose attributes the aggregate groups by."""
    return tuple(dict.fromkeys(table for table, _ in _group_sources(aggregate) if table != fact.name))


def _grouped_again(aggregate: Aggregate, pipeline: Pipeline, times: Iterable[str]) -> Plan:
    """The dates of the given event times, grouped anew."""
    fact = pipeline.facts[aggregate.fact]
    used = _grouping(aggregate, fact)
    by_name = {reference.name: reference for reference in fact.dimensions}
    each = [contexts.reference_context(fact, by_name[name], pipeline) for name in used]
    context = {
        **contexts.aggregate_context(aggregate, pipeline),
        "touched_times": "\n    union\n    ".join(times),
        "joins": "\n    ".join(fragment("aggregate/411_join.fragment.sql", item) for item in each),
    }
    files = ("aggregate/400_dates.sql", "aggregate/410_bounds.bind.sql", "aggregate/420_write.sql")
    return _files(files, aggregate.name, context)


def _touched_times(fact: Fact, grouping: Iterable[DimensionReference], loaded: Collection[str]) -> Iterator[str]:
    """Selects of the event times whose facts this load changed."""
    f, event = contexts.word(fact.name), _column(fact.event_time.name)
    if fact.name in loaded:
        yield f"select {event} as _event_time from {f}_replaced"
        yield f"select {event} as _event_time from staging.{f}_load where is_deleted = false"
    for reference in fact.dimensions:
        if reference.dimension in loaded:
            yield f"select _event_time from {f}_{contexts.word(reference.name)}_rekeyed"
    for reference in grouping:
        if reference.dimension in loaded:
            r, d = _column(reference.name), contexts.word(reference.dimension)
            shown = f"inner join {d}_recolored as v on f.{r} = v._sk"
            yield f"select f.{event} as _event_time from analytics.{f} as f {shown}"


def _column(name: str) -> str:
    return quoted(contexts.word(name))


def _dimension_checks(dimension: Dimension) -> Plan:
    files = ("checks/600_versions.sql", "checks/610_versions.check.sql")
    return _files(files, dimension.name, contexts.dimension_context(dimension))


def _reference_checks(fact: Fact, reference: DimensionReference, loaded: Collection[str], pipeline: Pipeline) -> Plan:
    f, r = contexts.word(fact.name), contexts.word(reference.name)
    touched = [f"staging.{f}_load"] if fact.name in loaded else []
    touched += [f"{f}_{r}_rekeyed"] if reference.dimension in loaded else []
    if not touched:
        return ()
    context = contexts.reference_context(fact, reference, pipeline)
    selects = [fragment("checks/631_touched.fragment.sql", {**context, "touched": table}) for table in touched]
    files = ("checks/630_reference.sql", "checks/640_reference.check.sql")
    return _files(files, fact.name, {**context, "touched_facts": "\nunion\n".join(selects)})
