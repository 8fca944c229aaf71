"""Load files for the warehouse: Parquet, a COPY manifest per table, and the load manifest that commits them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs.curated import tables
from glue_jobs.curated.calendars import contract_checksum
from glue_jobs.curated.fact import fact_work, touched_rows
from glue_jobs.curated.source import source_progress
from glue_jobs.transforms.calendar import calendar_rows
from glue_jobs.transforms.load_rows import dimension_load_rows, fact_load_rows
from lake.store import Store
from schemas import columns as c
from schemas.errors import CommitConflictError
from schemas.manifests import LoadManifest, LoadTable, WrittenFile, seq_name, utc_now
from schemas.model import Pipeline

MANIFESTS: Final = "load/_manifests"
ROWS_PER_FILE: Final = 2_000_000


def newest_load(store: Store) -> LoadManifest | None:
    """The last load committed; None before the first.

    Raises:
        ManifestError: it is damaged.
    """
    names = [name for name in store.list(MANIFESTS) if name.endswith(".json")]
    if not names:
        return None
    return LoadManifest.from_json(store.read(names[-1]), names[-1])


def write_load(spark: SparkSession, pipeline: Pipeline, store: Store) -> LoadManifest | None:
    """Writes what the star's sources brought since the last load, as far as their states have it.

    Dimensions load the change rows, facts the present state of every key whose base or joined row was written,
    calendars all rows in the first load and when their contract changed.

    Returns:
        The manifest; None if nothing is new.

    Raises:
        CommitConflictError: another load was committed in the meantime; the files written here are never read.
    """
    last = newest_load(store)
    since = {} if last is None else dict(last.progress)
    sources = {name: source_progress(spark, pipeline, name) for name in pipeline.sources}
    calendars = {name: contract_checksum(calendar) for name, calendar in pipeline.calendars.items()}
    target = since | sources | calendars
    if target == since:
        return None
    seq = 1 if last is None else last.seq + 1
    attempt = uuid.uuid4().hex[:12]
    folder = f"load/{seq:012d}-{attempt}"
    written = {
        name: _write_table(store, rows, folder, name) for name, rows in _table_rows(spark, pipeline, since, target)
    }
    found = {name: table for name, table in written.items() if table is not None}
    if not found:
        return None
    manifest = LoadManifest(pipeline.name, seq, attempt, target, found, utc_now())
    if not store.create_if_absent(f"{MANIFESTS}/{seq_name(seq)}", manifest.to_json().encode()):
        raise CommitConflictError(
            f"load {seq} was committed by another run",
            where=f"{MANIFESTS}/{seq_name(seq)}",
            remedy="run the promotion again; run one promotion of a pipeline at a time",
        )
    return manifest


def copy_manifest(store: Store, files: tuple[WrittenFile, ...]) -> bytes:
    """A manifest as Redshift's COPY reads it, each Parquet file with its length."""
    entries = [
        {"url": f"{store.uri}/{item.path}", "mandatory": True, "meta": {"content_length": item.bytes}} for item in files
    ]
    return json.dumps({"entries": entries}, indent=1).encode()


def _table_rows(
    spark: SparkSession, pipeline: Pipeline, since: dict[str, int], target: dict[str, int]
) -> Iterator[tuple[str, DataFrame]]:
    for name, calendar in pipeline.calendars.items():
        if since.get(name) != target[name]:
            yield name, calendar_rows(spark, calendar)
    for name, dimension in pipeline.dimensions.items():
        first, last = since.get(dimension.source, 0), target[dimension.source]
        if last > first:
            seq = F.col(c.INGEST_SEQ)
            log = spark.table(tables.staging(pipeline, dimension.source))
            yield name, dimension_load_rows(log.where((seq > first) & (seq <= last)), dimension)
    for name, fact in pipeline.facts.items():
        if any(target[source] > since.get(source, 0) for source in fact.sources):
            rows = touched_rows(fact_work(spark, pipeline, fact), {s: since.get(s, 0) for s in fact.sources})
            yield name, fact_load_rows(rows, fact, pipeline.dimensions)


def _write_table(store: Store, rows: DataFrame, folder: str, table: str) -> LoadTable | None:
    """Files of one table; None if there is no row."""
    rows = rows.localCheckpoint()
    count = rows.count()
    if count == 0:
        return None
    files = -(-count // ROWS_PER_FILE)
    path = f"{folder}/{table}"
    rows.coalesce(files).write.option("compression", "zstd").parquet(f"{store.uri}/{path}")
    keys = [key for key in store.list(path) if key.endswith(".parquet")]
    counts = {keys[0]: count} if len(keys) == 1 else _counted(rows.sparkSession, store, keys)
    written = tuple(WrittenFile(key, counts[key], store.size(key)) for key in keys)
    manifest = f"{folder}/{table}.manifest"
    store.write(manifest, copy_manifest(store, written))
    return LoadTable(manifest, written)


def _counted(spark: SparkSession, store: Store, keys: list[str]) -> dict[str, int]:
    return {key: spark.read.parquet(f"{store.uri}/{key}").count() for key in keys}
