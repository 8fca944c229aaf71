"""Facts: one row per row of the base source, joined to others by their keys, as of the sources' present state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas import columns as c
from schemas.model import Calendar, CalendarReference, Dimension, Fact, FactColumn

LIVE: Final = "_live"
"""In a state table: whether the source row exists."""
_MADE: Final = "_made_"
_HELD: Final = "_held_"
_LITERAL: Final = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_LITERAL_OR_REFERENCE: Final = re.compile(rf"({_LITERAL})|\b([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\b")


def fact_rows(
    base: DataFrame,
    joined: Mapping[str, DataFrame],
    fact: Fact,
    calendars: Mapping[str, Calendar],
    dimensions: Mapping[str, Dimension],
) -> DataFrame:
    """The state of facts before their dimension keys are looked up.

    Args:
        base: rows of the base source's state whose facts are wanted: contract columns and `_live`.
        joined: the same of each joined source, by name.
        fact: the contract.
        calendars: calendar contracts by name.
        dimensions: dimension contracts by name.

    Returns:
        Columns as `fact_row_columns` names them. A joined row that is missing or deleted leaves its columns NULL and
        calendar keys -1. `is_deleted` where the base row is gone, or a value does not fit its type: then
        `_misfits array<string>` names the columns, and `_misfit_row` holds the base row as JSON; else both are NULL.
    """
    rows = base.alias(fact.base)
    for join in fact.joins:
        other = joined[join.source].where(F.col(LIVE)).alias(join.source)
        on = [qualified(fact.base, left) == qualified(join.source, right) for left, right in join.on]
        rows = rows.join(other, on=on, how="left")
    rows = _with_values(rows, fact)
    kinds = reference_types(fact, dimensions)
    live = F.coalesce(qualified(fact.base, LIVE), F.lit(False))
    misfits = _misfits(fact)
    shown = F.to_json(F.struct(F.col(f"`{fact.base}`.*")))
    return rows.select(
        *(expression(key.source).cast(key.type.spark).alias(key.name) for key in fact.business_key),
        expression(fact.event_time.source).cast("timestamp").alias(fact.event_time.name),
        *(expression(source).cast(kinds[name]).alias(name) for name, source in reference_keys(fact).items()),
        *(F.col(_HELD + column.name).alias(column.name) for column in fact.columns),
        *(
            calendar_key(fact, reference, calendars[reference.calendar]).alias(reference.name)
            for reference in fact.calendars
        ),
        (~live | misfits.isNotNull()).alias(c.IS_DELETED),
        F.when(live, misfits).alias(c.MISFITS),
        F.when(live & misfits.isNotNull(), shown).alias(c.MISFIT_ROW),
    )


def _with_values(rows: DataFrame, fact: Fact) -> DataFrame:
    """Each column's expression, and its value as the type: rounded where that has fewer places, NULL where it cannot
    hold it. A step of its own names the expression, so that Spark computes it once.
    """
    rows = rows.withColumns({_MADE + column.name: expression(column.expr) for column in fact.columns})
    held = {c.name: F.expr(f"try_cast(`{_MADE}{c.name}` as {c.type.spark})") for c in fact.columns}
    return rows.withColumns({_HELD + name: value for name, value in held.items()})


def _misfits(fact: Fact) -> Column:
    """Names of the columns whose values their types cannot hold; NULL where there is none."""
    found = F.array_compact(F.array(*(F.when(_misfit(column), F.lit(column.name)) for column in fact.columns)))
    return F.when(F.size(found) > 0, found)


def _misfit(column: FactColumn) -> Column:
    value = F.col(_HELD + column.name)
    lost = F.col(_MADE + column.name).isNotNull() & value.isNull()
    return lost | (F.octet_length(value) > column.type.text_bytes) if column.type.text_bytes else lost


def fact_row_columns(fact: Fact) -> list[str]:
    """Column names of `fact_rows`, in order."""
    return _unique(
        [key.name for key in fact.business_key],
        [fact.event_time.name],
        reference_keys(fact),
        [column.name for column in fact.columns],
        [reference.name for reference in fact.calendars],
        [c.IS_DELETED],
    )


def fact_columns(fact: Fact) -> list[str]:
    """Column names of a fact table, in order: keys, surrogate keys, event time, dimension keys, columns."""
    return _unique(
        [key.name for key in fact.business_key],
        [reference.name for reference in fact.dimensions],
        [reference.name for reference in fact.calendars],
        [fact.event_time.name],
        reference_keys(fact),
        [column.name for column in fact.columns],
    )


def reference_keys(fact: Fact) -> dict[str, str]:
    """The dimensions' business keys as fact columns: source reference by name.

    A name that is part of the fact's own key, or that an earlier reference brought, stands once.
    """
    own = {key.name for key in fact.business_key}
    named = {name: source for reference in fact.dimensions for name, source in reference.keys}
    return {name: source for name, source in named.items() if name not in own}


def reference_types(fact: Fact, dimensions: Mapping[str, Dimension]) -> dict[str, str]:
    """Spark SQL types of the dimensions' business keys as fact columns."""
    return {
        name: key.type.spark
        for reference in fact.dimensions
        for (name, _), key in zip(reference.keys, dimensions[reference.dimension].business_key, strict=True)
    }


def expression(text: str) -> Column:
    """A contract's SQL over `table.column` references, each quoted: `order` is a word of SQL itself."""
    return F.expr(_LITERAL_OR_REFERENCE.sub(lambda m: m[1] or f"`{m[2]}`.`{m[3]}`", text))


def qualified(table: str, column: str) -> Column:
    """A column of an aliased frame."""
    return F.col(f"`{table}`.`{column}`")


def calendar_key(fact: Fact, reference: CalendarReference, calendar: Calendar) -> Column:
    """The integer yyyymmdd of the reference's day.

    -1 where there is none, where the calendar does not reach it, and while the event time is unknown.
    """
    day = expression(reference.expr).cast("date")
    within = day.between(F.lit(calendar.start).cast("date"), F.lit(calendar.end).cast("date"))
    timed = expression(fact.event_time.source).isNotNull()
    return F.when(timed & within, day_number(day)).otherwise(F.lit(c.UNKNOWN_MEMBER)).cast("int")


def day_number(day: Column) -> Column:
    """A date as the integer yyyymmdd."""
    return (F.year(day) * 10000 + F.month(day) * 100 + F.dayofmonth(day)).cast("int")


def _unique(*groups: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))
