"""Reading the rows of a few keys out of a table, without the files that cannot hold them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def matching(rows: DataFrame, keys: DataFrame, on: Sequence[tuple[str, str]]) -> DataFrame:
    """Rows whose columns equal those of any of `keys`.

    The keys' least and greatest values are pushed down, so that files outside are not read; it takes a job over `keys`.

    Args:
        rows: rows of a table.
        keys: small and materialized.
        on: pairs of (column of `rows`, column of `keys`).
    """
    bounds = keys.agg(
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
    return rows.where(reduce(and_, within)).join(F.broadcast(wanted), on=[column for column, _ in on], how="left_semi")
