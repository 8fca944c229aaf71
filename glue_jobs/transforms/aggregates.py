"""Tables grouped from one fact by its event date and by attributes of the versions it refers to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.model import Aggregate, Dimension, Fact, Measure

_FUNCTIONS: Final[dict[str, Callable[[Column], Column]]] = {
    "sum": F.sum,
    "count": F.count,
    "count_distinct": F.count_distinct,
    "min": F.min,
    "max": F.max,
}


def aggregate_rows(
    facts: DataFrame,
    versions: Mapping[str, DataFrame],
    aggregate: Aggregate,
    fact: Fact,
    dimensions: Mapping[str, Dimension],
) -> DataFrame:
    """The aggregate of the given facts: all facts of the dates wanted.

    Args:
        facts: rows of the fact table; those without an event time belong to no date.
        versions: dimension tables by name, unknown and inferred members included.
        aggregate: the contract.
        fact: contract of the fact.
        dimensions: contracts by name.

    Returns:
        Columns as `aggregate_columns` names them.
    """
    rows = facts.where(F.col(fact.event_time.name).isNotNull()).alias(fact.name)
    for reference in group_references(aggregate, fact):
        dimension = dimensions[referenced_dimension(fact, reference)]
        other = versions[dimension.name].alias(reference)
        on = F.col(f"`{fact.name}`.`{reference}`") == F.col(f"`{reference}`.`{dimension.surrogate_key}`")
        rows = rows.join(other, on=on, how="left")
    groups = [F.col(f"`{fact.name}`.`{fact.event_time.name}`").cast("date").alias(aggregate.date)]
    groups += [_column(item.source).cast(item.type.spark).alias(item.name) for item in aggregate.group_by]
    return rows.groupBy(*groups).agg(*(_measure(item, fact) for item in aggregate.measures))


def aggregate_columns(aggregate: Aggregate) -> list[str]:
    """Column names of an aggregate table, in order."""
    return [aggregate.date, *(item.name for item in aggregate.group_by), *(item.name for item in aggregate.measures)]


def referenced_dimension(fact: Fact, name: str) -> str:
    """The dimension behind a reference of a fact."""
    return next(reference.dimension for reference in fact.dimensions if reference.name == name)


def group_references(aggregate: Aggregate, fact: Fact) -> list[str]:
    """The fact's references whose attributes the aggregate groups by."""
    tables = (item.source.split(".")[0] for item in aggregate.group_by)
    return [name for name in dict.fromkeys(tables) if name != fact.name]


def overwritten_groups(aggregate: Aggregate, fact: Fact, dimensions: Mapping[str, Dimension]) -> list[str]:
    """The references of which the aggregate groups by a type-1 attribute: it changes while the fact's key stays."""
    found = []
    for item in aggregate.group_by:
        reference, column = item.source.split(".")
        if reference == fact.name:
            continue
        if column in {attribute.name for attribute in dimensions[referenced_dimension(fact, reference)].type1}:
            found.append(reference)
    return list(dict.fromkeys(found))


def _column(source: str) -> Column:
    table, column = source.split(".")
    return F.col(f"`{table}`.`{column}`")


def _measure(measure: Measure, fact: Fact) -> Column:
    column = F.col(f"`{fact.name}`.`{measure.column}`")
    return _FUNCTIONS[measure.function](column).cast(measure.type.spark).alias(measure.name)
