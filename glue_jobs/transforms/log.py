"""A change log in order and whole: what every version and every state is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.fill import UNKNOWN, fill, is_link, longest_chain
from glue_jobs.transforms.order import place
from schemas import columns as c


@dataclass(frozen=True)
class LogProfile:
    """How many rows a log has, and which of the rare kinds, so that a log without them pays nothing for them.

    `missing`: rows with unavailable values; `link_rounds`: the longest chain of key changes that carry such values;
    `newest`: latest instant of a change, in milliseconds since 1970.
    """

    rows: int
    truncates: bool
    snapshots: bool
    missing: bool
    link_rounds: int
    newest: int | None = None

    @classmethod
    def of(cls, changes: DataFrame, keys: Sequence[str]) -> LogProfile:
        """Reads the log once to find out; once more where key changes carry unavailable values."""
        counts = changes.agg(
            F.count(F.lit(1)).alias("rows"),
            F.count_if(F.col(c.OP) == "t").alias("truncates"),
            F.count_if(F.col(c.OP) == "r").alias("snapshots"),
            F.count_if(F.size(c.UNAVAILABLE) > 0).alias("missing"),
            F.count_if(is_link()).alias("links"),
            F.max(F.unix_millis(F.col(c.CHANGED_AT))).alias("newest"),
        ).first()
        assert counts is not None
        rounds = longest_chain(changes, keys) if counts["links"] else 0
        return cls(
            rows=counts["rows"],
            truncates=bool(counts["truncates"]),
            snapshots=bool(counts["snapshots"]),
            missing=bool(counts["missing"]),
            link_rounds=rounds,
            newest=counts["newest"],
        )


def whole_log(changes: DataFrame, keys: Sequence[str], columns: Sequence[str], profile: LogProfile) -> DataFrame:
    """Each key's changes once each, in place, with unavailable values filled.

    Args:
        changes: rows of a change log, any of them repeated.
        keys: key columns.
        columns: value columns to fill.
        profile: what the log holds.

    Returns:
        The columns of the log and `_unknown`. Where no row lacks a value, only one that stands for others (a tip) may.
    """
    placed = place(changes, keys, truncates=profile.truncates, snapshots=profile.snapshots)
    if not profile.missing:
        return placed.withColumn(UNKNOWN, F.col(c.UNAVAILABLE))
    return fill(placed, keys, columns, profile.link_rounds)
