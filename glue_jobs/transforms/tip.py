"""The tip of each key: where its log stands, so that changes that follow it need no other row of the log.

A source's state is one row per key: the row as its last upsert left it, and how far the key's log is known. It is what
facts are built from, and what decides whether a batch may be applied to a key's tip or the key must be computed again
from its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import reduce
from operator import and_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.facts import LIVE
from glue_jobs.transforms.fill import UNKNOWN, is_link
from glue_jobs.transforms.order import PLACE, is_upsert
from schemas import columns as c
from schemas.model import SourceContract

PLACE_PARTITION: Final = "_place_partition"
KNOWN: Final = "_known"
LINKED: Final = "_linked"
OLD_KEYS: Final = "_old_keys"
MOVED_FROM: Final = "_moved_from"
MOVED_SINCE: Final = "_moved_since"
TIP: Final = "_tip"
"""Marks the rows that stand for a key's log up to its tip."""
PATH: Final = "_path"

CHANGE_COLUMNS: Final = (
    c.INGEST_SEQ,
    c.PARTITION,
    c.OFFSET,
    c.EPOCH,
    c.OP,
    c.POSITION,
    c.IDENTITY,
    c.CHANGED_AT,
    c.UNAVAILABLE,
    c.OLD_KEY,
)
"""What the transforms need of a change log beside its contract columns."""


class Path(StrEnum):
    """How a key of a batch is computed."""

    NEW = "new"
    FOLLOWS = "follows"
    LOG = "log"


def state_columns(source: SourceContract) -> dict[str, str]:
    """Columns of a state table with their Spark SQL types.

    Contract columns hold the last upsert (whether or not the row still exists); `_live` says whether it does, `_known`
    whether there was one, `_unknown` which of its values no change gave (NULL if there are none). `_epoch`,
    `_position`, `_place_partition` are the place of the last change; `_partition` the one partition that all rows of
    the newest epoch lie in (NULL if there are several), `_offset` their highest offset; `_changed_at` the latest
    instant. `_ingest_seq` is the progress at which the row was last written. `_moved_from` is the earliest instant from
    which versions differ from those at progress `_moved_since`. A row with `_op` `t` is a truncate, kept for keys yet
    to come.
    """
    return {
        **{column.name: column.type.spark for column in source.columns},
        LIVE: "boolean",
        KNOWN: "boolean",
        UNKNOWN: "array<string>",
        c.OP: "string",
        c.IDENTITY: "string",
        c.EPOCH: "int",
        c.POSITION: "string",
        PLACE_PARTITION: "int",
        c.PARTITION: "int",
        c.OFFSET: "bigint",
        c.CHANGED_AT: "timestamp",
        c.INGEST_SEQ: "bigint",
        LINKED: "boolean",
        OLD_KEYS: f"array<{key_struct(source)}>",
        MOVED_FROM: "timestamp",
        MOVED_SINCE: "bigint",
    }


def key_struct(source: SourceContract) -> str:
    """Spark SQL type of a source's key."""
    return "struct<" + ", ".join(f"{column.name}: {column.type.spark}" for column in source.key_columns) + ">"


def key_summary(batch: DataFrame, keys: Sequence[str]) -> DataFrame:
    """What decides each key's path: one row per key of the batch, truncates aside."""
    streamed = F.when(F.col(c.OP) != "r", F.col(c.POSITION))
    return (
        batch.where(F.col(c.OP) != "t")
        .groupBy(*keys)
        .agg(
            F.min(c.EPOCH).alias("_first_epoch"),
            F.max(c.EPOCH).alias("_last_epoch"),
            F.min(c.PARTITION).alias("_first_partition"),
            F.max(c.PARTITION).alias("_last_partition"),
            F.min(c.OFFSET).alias("_first_offset"),
            F.min(streamed).alias("_first_position"),
            F.min(c.CHANGED_AT).alias("_first_instant"),
            F.max(F.col(c.OP) == "r").alias("_snapshot"),
            F.max(is_link()).alias("_linking"),
        )
    )


def paths(summary: DataFrame, state: DataFrame, keys: Sequence[str]) -> DataFrame:
    """How each key of a batch is computed.

    Args:
        summary: `key_summary` of the batch.
        state: state rows of (at least) these keys, before the batch.
        keys: key columns.

    Returns:
        Key columns and `_path`: `new` if the key has no state, `follows` if all its changes stand after its tip at
        later instants, `log` if it must be computed from its log.
    """
    known = state.select(*keys, F.struct(*(name for name in state.columns if name not in keys)).alias("_s"))
    path = (
        F.when(F.col("_linking"), F.lit(Path.LOG.value))
        .when(F.col("_s").isNull(), F.lit(Path.NEW.value))
        .when(_follows(), F.lit(Path.FOLLOWS.value))
        .otherwise(F.lit(Path.LOG.value))
    )
    return summary.join(known, on=list(keys), how="left").select(*keys, path.alias(PATH))


def _follows() -> Column:
    """Places after the tip, offsets above any snapshot row's, instants later than any clamp could reach."""
    tip = F.col("_s")
    conditions = (
        F.col("_first_epoch") == tip[c.EPOCH],
        F.col("_last_epoch") == tip[c.EPOCH],
        F.col("_first_partition") == tip[c.PARTITION],
        F.col("_last_partition") == tip[c.PARTITION],
        F.col("_first_offset") > tip[c.OFFSET],
        F.col("_first_position").isNull() | (F.col("_first_position") > tip[c.POSITION]),
        ~F.col("_snapshot") | (tip[PLACE_PARTITION] == tip[c.PARTITION]),
        F.col("_first_instant") > tip[c.CHANGED_AT],
        tip[LINKED].isNull(),
    )
    return F.coalesce(reduce(and_, conditions), F.lit(False))


def tip_rows(state: DataFrame, source: SourceContract) -> DataFrame:
    """Changes that stand for a key's whole log up to its tip: its last upsert and, if the row is gone, its end.

    Args:
        state: state rows of keys whose path is `follows`.
        source: the contract.

    Returns:
        Contract columns, `CHANGE_COLUMNS` and `_tip`.
    """
    both = F.when(F.col(LIVE), F.array(F.lit("u"))).when(F.col(KNOWN), F.array(F.lit("u"), F.lit("d")))
    rows = state.withColumn("_kind", F.explode(F.coalesce(both, F.array(F.lit("d")))))
    offset = F.when(F.col("_kind") == "u", F.col(c.OFFSET) - 1).otherwise(F.col(c.OFFSET))
    return rows.select(
        *(column.name for column in source.columns),
        c.INGEST_SEQ,
        c.PARTITION,
        offset.alias(c.OFFSET),
        c.EPOCH,
        F.col("_kind").alias(c.OP),
        c.POSITION,
        F.concat(F.lit("tip "), F.col("_kind")).alias(c.IDENTITY),
        c.CHANGED_AT,
        F.coalesce(F.col(UNKNOWN), F.array().cast("array<string>")).alias(c.UNAVAILABLE),
        _no_old_key(source),
        F.lit(True).alias(TIP),
    )


def latest(log: DataFrame, source: SourceContract, progress: int) -> DataFrame:
    """State rows from a placed and filled log.

    Args:
        log: every row of the keys concerned, or their `tip_rows` and what follows them.
        source: the contract.
        progress: ingest sequence up to which the log reaches.

    Returns:
        Columns of `state_columns` without `_moved_from` and `_moved_since`.
    """
    keys = list(source.key)
    values = [column.name for column in source.value_columns]
    at = F.struct(*PLACE)
    own = F.col(c.OP) != "t"
    minus_epoch = (-F.col(c.EPOCH)).alias(c.EPOCH)
    found = log.groupBy(*keys).agg(
        F.max(at).alias("_last"),
        F.max_by(is_upsert(), at).alias(LIVE),
        F.max_by(F.struct(*values, UNKNOWN, F.lit(True).alias(KNOWN)), F.when(is_upsert(), at)).alias("_row"),
        F.max(F.when(own, F.struct(c.EPOCH, c.PARTITION))).alias("_high"),
        F.min(F.when(own, F.struct(minus_epoch, F.col(c.PARTITION)))).alias("_low"),
        F.max(F.when(own, F.struct(c.EPOCH, c.OFFSET))).alias("_end"),
        F.max(c.CHANGED_AT).alias(c.CHANGED_AT),
        F.collect_set(F.when(is_link(), F.col(c.OLD_KEY))).alias(OLD_KEYS),
    )
    high, low, last = F.col("_high"), F.col("_low"), F.col("_last")
    one = (high[c.PARTITION] == low[c.PARTITION]) & (high[c.EPOCH] == last[c.EPOCH])
    linked = F.size(OLD_KEYS) > 0
    cells = {
        **{name: F.col("_row")[name] for name in values},
        KNOWN: F.coalesce(F.col("_row")[KNOWN], F.lit(False)),
        UNKNOWN: F.when(F.size(F.col("_row")[UNKNOWN]) > 0, F.col("_row")[UNKNOWN]),
        c.OP: F.lit(None).cast("string"),
        c.IDENTITY: F.lit(None).cast("string"),
        c.EPOCH: last[c.EPOCH],
        c.POSITION: last[c.POSITION],
        PLACE_PARTITION: last[c.PARTITION],
        c.PARTITION: F.when(one, high[c.PARTITION]),
        c.OFFSET: F.col("_end")[c.OFFSET],
        c.INGEST_SEQ: F.lit(progress).cast("bigint"),
        LINKED: F.when(linked, F.lit(True)),
        OLD_KEYS: F.when(linked, F.col(OLD_KEYS)),
    }
    return found.select(*(cells.get(name, F.col(name)).alias(name) for name in _latest_columns(source)))


def truncate_states(truncates: DataFrame, source: SourceContract, progress: int) -> DataFrame:
    """Truncates as state rows, columns as `latest` gives them; each identity once, at its earliest coordinates."""
    kept = F.struct(c.EPOCH, c.POSITION, c.PARTITION, c.OFFSET, c.CHANGED_AT)
    first = truncates.groupBy(c.IDENTITY).agg(F.min_by(kept, F.struct(c.PARTITION, c.OFFSET)).alias("_t"))
    cells = {
        c.OP: F.lit("t"),
        c.IDENTITY: F.col(c.IDENTITY),
        **{name: F.col("_t")[name] for name in (c.EPOCH, c.POSITION, c.PARTITION, c.OFFSET, c.CHANGED_AT)},
        c.INGEST_SEQ: F.lit(progress),
    }
    kinds = _latest_columns(source)
    return first.select(*(cells.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in kinds.items()))


def truncate_rows(state: DataFrame, source: SourceContract) -> DataFrame:
    """The other way: kept truncates as changes, columns as `tip_rows` gives them (`_tip` false)."""
    coordinates = (c.INGEST_SEQ, c.PARTITION, c.OFFSET, c.EPOCH, c.OP, c.POSITION, c.IDENTITY, c.CHANGED_AT)
    return state.where(F.col(c.OP) == "t").select(
        *(column.name for column in source.columns),
        *coordinates,
        F.array().cast("array<string>").alias(c.UNAVAILABLE),
        _no_old_key(source),
        F.lit(False).alias(TIP),
    )


def at_version(log: DataFrame, current: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Gives the tip rows of live keys the start and identity of the version that is current there.

    Args:
        log: placed and filled, with `_tip`.
        current: current real versions of the dimension: key columns by source name, `effective_from`,
            `version_identity`.
        keys: key columns.

    Returns:
        The log; its versions begin with the current version of each key that follows its tip.
    """
    start = current.select(
        *keys, F.col(c.EFFECTIVE_FROM).alias("_start"), F.col(c.VERSION_IDENTITY).alias("_opened_by")
    )
    live_tip = F.col(TIP) & (F.col(c.OP) == "u") & F.col("_start").isNotNull()
    return (
        log.join(start, on=list(keys), how="left")
        .withColumn(c.CHANGED_AT, F.when(live_tip, F.col("_start")).otherwise(F.col(c.CHANGED_AT)))
        .withColumn(c.IDENTITY, F.when(live_tip, F.col("_opened_by")).otherwise(F.col(c.IDENTITY)))
        .drop("_start", "_opened_by")
    )


def _latest_columns(source: SourceContract) -> dict[str, str]:
    return {name: kind for name, kind in state_columns(source).items() if name not in {MOVED_FROM, MOVED_SINCE}}


def _no_old_key(source: SourceContract) -> Column:
    return F.lit(None).cast(key_struct(source)).alias(c.OLD_KEY)
