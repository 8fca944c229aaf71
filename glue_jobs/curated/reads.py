"""Reading the rows of a few keys out of a table, without the files that cannot hold them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MOST_BROADCAST: Final = 2_000_000
"""Keys that a session surely holds; more are joined by a shuffle."""


def matching(rows: DataFrame, keys: DataFrame, on: Sequence[tuple[str, str]]) -> DataFrame:
    """Rows whose columns equal those of any of `keys`.

    The keys' least and greatest values are pushed down, so that files outside are not read; it takes a job over `keys`.
    They are broadcast unless there are too many of them for that.

    Args:
        rows: rows of a table.
        keys: materialized.
        on: pairs of (column of `rows`, column of `keys`).
    """
    bounds = keys.agg(
        F.count(F.lit(1)).alias("rows"),
        *(F.min(key).alias(f"low_{number}") for number, (_, key) in enumerate(on)),
        *(F.max(key).alias(f"high_{number}") for number, (_, key) in enumerate(on)),
    ).first()
    assert bounds is not None
    within = [
        F.col(column).between(bounds[f"low_{number}"], bounds[f"high_{number}"])
        for number, (column, _) in enumerate(on)
        if bounds[f"low_{number}"] is not None
    ]
    if len(within) < len(on):
        return rows.limit(0)
    wanted = keys.select(*(F.col(key).alias(column) for column, key in on)).distinct()
    few = bounds["rows"] <= MOST_BROADCAST
    wanted = F.broadcast(wanted) if few else wanted
    return rows.where(reduce(and_, within)).join(wanted, on=[column for column, _ in on], how="left_semi")
