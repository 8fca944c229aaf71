"""The demonstration, phase by phase: a fresh stack, a live workload, all hops, reconciliation, the report."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from lake.demo import text
from lake.demo.home import held, made_fresh
from lake.demo.live import Worker, beside, wait_until_captured
from lake.demo.model import NextStep, Report
from lake.demo.steps import Steps
from lake.demo.strays import send, strays
from lake.demo.workload import actions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.cli._base import App
    from lake.reconcile.run import Parties
    from lake.warehouse.port import Warehouse

TRIGGER_SECONDS: Final = 3.0
_CAPTURE_PATIENCE: Final = 90.0


@dataclass(frozen=True)
class Sizes:
    """Rows seeded, row changes of the live workload, and the seconds these spread over."""

    customers: int = 200
    products: int = 60
    orders: int = 800
    changes: int = 600
    seed: int = 1
    live_seconds: float = 30.0


def run(app: App, sizes: Sizes, steps: Steps, *, keep_running: bool = False) -> Report:
    """Shows the whole route once, in a folder of its own, and stops what it started.

    Args:
        app: settings whose LAKE_HOME is the demonstration's own folder.
        sizes: see `Sizes`.
        steps: told of each phase.
        keep_running: leave the stack running, unless something fails.

    Raises:
        LakeError: a part, a hop or an oracle could not run.
    """
    with held(app.home.root.parent):
        made_fresh(app.home.root, app.stack)
        finished = False
        try:
            report = _shown(app, sizes, steps, keep_running)
            finished = True
        finally:
            if not (keep_running and finished):
                app.stack.down()
    return report


def _shown(app: App, sizes: Sizes, steps: Steps, keep_running: bool) -> Report:
    with steps.phase("Start PostgreSQL, Kafka, the schema registry and Connect"):
        app.stack.up((), lambda part, message: steps.say(f"{part} {message}"))
    with ExitStack() as opened:
        with steps.phase("Seed the shop, capture it, start Spark"):
            _seed(app, sizes, steps)
            spark = opened.enter_context(_spark(app))
        stream = opened.enter_context(beside("stream", lambda stopping: _stream(app, spark, stopping)))
        with steps.phase("First load: the snapshot through every hop"):
            _until_landed(app, stream)
            _promote(app, spark, steps)
        with steps.phase("Live: workload, streaming and promotion side by side"):
            since = datetime.now(UTC).replace(tzinfo=None)
            sent = _live(app, spark, sizes, steps, stream)
        with steps.phase("Finish: everything captured, through every hop"):
            _finish(app, spark, steps, stream)
        parties = opened.enter_context(_parties(app, spark))
        return _told(app, parties, steps, since, sent, keep_running)


def _seed(app: App, sizes: Sizes, steps: Steps) -> None:
    from infra.local.source.ledger import Ledger
    from infra.local.source.seed import Size, seed

    capture = app.capture()
    app.stack.prepare_source(capture)
    size = Size(sizes.customers, sizes.products, sizes.orders)
    ledger = Ledger(app.home.ledger(app.pipeline_name))
    made = seed(app.endpoints.source_dsn(app.pipeline_name), size, seed=sizes.seed, ledger=ledger)
    steps.say(", ".join(f"{count:,} {table}" for table, count in made.items()))
    app.stack.up([capture], lambda *_: None)


def _live(app: App, spark: SparkSession, sizes: Sizes, steps: Steps, stream: Worker) -> int:
    """Promotes while workload and stream run; how many stray records were sent."""
    topics = [source.topic for source in app.pipeline.sources.values()]
    with beside("workload", lambda _: _churn(app, sizes)) as workload:
        sent = send(app.endpoints.bootstrap_servers, strays(topics))
        while workload.is_alive():
            workload.join(TRIGGER_SECONDS)
            stream.check()
            _promote(app, spark, steps)
    return sent


def _until_landed(app: App, stream: Worker) -> None:
    """Waits until every table has a landed batch, so that the first promotion has something to take."""
    from lake.store import store_for

    store = store_for(app.home.lake_uri(app.pipeline_name))
    while not all(store.list(f"landing/_manifests/{table}", limit=1) for table in app.pipeline.sources):
        stream.check()
        time.sleep(0.2)


def _stream(app: App, spark: SparkSession, stopping: Event) -> None:
    from lake.cli.stream import settings_of
    from streaming.job import run_until_stopped

    run_until_stopped(spark, settings_of(app), TRIGGER_SECONDS, stopping)


def _churn(app: App, sizes: Sizes) -> None:
    from infra.local.source.ledger import Ledger
    from infra.local.source.workload import churn

    churn(
        app.endpoints.source_dsn(app.pipeline_name),
        seed=sizes.seed,
        changes=sizes.changes,
        ledger=Ledger(app.home.ledger(app.pipeline_name)),
        duration_seconds=sizes.live_seconds,
    )


def _promote(app: App, spark: SparkSession, steps: Steps) -> None:
    """Hops 2 to 4 over what the stream has landed so far."""
    from glue_jobs.curated.promote import promote_curated
    from glue_jobs.staging import promote_staging
    from lake.warehouse.load import load_pending

    started = time.monotonic()
    uri = app.home.lake_uri(app.pipeline_name)
    outcomes = promote_staging(spark, app.pipeline, uri, quality_uri=app.home.quality(app.pipeline_name).as_uri())
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error
    promote_curated(spark, app.pipeline, uri)
    with _warehouse(app, read_only=False) as warehouse:
        summary = load_pending(app.pipeline, uri, warehouse, migrations=app.migrations)
    accepted = sum(outcome.accepted for outcome in outcomes)
    took = text.duration(time.monotonic() - started)
    steps.say(f"{accepted:,} changes through staging and curated into load {summary.last_seq} ({took})")


def _finish(app: App, spark: SparkSession, steps: Steps, stream: Worker) -> None:
    """Waits for the capture, ends the stream, then takes all that is left through every hop."""
    from lake.cli.run import route_of
    from lake.route import run_route

    name = app.pipeline_name
    wait_until_captured(app.endpoints.source_dsn(name), name, _CAPTURE_PATIENCE)
    stream.finish()
    summary = run_route(spark, route_of(app), steps.say)
    for outcome in summary.staging:
        if outcome.error:
            raise outcome.error


def _told(app: App, parties: Parties, steps: Steps, since: datetime, sent: int, keep_running: bool) -> Report:
    from lake.demo.collect import Told, collect
    from lake.reconcile.run import reconcile

    with steps.phase("Reconcile: source, Kafka, lake and warehouse, row by row"):
        verdict = reconcile(parties, steps.say)
    ledger = app.home.ledger(app.pipeline_name).read_text(encoding="utf-8").splitlines()
    docs = app.home.quality(app.pipeline_name).as_uri()
    told = Told(verdict, tuple(steps.done), actions(ledger, sent), since, docs, next_steps(app, keep_running))
    with steps.phase("Read the report"):
        return collect(parties, told)


@contextmanager
def _spark(app: App) -> Iterator[SparkSession]:
    from lake.session import spark_session, tuned
    from streaming.kafka_to_landing import SESSION

    spark = spark_session(
        "lake demo",
        lake_uri=app.home.lake_uri(app.pipeline_name),
        catalog_uri=app.home.catalog_uri(app.pipeline_name),
        cores=app.settings.spark_cores,
        memory=app.settings.spark_memory,
        scratch=app.home.scratch,
        extra=SESSION | tuned(small=True, log=app.home.logs / "spark.log"),
    )
    try:
        yield spark
    finally:
        spark.stop()


@contextmanager
def _warehouse(app: App, *, read_only: bool) -> Iterator[Warehouse]:
    with app.warehouse(read_only=read_only) as warehouse:
        yield warehouse


@contextmanager
def _parties(app: App, spark: SparkSession) -> Iterator[Parties]:
    from lake.reconcile.run import Parties
    from lake.store import store_for

    endpoints, name = app.endpoints, app.pipeline_name
    with _warehouse(app, read_only=True) as warehouse:
        store = store_for(app.home.lake_uri(name))
        yield Parties(spark, app.pipeline, store, warehouse, endpoints.bootstrap_servers, endpoints.source_dsn(name))


def next_steps(app: App, keep_running: bool) -> tuple[NextStep, ...]:
    """Commands worth typing after the demonstration, for its own LAKE_HOME."""
    home, docs = (shlex.quote(_short(path)) for path in (app.home.root, app.home.quality(app.pipeline_name)))
    lake = shlex.quote("lake" if shutil.which("lake") else _short(Path(sys.executable).parent / "lake"))
    asked = max(app.pipeline.dimensions.values(), key=lambda dimension: len(dimension.type2)).name
    steps = [
        NextStep(f"export LAKE_HOME={home}", "Work on what the demonstration left."),
        NextStep(f'{lake} sql "SELECT * FROM analytics.{asked} LIMIT 10"', "Ask the warehouse."),
        NextStep(f"{lake} dlq list", "See what was set aside, and why."),
        NextStep(f"ls {docs}/*/index.html", "Read what each batch's quality checks found."),
    ]
    if not keep_running:
        steps.append(NextStep(f"{lake} up", "Start the stack again; its data is still there."))
    steps += [
        NextStep(f"{lake} source churn --changes 200 --seed 2", "Change the source some more."),
        NextStep(f"{lake} run", "Take it through all hops."),
        NextStep(f"{lake} reconcile", "Hold source, lake and warehouse against each other again."),
        NextStep(f"{lake} down", "Stop the stack."),
    ]
    return tuple(steps)


def _short(path: Path) -> str:
    """A path as one would type it: relative where it lies below the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
