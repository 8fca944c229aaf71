"""One source table's new changes into the dimensions it feeds and its state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, watching
from glue_jobs.curated import tables
from glue_jobs.curated.batch import Batch, sorted_batch
from glue_jobs.curated.commit import replace_rows
from glue_jobs.curated.work import Work, real_versions, rows_of_keys
from glue_jobs.transforms import diff, tip
from glue_jobs.transforms.history import dimension_columns, versions
from glue_jobs.transforms.log import LogProfile, whole_log
from glue_jobs.watching import NOBODY, Told
from lake.metrics import Hop
from schemas import columns as c
from schemas.model import Dimension, Pipeline, SourceContract


@dataclass(frozen=True)
class SourceOutcome:
    """What a promotion did to one source: changes read, keys by the path they took, dimension rows written.

    `newest_change` is the latest instant of a change read, in milliseconds since 1970.
    """

    source: str
    progress: int
    changes: int = 0
    keys_new: int = 0
    keys_followed: int = 0
    keys_from_log: int = 0
    versions_written: int = 0
    newest_change: int | None = None


def source_progress(spark: SparkSession, pipeline: Pipeline, source: str) -> int:
    """Ingest sequence up to which a source is in its state."""
    return iceberg.progress(spark, tables.curated(pipeline, tables.state_name(source))).get(source, 0)


def promote_source(
    spark: SparkSession, pipeline: Pipeline, source: SourceContract, target: int, told: Told = NOBODY
) -> SourceOutcome:
    """Takes the changes up to `target` into the dimensions, then into the state, whose commit ends the promotion.

    A run that died between those commits is finished by the next one: a dimension that is at the target already is left
    as it is.

    Args:
        spark: session with the catalog `lake`.
        pipeline: contracts.
        source: the source.
        target: ingest sequence.
        told: who is told of it, where there is something to do.
    """
    since = source_progress(spark, pipeline, source.table)
    work = Work(spark, pipeline, source, pipeline.dimensions_of(source.table), since, target)
    if since >= target:
        return SourceOutcome(source.table, since)
    flow = partial(watching.source_flow, pipeline, source, told.lake_uri)
    seqs = {"landing_first": since + 1, "landing_last": target}
    with told.watch.step(Hop.CURATED, source.table, flow, **seqs) as step:
        outcome = _promoted(work)
        step.tell(watching.tell_source, outcome)
    return outcome


def _promoted(work: Work) -> SourceOutcome:
    if work.since == 0:
        return _promote_whole(work)
    rows = work.changes(work.since).localCheckpoint()
    profile = LogProfile.of(rows, work.keys)
    if profile.truncates:
        return _promote_whole(work)
    if profile.rows == 0:
        _commit_progress(work)
        return SourceOutcome(work.source.table, work.target)
    return _promote_batch(work, rows, profile)


def unknown_member(spark: SparkSession, dimension: Dimension) -> DataFrame:
    """The row that a NULL reference leads to."""
    values = {
        dimension.surrogate_key: F.lit(c.UNKNOWN_MEMBER).cast("bigint"),
        c.EFFECTIVE_FROM: _beginning(),
        c.IS_CURRENT: F.lit(True),
        c.IS_DELETED: F.lit(False),
        c.IS_INFERRED: F.lit(False),
        c.IS_INCOMPLETE: F.lit(False),
        c.VERSION_IDENTITY: F.lit("unknown"),
    }
    kinds = {key.name: key.type.spark for key in dimension.business_key}
    kinds |= {item.name: item.type.spark for item in dimension.attributes} | {c.EFFECTIVE_TO: "timestamp"}
    empty = {name: F.lit(None).cast(kind) for name, kind in kinds.items()}
    return spark.range(1).select(*((empty | values)[name].alias(name) for name in dimension_columns(dimension)))


def whole_rows(work: Work, filled: DataFrame, dimension: Dimension) -> DataFrame:
    """All rows of a dimension from the whole log, placed and filled; its inferred members stay. Checkpointed."""
    present = work.spark.table(work.table(dimension))
    rows = diff.with_inferred(present, versions(filled, dimension), dimension)
    return rows.unionByName(unknown_member(work.spark, dimension)).localCheckpoint()


def _promote_whole(work: Work) -> SourceOutcome:
    """Everything from the log: the first promotion, and one that holds a truncate, which acts on every key."""
    log = work.changes(0)
    profile = LogProfile.of(log, work.keys)
    values = [column.name for column in work.source.value_columns]
    filled = whole_log(log, work.keys, values, profile).persist()
    written = 0
    for dimension in work.pending():
        rows = whole_rows(work, filled, dimension)
        written += rows.count()
        iceberg.overwrite(rows, work.table(dimension), F.lit(True), work.carried(dimension))
    state = tip.latest(filled, work.source, work.target).withColumn(tip.MOVED_FROM, _beginning())
    if profile.truncates:
        kept = tip.truncate_states(log.where(F.col(c.OP) == "t"), work.source, work.target)
        state = state.unionByName(kept, allowMissingColumns=True)
    state = state.withColumn(tip.MOVED_SINCE, F.lit(work.since).cast("bigint")).localCheckpoint()
    iceberg.overwrite(state.select(*tip.state_columns(work.source)), work.state, F.lit(True), work.progress)
    filled.unpersist()
    return SourceOutcome(
        work.source.table,
        work.target,
        changes=profile.rows,
        keys_from_log=state.count(),
        versions_written=written,
        newest_change=profile.newest,
    )


def _promote_batch(work: Work, rows: DataFrame, profile: LogProfile) -> SourceOutcome:
    """The keys of a batch, each by its path; all else stays unread."""
    batch = sorted_batch(work, rows, profile)
    log = batch.log(work).localCheckpoint()
    state = tip.latest(log, work.source, work.target).localCheckpoint()
    pending = work.pending()
    moved = []
    written = 0
    for dimension in pending:
        changed, whole = _changed(work, dimension, batch, log, state)
        written += _commit_dimension(work, dimension, changed)
        moved.append(diff.moves(changed, dimension, whole))
    _commit_state(work, batch, state, moved, complete=len(pending) == len(work.dimensions))
    return SourceOutcome(
        work.source.table,
        work.target,
        changes=profile.rows,
        keys_new=batch.counts.get(tip.Path.NEW, 0),
        keys_followed=batch.counts.get(tip.Path.FOLLOWS, 0),
        keys_from_log=batch.counts.get(tip.Path.LOG, 0),
        versions_written=written,
        newest_change=profile.newest,
    )


def _changed(
    work: Work, dimension: Dimension, batch: Batch, log: DataFrame, state: DataFrame
) -> tuple[DataFrame, DataFrame | None]:
    """`difference` of one dimension, and all rows of the keys that were computed from their log."""
    present = batch.present[dimension.name]
    wanted = versions(tip.at_version(log, real_versions(present, dimension), work.keys), dimension).localCheckpoint()
    table = work.spark.table(work.table(dimension))
    from_log = batch.of(tip.Path.LOG) if batch.counts.get(tip.Path.LOG) else None
    old = present
    if from_log is not None:
        kept = rows_of_keys(present, batch.of(tip.Path.NEW, tip.Path.FOLLOWS), dimension)
        old = kept.unionByName(rows_of_keys(table, from_log, dimension))
    overwritten = batch.overwritten(state, dimension, work.keys)
    if overwritten is not None:
        closed = rows_of_keys(table.where(~F.col(c.IS_CURRENT)), overwritten, dimension)
        old = old.unionByName(closed)
        wanted = wanted.unionByName(diff.with_type1_of(closed, state, dimension))
    old = old.localCheckpoint()
    changed = diff.difference(old, diff.with_inferred(old, wanted, dimension), dimension).localCheckpoint()
    if from_log is None:
        return changed, None
    return changed, rows_of_keys(old.unionByName(wanted), from_log, dimension)


def _commit_dimension(work: Work, dimension: Dimension, changed: DataFrame) -> int:
    table = work.table(dimension)
    is_stale = F.col(diff.CHANGE) == diff.STALE
    counts = changed.agg(
        F.count_if(is_stale).alias("stale"),
        F.count_if(is_stale & ~F.col(c.IS_CURRENT)).alias("closed"),
        F.count_if(~is_stale).alias("wanted"),
    ).first()
    assert counts is not None
    replace_rows(
        changed.where(~is_stale).drop(diff.CHANGE),
        table,
        work.carried(dimension),
        stale=changed.where(is_stale) if counts["stale"] else None,
        on=[dimension.surrogate_key],
        within="" if counts["closed"] else c.IS_CURRENT,
    )
    return int(counts["wanted"])


def _commit_state(work: Work, batch: Batch, state: DataFrame, moved: list[DataFrame], *, complete: bool) -> None:
    """The state with what moved; where a run that died wrote a dimension, all of it may have."""
    rows = state.withColumn(tip.MOVED_FROM, F.lit(None).cast("timestamp") if complete else _beginning())
    if complete and moved:
        every = moved[0]
        for more in moved[1:]:
            every = every.unionByName(more)
        first = every.groupBy(*work.keys).agg(F.min(tip.MOVED_FROM).alias(tip.MOVED_FROM))
        rows = state.join(first, on=work.keys, how="left")
    rows = rows.withColumn(tip.MOVED_SINCE, F.lit(work.since).cast("bigint")).select(*tip.state_columns(work.source))
    stale = batch.state.select(*work.keys) if batch.known else None
    replace_rows(rows, work.state, work.progress, stale=stale, on=work.keys)


def _commit_progress(work: Work) -> None:
    """A range that brought no row still counts as promoted."""
    for dimension in work.pending():
        iceberg.commit_progress(work.spark, work.table(dimension), work.carried(dimension))
    iceberg.commit_progress(work.spark, work.state, work.progress)


def _beginning() -> Column:
    return F.lit(c.BEGINNING_OF_TIME).cast("timestamp")
