"""Take everything committed in Kafka through all hops once."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command
from lake.cli._spark import lake_session
from lake.home import Home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.route import Route, RouteSummary


@lake_command("run", example=("lake run", "lake run --json", "lake run --pipeline retail", "lake run --every 60"))
@click.option("--every", type=click.FloatRange(min=1), metavar="SECONDS", help="Go on, a round each so many seconds.")
def command(app: App, every: float | None) -> int:
    """Land, promote, curate and load what is there now; then end.

    A kill at any moment leaves nothing to repair: run it again. A table that its contract stops is named, the others go
    on, and the exit code is 1. While another run of this LAKE_HOME is at work, this one waits.

    With --every it goes on in one session until Ctrl-C or SIGTERM, which end it after the round in hand. After each
    round `last-run` in LAKE_HOME is touched; an error ends it with exit code 1, to be started again.
    """
    route = route_of(app)
    with lake_session(app, "lake run") as spark:
        if every is not None:
            return _run_until_stopped(app, spark, route, every)
        summary = _round(app, spark, route)
    return 1 if summary.failures else 0


def _round(app: App, spark: SparkSession, route: Route) -> RouteSummary:
    from lake.route import run_route

    with alone(app.home, app.pipeline_name, app.say), app.watched() as watch:
        summary = run_route(spark, route, app.say, watch)
    app.emit(summary.to_json(), _text(summary))
    app.home.last_run.touch()
    return summary


def _run_until_stopped(app: App, spark: SparkSession, route: Route, every: float) -> int:
    from streaming.kafka_to_landing import stop_on_signals

    stopping = stop_on_signals()
    app.home.last_run.unlink(missing_ok=True)
    while not stopping.is_set():
        begun = time.monotonic()
        _round(app, spark, route)
        stopping.wait(max(0.0, begun + every - time.monotonic()))
    return 0


@contextmanager
def alone(home: Home, pipeline: str, say: Callable[[str], None]) -> Iterator[None]:
    """One run of a LAKE_HOME and pipeline at a time; the system frees the lock when its holder dies.

    Args:
        home: whose runs.
        pipeline: of which pipeline.
        say: told when another run is waited for.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with home.run_lock(pipeline).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def route_of(app: App) -> Route:
    """The route of the settings' pipeline, on the running stack."""
    from lake.cli.stream import settings_of
    from lake.route import Route

    return Route(
        pipeline=app.pipeline,
        migrations=app.migrations,
        stream=settings_of(app),
        warehouse_uri=app.warehouse_uri,
        copy_role=app.settings.copy_role,
        quality_uri=app.quality_uri,
    )


def _text(summary: RouteSummary) -> str:
    lines = [f"{'table':<24} {'landed':>10} {'dead letters':>13} {'accepted':>10} {'quarantined':>12}"]
    staged = {outcome.table: outcome for outcome in summary.staging}
    for table in summary.landing.tables:
        outcome = staged[table.table]
        counts = f"{table.rows:>10,} {table.dead_letters:>13,} {outcome.accepted:>10,} {outcome.quarantined:>12,}"
        lines.append(f"{table.table:<24} {counts}")
    lines += [f"stopped: {failure}" for failure in summary.failures]
    return "\n".join(lines)
