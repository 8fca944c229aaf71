"""What a month on AWS costs, and what a volume needs there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from lake.cli._base import App, lake_command

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@lake_command(
    "cost",
    example=(
        "lake cost --events-per-day 1000000",
        "lake cost --events-per-day 1e6 --env prod --json",
        "lake cost --events-per-day 1e9 --event-bytes 800 --peak 3 --prices my-prices.yaml",
    ),
)
@click.option("--events-per-day", type=float, required=True, metavar="N", help="Changes a day, of all tables.")
@click.option("--env", "names", multiple=True, metavar="NAME", help="An environment; all where none is given.")
@click.option("--event-bytes", type=float, default=500.0, show_default=True, metavar="BYTES", help="A change in Kafka.")
@click.option(
    "--peak", type=float, default=5.0, show_default=True, metavar="TIMES", help="The busiest time ÷ the mean."
)
@click.option("--tables", type=int, default=4, show_default=True, metavar="N", help="Source tables.")
@click.option("--prices", type=FILE, metavar="FILE", help="Unit prices of your own, as lake/cost/prices.yaml has them.")
@click.option("--environments", type=FILE, metavar="FILE", help="Sizes of your own, as lake/cost/environments.yaml.")
def command(app: App, names: tuple[str, ...], prices: Path | None, environments: Path | None, **volume: float) -> None:
    """What a month on AWS costs: each environment of infra/terraform, line by line, and the sizes the volume needs.

    Dated on-demand prices, without tax, discounts and free tiers; stored data as it is after a year. docs/cost.md tells
    what is assumed.
    """
    from lake.cost.bill import bill_of
    from lake.cost.show import as_json, as_text
    from lake.cost.sizing import MEASURED, Volume
    from lake.cost.tables import load_tables

    known = load_tables(prices, environments)
    given = Volume(
        events_a_day=volume["events_per_day"],
        event_bytes=volume["event_bytes"],
        peak=volume["peak"],
        tables=int(volume["tables"]),
    )
    chosen = names or tuple(known.environments)
    bills = {name: bill_of(given, known.environment(name), known.prices, MEASURED) for name in chosen}
    app.emit(as_json(bills, known.prices, asdict(given)), as_text(bills, known.prices))
