"""Holds and decisions: a batch that failed a reject-level expectation waits until a person says what becomes of it.

A hold (`<table>/hold.json` beside the Data Docs) says which landing sequences wait and why; every run that holds writes
it again, and the run that promotes removes it. A decision (`<table>/decisions/<from>-<to>.json`) is created once and
never changed; it holds for exactly those sequences.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from lake.store import Store
from schemas.errors import DataQualityError, LakeError
from schemas.manifests import SEQ_DIGITS, utc_now


class DecisionError(LakeError):
    """There is nothing to decide, or it is decided already."""


class Verb(StrEnum):
    """What becomes of a held batch: its rows are promoted all the same, or quarantined all."""

    ACCEPT = "accept"
    SKIP = "skip"


@dataclass(frozen=True)
class Hold:
    """Landing sequences `first` to `last` of a table wait, for the `failed` expectations."""

    table: str
    first: int
    last: int
    failed: tuple[str, ...]
    since: str = ""

    def error(self, where: str) -> DataQualityError:
        """The hold as the promotion's error."""
        return DataQualityError(
            f"batch {self.first} to {self.last} of {self.table} waits: {', '.join(self.failed)} failed",
            where=where,
            remedy=f"mend the data or the contract and promote again, or: lake promote accept|skip {self.table}",
        )


@dataclass(frozen=True)
class Decision:
    """A recorded decision on landing sequences `first` to `last`."""

    table: str
    first: int
    last: int
    verb: Verb
    by: str
    reason: str
    at: str


def hold(store: Store, held: Hold) -> None:
    """Records that a batch waits."""
    store.write(f"{held.table}/hold.json", json.dumps(asdict(held), indent=1).encode())


def current_hold(store: Store, table: str) -> Hold | None:
    """The batch of a table that waits, if one does."""
    try:
        body = json.loads(store.read(f"{table}/hold.json"))
    except FileNotFoundError:
        return None
    return Hold(
        table,
        int(body["first"]),
        int(body["last"]),
        tuple(body["failed"]),
        str(body.get("since", "")),
    )


def release(store: Store, table: str) -> None:
    """The table waits no longer."""
    if store.exists(f"{table}/hold.json"):
        store.delete(f"{table}/hold.json")


def decide(store: Store, table: str, verb: Verb, by: str, reason: str) -> Decision:
    """Records what becomes of the batch that waits.

    Raises:
        DecisionError: nothing waits, or it is decided already.
    """
    held = current_hold(store, table)
    if held is None:
        raise DecisionError("nothing waits", where=table, remedy="lake promote staging shows what does")
    decision = Decision(table, held.first, held.last, verb, by, reason, utc_now())
    if not store.create_if_absent(
        _key(table, held.first, held.last),
        json.dumps(asdict(decision), indent=1).encode(),
    ):
        where = f"{table}, batch {held.first} to {held.last}"
        raise DecisionError("it is decided already", where=where, remedy="run: lake promote staging")
    return decision


def decision_from(store: Store, table: str, first: int) -> Decision | None:
    """The decision on the batch of a table that starts at a landing sequence, if there is one."""
    folder = f"{table}/decisions"
    keys = store.list(folder, after=f"{folder}/{first:0{SEQ_DIGITS}d}-", limit=1)
    if not keys or not keys[0].startswith(f"{folder}/{first:0{SEQ_DIGITS}d}-"):
        return None
    body = json.loads(store.read(keys[0]))
    return Decision(
        table,
        first,
        int(body["last"]),
        Verb(body["verb"]),
        body["by"],
        body["reason"],
        body["at"],
    )


def _key(table: str, first: int, last: int) -> str:
    return f"{table}/decisions/{first:0{SEQ_DIGITS}d}-{last:0{SEQ_DIGITS}d}.json"
