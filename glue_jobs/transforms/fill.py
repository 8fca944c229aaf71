"""Unavailable values: taken from the change before, across a key change from the old key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from glue_jobs.transforms.order import PLACE, in_order, is_upsert
from schemas import columns as c

_CARRIED = "_carried"


def fill(placed: DataFrame, keys: Sequence[str], columns: Sequence[str], link_rounds: int = 0) -> DataFrame:
    """Gives every upsert its whole row.

    Args:
        placed: a log as `place` gives it, with `_unavailable` and `_old_key`.
        keys: key columns.
        columns: value columns to fill.
        link_rounds: how many key changes follow each other at most, as `longest_chain` counts them; 0 if no key change
            carries an unavailable value.

    Returns:
        The same columns; in an upsert, a value of `_unavailable` is that of the last upsert before it, NULL if none is
        known. Rows of other kinds keep what they have.
    """
    if not columns:
        return placed
    carried: DataFrame | None = None
    for _ in range(link_rounds):
        carried = _values_at_links(_fill_within(placed, keys, columns, carried), keys, columns)
    return _fill_within(placed, keys, columns, carried)


def longest_chain(changes: DataFrame, keys: Sequence[str]) -> int:
    """The longest chain of key changes through which unavailable values may travel; reads the log once.

    A chain longer than one is rare, but a value may pass through each of its links, and each takes a round of `fill`.
    """
    old = F.col(c.OLD_KEY).alias("old")
    rows = changes.where(is_link()).select(F.struct(*keys).alias("key"), old).collect()
    return _longest_path([(tuple(row["key"]), tuple(row["old"])) for row in rows])


def is_link() -> Column:
    """Whether a change takes unavailable values over from the key that its row had before."""
    return F.col(c.OLD_KEY).isNotNull() & is_upsert() & (F.size(c.UNAVAILABLE) > 0)


def _longest_path(links: list[tuple[Any, Any]]) -> int:
    """Length of the longest path over (key, old key).

    Places only run forward, so the number of links bounds a chain even where keys change back and forth.
    """
    depth = dict.fromkeys((key for key, _ in links), 1)
    for _ in links:
        longer = {key: 1 + depth[old] for key, old in links if depth.get(old, 0) >= depth[key]}
        if not longer:
            return max(depth.values())
        depth |= longer
    return len(links)


def _fill_within(
    placed: DataFrame, keys: Sequence[str], columns: Sequence[str], carried: DataFrame | None
) -> DataFrame:
    """Fills from the key's own changes; a link takes what `carried` has for it, NULL where that has nothing."""
    rows = placed if carried is None else placed.join(F.broadcast(carried), on=c.IDENTITY, how="left")
    known = in_order(keys).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    filled = {}
    for name in columns:
        across = F.lit(None) if carried is None else F.col(f"{_CARRIED}.{name}")
        inherited = F.when(is_link(), F.struct(across.cast(placed.schema[name].dataType).alias("v")))
        missing = F.array_contains(F.col(c.UNAVAILABLE), name)
        cell = F.when(is_upsert(), F.when(missing, inherited).otherwise(F.struct(F.col(name).alias("v"))))
        filled[name] = F.when(is_upsert(), F.last(cell, ignorenulls=True).over(known)["v"]).otherwise(F.col(name))
    return rows.withColumns(filled).select(*placed.columns)


def _values_at_links(filled: DataFrame, keys: Sequence[str], columns: Sequence[str]) -> DataFrame:
    """For each link, the old key's last upsert before it: `_identity`, `_carried struct<columns>`."""
    links = filled.where(is_link()).select(
        F.col(c.IDENTITY), F.col(c.OLD_KEY).alias("_from"), F.struct(*PLACE).alias("_link_place")
    )
    upserts = filled.where(is_upsert()).select(
        F.struct(*keys).alias("_key"), F.struct(*PLACE).alias("_at"), F.struct(*columns).alias("_values")
    )
    same = [F.col(f"_from.{name}").eqNullSafe(F.col(f"_key.{name}")) for name in keys]
    before = links.join(upserts, on=[*same, F.col("_at") < F.col("_link_place")], how="inner")
    return before.groupBy(c.IDENTITY).agg(F.max_by("_values", "_at").alias(_CARRIED))
