"""Take landed changes into staging, staged ones into the star; decide on a batch that an expectation holds."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command, lake_group
from lake.cli._spark import lake_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue_jobs.decisions import Decision
    from glue_jobs.staging import TableOutcome


@lake_group(
    "promote",
    example=("lake promote staging", "lake promote staging --table customer --json", "lake promote curated"),
)
def command() -> None:
    """Hops 2 and 3: what landed becomes typed, checked change logs, and those the star and its load files.

    What fails a check is quarantined (`lake dlq list`).
    """


@lake_command("staging", example=("lake promote staging", "lake promote staging --table order --table order_item"))
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given again.")
@click.option("--max-manifests-per-batch", type=click.IntRange(min=1), help="Landing batches in one commit (60).")
def staging(app: App, tables: tuple[str, ...], max_manifests_per_batch: int | None) -> int:
    """Promote everything that landed and is not in staging yet, and show what became of it.

    A table that stops (its schema broke with the contract, an expectation failed) is named with the remedy, the others
    go on, and the exit code is 1. Running it again goes on from where each table stands.
    """
    from glue_jobs.staging import MAX_MANIFESTS, promote_staging

    pipeline = app.pipeline
    with app.watched() as watch, lake_session(app, "lake promote") as spark:
        outcomes = promote_staging(
            spark,
            pipeline,
            app.lake_uri,
            tables=tables,
            max_manifests_per_batch=max_manifests_per_batch or MAX_MANIFESTS,
            quality_uri=app.quality_uri,
            report=lambda done: app.say(_progress(done)),
            watch=watch,
        )
    app.emit([outcome.to_json() for outcome in outcomes], _table(outcomes))
    return int(any(outcome.error for outcome in outcomes))


@lake_command("curated", example=("lake promote curated", "lake promote curated --json"))
def curated(app: App) -> int:
    """Take everything staged into the star, and write the load files of the warehouse (hop 3).

    Whatever an ended run left unfinished is finished first; running again does nothing where nothing is new.
    """
    from glue_jobs.curated.promote import promote_curated

    with app.watched() as watch, lake_session(app, "lake promote") as spark:
        summary = promote_curated(spark, app.pipeline, app.lake_uri, watch=watch)
    load = "nothing to load" if summary.load is None else f"load {summary.load.seq} is written"
    facts = "\n".join(f"{o.fact:<24} {o.written:>10,} written {o.restated:>10,} re-keyed" for o in summary.facts)
    app.emit(summary.to_json(), f"{facts}\n{load}".strip())
    return 0


@lake_command("accept", example=("lake promote accept customer --reason 'sale campaign'",))
@click.argument("table")
@click.option("--reason", required=True, help="Why, for the record.")
def accept(app: App, table: str, reason: str) -> int:
    """Promote the batch that waits all the same, at the next `lake promote staging`."""
    return _decided(app, "accept", table, reason)


@lake_command("skip", example=("lake promote skip customer --reason 'test data'",))
@click.argument("table")
@click.option("--reason", required=True, help="Why, for the record.")
def skip(app: App, table: str, reason: str) -> int:
    """Send every row of the batch that waits to quarantine, at the next `lake promote staging`."""
    return _decided(app, "skip", table, reason)


for _sub_command in (staging, curated, accept, skip):
    command.add_command(_sub_command)


def _decided(app: App, verb: str, table: str, reason: str) -> int:
    from glue_jobs.decisions import Verb, decide
    from lake.store import store_for
    from schemas.errors import ContractError

    if table not in app.pipeline.sources:
        known = ", ".join(sorted(app.pipeline.sources))
        raise ContractError(f"no source table '{table}'", where="TABLE", remedy=f"use one of {known}")
    store = store_for(app.quality_uri or f"{app.lake_uri}/quality")
    decision = decide(store, table, Verb(verb), getpass.getuser(), reason)
    app.emit(_json(decision), f"{table}: landing {decision.first} to {decision.last} will be {_DONE[verb]}")
    return 0


_DONE = {"accept": "promoted", "skip": "quarantined"}


def _json(decision: Decision) -> dict[str, object]:
    return {
        "table": decision.table,
        "first": decision.first,
        "last": decision.last,
        "decision": decision.verb,
        "by": decision.by,
        "reason": decision.reason,
        "at": decision.at,
    }


def _progress(done: TableOutcome) -> str:
    return (
        f"{done.table}: landing through {done.progress}: {done.accepted:,} accepted, "
        f"{done.quarantined:,} quarantined ({done.seconds:.1f} s)"
    )


def _table(outcomes: Sequence[TableOutcome]) -> str:
    lines = [f"{'table':<24} {'through':>8} {'rows':>10} {'accepted':>10} {'quarantined':>12} {'flagged clocks':>15}"]
    for item in outcomes:
        counts = f"{item.progress:>8} {item.rows:>10,} {item.accepted:>10,} {item.quarantined:>12,}"
        lines.append(f"{item.table:<24} {counts} {item.clock_flagged:>15,}")
        lines += [f"  quarantined by {name}: {count:,}" for name, count in sorted(item.reasons.items())]
        lines += [f"  warned by {name}: {count:,}" for name, count in sorted(item.warned.items())]
        lines += [f"  expectation failed: {name}" for name in item.failed_expectations]
        if item.error:
            lines.append(f"  stopped: {item.error}")
    return "\n".join(lines)
