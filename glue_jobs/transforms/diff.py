"""What must change in a dimension so that its rows of some keys become the wanted ones."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from glue_jobs.transforms.history import dimension_columns
from glue_jobs.transforms.tip import MOVED_FROM
from schemas import columns as c
from schemas.model import Dimension

STALE: Final = "stale"
WANTED: Final = "wanted"
CHANGE: Final = "_change"


def difference(old: DataFrame, new: DataFrame, dimension: Dimension) -> DataFrame:
    """Rows to take away and rows to add.

    Args:
        old: rows of the dimension as they are, of the keys concerned.
        new: rows of the same keys as they shall be.
        dimension: the contract.

    Returns:
        Columns of the dimension and `_change`: `stale` (delete it by its surrogate key) or `wanted` (append it); a row
        that stays as it is is in neither.
    """
    names = dimension_columns(dimension)
    rows = old.select(*names, F.lit(STALE).alias(CHANGE)).unionByName(new.select(*names, F.lit(WANTED).alias(CHANGE)))
    twins = F.count(F.lit(1)).over(Window.partitionBy(*names))
    return rows.withColumn("_twins", twins).where(F.col("_twins") == 1).drop("_twins")


def with_inferred(old: DataFrame, versions: DataFrame, dimension: Dimension) -> DataFrame:
    """The versions, and of `old` the inferred members whose key has none."""
    keys = [key.name for key in dimension.business_key]
    kept = old.where(F.col(c.IS_INFERRED)).join(versions.select(*keys).distinct(), on=keys, how="left_anti")
    names = dimension_columns(dimension)
    return versions.select(*names).unionByName(kept.select(*names))


def with_type1_of(rows: DataFrame, latest: DataFrame, dimension: Dimension) -> DataFrame:
    """Rows of a dimension with the type-1 attributes of each key's present state.

    Args:
        rows: dimension rows.
        latest: state rows: source key columns and contract columns.
        dimension: the contract.
    """
    keys = [F.col(key.source).alias(key.name) for key in dimension.business_key]
    values = F.struct(*(F.col(item.source).alias(item.name) for item in dimension.type1)).alias("_now")
    joined = rows.join(latest.select(*keys, values), on=[key.name for key in dimension.business_key], how="inner")
    fresh = {item.name: F.col("_now")[item.name] for item in dimension.type1}
    return joined.withColumns(fresh).select(*dimension_columns(dimension))


def moves(changes: DataFrame, dimension: Dimension, whole: DataFrame | None) -> DataFrame:
    """From which instant each key's versions moved, so far as facts can tell.

    A fact refers to the version that started last at or before its event time, so ends do not matter; but facts before
    the first version refer to it, so a moved first version moves them all.

    Args:
        changes: `difference`.
        dimension: the contract.
        whole: all rows, old and new, of keys that were computed from their log; of other keys nothing before the change
            can have moved.

    Returns:
        Source key columns and `_moved_from`.
    """
    names = [key.name for key in dimension.business_key]
    both = F.count(F.lit(1)).over(Window.partitionBy(dimension.surrogate_key, c.EFFECTIVE_FROM, c.IS_INFERRED))
    gone_or_new = changes.withColumn("_both", both).where(F.col("_both") == 1)
    moved = gone_or_new.groupBy(*names).agg(F.min(c.EFFECTIVE_FROM).alias(MOVED_FROM))
    if whole is not None:
        first = whole.groupBy(*names).agg(F.min(c.EFFECTIVE_FROM).alias("_first"))
        beginning = F.lit(c.BEGINNING_OF_TIME).cast("timestamp")
        at_start = F.col(MOVED_FROM) <= F.col("_first")
        moved = moved.join(first, on=names, how="left").withColumn(
            MOVED_FROM, F.when(at_start, beginning).otherwise(F.col(MOVED_FROM))
        )
    return moved.select(*(F.col(key.name).alias(key.source) for key in dimension.business_key), MOVED_FROM)
