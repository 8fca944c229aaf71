"""Land what the topics hold: Kafka to landing, hop 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from schemas.manifests import LandingManifest
    from streaming.job import StreamSettings, Summary


@lake_command("stream", example=("lake stream --once", "lake stream --trigger-seconds 10", "lake stream --once --json"))
@click.option("--once", is_flag=True, help="Land what is committed in Kafka now, then end.")
@click.option(
    "--trigger-seconds", type=click.FloatRange(min=0.1), help="Time between batches; setting trigger_seconds."
)
@click.option("--max-offsets-per-trigger", type=click.IntRange(min=1), help="Most offsets of a table in a batch.")
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given again.")
def command(
    app: App,
    once: bool,
    trigger_seconds: float | None,
    max_offsets_per_trigger: int | None,
    tables: tuple[str, ...],
) -> int:
    """Read each topic from where its manifests end, decode every record by its own writer schema, and commit.

    Without --once it goes on, a batch each trigger, until Ctrl-C or SIGTERM, which end it after the batch in hand.
    What cannot be decoded becomes a dead letter (`lake dlq list`). A registry that is down makes the batch wait.
    """
    summary = _run(app, settings_of(app, max_offsets_per_trigger, tables), None if once else trigger_seconds or 0)
    app.emit({**asdict(summary), "rows": summary.rows, "dead_letters": summary.dead_letters}, table_of(summary))
    return 0


def settings_of(app: App, max_offsets_per_trigger: int | None = None, tables: tuple[str, ...] = ()) -> StreamSettings:
    """What hop 1 needs, from the settings and the running stack."""
    from streaming.job import StreamSettings

    return StreamSettings(
        pipeline=app.pipeline_name,
        bootstrap=app.bootstrap,
        registry=app.registry,
        lake_uri=app.lake_uri,
        tables=tables,
        max_offsets_per_trigger=max_offsets_per_trigger or app.settings.max_offsets_per_trigger,
        search_path=app.settings.search_path,
        kafka_auth=app.settings.kafka_auth,
    )


def _run(app: App, settings: StreamSettings, trigger_seconds: float | None) -> Summary:
    from lake.cli._spark import lake_session
    from streaming.job import run_once, run_until_stopped
    from streaming.kafka_to_landing import stop_on_signals

    stopping = stop_on_signals()
    with app.watched() as watch, lake_session(app, "lake stream") as spark:
        if trigger_seconds is None:
            return run_once(spark, settings, _progress(app), stopping, watch=watch)
        seconds = trigger_seconds or app.settings.trigger_seconds
        app.say(f"a batch every {seconds:g} s; Ctrl-C ends after the batch in hand")
        return run_until_stopped(spark, settings, seconds, stopping, _progress(app), watch=watch)


def _progress(app: App) -> Callable[[LandingManifest], None]:
    def say(manifest: LandingManifest) -> None:
        dead = f", {manifest.dead_letter_rows:,} dead letters" if manifest.dead_letter_rows else ""
        app.say(f"{manifest.table}: batch {manifest.seq}, {manifest.rows:,} rows{dead}")

    return say


def table_of(summary: Summary) -> str:
    """The summary as a table."""
    lines = [f"{'table':<24} {'batches':>8} {'rows':>12} {'dead letters':>13} {'at batch':>9}"]
    lines += [f"{t.table:<24} {t.manifests:>8} {t.rows:>12,} {t.dead_letters:>13,} {t.seq:>9}" for t in summary.tables]
    return "\n".join(lines)
