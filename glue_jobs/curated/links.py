"""Key changes that carry unavailable values: which keys depend on which. They are rare, so the driver holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.fill import is_link
from glue_jobs.transforms.tip import LINKED, OLD_KEYS
from schemas import columns as c

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Links:
    """Pairs (key, old key), and what follows from them for a batch.

    `dependents` are keys outside the batch whose values may change because a key they come from is in it; `context` are
    keys whose log is needed only to fill others; `forced` are keys that must be computed from their log.
    """

    pairs: frozenset[tuple[Key, Key]] = frozenset()
    dependents: frozenset[Key] = frozenset()
    context: frozenset[Key] = frozenset()
    forced: frozenset[Key] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.forced)

    def restricted(self, summary: DataFrame, keys: Sequence[str]) -> Links:
        """To the keys of a batch (rows of `key_summary`)."""
        if not self.pairs:
            return self
        ends = sorted({key for pair in self.pairs for key in pair})
        wanted = summary.sparkSession.createDataFrame(ends, summary.select(*keys).schema)
        found = summary.join(F.broadcast(wanted), on=list(keys), how="left_semi").select(*keys).collect()
        return Links.of(self.pairs, {tuple(row) for row in found})

    @staticmethod
    def of(pairs: Iterable[tuple[Key, Key]], touched: set[Key]) -> Links:
        """From the keys of a batch that are at either end of a link."""
        every = frozenset(pairs)
        affected = _reached(touched, every)
        linked = {key for key, _ in every} & affected
        needed = _reached(linked, frozenset((old, key) for key, old in every)) - linked
        return Links(
            every,
            dependents=frozenset(linked - touched),
            context=frozenset(needed - touched),
            forced=frozenset(linked | (needed & touched)),
        )


def read_links(state: DataFrame, batch: DataFrame | None, keys: Sequence[str]) -> Links:
    """The links that a state table remembers, and those that a batch brings (None if it brings none)."""
    key = F.struct(*keys).alias("key")
    known = state.where(F.col(LINKED)).select(key, F.explode(OLD_KEYS).alias("old"))
    if batch is not None:
        known = known.unionByName(batch.where(is_link()).select(key, F.col(c.OLD_KEY).alias("old")))
    return Links(frozenset((tuple(row["key"]), tuple(row["old"])) for row in known.collect()))


def _reached(start: set[Key], pairs: frozenset[tuple[Key, Key]]) -> set[Key]:
    """All keys reached from `start` by going from the second of a pair to its first."""
    reached = set(start)
    while True:
        more = {first for first, second in pairs if second in reached} - reached
        if not more:
            return reached
        reached |= more
