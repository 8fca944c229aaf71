"""Read dead letters: records that could not be decoded, changes that a check rejected, facts that do not fit."""

from __future__ import annotations

import getpass
import json
from collections import Counter
from contextlib import ExitStack
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import click

from lake.cli._base import App, lake_command, lake_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from lake.deadletters.letters import Letter
    from lake.deadletters.reading import Stores, Wanted
    from lake.deadletters.settling import Outcome
    from schemas.settlements import Verb
    from streaming.registry import Registry

_HOPS = ("landing", "staging", "curated")
_ALL = "all"
_STATES = ("open", "redriven", "discarded", _ALL)


@lake_group(
    "dlq",
    example=(
        "lake dlq list",
        "lake dlq list --reason type: --json",
        "lake dlq show customer/0/2/4711",
        "lake dlq redrive --table customer --dry-run",
        "lake dlq discard --id customer/0/2/4711 --note 'test data'",
    ),
)
def command() -> None:
    """Dead letters of hops 1 to 3: what they are, sent through again once the cause is mended, or discarded."""


_table = click.option("--table", "tables", multiple=True, metavar="NAME", help="Only this table; may be given again.")
_hop = click.option("--hop", "hops", multiple=True, type=click.Choice(_HOPS), help="Only this hop; may be given again.")
_reason = click.option("--reason", default="", metavar="TEXT", help="Only reasons that start so, such as type:.")


def _choosing(function: Callable[..., int]) -> Callable[..., int]:
    """Options that choose letters, given to `function` as `wanted` and `dry_run`."""

    @_table
    @_hop
    @_reason
    @click.option("--id", "ids", multiple=True, metavar="ID", help="Only this letter; may be given again.")
    @click.option("--dry-run", is_flag=True, help="Only show which letters these are.")
    @wraps(function)
    def chosen(
        app: App, *, tables: tuple[str, ...], hops: tuple[str, ...], reason: str, ids: tuple[str, ...], **rest: Any
    ) -> int:
        from lake.deadletters.reading import Wanted
        from lake.deadletters.settling import hops_of

        return function(app, wanted=Wanted(tables, hops_of(hops), reason, ids), **rest)

    return chosen


@lake_command(
    "list",
    example=(
        "lake dlq list",
        "lake dlq list --table customer --reason email_has_at --json",
        "lake dlq list --state discarded",
    ),
)
@_table
@_hop
@_reason
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True, help="Only these.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many lines.")
def listed(app: App, tables: tuple[str, ...], hops: tuple[str, ...], reason: str, state: str, limit: int) -> int:
    """Dead letters with their place in Kafka (or in a load) and their reasons; no value of the data is shown."""
    from lake.deadletters.letters import State
    from lake.deadletters.reading import Wanted, dead_letters
    from lake.deadletters.settling import hops_of

    states = () if state == _ALL else (State(state),)
    letters = list(dead_letters(_stores(app, tables), Wanted(tables, hops_of(hops), reason, states=states)))
    app.emit([letter.to_json() for letter in letters], _text(letters, limit))
    return 0


@lake_command("show", example=("lake dlq show customer/0/2/4711", "lake dlq show customer/0/2/4711 --raw"))
@click.argument("identifier", metavar="ID")
@click.option("--raw", is_flag=True, help="Also what the record holds; personal data may be in it.")
def show(app: App, identifier: str, raw: bool) -> int:
    """One dead letter: where it came from, which checks it failed, what they ask."""
    from lake.deadletters.reading import shown

    found = shown(_stores(app, ()), identifier, raw=raw)
    width = max(len(name) for name in found)
    app.emit(found, "\n".join(f"{name:<{width}}  {_plain(value)}" for name, value in found.items()))
    return 0


@lake_command(
    "redrive",
    example=(
        "lake dlq redrive --dry-run",
        "lake dlq redrive --hop landing --reason unknown_schema_id",
        "lake dlq redrive --table customer --reason email_has_at --note 'check was too strict' --json",
        "lake dlq redrive --id customer/0/2/4711",
    ),
)
@_choosing
@click.option("--note", default="", metavar="TEXT", help="Why, for the record.")
@click.option("--registry", metavar="URL", help="Another schema registry than the setting's.")
def redrive(app: App, *, wanted: Wanted, dry_run: bool, note: str, registry: str | None) -> int:
    """Send open dead letters through again, once what they failed for is mended.

    Undecodable records are decoded by the registry as it is now; rejected changes and rows set aside come into the next
    `lake promote`. What is still bad becomes a dead letter again, for the reason that it has then. However late, and
    however often: a letter goes through once, and a change takes its own place in history.

    The exit code is 1 where letters stayed open for an error, such as a registry that does not answer.
    """
    from schemas.settlements import Verb

    return _settled(app, wanted, Verb.REDRIVE, note, dry_run=dry_run, registry=registry)


@lake_command(
    "discard",
    example=(
        "lake dlq discard --id customer/0/2/4711 --note 'test data'",
        "lake dlq discard --table customer --reason email_has_at --note 'will not be mended' --dry-run",
    ),
)
@_choosing
@click.option("--note", required=True, metavar="TEXT", help="Why, for the record.")
def discard(app: App, *, wanted: Wanted, dry_run: bool, note: str) -> int:
    """Give open dead letters up, for good and on the record; what they hold stays in the lake's files.

    At least one of --table, --hop, --reason, --id must say which.
    """
    from schemas.settlements import Verb

    if not (wanted.tables or wanted.hops or wanted.reason or wanted.ids):
        raise click.UsageError("say which letters: give --table, --hop, --reason or --id")
    if not note.strip():
        raise click.UsageError("--note is empty: say why")
    return _settled(app, wanted, Verb.DISCARD, note, dry_run=dry_run)


for _sub_command in (listed, show, redrive, discard):
    command.add_command(_sub_command)


def _settled(app: App, wanted: Wanted, verb: Verb, note: str, *, dry_run: bool, registry: str | None = None) -> int:
    from lake.deadletters.settling import chosen, settled
    from streaming.settle import Settler

    stores = _stores(app, wanted.tables)
    letters = chosen(stores, wanted)
    if dry_run:
        app.emit([letter.to_json() for letter in letters], _text(letters, 200))
        return 0
    outcomes = []
    with ExitStack() as stack:

        @cache
        def session() -> SparkSession:
            from lake.cli._spark import lake_session

            return stack.enter_context(lake_session(app, "lake dlq"))

        settler = Settler(stores.store, verb, getpass.getuser(), note, session, lambda: _registry(app, registry))
        for outcome in settled(letters, settler):
            app.say(_told(outcome))
            outcomes.append(outcome)
    app.emit([outcome.to_json() for outcome in outcomes], _closing(outcomes))
    return int(any(outcome.error for outcome in outcomes))


def _registry(app: App, address: str | None) -> Registry:
    from streaming.registry import registry_for

    return registry_for(address or app.registry)


def _told(outcome: Outcome) -> str:
    what = f"{outcome.table}, {outcome.hop.value}: {_DONE[outcome.verb.value]} {outcome.settled:,}"
    rest = outcome.chosen - outcome.settled
    if outcome.error:
        return f"{what}; {rest:,} stay open: {outcome.error}"
    meanwhile = f"; {rest:,} were settled by another run" if rest else ""
    again = f"; {outcome.failed_again:,} of them failed again" if outcome.failed_again else ""
    return what + again + meanwhile


_DONE = {"redrive": "redriven", "discard": "discarded"}


def _closing(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "no open dead letters are chosen"
    verb = _DONE[outcomes[0].verb.value]
    total = f"{sum(outcome.settled for outcome in outcomes):,} {verb}"
    waits = verb == "redriven" and any(outcome.settled > outcome.failed_again for outcome in outcomes)
    return total + ("\nnext: lake run (or lake promote staging, lake promote curated, lake load)" if waits else "")


def _stores(app: App, tables: Sequence[str]) -> Stores:
    from lake.deadletters.reading import Stores
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
