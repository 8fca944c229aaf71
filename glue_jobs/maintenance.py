"""Maintenance of staging tables, a Glue job: compaction, which also collapses re-emissions, and expiry of snapshots.

Every commit copies the progress forward; none changes what a reader of the collapsed change log sees.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any, Final

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, staging_tables
from glue_jobs.transforms.identity import collapse
from lake.arguments import option, parse
from lake.metrics import Hop
from lake.session import job_session
from lake.watch import OFF, Watch
from lake.watch.options import WatchArgs, job_watch
from schemas import columns as c
from schemas import load_pipeline
from schemas.errors import LakeError
from schemas.model import Pipeline, SourceContract

TARGET_BYTES: Final = 128 * 1024 * 1024
MIN_FILES: Final = 5
"""Small files of a partition that make a rewrite worth its cost."""


@dataclass(frozen=True)
class MaintenanceArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    catalog_uri: str = option("jdbc:sqlite:<file>, or glue", default="glue")
    contracts: Path | None = option("a folder that holds pipelines of your own", default=None)
    keep_days: float = option("snapshots younger than this many days stay", default=7.0, least=0)
    collapse_days: int = option(
        "re-emissions are sought among the newest so many days of Kafka time", default=8, least=0
    )


@dataclass(frozen=True)
class Maintained:
    """What was done to one table: files before and after, re-emitted rows removed, snapshots expired."""

    table: str
    files_before: int
    files_after: int
    collapsed: int
    snapshots_expired: int


def maintain(
    spark: SparkSession, pipeline: Pipeline, *, keep_days: float, collapse_days: int, watch: Watch = OFF
) -> list[Maintained]:
    """Collapses re-emissions, compacts and expires every staging table of a pipeline that is there.

    Args:
        spark: a session with the Iceberg catalog.
        pipeline: the contracts.
        keep_days: snapshots younger than this stay.
        collapse_days: re-emissions come soon after their first emission, so only partitions this young are searched.
        watch: told of the run.

    Raises:
        CommitConflictError: a promotion committed to a table at the same time; run again.
    """
    with watch.run(Hop.MAINTENANCE):
        found = (_maintained(spark, contract, keep_days, collapse_days) for contract in pipeline.sources.values())
        return [done for done in found if done is not None]


def _maintained(
    spark: SparkSession, contract: SourceContract, keep_days: float, collapse_days: int
) -> Maintained | None:
    log = staging_tables.change_log_name(contract.pipeline, contract.table)
    if not iceberg.exists(spark, log):
        return None
    before = files(spark, log)
    removed = collapse_reemissions(spark, contract, collapse_days)
    compact(spark, log)
    expired = expire(spark, log, keep_days)
    quarantine = staging_tables.quarantine_name(contract.pipeline, contract.table)
    if iceberg.exists(spark, quarantine):
        compact(spark, quarantine)
        expire(spark, quarantine, keep_days)
    return Maintained(contract.table, before, files(spark, log), removed, expired)


def collapse_reemissions(spark: SparkSession, contract: SourceContract, days: int) -> int:
    """Removes the later rows of each `_identity` for good; days of Kafka time without any are not rewritten.

    Readers that collapse by identity see no difference: the earliest row stays, with its ingest sequence.

    Returns:
        Rows removed.
    """
    log = staging_tables.change_log_name(contract.pipeline, contract.table)
    snapshot = str(iceberg.load(spark, log).currentSnapshot().snapshotId())
    carried = iceberg.encode(iceberg.progress(spark, log))
    place = [c.EPOCH, c.PARTITION, c.OFFSET]
    rows = spark.table(log)
    recent = rows.where(F.col(c.KAFKA_TS) >= F.lit(_now() - timedelta(days=days)))
    kept = collapse(recent.select(c.IDENTITY, *place)).select(*place)
    later = recent.select(*place, F.to_date(c.KAFKA_TS).alias("day")).join(kept, place, "left_anti").persist()
    try:
        counts = {row["day"]: row["count"] for row in later.groupBy("day").count().collect()}
        if not counts:
            return 0
        touched = reduce(lambda one, other: one | other, (_on_day(day) for day in counts))
        left = rows.where(touched).join(later.select(*place), place, "left_anti")
        writer = left.select(*rows.columns).writeTo(log).option(f"snapshot-property.{iceberg.PROGRESS}", carried)
        # Iceberg refuses the commit where a promotion has added rows of these days meanwhile, instead of losing them.
        writer = writer.option("validate-from-snapshot-id", snapshot).option("isolation-level", "serializable")
        with iceberg.conflicts_named(log):
            writer.overwrite(touched)
        return sum(counts.values())
    finally:
        later.unpersist()


def _on_day(day: date) -> Column:
    """Whole days in UTC, so that the condition falls together with partitions."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return (F.col(c.KAFKA_TS) >= F.lit(start)) & (F.col(c.KAFKA_TS) < F.lit(start + timedelta(days=1)))


def compact(spark: SparkSession, table: str, target_bytes: int = TARGET_BYTES) -> None:
    """Rewrites small files into files of about `target_bytes`; the commit copies the progress forward."""
    action = (
        _actions(spark)
        .rewriteDataFiles(iceberg.load(spark, table))
        .option("target-file-size-bytes", str(target_bytes))
        .option("min-input-files", str(MIN_FILES))
    )
    progress = iceberg.progress(spark, table)
    if progress:
        action = action.snapshotProperty(iceberg.PROGRESS, iceberg.encode(progress))
    with iceberg.conflicts_named(table):
        action.execute()


def expire(spark: SparkSession, table: str, keep_days: float) -> int:
    """Expires snapshots older than `keep_days`, once the current one carries the progress.

    Returns:
        Snapshots expired.
    """
    loaded = iceberg.load(spark, table)
    progress = iceberg.progress_of(loaded, table)
    if progress and loaded.currentSnapshot().summary().get(iceberg.PROGRESS) is None:
        iceberg.commit_progress(spark, table, progress)
        loaded = iceberg.load(spark, table)
    before = _snapshots(loaded)
    oldest = int((_now() - timedelta(days=keep_days)).timestamp() * 1000)
    _actions(spark).expireSnapshots(loaded).expireOlderThan(oldest).retainLast(1).execute()
    return before - _snapshots(iceberg.load(spark, table))


def files(spark: SparkSession, table: str) -> int:
    """Data files of the table's current state."""
    summary = iceberg.load(spark, table).currentSnapshot().summary()
    return int(summary.get("total-data-files") or 0)


def main(argv: Sequence[str]) -> int:
    """Maintains every staging table; prints a line of JSON for each.

    Raises:
        LakeError: arguments or contracts are wrong, or a promotion ran at the same time.
    """
    args = parse(MaintenanceArgs, argv)
    pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
    with (
        job_watch(args, argv, pipeline.name) as watch,
        job_session("maintenance", lake_uri=args.lake_uri, catalog_uri=args.catalog_uri) as spark,
    ):
        found = maintain(spark, pipeline, keep_days=args.keep_days, collapse_days=args.collapse_days, watch=watch)
        for done in found:
            sys.stdout.write(json.dumps(asdict(done)) + "\n")
    return 0


def run() -> None:
    """`main` on the process's arguments; an error is shown in one piece and ends with exit code 1."""
    try:
        code = main(sys.argv)
    except LakeError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    sys.exit(code)


def _snapshots(table: Any) -> int:
    return sum(1 for _ in table.snapshots())


def _actions(spark: SparkSession) -> Any:
    jvm: Any = spark._jvm
    return jvm.org.apache.iceberg.spark.actions.SparkActions.get(spark._jsparkSession)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    run()
