"""Read dead letters: records that could not be decoded, changes that a check rejected, facts that do not fit."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command, lake_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.deadletters import Letter, Stores


@lake_group("dlq", example=("lake dlq list", "lake dlq list --reason type: --json", "lake dlq show customer/0/2/4711"))
def command() -> None:
    """Dead letters of hops 1 to 3, from the lake's files, without starting Spark."""


@lake_command("list", example=("lake dlq list", "lake dlq list --table customer --reason email_has_at --json"))
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given again.")
@click.option("--reason", default="", metavar="TEXT", help="Only reasons that start so, such as type: or null:email.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many lines.")
def listed(app: App, tables: tuple[str, ...], reason: str, limit: int) -> int:
    """Every open dead letter with its place in Kafka (or in a load) and its reasons; no value of the data is shown."""
    from lake.deadletters import dead_letters

    letters = list(dead_letters(_stores(app, tables), tables, reason))
    app.emit([letter.to_json() for letter in letters], _text(letters, limit))
    return 0


@lake_command("show", example=("lake dlq show customer/0/2/4711", "lake dlq show customer/0/2/4711 --raw"))
@click.argument("identifier", metavar="ID")
@click.option("--raw", is_flag=True, help="Also what the record holds; personal data may be in it.")
def show(app: App, identifier: str, raw: bool) -> int:
    """One dead letter: where it came from, which checks it failed, what they ask."""
    from lake.deadletters import shown

    found = shown(_stores(app, ()), identifier, raw=raw)
    width = max(len(name) for name in found)
    app.emit(found, "\n".join(f"{name:<{width}}  {_plain(value)}" for name, value in found.items()))
    return 0


command.add_command(listed)
command.add_command(show)


def _stores(app: App, tables: Sequence[str]) -> Stores:
    from lake.deadletters import Stores
    from lake.store import store_for
    from schemas.errors import ContractError

    pipeline = app.pipeline
    for table in tables:
        if table not in {*pipeline.sources, *pipeline.facts}:
            known = ", ".join((*sorted(pipeline.sources), *sorted(pipeline.facts)))
            raise ContractError(f"no source table or fact '{table}'", where="--table", remedy=f"use one of {known}")
    return Stores(pipeline, store_for(app.lake_uri), app.catalog_uri)


def _text(letters: Sequence[Letter], limit: int) -> str:
    if not letters:
        return "no dead letters"
    lines = [f"{'id':<32} {'hop':<8} {'time (UTC)':<20} reasons"]
    lines += [
        f"{item.id:<32} {item.hop:<8} {item.at:%Y-%m-%d %H:%M:%S}  {', '.join(item.reasons)}"
        for item in letters[:limit]
    ]
    if len(letters) > limit:
        lines.append(f"… and {len(letters) - limit:,} more (--limit)")
    counts = Counter(reason for item in letters for reason in item.reasons)
    lines.append("by reason: " + ", ".join(f"{name} {count:,}" for name, count in counts.most_common()))
    return "\n".join(lines)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
