"""Rows of load files, in the column order that COPY takes them in; `docs/architecture.md` gives the shapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.asof import inferred_key
from glue_jobs.transforms.facts import LIVE, fact_row_columns
from glue_jobs.transforms.surrogate import origin_key, surrogate_key
from schemas import columns as c
from schemas.model import Dimension, Fact, SourceContract


def dimension_load_rows(changes: DataFrame, dimension: Dimension) -> DataFrame:
    """Change rows of a dimension as its warehouse log takes them.

    Args:
        changes: rows of the source's change log.
        dimension: the contract.

    Returns:
        Business key; change coordinates and instant; unavailable attributes as `,a,b,`; old key; the surrogate key of
        the version that the change may open, and of a history that opens at the beginning of time; attributes. Keys are
        NULL in a truncate.
    """
    pairs = [(key, F.col(key.source).cast(key.type.spark)) for key in dimension.business_key]
    keys = [column for _, column in pairs]
    old = [F.col(f"{c.OLD_KEY}.{key.source}").cast(key.type.spark).alias(f"old_{key.name}") for key, _ in pairs]
    keyed = F.col(c.OP) != "t"
    return changes.select(
        *(column.alias(key.name) for key, column in pairs),
        F.col(c.IDENTITY).cast("string").alias("change_identity"),
        F.col(c.OP).alias("change_op"),
        F.col(c.EPOCH).cast("int").alias("epoch"),
        F.when(F.col(c.OP) != "r", F.col(c.POSITION)).alias("position"),
        F.col(c.PARTITION).cast("int").alias("kafka_partition"),
        F.col(c.OFFSET).cast("bigint").alias("kafka_offset"),
        F.col(c.CHANGED_AT).cast("timestamp").alias("changed_at"),
        _unavailable(dimension).alias("unavailable"),
        *old,
        F.when(keyed, surrogate_key(dimension.name, keys, F.col(c.IDENTITY))).alias("change_sk"),
        F.when(keyed, origin_key(dimension.name, keys)).alias("origin_sk"),
        *(F.col(item.source).cast(item.type.spark).alias(item.name) for item in dimension.attributes),
    )


def fact_load_rows(rows: DataFrame, fact: Fact, dimensions: Mapping[str, Dimension]) -> DataFrame:
    """Fact states as the warehouse takes them.

    Args:
        rows: `facts.fact_rows`, at most one per fact key.
        fact: the contract.
        dimensions: contracts by name.

    Returns:
        Business key; event time; dimension business keys; columns; per reference `<name>_origin_sk`; calendar keys;
        `is_deleted`.
    """
    calendars = [reference.name for reference in fact.calendars]
    plain = [name for name in fact_row_columns(fact) if name not in {*calendars, c.IS_DELETED}]
    inferred = [
        inferred_key(reference, dimensions[reference.dimension]).alias(f"{reference.name}_origin_sk")
        for reference in fact.dimensions
    ]
    return rows.select(*plain, *inferred, *calendars, c.IS_DELETED)


def mirror_load_rows(states: DataFrame, source: SourceContract) -> DataFrame:
    """Present rows as a mirror takes them.

    Args:
        states: rows of the source's state (`transforms.tip`), at most one per key.
        source: the contract.

    Returns:
        The source's columns, NULL where no change gave a value; `_changed_at`; `_is_deleted`.
    """
    return states.select(
        *(F.col(column.name).cast(column.type.spark).alias(column.name) for column in source.columns),
        F.col(c.CHANGED_AT).cast("timestamp").alias("_changed_at"),
        (~F.col(LIVE)).alias("_is_deleted"),
    )


def _unavailable(dimension: Dimension) -> Column:
    """Attribute names between commas, the empty text if there are none."""
    parts = [
        F.when(F.array_contains(F.col(c.UNAVAILABLE), item.source), F.lit(f"{item.name},"))
        for item in dimension.attributes
    ]
    if not parts:
        return F.lit("")
    none = reduce(and_, (part.isNull() for part in parts))
    return F.when(none, F.lit("")).otherwise(F.concat(F.lit(","), F.concat_ws("", *parts)))
