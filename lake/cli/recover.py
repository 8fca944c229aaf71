"""Go on after a topic was restored, made anew or overtaken by retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command
from lake.cli._spark import lake_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streaming.recovery import Diagnosis


@lake_command(
    "recover",
    example=("lake recover", "lake recover --table customer --yes", "lake recover --table customer --force --yes"),
)
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given again.")
@click.option("--yes", is_flag=True, help="Raise the epoch of each table that would halt; without it, only show it.")
@click.option("--force", is_flag=True, help="Also of the tables named by --table that would not halt.")
def command(app: App, tables: tuple[str, ...], yes: bool, force: bool) -> int:
    """Hold each topic against what is landed of it, and raise the epoch of a table that would halt the next run.

    A raised epoch is recorded in the lake, and the streaming job starts in it by itself: it reads the topic from its
    first record. What the topic has lost comes only with a new snapshot. Running it again raises nothing twice.

    The exit code is 1 where a table would halt.
    """
    from lake.cli.stream import settings_of
    from lake.store import store_for
    from streaming.recovery import Verdict, raise_epochs, survey

    if force and not tables:
        raise click.UsageError("--force goes with --table: name the tables to read anew")
    settings = settings_of(app, tables=tables)
    with lake_session(app, "lake recover") as spark:
        found = survey(spark, settings, tables if force else ())
    raised = [item.table for item in found if yes and item.raise_to is not None]
    if raised:
        found = raise_epochs(store_for(settings.lake_uri), found)
    document = {"tables": [item.to_json() for item in found], "raised": raised}
    app.emit(document, report(found, raised))
    return int(any(item.verdict == Verdict.HALTS for item in found))


def report(found: Sequence[Diagnosis], raised: Sequence[str]) -> str:
    """The diagnoses as a table, and what to do next."""
    lines = [f"{'table':<24} {'epoch':>6} {'next':>6}  verdict"]
    for item in found:
        following = "" if item.raise_to is None else item.raise_to
        because = f": {item.reason}" if item.reason else ""
        lines.append(f"{item.table:<24} {item.epoch:>6} {following:>6}  {_SAID[item.verdict]}{because}")
    waiting = [item.table for item in found if item.raise_to is not None]
    if waiting:
        lines.append(f"With --yes the epoch of {', '.join(waiting)} is raised.")
    if raised:
        lines.append(f"Raised: {', '.join(raised)}. Take a new snapshot, then: lake stream --once")
    return "\n".join(lines)


_SAID = {
    "agrees": "agrees with its topic",
    "empty": "nothing is landed yet",
    "halts": "would halt",
    "raised": "is raised, and starts afresh at the next run",
}
