"""Hop 1 as a job: a query per table of a pipeline, once over all that is committed in Kafka, or until told to end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Self

from pyspark.sql import SparkSession

from lake.kafka_auth import NONE, jvm_options
from lake.metrics import Hop
from lake.secrets import all_revealed, revealed
from lake.store import store_for
from lake.watch import OFF, Watch
from lake.watch.flows import landing_flow
from lake.watch.names import Names
from schemas import Pipeline, load_pipeline
from schemas.errors import LakeError
from schemas.manifests import LandingManifest
from streaming import kafka
from streaming.landing import TableLanding
from streaming.lease import Lease
from streaming.progress import starting_offsets
from streaming.query import TableQuery, Trigger
from streaming.registry import SchemaCache, registry_for
from streaming.target import Target

log = logging.getLogger(__name__)

MAX_OFFSETS: Final = 1_000_000
ONCE_PATIENCE: Final = 60.0
PARALLEL_TABLES: Final = 8
LAG_SECONDS: Final = 30.0
"""How often the lag is told while the job runs."""


@dataclass(frozen=True)
class StreamSettings:
    """What hop 1 needs to know.

    Args:
        pipeline: name of the pipeline.
        bootstrap: Kafka's bootstrap servers.
        registry: `http(s)://…` of a Confluent-compatible API, or `glue[:region]`; or a secret that holds one.
        lake_uri: root of the pipeline's lake.
        tables: contract names; empty means all of the pipeline.
        max_offsets_per_trigger: bound on a batch, per table.
        patience_seconds: how long an outage of the registry may last; none means for ever.
        epochs: epoch to read in by table, where it was raised.
        kafka_auth: how the Kafka client proves who it is (`lake.kafka_auth`).
        kafka_options: further options of the Kafka client; a value may be a secret's reference.
        search_path: folders that hold pipeline folders.
    """

    pipeline: str
    bootstrap: str
    registry: str
    lake_uri: str
    tables: tuple[str, ...] = ()
    max_offsets_per_trigger: int = MAX_OFFSETS
    patience_seconds: float | None = None
    epochs: Mapping[str, int] = field(default_factory=dict)
    kafka_options: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[Path, ...] = ()
    kafka_auth: str = NONE

    def client_options(self) -> dict[str, str]:
        """Options of a Kafka client in the JVM, its secrets revealed.

        Raises:
            SecretError: one cannot be read.
        """
        return kafka.client_options(self.bootstrap, jvm_options(self.kafka_auth) | all_revealed(self.kafka_options))


@dataclass(frozen=True)
class TableSummary:
    """What a run did for one table."""

    table: str
    rows: int = 0
    dead_letters: int = 0
    manifests: int = 0
    seq: int = 0


@dataclass(frozen=True)
class Summary:
    """What a run did, table by table."""

    tables: tuple[TableSummary, ...]

    @property
    def rows(self) -> int:
        """Rows landed."""
        return sum(table.rows for table in self.tables)

    @property
    def dead_letters(self) -> int:
        """Records set aside."""
        return sum(table.dead_letters for table in self.tables)


OnManifest = Callable[[LandingManifest], None]


def _log_manifest(manifest: LandingManifest) -> None:
    log.info(
        "%s: batch %d committed, %d rows, %d dead letters",
        manifest.table,
        manifest.seq,
        manifest.rows,
        manifest.dead_letter_rows,
    )


def run_once(
    spark: SparkSession,
    settings: StreamSettings,
    on_manifest: OnManifest = _log_manifest,
    stopping: threading.Event | None = None,
    *,
    watch: Watch = OFF,
) -> Summary:
    """Lands everything committed in Kafka now, then ends; every table is tried before a failure is raised.

    Args:
        spark: a session with the Kafka and Avro connectors.
        settings: see `StreamSettings`; an outage of the registry is waited for a minute unless told otherwise.
        on_manifest: called after each commit.
        stopping: set it to end after the batch in hand.
        watch: told of the run and of each batch.

    Raises:
        LakeError: the first failure; what other tables have committed stays.
    """
    patience = ONCE_PATIENCE if settings.patience_seconds is None else settings.patience_seconds
    stopping = stopping or threading.Event()
    job = _Job(spark, settings, patience, stopping, on_manifest, watch)
    with watch.run(Hop.LANDING) as run, _queries(job, None) as queries:
        with ThreadPoolExecutor(max_workers=min(PARALLEL_TABLES, len(queries.all))) as pool:
            failures = [failure for failure in pool.map(_run_to_end, queries.all) if failure]
        queries.tell_lags()
        run.failures = len(failures)
        for failure in failures[1:]:
            log.error("%s", failure)
        if failures:
            raise failures[0]
        return queries.summary()


def run_until_stopped(
    spark: SparkSession,
    settings: StreamSettings,
    trigger_seconds: float,
    stopping: threading.Event,
    on_manifest: OnManifest = _log_manifest,
    *,
    watch: Watch = OFF,
) -> Summary:
    """Lands batch after batch until `stopping` is set; the batches in hand are finished first.

    Args:
        spark: a session with the Kafka and Avro connectors.
        settings: see `StreamSettings`.
        trigger_seconds: time between the starts of two batches of a table.
        stopping: set it (from a signal handler, say) to end.
        on_manifest: called after each commit.
        watch: told of the run, of each batch, and of the lag from time to time.

    Raises:
        LakeError: a table failed; the others finish their batch, and the job ends.
    """
    job = _Job(spark, settings, settings.patience_seconds, stopping, on_manifest, watch)
    with watch.run(Hop.LANDING), _queries(job, trigger_seconds) as queries:
        for query in queries.all:
            query.start()
        log.info("landing %s every %g s", ", ".join(q.table for q in queries.all), trigger_seconds)
        told = time.monotonic()
        while not stopping.wait(0.5):
            for query in queries.all:
                if not query.active:
                    query.wait()
            if time.monotonic() - told >= LAG_SECONDS:
                queries.tell_lags()
                told = time.monotonic()
        queries.stop()
        return queries.summary()


@dataclass
class _Queries:
    """The queries of a job, with the lease of each table."""

    all: list[TableQuery]
    leases: list[Lease]
    stopping: threading.Event
    watch: Watch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for lease in self.leases:
            lease.release()

    def stop(self) -> None:
        self.stopping.set()
        for query in self.all:
            query.stop()

    def tell_lags(self) -> None:
        """How far each table is behind its topic, as far as its query knows."""
        for query in self.all:
            lag = self.watch.safely("lag", query.lag)
            if lag is not None:
                self.watch.emit(Hop.LANDING, {"LagRecords": lag}, query.table)

    def summary(self) -> Summary:
        return Summary(tuple(_summary(query) for query in self.all))


@dataclass(frozen=True)
class _Job:
    """What all queries of a job share."""

    spark: SparkSession
    settings: StreamSettings
    patience: float | None
    stopping: threading.Event
    on_manifest: OnManifest
    watch: Watch


def _queries(job: _Job, trigger_seconds: float | None) -> _Queries:
    spark, settings, stopping = job.spark, job.settings, job.stopping
    pipeline = load_pipeline(settings.pipeline, settings.search_path)
    topics = chosen_topics(pipeline, settings.tables)
    options = settings.client_options()
    states = kafka.topic_states(spark, options, topics)
    cache = SchemaCache(registry_for(revealed(settings.registry)), patience=job.patience, stopping=stopping.is_set)
    store = store_for(settings.lake_uri)
    trigger = Trigger(trigger_seconds, settings.max_offsets_per_trigger)
    queries = _Queries([], [], stopping, job.watch)
    names = Names(settings.pipeline, settings.lake_uri, bootstrap=settings.bootstrap)
    try:
        for table, state in states.items():
            queries.leases.append(Lease.take(store, table))
            target = Target(settings.pipeline, table, state.topic, state.topic_id)
            landing = TableLanding.resume(spark, store, target, cache, settings.epochs.get(table))
            starts = starting_offsets(table, state, landing.last, landing.target.epoch)
            idle = trigger_seconds is None and starts == state.latest
            flow = partial(landing_flow, pipeline.sources[table], names)
            shared = (stopping, job.on_manifest, idle, job.watch, flow)
            queries.all.append(TableQuery(spark, landing, options, starts, trigger, *shared))
    except BaseException:
        queries.__exit__()
        raise
    return queries


def chosen_topics(pipeline: Pipeline, tables: Sequence[str]) -> dict[str, str]:
    """Topic by table, of the tables asked for.

    Raises:
        LakeError: a table is none of the pipeline's.
    """
    unknown = sorted(set(tables) - set(pipeline.sources))
    if unknown:
        remedy = f"use some of {', '.join(sorted(pipeline.sources))}"
        raise LakeError(f"no source table {', '.join(unknown)}", where=f"pipeline {pipeline.name}", remedy=remedy)
    return {name: source.topic for name, source in pipeline.sources.items() if not tables or name in tables}


def _run_to_end(query: TableQuery) -> LakeError | None:
    if query.idle or query.stopping.is_set():
        return None
    try:
        query.start()
        query.wait()
    except LakeError as error:
        return error
    return None


def _summary(query: TableQuery) -> TableSummary:
    done = query.manifests
    last = query.landing.last
    return TableSummary(
        query.table,
        rows=sum(m.rows for m in done),
        dead_letters=sum(m.dead_letter_rows for m in done),
        manifests=len(done),
        seq=last.seq if last else 0,
    )
