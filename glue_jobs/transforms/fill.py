"""Unavailable values: taken from the change before, across a key change from the old key; unknown if none gave one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from glue_jobs.transforms.order import PLACE, in_order, is_upsert
from schemas import columns as c

UNKNOWN: Final = "_unknown"
"""Columns of an upsert that are NULL because no change gave their value."""
_CARRIED = "_carried"
_CELL = "_cell_"


def fill(placed: DataFrame, keys: Sequence[str], columns: Sequence[str], link_rounds: int = 0) -> DataFrame:
    """Gives every upsert its whole row.

    Args:
        placed: a log as `place` gives it, with `_unavailable` and `_old_key`.
        keys: key columns.
        columns: value columns to fill.
        link_rounds: how many key changes follow each other at most, as `longest_chain` counts them; 0 if no key change
            carries an unavailable value, else each round is computed at once.

    Returns:
        The same columns and `_unknown`; in an upsert, a value of `_unavailable` is that of the last upsert before it,
        NULL and in `_unknown` if none is known. Rows of other kinds keep what they have.
    """
    if not columns:
        return placed.withColumn(UNKNOWN, F.col(c.UNAVAILABLE))
    carried: DataFrame | None = None
    if link_rounds:
        # Each round reads the placed log again, and a plan that holds all rounds takes longer to plan than to run.
        placed = placed.localCheckpoint()
    for _ in range(link_rounds):
        carried = _values_at_links(_fill_within(placed, keys, columns, carried), keys, columns).localCheckpoint()
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
    """Fills from the key's own changes; a link takes what `carried` has, NULL and unknown where that has nothing."""
    rows = placed if carried is None else placed.join(F.broadcast(carried), on=c.IDENTITY, how="left")
    known = in_order(keys).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    cells = {}
    for name in columns:
        across = F.lit(None) if carried is None else F.col(f"{_CARRIED}.{name}")
        inherited = F.when(is_link(), _cell(across.cast(placed.schema[name].dataType), _is_carried(name, carried)))
        missing = F.array_contains(F.col(c.UNAVAILABLE), name)
        cell = F.when(is_upsert(), F.when(missing, inherited).otherwise(_cell(F.col(name), F.lit(True))))
        cells[f"{_CELL}{name}"] = F.last(cell, ignorenulls=True).over(known)
    filled = {name: F.when(is_upsert(), F.col(f"{_CELL}{name}.v")).otherwise(F.col(name)) for name in columns}
    missed = [F.when(~F.coalesce(F.col(f"{_CELL}{name}.known"), F.lit(False)), F.lit(name)) for name in columns]
    unknown = F.when(is_upsert(), F.array_compact(F.array(*missed))).otherwise(F.col(c.UNAVAILABLE))
    return rows.withColumns(cells).withColumns({**filled, UNKNOWN: unknown}).select(*placed.columns, UNKNOWN)


def _cell(value: Column, known: Column) -> Column:
    """A value, NULL or not, of which one can tell whether it is known."""
    return F.struct(value.alias("v"), known.alias("known"))


def _is_carried(name: str, carried: DataFrame | None) -> Column:
    """Whether the old key's last upsert knew the value."""
    unknown = F.lit(None) if carried is None else F.array_contains(F.col(f"{_CARRIED}.{UNKNOWN}"), name)
    return F.coalesce(~unknown.cast("boolean"), F.lit(False))


def _values_at_links(filled: DataFrame, keys: Sequence[str], columns: Sequence[str]) -> DataFrame:
    """For each link, the old key's last upsert before it: `_identity`, `_carried struct<columns, _unknown>`."""
    links = filled.where(is_link()).select(
        F.col(c.IDENTITY), F.col(c.OLD_KEY).alias("_from"), F.struct(*PLACE).alias("_link_place")
    )
    upserts = filled.where(is_upsert()).select(
        F.struct(*keys).alias("_key"), F.struct(*PLACE).alias("_at"), F.struct(*columns, UNKNOWN).alias("_values")
    )
    same = [F.col(f"_from.{name}").eqNullSafe(F.col(f"_key.{name}")) for name in keys]
    before = links.join(upserts, on=[*same, F.col("_at") < F.col("_link_place")], how="inner")
    return before.groupBy(c.IDENTITY).agg(F.max_by("_values", "_at").alias(_CARRIED))
