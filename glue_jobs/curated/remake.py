"""A dimension or a state whose contract grew or changed, made again as a whole from the change log."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated.made import CONTRACT, MOVED, dimension_checksum, state_checksum
from glue_jobs.curated.source import source_progress, whole_rows
from glue_jobs.curated.work import Work
from glue_jobs.transforms import tip
from glue_jobs.transforms.log import LogProfile, whole_log
from schemas import columns as c
from schemas.model import Dimension, Pipeline, SourceContract


def remake_source(spark: SparkSession, pipeline: Pipeline, source: SourceContract) -> tuple[str, ...]:
    """Makes again what was not made by its contract, at the progress of the source's state.

    A dimension is made again where it is new, although its source was promoted before; where it has other attributes or
    policies than it was made by; and where it was without a contract for a while. A state is where the source has other
    columns. Each is replaced by one commit, which says by which contract; a run that died before it begins again.

    Memory does not follow the log: Spark sorts it on disk.

    Returns:
        Names of the tables.
    """
    since = source_progress(spark, pipeline, source.table)
    if since == 0:
        return ()
    work = Work(spark, pipeline, source, pipeline.dimensions_of(source.table), since, since)
    dimensions = [dimension for dimension in work.dimensions if not _is_made(work, dimension)]
    state_differs = iceberg.progress(spark, work.state).get(CONTRACT) != state_checksum(source)
    if not dimensions and not state_differs:
        return ()
    log = work.changes(0)
    values = [column.name for column in source.value_columns]
    filled = whole_log(log, work.keys, values, LogProfile.of(log, work.keys)).persist()
    for dimension in dimensions:
        _remake_dimension(work, filled, dimension)
    if state_differs:
        _remake_state(work, filled)
    filled.unpersist()
    return (*(dimension.name for dimension in dimensions), *((f"{source.table}_state",) if state_differs else ()))


def _is_made(work: Work, dimension: Dimension) -> bool:
    done = iceberg.progress(work.spark, work.table(dimension))
    behind = done.get(work.source.table, 0) < work.since
    return done.get(CONTRACT) == dimension_checksum(dimension) and not behind


def _remake_dimension(work: Work, filled: DataFrame, dimension: Dimension) -> None:
    rows = whole_rows(work, filled, dimension)
    carried = work.carried(dimension)
    if _moves(work.spark.table(work.table(dimension)), rows, dimension):
        carried |= {MOVED: dimension_checksum(dimension)}
    iceberg.overwrite(rows, work.table(dimension), F.lit(True), carried)


def _moves(old: DataFrame, new: DataFrame, dimension: Dimension) -> bool:
    """Whether any fact may refer to another version now: versions start elsewhere, or are others."""
    seen = [dimension.surrogate_key, c.EFFECTIVE_FROM, c.IS_INFERRED]
    both = old.select(*seen, F.lit(-1).alias("_side")).unionByName(new.select(*seen, F.lit(1).alias("_side")))
    return not both.groupBy(*seen).agg(F.sum("_side").alias("_side")).where(F.col("_side") != 0).isEmpty()


def _remake_state(work: Work, filled: DataFrame) -> None:
    """The same rows with the contract's columns; when they were written and moved stays as it was."""
    old = work.spark.table(work.state)
    kept = old.where(F.col(c.OP).isNull()).select(*work.keys, c.INGEST_SEQ, tip.MOVED_FROM, tip.MOVED_SINCE)
    rows = tip.latest(filled, work.source, work.target).drop(c.INGEST_SEQ).join(kept, on=work.keys, how="left")
    rows = rows.unionByName(old.where(F.col(c.OP).isNotNull()), allowMissingColumns=True)
    rows = rows.select(*tip.state_columns(work.source)).localCheckpoint()
    iceberg.overwrite(rows, work.state, F.lit(True), work.progress)
