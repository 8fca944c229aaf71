"""Parts of the report that the warehouse answers: star rows, histories, sales as of the sale, restatements, loads.

Each function takes `query`, which runs one SELECT and gives its rows. Identifiers come from validated contracts alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lake.demo.model import EARLIER, History, Restatement, Sales, SalesRow, TableRows, Value, Version, with_changes
from schemas import columns as c
from schemas.model import Aggregate, Attribute, Dimension, DimensionReference, Fact, PiiClass, Pipeline

Query = Callable[[str], Sequence[tuple[Any, ...]]]

_CANDIDATES: Final = 400
_MOST_VERSIONS: Final = 7
"""More versions than these do not fit a time line well."""
_NEWEST_MONTHS: Final = 8


@dataclass(frozen=True)
class Load:
    """A load that is in the warehouse: what it took of each source table, and when it was committed (UTC)."""

    seq: int
    progress: dict[str, int]
    at: datetime


def loads(query: Query) -> tuple[Load, ...]:
    """The load ledger, oldest first."""
    rows = query("SELECT load_seq, progress, loaded_at FROM staging.load_ledger ORDER BY load_seq")
    return tuple(Load(int(seq), _progress(text), at) for seq, text, at in rows)


def _progress(text: str) -> dict[str, int]:
    """Progress by source table; the ledger also has offsets, which are text."""
    return {name: value for name, value in json.loads(text).items() if isinstance(value, int)}


def star_rows(query: Query, pipeline: Pipeline) -> tuple[TableRows, ...]:
    """Rows of dimensions (without the unknown member), facts and aggregates."""
    conditions = {d.name: f" WHERE {d.surrogate_key} <> {c.UNKNOWN_MEMBER}" for d in pipeline.dimensions.values()}
    names = [*pipeline.dimensions, *pipeline.facts, *pipeline.aggregates]
    return tuple(
        TableRows(name, int(query(f"SELECT count(*) FROM analytics.{name}{conditions.get(name, '')}")[0][0]))
        for name in names
    )


def restatements(query: Query) -> tuple[Restatement, ...]:
    """Facts that were given another version than the one they had, by fact, reference and reason."""
    rows = query(
        "SELECT fact, reference, reason, count(*) FROM analytics.restatements "
        "GROUP BY fact, reference, reason ORDER BY 1, 2, 3"
    )
    return tuple(Restatement(str(fact), str(reference), str(reason), int(n)) for fact, reference, reason, n in rows)


def histories(query: Query, pipeline: Pipeline, limit: int = 4) -> tuple[History, ...]:
    """Telling histories of the dimension that keeps most attributes: returns, gaps, ends and many versions first."""
    if not pipeline.dimensions:
        return ()
    dimension = max(pipeline.dimensions.values(), key=lambda item: len(item.type2))
    attributes = shown_attributes(pipeline, dimension)
    counted = counting_fact(pipeline, dimension)
    width = len(dimension.business_key)
    found: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
    for row in query(history_query(dimension, attributes, counted)):
        start, end, deleted, inferred, facts = row[width : width + 5]
        values = tuple(
            Value(item.name, None if value is None else str(value))
            for item, value in zip(attributes, row[width + 5 :], strict=True)
        )
        found[row[:width]].append(Version(start, end, values, bool(deleted), bool(inferred), int(facts)))
    noun = dimension.name.removeprefix("dim_").replace("_", " ")
    fact = counted[0].name.removeprefix("fact_") if counted else "facts"
    made = [
        History(dimension.name, f"{noun} {' / '.join(map(str, key))}", with_changes(versions), fact)
        for key, versions in found.items()
    ]
    return choose(made, limit)


def choose(made: Sequence[History], limit: int) -> tuple[History, ...]:
    """Up to `limit` histories, of different kinds first: a value came back, a gap, a live one, one that ended."""
    fitting = [history for history in made if len(history.versions) <= _MOST_VERSIONS] or list(made)
    ranked = sorted(fitting, key=lambda h: (-sum(v.facts > 0 for v in h.versions), -len(h.versions), h.key))
    kinds: tuple[Callable[[History], bool], ...] = (
        lambda history: history.returns and not history.gaps,
        lambda history: history.gaps > 0,
        lambda history: not history.ended,
        lambda history: history.ended and not history.gaps,
    )
    chosen: list[History] = []
    for kind in kinds:
        match = next((history for history in ranked if kind(history) and history not in chosen), None)
        if match is not None:
            chosen.append(match)
    chosen += [history for history in ranked if history not in chosen]
    return tuple(chosen[:limit])


def shown_attributes(pipeline: Pipeline, dimension: Dimension) -> tuple[Attribute, ...]:
    """Type-2 attributes that identify nobody."""
    source = pipeline.sources[dimension.source].by_name
    return tuple(
        item
        for item in dimension.type2
        if item.pii is not PiiClass.DIRECT
        and (item.source not in source or source[item.source].pii is not PiiClass.DIRECT)
    )


def counting_fact(pipeline: Pipeline, dimension: Dimension) -> tuple[Fact, DimensionReference] | None:
    """The fact whose rows are counted per version: the one with most measures that refers to the dimension."""
    referring = [
        (fact, reference)
        for fact in pipeline.facts.values()
        for reference in fact.dimensions
        if reference.dimension == dimension.name
    ]
    return max(referring, key=lambda pair: sum(column.measure for column in pair[0].columns), default=None)


def history_query(
    dimension: Dimension, attributes: Sequence[Attribute], counted: tuple[Fact, DimensionReference] | None
) -> str:
    """Versions of the keys with several versions or none that is open.

    Columns: key, effective_from, effective_to, is_deleted, is_inferred, facts, attributes.
    """
    key = [item.name for item in dimension.business_key]
    keys = ", ".join(key)
    real = f"SELECT * FROM analytics.{dimension.name} WHERE {dimension.surrogate_key} <> {c.UNKNOWN_MEMBER}"
    facts = "SELECT CAST(NULL AS BIGINT) AS sk, 0 AS n"
    if counted:
        fact, reference = counted
        facts = f"SELECT {reference.name} AS sk, count(*) AS n FROM analytics.{fact.name} GROUP BY {reference.name}"
    technical = (c.EFFECTIVE_FROM, c.EFFECTIVE_TO, c.IS_DELETED, c.IS_INFERRED)
    columns = [f"d.{name}" for name in (*key, *technical)]
    values = [f"d.{item.name}" for item in attributes]
    same = " AND ".join(f"k.{name} = d.{name}" for name in key)
    return (
        f"SELECT {', '.join([*columns, 'COALESCE(f.n, 0)', *values])} FROM ({real}) AS d "
        f"JOIN (SELECT {keys} FROM ({real}) AS r WHERE NOT is_inferred GROUP BY {keys} "
        f"HAVING count(*) > 1 OR count(effective_to) = count(*) "
        f"ORDER BY count(*) DESC, {keys} LIMIT {_CANDIDATES}) AS k "
        f"ON {same} LEFT JOIN ({facts}) AS f ON f.sk = d.{dimension.surrogate_key} "
        f"ORDER BY {', '.join(f'd.{name}' for name in key)}, d.effective_from"
    )


def sales(query: Query, pipeline: Pipeline) -> Sales | None:
    """The first aggregate by an attribute of a dimension: its sum by month, beside the same by today's value."""
    for aggregate in pipeline.aggregates.values():
        plan = _plan(pipeline, aggregate)
        if plan is not None:
            return _sales(query, aggregate, plan)
    return None


@dataclass(frozen=True)
class _Plan:
    """What an aggregate sums, over which fact, and the dimension attribute it groups by."""

    fact: Fact
    reference: DimensionReference
    dimension: Dimension
    group: str
    attribute: str
    measure: str
    column: str


def _plan(pipeline: Pipeline, aggregate: Aggregate) -> _Plan | None:
    fact = pipeline.facts[aggregate.fact]
    sums = [item for item in aggregate.measures if item.function == "sum"]
    if not sums:
        return None
    measure = max(sums, key=lambda item: item.type.kind == "decimal")
    for group in aggregate.group_by:
        table, _, attribute = group.source.partition(".")
        for reference in fact.dimensions:
            if reference.name == table:
                dimension = pipeline.dimensions[reference.dimension]
                return _Plan(fact, reference, dimension, group.name, attribute, measure.name, measure.column)
    return None


def _sales(query: Query, aggregate: Aggregate, plan: _Plan) -> Sales:
    month = f"strftime({aggregate.date}, '%Y-%m')"
    known = query(
        f"SELECT {plan.group}, {month}, sum({plan.measure}) FROM analytics.{aggregate.name} GROUP BY 1, 2 ORDER BY 2"
    )
    today = {name: Decimal(total) for name, total in query(_today_query(plan)) if total is not None}
    months = sorted({month for _, month, _ in known if month is not None})[-_NEWEST_MONTHS:]
    by_group: dict[str | None, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for group, month, amount in known:
        by_group[group][month if month in months else EARLIER] += Decimal(amount or 0)
    columns = ([EARLIER] if any(EARLIER in cells for cells in by_group.values()) else []) + months
    names = sorted(set(by_group) | set(today), key=lambda name: (name is None, name or ""))
    rows = [
        SalesRow(
            "—" if name is None else str(name),
            tuple(by_group[name][column] for column in columns),
            today.get(name, Decimal(0)),
        )
        for name in names
    ]
    return Sales(aggregate.name, plan.group, plan.measure, tuple(columns), tuple(rows))


def _today_query(plan: _Plan) -> str:
    """The measure by the attribute of the newest version of each key."""
    key = [item.name for item in plan.dimension.business_key]
    newest = (
        f"SELECT {', '.join(key)}, {plan.attribute} AS value, row_number() OVER "
        f"(PARTITION BY {', '.join(key)} ORDER BY effective_from DESC) AS age FROM analytics.{plan.dimension.name} "
        f"WHERE {plan.dimension.surrogate_key} <> {c.UNKNOWN_MEMBER}"
    )
    same = " AND ".join(
        f"n.{own} = f.{fact_column}" for (fact_column, _), own in zip(plan.reference.keys, key, strict=True)
    )
    return (
        f"SELECT n.value, sum(f.{plan.column}) FROM analytics.{plan.fact.name} AS f "
        f"LEFT JOIN ({newest}) AS n ON n.age = 1 AND {same} GROUP BY n.value"
    )
