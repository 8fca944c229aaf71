"""The keys of a batch, sorted by the path they take, with what is known of them before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.curated.links import Key, Links, read_links
from glue_jobs.curated.work import Work, real_versions, rows_of_keys
from glue_jobs.transforms import tip
from glue_jobs.transforms.facts import LIVE
from glue_jobs.transforms.fill import UNKNOWN
from glue_jobs.transforms.log import LogProfile, whole_log
from schemas import columns as c
from schemas.model import Dimension


@dataclass(frozen=True)
class Batch:
    """A batch of one source. Frames hold its keys alone and are checkpointed: the commits to come do not change them.

    `rows` the new changes; `paths` key columns and `_path`; `state` the keys' state before; `present` per dimension the
    current rows of the keys, inferred members too; `counts` keys by path; `profile` what the new changes hold.
    """

    rows: DataFrame
    paths: DataFrame
    state: DataFrame
    present: Mapping[str, DataFrame]
    counts: Mapping[str, int]
    links: Links
    profile: LogProfile

    @property
    def known(self) -> bool:
        """Whether any key of the batch was there before."""
        return bool(self.counts.get(tip.Path.FOLLOWS) or self.counts.get(tip.Path.LOG))

    def of(self, *kinds: tip.Path) -> DataFrame:
        """Key columns of the keys that take one of these paths."""
        return self.paths.where(F.col(tip.PATH).isin(*(kind.value for kind in kinds))).drop(tip.PATH)

    def log(self, work: Work) -> DataFrame:
        """Placed and filled rows of the batch's keys: from their tips on, or from the beginning."""
        keys = work.keys
        follows = self.state.join(self.of(tip.Path.FOLLOWS), on=keys, how="left_semi")
        short = self.rows.join(self.of(tip.Path.NEW, tip.Path.FOLLOWS), on=keys, how="left_semi")
        rows = short.unionByName(tip.tip_rows(follows, work.source))
        if self.counts.get(tip.Path.LOG):
            wanted = with_keys(work, self.of(tip.Path.LOG), self.links.context)
            rows = rows.unionByName(work.changes(0).join(F.broadcast(wanted), on=keys, how="left_semi"))
        truncates = tip.truncate_rows(work.spark.table(work.state), work.source)
        truncated = not truncates.isEmpty()
        rows = rows.unionByName(truncates) if truncated else rows
        profile = replace(self.profile, truncates=truncated)
        if self.counts.get(tip.Path.LOG):
            rows = rows.localCheckpoint()
            profile = LogProfile.of(rows, keys)
        values = [column.name for column in work.source.value_columns]
        log = whole_log(rows, keys, values, profile)
        return log.join(self.paths.select(*keys), on=keys, how="left_semi") if self.links.context else log

    def overwritten(self, state: DataFrame, dimension: Dimension, keys: list[str]) -> DataFrame | None:
        """Keys that follow their tip and whose type-1 attributes changed; None if there are none.

        Args:
            state: state rows after the batch.
            dimension: the contract.
            keys: key columns.
        """
        if not dimension.type1 or not self.counts.get(tip.Path.FOLLOWS):
            return None
        names = [item.source for item in dimension.type1]
        before = self.state.where(F.col(tip.KNOWN)).select(*keys, F.struct(*names).alias("_before"))
        after = state.select(*keys, F.struct(*names).alias("_after"))
        both = after.join(before, on=keys, how="inner").join(self.of(tip.Path.FOLLOWS), on=keys, how="left_semi")
        changed = both.where(~F.col("_before").eqNullSafe(F.col("_after"))).select(*keys).localCheckpoint()
        return None if changed.isEmpty() else changed


def sorted_batch(work: Work, rows: DataFrame, profile: LogProfile) -> Batch:
    """Decides each key's path, from its state, its dimensions, and its links to other keys.

    Args:
        work: where to read.
        rows: the new changes, without truncates.
        profile: what they hold.
    """
    summary = tip.key_summary(rows, work.keys).localCheckpoint()
    table = work.spark.table(work.state)
    found = read_links(table, rows if profile.link_rounds else None, work.keys).restricted(summary, work.keys)
    touched = with_keys(work, summary.select(*work.keys), found.dependents)
    state = table.join(F.broadcast(touched), on=work.keys, how="left_semi").localCheckpoint()
    present = {
        d.name: rows_of_keys(work.spark.table(work.table(d)).where(F.col(c.IS_CURRENT)), touched, d).localCheckpoint()
        for d in work.dimensions
    }
    paths = _forced(work, tip.paths(summary, state, work.keys), found.forced)
    for dimension in work.dimensions:
        paths = _unless_it_differs(paths, state, present[dimension.name], dimension, work.keys)
    paths = paths.localCheckpoint()
    counts = {row[tip.PATH]: row["count"] for row in paths.groupBy(tip.PATH).count().collect()}
    return Batch(rows, paths, state, present, counts, found, profile)


def with_keys(work: Work, keys: DataFrame, more: frozenset[Key]) -> DataFrame:
    """Keys and some more of them."""
    if not more:
        return keys
    return keys.unionByName(work.spark.createDataFrame(sorted(more), work.key_schema)).distinct()


def _forced(work: Work, paths: DataFrame, forced: frozenset[Key]) -> DataFrame:
    if not forced:
        return paths
    keys = work.spark.createDataFrame(sorted(forced), work.key_schema).withColumn("_forced", F.lit(True))
    path = F.when(F.col("_forced"), F.lit(tip.Path.LOG.value)).otherwise(F.col(tip.PATH))
    return paths.join(keys, on=work.keys, how="full").withColumn(tip.PATH, path).drop("_forced")


def _unless_it_differs(
    paths: DataFrame, state: DataFrame, present: DataFrame, dimension: Dimension, keys: list[str]
) -> DataFrame:
    """By policy a dimension may show a row that is gone, or a deleted version: then only the log tells what follows.

    It also tells which closed versions are complete, once the type-1 value that all of them lack is known.
    """
    lacks = reduce(or_, (F.array_contains(UNKNOWN, item.source) for item in dimension.type1), F.lit(False))
    live = state.select(*keys, F.col(LIVE).alias("_is_live"), lacks.alias("_lacks"))
    current = real_versions(present, dimension).select(*keys, F.col(c.IS_DELETED).alias("_gone"))
    joined = paths.join(live, on=keys, how="left").join(current, on=keys, how="left")
    shown = F.col("_gone").isNotNull()
    follows = F.col(tip.PATH) == tip.Path.FOLLOWS.value
    lacks_type1 = F.coalesce("_lacks", F.lit(False))
    differs = (
        lacks_type1 | F.coalesce(F.col("_gone"), F.lit(False)) | (shown != F.coalesce(F.col("_is_live"), F.lit(False)))
    )
    path = F.when(follows & differs, F.lit(tip.Path.LOG.value)).otherwise(F.col(tip.PATH))
    return joined.select(*keys, path.alias(tip.PATH))
