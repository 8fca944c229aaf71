"""The order of a key's changes: re-emissions merged, snapshot rows placed, truncates made changes of every key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from schemas import columns as c

PLACE: Final = (c.EPOCH, c.POSITION, c.PARTITION, c.OFFSET)
"""What a key's changes are ordered by, once `place` has given snapshot rows their position."""
UPSERTS: Final = ("c", "u", "r")


def is_upsert() -> Column:
    """Whether the row exists after the change."""
    return F.col(c.OP).isin(*UPSERTS)


def in_order(keys: Sequence[str]) -> WindowSpec:
    """The window of a key's changes in order."""
    return Window.partitionBy(*keys).orderBy(*PLACE)


def place(changes: DataFrame, keys: Sequence[str], *, truncates: bool = True, snapshots: bool = True) -> DataFrame:
    """Each key's changes, once each, with the place they stand at.

    Args:
        changes: rows of a change log, in any order, any of them repeated.
        keys: key columns; NULL in a truncate.
        truncates: whether the log may hold truncates; false saves the work.
        snapshots: whether it may hold snapshot rows; false saves the work.

    Returns:
        The same columns. `_position` is never NULL: a snapshot row has the highest position that its key or a truncate
        has at lower offsets of its partition, so that sorting by `PLACE` puts it directly after that change. A truncate
        is there once for each key.
    """
    merged = _merged(changes, keys)
    own = _of_every_key(merged, keys) if truncates else merged
    if not snapshots:
        return own.withColumn(c.POSITION, F.coalesce(F.col(c.POSITION), F.lit("")))
    below = Window.partitionBy(*keys, c.EPOCH, c.PARTITION).orderBy(c.OFFSET).rowsBetween(Window.unboundedPreceding, -1)
    streamed = F.when(F.col(c.OP) != "r", F.col(c.POSITION))
    position = F.when(F.col(c.OP) == "r", F.max(streamed).over(below)).otherwise(F.col(c.POSITION))
    return own.withColumn(c.POSITION, F.coalesce(position, F.lit("")))


def _merged(changes: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Rows of one identity are one change, at its earliest coordinates."""
    by_identity = Window.partitionBy(*keys).orderBy(c.IDENTITY, c.PARTITION, c.OFFSET)
    marked = changes.withColumn("_again", F.lag(c.IDENTITY).over(by_identity).eqNullSafe(F.col(c.IDENTITY)))
    return marked.where(~F.col("_again")).drop("_again")


def _of_every_key(merged: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Truncates, which have no key, repeated for each key of the log."""
    own = merged.where(F.col(c.OP) != "t")
    truncates = merged.where(F.col(c.OP) == "t").drop(*keys)
    every = own.select(*keys).distinct().crossJoin(F.broadcast(truncates))
    return own.unionByName(every.select(*merged.columns))
