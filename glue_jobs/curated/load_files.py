"""Load files for the warehouse: Parquet, a COPY manifest per table, and the load manifest that commits them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import landing, watching
from glue_jobs.change_log import read_log
from glue_jobs.curated import tables
from glue_jobs.curated.calendars import contract_checksum
from glue_jobs.curated.copying import counted
from glue_jobs.curated.fact import fact_work, touched_rows
from glue_jobs.curated.mirrors import mirror_rows
from glue_jobs.curated.misfits import emptied, misfit_rows
from glue_jobs.curated.reads import matching
from glue_jobs.curated.redrives import REDRIVES, Redrives
from glue_jobs.curated.source import source_progress
from glue_jobs.transforms.calendar import calendar_rows
from glue_jobs.transforms.load_rows import dimension_load_rows, fact_load_rows
from lake.metrics import Hop
from lake.store import Store
from lake.watch import OFF, Watch
from redshift_sql.copy_contract import CopyContract, copy_contract
from redshift_sql.load_contract import file_columns, made_by, rows_checksum, tracked
from schemas import columns as c
from schemas.errors import CommitConflictError
from schemas.manifests import Covered, LandingManifest, LoadManifest, LoadTable, WrittenFile, seq_name, utc_now
from schemas.model import MisfitPolicy, Pipeline, SourceContract

MANIFESTS: Final = "load/_manifests"
FILE_BYTES: Final = 128 * 1024 * 1024
"""COPY reads a file from here on in parts; smaller ones as a whole, one per slice."""
_OF_CONTRACTS: Final = (made_by(""), " (mirror)")
ROWS_PER_FILE: Final = 2_000_000
"""Where no load before tells how large rows are."""


def newest_load(store: Store) -> LoadManifest | None:
    """The last load committed; None before the first.

    Raises:
        ManifestError: it is damaged.
    """
    names = [name for name in store.list(MANIFESTS) if name.endswith(".json")]
    if not names:
        return None
    return LoadManifest.from_json(store.read(names[-1]), names[-1])


def write_load(
    redrives: Redrives,
    pipeline: Pipeline,
    *,
    newest: Mapping[str, str] | None = None,
    watch: Watch = OFF,
) -> LoadManifest | None:
    """Writes what the star's sources brought since the last load, as far as their states have it.

    Dimensions load the change rows, facts the present state of every key whose base or joined row was written,
    calendars all rows in the first load and when their contract changed, mirrors the present row of every key written.
    A dimension, fact or mirror that is new, or whose contract gives other rows than it did, is written as a whole.

    Args:
        redrives: of the lake, with its session.
        pipeline: contracts.
        newest: by source, the latest instant among the changes promoted now; the manifest passes it on.
        watch: told of it, where there is something to load.

    Returns:
        The manifest; None if nothing is new.

    Raises:
        CopyContractError: a table's rows are not what COPY takes; no load is committed.
        CommitConflictError: another load was committed in the meantime; the files written here are never read.
    """
    spark, store = redrives.spark, redrives.store
    last = newest_load(store)
    since = {} if last is None else dict(last.progress)
    sources = {name: source_progress(spark, pipeline, name) for name in pipeline.sources}
    calendars = {name: contract_checksum(calendar) for name, calendar in pipeline.calendars.items()}
    mirrors = {mirrored(name): sources[name] for name in pipeline.mirrors}
    again = {redrives_of(name): seq for name, seq in redrives.newest.items()}
    contracts = {made_by(name): rows_checksum(pipeline, name) for name in tracked(pipeline)}
    # A table that has no contract, or no mirror, for a while is new when it has one again.
    known = {*contracts, *mirrors}
    kept = {name: reached for name, reached in since.items() if name in known or not name.endswith(_OF_CONTRACTS)}
    target = kept | sources | calendars | mirrors | again | contracts
    if target == since:
        return None
    flow = partial(watching.load_files_flow, pipeline, store.uri)
    with watch.step(Hop.CURATED, "load_files", flow) as step:
        manifest = _written_load(redrives, pipeline, _Range(last, since, target, newest or {}))
        if manifest is None:
            step.abandon()
        else:
            step.tell(watching.tell_load, pipeline, manifest)
    for table, metrics in watching.load_metrics(manifest).items() if manifest else ():
        watch.emit(Hop.CURATED, metrics, table)
    return manifest


@dataclass(frozen=True)
class _Range:
    """What a load takes: what came after `last` (at `since`) up to `target`; `newest` goes into its manifest."""

    last: LoadManifest | None
    since: dict[str, int]
    target: dict[str, int]
    newest: Mapping[str, str]


def _written_load(redrives: Redrives, pipeline: Pipeline, wanted: _Range) -> LoadManifest | None:
    store = redrives.store
    last, since, target = wanted.last, wanted.since, wanted.target
    seq = 1 if last is None else last.seq + 1
    folder = _Folder(store, seq, uuid.uuid4().hex[:12])
    found: dict[str, LoadTable] = {}
    for name, rows, misfits in _table_rows(redrives, pipeline, since, target):
        seen = None if last is None else last.tables.get(name)
        table = _write_table(folder, name, rows, misfits, copy_contract(pipeline, name), seen)
        if table is not None:
            whole = last is not None and since.get(made_by(name)) != target.get(made_by(name))
            found[name] = replace(table, columns=file_columns(pipeline, name), whole=whole)
    if not found:
        return None
    known = {} if last is None else last.offsets
    offsets = {
        name: covered for name in pipeline.sources if (covered := _covered(store, name, target[name], known.get(name)))
    }
    progress = target | ({REDRIVES: redrives.through} if redrives.through else {})
    manifest = LoadManifest(pipeline.name, seq, folder.attempt, progress, found, utc_now(), offsets, wanted.newest)
    if not store.create_if_absent(f"{MANIFESTS}/{seq_name(seq)}", manifest.to_json().encode()):
        raise CommitConflictError(
            f"load {seq} was committed by another run",
            where=f"{MANIFESTS}/{seq_name(seq)}",
            remedy="run the promotion again; run one promotion of a pipeline at a time",
        )
    return manifest


def mirrored(source: str) -> str:
    """Under which name a load's progress says how far a source's mirror is."""
    return f"{source} (mirror)"


def redrives_of(table: str) -> str:
    """Under which name a load's progress says up to which settlement a table's redriven rows are in it."""
    return f"{table} {REDRIVES}"


def copy_manifest(store: Store, files: tuple[WrittenFile, ...]) -> bytes:
    """A manifest as Redshift's COPY reads it, each Parquet file with its length."""
    entries = [
        {"url": f"{store.uri}/{item.path}", "mandatory": True, "meta": {"content_length": item.bytes}} for item in files
    ]
    return json.dumps({"entries": entries}, indent=1).encode()


def files_for(rows: int, seen: LoadTable | None) -> int:
    """How many files hold so many rows, each near the size from which COPY reads a file in parts.

    Args:
        rows: of one table.
        seen: the table in the load before, which tells how large a row is.
    """
    known = sum(file.bytes for file in seen.files) / seen.rows if seen and seen.rows else 0
    return max(1, round(rows * known / FILE_BYTES)) if known else -(-rows // ROWS_PER_FILE)


def _covered(store: Store, source: str, seq: int, before: Covered | None) -> Covered | None:
    """How far a source's topic is in a load, as the landing manifest of its progress says.

    Args:
        store: the lake.
        source: source table.
        seq: its progress; 0 where nothing of it is in the star.
        before: what the load before had, for a manifest that is there no more.
    """
    path = f"{landing.MANIFESTS}/{source}/{seq_name(seq)}"
    if seq == 0 or not store.exists(path):
        return before
    manifest = LandingManifest.from_json(store.read(path), where=path)
    return Covered(manifest.epoch, manifest.committed)


@dataclass(frozen=True)
class _Folder:
    """Where an attempt at a load writes."""

    store: Store
    seq: int
    attempt: str

    @property
    def load(self) -> str:
        return f"load/{self.seq:012d}-{self.attempt}"

    def dead_letters(self, table: str) -> str:
        return f"deadletters/curated/{table}/load={self.seq}-{self.attempt}"


_Rows = tuple[str, DataFrame, DataFrame | None]
"""A table, its load rows, and the rows set aside (none: it sets none aside)."""


def _table_rows(
    redrives: Redrives, pipeline: Pipeline, since: dict[str, int], target: dict[str, int]
) -> Iterator[_Rows]:
    spark = redrives.spark
    for name, calendar in pipeline.calendars.items():
        if since.get(name) != target[name]:
            yield name, calendar_rows(spark, calendar), None
    since_of = {name: since if since.get(made_by(name)) == target[made_by(name)] else {} for name in tracked(pipeline)}
    for name, dimension in pipeline.dimensions.items():
        first, last = since_of[name].get(dimension.source, 0), target[dimension.source]
        if last > first:
            seq = F.col(c.INGEST_SEQ)
            log = read_log(spark, pipeline, pipeline.sources[dimension.source])
            yield name, dimension_load_rows(log.where((seq > first) & (seq <= last)), dimension), None
    for name, fact in pipeline.facts.items():
        done = {source: since_of[name].get(source, 0) for source in fact.sources}
        done[REDRIVES] = since_of[name].get(redrives_of(name), 0)
        if (
            any(target[source] > done[source] for source in fact.sources)
            or redrives.newest.get(name, 0) > done[REDRIVES]
        ):
            rows = touched_rows(fact_work(redrives, pipeline, fact), done)
            aside = misfit_rows(rows, fact) if fact.misfit is MisfitPolicy.DEAD_LETTER else None
            yield name, fact_load_rows(emptied(rows, fact), fact, pipeline.dimensions), aside
    for name, source in pipeline.mirrors.items():
        states = _mirrored_states(redrives, pipeline, source, since_of[name], target)
        if states is not None:
            rows, aside = mirror_rows(states, source, copy_contract(pipeline, name))
            yield name, rows, aside


def _mirrored_states(
    redrives: Redrives, pipeline: Pipeline, source: SourceContract, since: dict[str, int], target: dict[str, int]
) -> DataFrame | None:
    """State rows of the keys written, or redriven, since the last load; None where there is nothing new."""
    name = source.table
    first, done = since.get(mirrored(name), 0), since.get(redrives_of(name), 0)
    again = redrives.keys(name, [(key.name, key.type.spark) for key in source.key_columns], done)
    if target[mirrored(name)] <= first and again is None:
        return None
    states = redrives.spark.table(tables.curated(pipeline, tables.state_name(name))).where(F.col(c.OP).isNull())
    written = states.where(F.col(c.INGEST_SEQ) > first)
    if again is None:
        return written
    old = states.where(F.col(c.INGEST_SEQ) <= first)
    return written.unionByName(matching(old, again, [(key, key) for key in source.key]))


def _write_table(
    folder: _Folder,
    table: str,
    rows: DataFrame,
    misfits: DataFrame | None,
    contract: CopyContract,
    seen: LoadTable | None,
) -> LoadTable | None:
    """Files of one table; None if there is no row."""
    rows = rows.localCheckpoint()
    count = counted(rows, contract)
    if count == 0:
        return None
    written = _written(folder.store, rows, count, f"{folder.load}/{table}", files_for(count, seen))
    aside = () if misfits is None else _set_aside(folder, misfits, table)
    manifest = f"{folder.load}/{table}.manifest"
    folder.store.write(manifest, copy_manifest(folder.store, written))
    return LoadTable(manifest, written, aside)


def _set_aside(folder: _Folder, misfits: DataFrame, table: str) -> tuple[WrittenFile, ...]:
    misfits = misfits.localCheckpoint()
    count = misfits.count()
    return _written(folder.store, misfits, count, folder.dead_letters(table), 1) if count else ()


def _written(store: Store, rows: DataFrame, count: int, path: str, files: int) -> tuple[WrittenFile, ...]:
    rows.coalesce(files).write.option("compression", "zstd").parquet(f"{store.uri}/{path}")
    keys = [key for key in store.list(path) if key.endswith(".parquet")]
    counts = {keys[0]: count} if len(keys) == 1 else _counted(rows.sparkSession, store, keys)
    return tuple(WrittenFile(key, counts[key], store.size(key)) for key in keys)


def _counted(spark: SparkSession, store: Store, keys: list[str]) -> dict[str, int]:
    return {key: spark.read.parquet(f"{store.uri}/{key}").count() for key in keys}
