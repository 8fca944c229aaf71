"""Fill the source database, and run a live workload on it."""

from __future__ import annotations

import click

from lake.cli._base import App, lake_command, lake_group

_SECONDS_HELP = "Spread the changes over that time, and end with it."


@lake_group(
    "source",
    example=("lake source seed --customers 1000 --orders 5000", "lake source churn --changes 500 --duration 30"),
)
def command() -> None:
    """Fill the retail source of the embedded PostgreSQL, and change it as a shop would.

    Both are seeded: equal seeds on equal sources do the same. What was committed stands in a ledger under LAKE_HOME.
    """


def _retail_only(app: App) -> None:
    if app.pipeline_name != "retail":
        raise click.UsageError(f"the generator makes rows of the pipeline retail, not of {app.pipeline_name}")


@lake_command("seed", example=("lake source seed", "lake source seed --customers 100 --products 20 --orders 300"))
@click.option("--customers", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--products", type=click.IntRange(1), default=200, show_default=True)
@click.option("--orders", type=click.IntRange(0), default=5000, show_default=True, help="Each with one to four lines.")
@click.option("--seed", type=int, default=1, show_default=True)
def seed(app: App, customers: int, products: int, orders: int, seed: int) -> None:
    """Fill the empty source; a source that holds rows is left alone."""
    from infra.local.source.ledger import Ledger
    from infra.local.source.seed import Size
    from infra.local.source.seed import seed as fill

    _retail_only(app)
    app.stack.prepare_source(app.capture())
    dsn = app.endpoints.source_dsn(app.pipeline_name)
    size = Size(customers, products, orders)
    counts = fill(dsn, size, seed=seed, ledger=Ledger(app.home.ledger(app.pipeline_name)))
    made = ", ".join(f"{count} {table}" for table, count in counts.items())
    nothing = "The source holds rows already; nothing was made."
    app.emit({"rows": counts}, f"Made {made}." if any(counts.values()) else nothing)


@lake_command(
    "churn", example=("lake source churn --changes 200", "lake source churn --changes 3000 --duration 60 --seed 7")
)
@click.option("--changes", type=click.IntRange(1), default=500, show_default=True, help="Row changes to make.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help=_SECONDS_HELP)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="At most N row changes a second.")
def churn(app: App, changes: int, seed: int, duration: float | None, rate: float | None) -> None:
    """Insert, update, delete, re-insert, correct the past, change keys, break rules, roll back."""
    from infra.local.source.ledger import Ledger
    from infra.local.source.workload import churn as run

    _retail_only(app)
    ledger = Ledger(app.home.ledger(app.pipeline_name))
    dsn = app.endpoints.source_dsn(app.pipeline_name)
    made = run(dsn, seed=seed, changes=changes, ledger=ledger, duration_seconds=duration, rate=rate)
    app.emit({"changes": made}, f"Committed {made} row changes.")


@lake_command("wait", example=("lake source wait", "lake source wait --seconds 300"))
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=120, show_default=True, help="At most.")
def wait(app: App, seconds: float) -> None:
    """Wait until the connector has brought all that is committed in the source now to Kafka."""
    from lake.demo.live import wait_until_captured

    wait_until_captured(app.endpoints.source_dsn(app.pipeline_name), app.pipeline_name, seconds)
    app.emit({"captured": True}, "Everything committed in the source is in Kafka.")


command.add_command(seed)
command.add_command(churn)
command.add_command(wait)
