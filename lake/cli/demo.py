"""Show all of it: a fresh stack, a live workload, every hop, reconciliation, and a page with pictures."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lake.cli._base import App, lake_command
from lake.kafka_auth import NONE
from lake.settings import Settings
from schemas.errors import LakeError

_PAGE = "Where the HTML page goes; default reports/demo.html in the demonstration's folder."


@lake_command("demo", example=("lake demo", "lake demo --keep-running", "lake demo --changes 2000 --report page.html"))
@click.option("--keep-running", is_flag=True, help="Leave the stack running afterwards.")
@click.option("--customers", type=click.IntRange(2), default=200, show_default=True, help="Customers seeded.")
@click.option("--orders", type=click.IntRange(1), default=800, show_default=True, help="Orders seeded.")
@click.option("--changes", type=click.IntRange(1), default=600, show_default=True, help="Row changes made live.")
@click.option(
    "--live-seconds", type=click.FloatRange(1), default=30.0, show_default=True, help="Time they spread over."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds do the same.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), metavar="PATH", help=_PAGE)
def command(
    app: App,
    *,
    keep_running: bool,
    customers: int,
    orders: int,
    changes: int,
    live_seconds: float,
    seed: int,
    report: Path | None,
) -> int:
    """Run the whole route once, on real parts, and show what happened.

    Works in the folder `demo` under LAKE_HOME, made fresh each time. Exits with 0 only when reconciliation is exact.
    """
    from rich.console import Console

    from lake.demo import console, html
    from lake.demo.stage import Sizes, run
    from lake.demo.steps import Steps

    if app.pipeline_name != "retail":
        raise click.UsageError(f"the demonstration changes the pipeline retail, not {app.pipeline_name}")
    if app.settings.containers:
        what, remedy = "starts and ends a stack of its own", "run `docker compose run --rm demo` outside"
        raise LakeError(what, where="the demonstration", remedy=remedy)
    # A SIGTERM ends it as Ctrl-C does: what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    own = replace(app, settings=_embedded(app))
    sizes = Sizes(customers=customers, orders=orders, changes=changes, seed=seed, live_seconds=live_seconds)
    steps = Steps(Console(stderr=True, quiet=app.as_json, highlight=False))
    shown = run(own, sizes, steps, keep_running=keep_running)
    shown = replace(shown, phases=tuple(steps.done))
    page = (report or own.home.reports / "demo.html").absolute()
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(html.render(shown), encoding="utf-8")
    if app.as_json:
        app.emit(shown.as_dict() | {"page": str(page)}, "")
    else:
        console.show(shown, Console(highlight=False))
        click.echo(f"\nThe same with pictures: {page.as_uri()}")
    return 0 if shown.verdict.passed else 1


def _embedded(app: App) -> Settings:
    """The settings with a home of the demonstration's own and every part embedded in it."""
    elsewhere = ("lake_uri", "catalog_uri", "kafka_bootstrap", "registry", "warehouse_uri")
    nowhere: dict[str, Any] = dict.fromkeys(elsewhere, "")
    return replace(app.settings, home=app.home.root / "demo", kafka_auth=NONE, **nowhere)
