"""Oracle 1, `staging`: each landed change is once in its change log or once in its quarantine, never in both.

What is looked at are coordinates (landing sequence, partition, offset), of all source tables in one pass. A change that
maintenance took out of a change log as a re-emission is held against the identities that the log has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, landing
from glue_jobs.staging_tables import change_log_name, quarantine_name
from glue_jobs.transforms.conform import TOMBSTONE
from glue_jobs.transforms.identity import identity
from lake.reconcile.verdict import Finding
from lake.store import Store
from schemas import columns as c
from schemas.manifests import LandingManifest
from schemas.model import Pipeline
from streaming import manifest_log

_PLACE: Final = (c.INGEST_SEQ, c.PARTITION, c.OFFSET)
_TABLE: Final = "_table"
_LANDED: Final = f"{c.PARTITION} int, {c.OFFSET} bigint, {c.OP} string"
_PATH: Final = r"/landing/([^/]+)/year=.*/batch=(\d+)-"
_SEEN: Final = f"{_TABLE} string, {c.INGEST_SEQ} bigint"


@dataclass(frozen=True)
class _Staged:
    """What of a source table can be looked at: promoted manifests whose files are there, and those whose are not."""

    table: str
    through: int
    kept: tuple[LandingManifest, ...]
    expired: tuple[LandingManifest, ...]


def check_staging(spark: SparkSession, store: Store, pipeline: Pipeline) -> Iterator[Finding]:
    """Compares what landed with change logs and quarantines, up to each change log's progress.

    A batch whose landed files are no longer kept cannot be compared; the finding says how many there are. Memory does
    not follow the data: Spark counts.
    """
    staged = [found for name in pipeline.sources if (found := _staged(spark, store, pipeline, name)) is not None]
    counts = _counted(spark, store, pipeline, staged)
    by_table = {item.table: item for item in staged}
    for name in pipeline.sources:
        if name not in by_table:
            yield Finding("staging", name, 0, 0, "nothing is promoted")
            continue
        records, lost, twice, unknown = counts.get(name, (0, 0, 0, 0))
        collapsed = _collapsed(spark, store, pipeline, by_table[name]) if lost else 0
        detail = f"{lost - collapsed} in neither, {twice} more than once, {unknown} that never landed"
        detail += f"; {collapsed} re-emissions are gone" if collapsed else ""
        detail += f"; {len(by_table[name].expired)} batches are no longer in landing" if by_table[name].expired else ""
        yield Finding("staging", name, records, lost - collapsed + twice + unknown, detail)


def _staged(spark: SparkSession, store: Store, pipeline: Pipeline, table: str) -> _Staged | None:
    log = change_log_name(pipeline.name, table)
    if not iceberg.exists(spark, log):
        return None
    through = iceberg.progress(spark, log).get(table, 0)
    manifests = [manifest for manifest in manifest_log.after(store, table, 0) if manifest.seq <= through]
    there = frozenset(store.list(f"landing/{table}"))
    kept: list[LandingManifest] = []
    expired: list[LandingManifest] = []
    for manifest in manifests:
        (kept if there.issuperset(file.path for file in manifest.files) else expired).append(manifest)
    return _Staged(table, through, tuple(kept), tuple(expired))


def _counted(
    spark: SparkSession, store: Store, pipeline: Pipeline, staged: Sequence[_Staged]
) -> dict[str, tuple[int, int, int, int]]:
    """Of each table: changes that landed; those in neither table, more than once, and those that never landed."""
    if not staged:
        return {}
    rows = (
        _placed(spark, store, pipeline, staged)
        .groupBy(_TABLE)
        .agg(
            F.count_if(F.col("landed") > 0).alias("records"),
            F.count_if((F.col("landed") > 0) & (F.col("staged") == 0)).alias("lost"),
            F.count_if(F.col("staged") > 1).alias("twice"),
            F.count_if((F.col("landed") == 0) & (F.col("staged") > 0)).alias("unknown"),
        )
    )
    return {row[_TABLE]: (row["records"], row["lost"], row["twice"], row["unknown"]) for row in rows.collect()}


def _placed(spark: SparkSession, store: Store, pipeline: Pipeline, staged: Sequence[_Staged]) -> DataFrame:
    """Each place of each table, with how often it `landed`, and how often it is in change log or quarantine."""
    parts = [part for item in staged for part in _staged_rows(spark, pipeline, item)]
    paths = [landing.spark_path(store, f.path) for item in staged for m in item.kept for f in m.files]
    if paths:
        path = F.col("_metadata.file_path")
        landed = spark.read.schema(_LANDED).parquet(*paths).where(F.col(c.OP) != TOMBSTONE)
        parts.append(
            landed.select(
                F.regexp_extract(path, _PATH, 1).alias(_TABLE),
                F.regexp_extract(path, _PATH, 2).cast("bigint").alias(c.INGEST_SEQ),
                c.PARTITION,
                c.OFFSET,
                F.lit(1).alias("landed"),
                F.lit(0).alias("staged"),
            )
        )
    every = reduce(DataFrame.unionByName, parts)
    expired = [(item.table, manifest.seq) for item in staged for manifest in item.expired]
    if expired:
        every = every.join(F.broadcast(spark.createDataFrame(expired, _SEEN)), [_TABLE, c.INGEST_SEQ], "left_anti")
    sums = (F.sum("landed").alias("landed"), F.sum("staged").alias("staged"))
    return every.groupBy(_TABLE, *_PLACE).agg(*sums)


def _staged_rows(spark: SparkSession, pipeline: Pipeline, item: _Staged) -> Iterator[DataFrame]:
    # What a promotion at work has added meanwhile is beyond the progress that was read.
    for table in (change_log_name(pipeline.name, item.table), quarantine_name(pipeline.name, item.table)):
        if iceberg.exists(spark, table):
            yield (
                spark.table(table)
                .where(F.col(c.INGEST_SEQ) <= item.through)
                .select(F.lit(item.table).alias(_TABLE), *_PLACE, F.lit(0).alias("landed"), F.lit(1).alias("staged"))
            )


def _collapsed(spark: SparkSession, store: Store, pipeline: Pipeline, item: _Staged) -> int:
    """How many changes that are in neither table are re-emissions: the change log has a row of their identity."""
    placed = _placed(spark, store, pipeline, [item])
    lost = placed.where((F.col("landed") > 0) & (F.col("staged") == 0)).select(*_PLACE).localCheckpoint()
    seqs = {row[0] for row in lost.select(c.INGEST_SEQ).distinct().collect()}
    groups = landing.groups(spark, store, [manifest for manifest in item.kept if manifest.seq in seqs])
    log = spark.table(change_log_name(pipeline.name, item.table)).select(c.IDENTITY).distinct()
    found = 0
    for group in groups:
        names = group.rows.columns
        gone = group.rows.join(F.broadcast(lost), list(_PLACE), "left_semi").where(F.col(c.OP) != TOMBSTONE)
        of = gone.select(identity("key" in names, "after" in names).alias(c.IDENTITY))
        found += of.join(log, c.IDENTITY, "left_semi").count()
    return found
