"""Parts of the report that the lake answers: rows landed and staged, what was set aside, checks, commits, latency."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Final

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileSystem
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, staging_tables
from glue_jobs.transforms import quality
from lake.demo.from_warehouse import Load
from lake.demo.model import CheckResult, DeadLetters, Latency, TableRows
from lake.store import Store
from schemas import columns as c
from schemas.manifests import LandingManifest
from schemas.model import Pipeline, Severity, SourceContract
from schemas.settlements import Hop

_EXAMPLES: Final = 3
_LEGS: Final = (
    ("source", "kafka"),
    ("kafka", "landing"),
    ("landing", "staging"),
    ("staging", "curated"),
    ("curated", "warehouse"),
)


@dataclass(frozen=True)
class Commit:
    """A commit and the ingest sequence of one source table that it reached."""

    at: datetime
    progress: int


def first_reached(commits: Iterable[Commit], seq: int) -> datetime | None:
    """When the first commit that holds `seq` was made; None where none does."""
    return min((commit.at for commit in commits if commit.progress >= seq), default=None)


def commits(spark: SparkSession, table: str, source: str) -> tuple[Commit, ...]:
    """An Iceberg table's commits with their progress of `source`, at the time (UTC) each became current."""
    if not iceberg.exists(spark, table):
        return ()
    loaded = iceberg.load(spark, table)
    made = []
    for entry in loaded.history():
        snapshot = loaded.snapshot(entry.snapshotId())
        text = None if snapshot is None else snapshot.summary().get(iceberg.PROGRESS)
        if text is not None:
            progress = iceberg.decode(text, table).get(source, 0)
            made.append(Commit(_utc(entry.timestampMillis() / 1000), progress))
    return tuple(made)


def landed_rows(manifests: Mapping[str, Sequence[LandingManifest]]) -> tuple[TableRows, ...]:
    """Rows landed, by table; those that were landed again, after a check had rejected them, count once."""
    return tuple(TableRows(table, sum(map(_first_rows, each))) for table, each in manifests.items())


def _first_rows(manifest: LandingManifest) -> int:
    again = manifest.settles is not None and manifest.settles.hop is Hop.STAGING
    return 0 if again else manifest.rows


def dead_letters(store: Store, manifests: Mapping[str, Sequence[LandingManifest]]) -> list[DeadLetters]:
    """Undecodable records by table and reason, with the coordinates of a few; content is not read."""
    found: list[DeadLetters] = []
    for table, each in manifests.items():
        paths = [file.path for manifest in each for file in manifest.dead_letters]
        if not paths:
            continue
        filesystem, root = FileSystem.from_uri(store.uri)
        data = ds.dataset([f"{root}/{path}" for path in paths], format="parquet", filesystem=filesystem)
        rows = data.to_table(columns=[c.PARTITION, c.OFFSET, "reason"]).to_pylist()
        for reason, number in sorted(Counter(str(row["reason"]) for row in rows).items()):
            places = sorted((row[c.PARTITION], row[c.OFFSET]) for row in rows if row["reason"] == reason)
            found.append(DeadLetters("landing", table, reason, number, tuple(map(_place, places[:_EXAMPLES]))))
    return found


def tombstones(store: Store, manifests: Mapping[str, Sequence[LandingManifest]]) -> int:
    """Landed records without a value, which follow deletes for the broker's sake and are no change."""
    paths = [file.path for each in manifests.values() for manifest in each for file in manifest.files]
    if not paths:
        return 0
    filesystem, root = FileSystem.from_uri(store.uri)
    shape = pa.schema([(c.OP, pa.string())])
    data = ds.dataset([f"{root}/{path}" for path in paths], schema=shape, format="parquet", filesystem=filesystem)
    return int(data.count_rows(filter=ds.field(c.OP) == "x"))


def expectations(store: Store, pipeline: Pipeline) -> tuple[CheckResult, ...]:
    """The contracts' dataset-level expectations: batches judged, and those that failed.

    Args:
        store: where Data Docs lie; each table's `runs.json` names the expectations that failed, batch by batch.
        pipeline: the contracts.
    """
    found = []
    for table, contract in pipeline.sources.items():
        key = f"{table}/runs.json"
        runs = json.loads(store.read(key)) if store.exists(key) else []
        for item in contract.expectations if runs else ():
            column = dict(item.arguments).get("column")
            name = f"{item.type}({column})" if column else item.type
            failed = sum(name in run["failed"] for run in runs)
            found.append(CheckResult(table, name, "dataset", item.severity.value, len(runs), failed))
    return tuple(found)


def staged_rows(spark: SparkSession, pipeline: Pipeline) -> tuple[TableRows, ...]:
    """Rows of the change logs."""
    return tuple(TableRows(name, _count(spark, _log(pipeline, name))) for name in pipeline.sources)


def star_rows(spark: SparkSession, pipeline: Pipeline) -> tuple[TableRows, ...]:
    """Rows of dimensions (without the unknown member), facts and aggregates in the lake."""
    keys = {dimension.name: dimension.surrogate_key for dimension in pipeline.dimensions.values()}
    found = []
    for name in (*pipeline.dimensions, *pipeline.facts, *pipeline.aggregates):
        table = iceberg.table_name(pipeline.curated_namespace, name)
        known = f"{keys[name]} <> {c.UNKNOWN_MEMBER}" if name in keys else "true"
        found.append(TableRows(name, _count(spark, table, known)))
    return tuple(found)


def quarantined(spark: SparkSession, pipeline: Pipeline) -> list[DeadLetters]:
    """Rejected changes that count, by table and failed checks, with the coordinates of a few."""
    found: list[DeadLetters] = []
    for name in pipeline.sources:
        table = staging_tables.quarantine_name(pipeline.name, name)
        if not iceberg.exists(spark, table):
            continue
        progress = iceberg.progress(spark, _log(pipeline, name)).get(name, 0)
        places = F.slice(F.sort_array(F.collect_list(F.struct(c.PARTITION, c.OFFSET))), 1, _EXAMPLES)
        rows = spark.table(table).where(F.col(c.INGEST_SEQ) <= progress).groupBy("reason")
        for row in rows.agg(F.count(F.lit(1)).alias("rows"), places.alias("places")).orderBy("reason").collect():
            examples = tuple(_place((place[0], place[1])) for place in row["places"])
            found.append(DeadLetters("staging", name, str(row["reason"]), int(row["rows"]), examples))
    return found


def checks(spark: SparkSession, pipeline: Pipeline, rejected: Sequence[DeadLetters]) -> tuple[CheckResult, ...]:
    """The contracts' row checks: rows seen, and rows that failed; those that warn are asked of the change log again."""
    found: list[CheckResult] = []
    for name, contract in pipeline.sources.items():
        table = _log(pipeline, name)
        if not contract.checks or not iceberg.exists(spark, table):
            continue
        warned = [
            F.count_if(F.coalesce(check.fails, F.lit(False))).alias(check.name) for check in quality.warning(contract)
        ]
        counted = spark.table(table).agg(F.count(F.lit(1)).alias("rows"), *warned).collect()[0]
        mine = [letters for letters in rejected if letters.table == name and letters.stage == "staging"]
        found += _results(contract, counted.asDict(), mine)
    return tuple(found)


def _results(
    contract: SourceContract, counted: Mapping[str, int], rejected: Sequence[DeadLetters]
) -> list[CheckResult]:
    seen = counted["rows"] + sum(letters.rows for letters in rejected)
    failed = {
        check.name: sum(letters.rows for letters in rejected if check.name in quality.reasons(letters.reason))
        if check.severity is Severity.REJECT
        else counted[check.name]
        for check in contract.checks
    }
    return [
        CheckResult(contract.table, check.name, "row", check.severity.value, seen, failed[check.name])
        for check in contract.checks
    ]


def latency(
    spark: SparkSession,
    pipeline: Pipeline,
    manifests: Mapping[str, Sequence[LandingManifest]],
    loads: Sequence[Load],
    since: datetime,
) -> tuple[Latency, ...]:
    """Median and 95th percentile of the seconds that changes of the source since `since` (UTC) spent on each leg."""
    times = [
        (table, m.seq, *_reached(spark, pipeline, table, m, loads)) for table, each in manifests.items() for m in each
    ]
    changes = [_changes(spark, pipeline, table, since) for table in pipeline.sources if manifests.get(table)]
    if not times or not changes:
        return ()
    union = changes[0]
    for more in changes[1:]:
        union = union.unionByName(more)
    steps = spark.createDataFrame(
        times,
        "name string, seq bigint, landing timestamp_ntz, staging timestamp_ntz, "
        "curated timestamp_ntz, warehouse timestamp_ntz",
    )
    joined = union.join(F.broadcast(steps), ["name", "seq"])
    waits = [(_seconds(end) - _seconds(start)).alias(f"{start}_{end}") for start, end in _LEGS]
    asked = [
        column
        for start, end in _LEGS
        for column in (
            F.count(f"{start}_{end}"),
            F.percentile(F.col(f"{start}_{end}"), [0.5, 0.95]),
        )
    ]
    row = joined.select(*waits).agg(*asked).collect()[0]
    return tuple(
        Latency(start, end, int(row[2 * i]), max(float(row[2 * i + 1][0]), 0.0), max(float(row[2 * i + 1][1]), 0.0))
        for i, (start, end) in enumerate(_LEGS)
        if row[2 * i]
    )


def _changes(spark: SparkSession, pipeline: Pipeline, table: str, since: datetime) -> DataFrame:
    """Streamed changes since then: table, ingest sequence, time at the source and in Kafka."""
    streamed = (F.col(c.OP) != "r") & (F.col(c.SOURCE_TS) >= F.lit(since.replace(tzinfo=UTC)))
    return (
        spark.table(_log(pipeline, table))
        .where(streamed)
        .select(
            F.lit(table).alias("name"),
            F.col(c.INGEST_SEQ).alias("seq"),
            F.col(c.SOURCE_TS).alias("source"),
            F.col(c.KAFKA_TS).alias("kafka"),
        )
    )


def _reached(
    spark: SparkSession, pipeline: Pipeline, table: str, manifest: LandingManifest, loads: Sequence[Load]
) -> tuple[datetime | None, ...]:
    """When a landed batch was committed in landing, staging, curated (all star tables it feeds) and the warehouse."""
    landed = datetime.fromisoformat(manifest.committed_at).astimezone(UTC).replace(tzinfo=None)
    staged = first_reached(commits(spark, _log(pipeline, table), table), manifest.seq)
    fed = chain((d.name for d in pipeline.dimensions_of(table)), (f.name for f in pipeline.facts_of(table)))
    stars = [
        first_reached(commits(spark, iceberg.table_name(pipeline.curated_namespace, name), table), manifest.seq)
        for name in fed
    ]
    known = [at for at in stars if at is not None]
    curated = max(known) if known and len(known) == len(stars) else None
    loaded = first_reached((Commit(load.at, load.progress.get(table, 0)) for load in loads), manifest.seq)
    return landed, staged, curated, loaded


def _seconds(column: str) -> Column:
    return F.unix_micros(F.col(column).cast("timestamp")) / 1e6


def _log(pipeline: Pipeline, table: str) -> str:
    return staging_tables.change_log_name(pipeline.name, table)


def _count(spark: SparkSession, table: str, condition: str = "true") -> int:
    return spark.table(table).where(condition).count() if iceberg.exists(spark, table) else 0


def _place(coordinates: tuple[int, int]) -> str:
    return f"partition {coordinates[0]}, offset {coordinates[1]}"


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
