"""The records that settle dead letters of loads, in a sequence of their own; each is created only if absent.

A record is the commit: from then on the letter is redriven or discarded. What is redriven is made again by the next
promotion, whose own commits say up to which record they have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lake.store import Store
from schemas.errors import CommitConflictError
from schemas.manifests import LoadManifest, seq_name, utc_now
from schemas.records import ManifestError
from schemas.settlements import LoadSettlement, Verb

ROOT: Final = "deadletters/_settlements"
LOADS: Final = "load/_manifests"
Numbered = tuple[int, int]
"""The load that set a letter aside, and its number there."""
_TRIES: Final = 5


def settlements(store: Store, after: int = 0) -> Iterator[LoadSettlement]:
    """Every record after a sequence, in order.

    Raises:
        ManifestError: one is damaged.
    """
    for key in store.list(ROOT, after=f"{ROOT}/{seq_name(after)}" if after else ""):
        yield LoadSettlement.from_json(store.read(key), where=f"{store.uri}/{key}")


def settle(
    store: Store, verb: Verb, letters: Iterable[tuple[str, Numbered]], by: str, reason: str
) -> LoadSettlement | None:
    """Records what becomes of letters, as far as no record names them yet.

    Args:
        store: the lake.
        verb: what becomes of them.
        letters: table, load and number of each.
        by: who asks.
        reason: why; a discard must have one.

    Returns:
        The record; None where all are settled already.

    Raises:
        CommitConflictError: other writers came first each time.
    """
    wanted = set(letters)
    for _ in range(_TRIES):
        last = 0
        for record in settlements(store):
            last = record.seq
            wanted -= {(table, pair) for table, pairs in record.letters.items() for pair in pairs}
        if not wanted:
            return None
        by_table: dict[str, list[Numbered]] = {}
        for table, pair in sorted(wanted):
            by_table.setdefault(table, []).append(pair)
        named = {table: tuple(pairs) for table, pairs in by_table.items()}
        record = LoadSettlement(last + 1, verb, named, by, reason, utc_now())
        if store.create_if_absent(f"{ROOT}/{seq_name(record.seq)}", record.to_json().encode()):
            return record
    raise CommitConflictError(
        f"other writers came first {_TRIES} times", where=f"{store.uri}/{ROOT}", remedy="run it again"
    )


def redriven(store: Store, table: str, after: int, through: int) -> frozenset[Numbered]:
    """Letters of a table that the records after one, up to another, send through again."""
    found = (r for r in settlements(store, after) if r.seq <= through and r.verb is Verb.REDRIVE)
    return frozenset(pair for record in found for pair in record.letters.get(table, ()))


def newest_redrive(records: Iterable[LoadSettlement]) -> dict[str, int]:
    """By table, the newest of some records, ascending, that sends letters of it through again."""
    return {table: r.seq for r in records if r.verb is Verb.REDRIVE for table in r.letters}


def load(store: Store, seq: int) -> LoadManifest:
    """One load manifest.

    Raises:
        ManifestError: it is damaged or gone.
    """
    key = f"{LOADS}/{seq_name(seq)}"
    where = f"{store.uri}/{key}"
    try:
        return LoadManifest.from_json(store.read(key), where=where)
    except FileNotFoundError:
        remedy = "restore it from the object store's versions"
        raise ManifestError("the manifest of a load is gone", where=where, remedy=remedy) from None


def loads(store: Store) -> Iterator[LoadManifest]:
    """Every load manifest, in order.

    Raises:
        ManifestError: one is damaged.
    """
    for key in store.list(LOADS):
        yield LoadManifest.from_json(store.read(key), where=f"{store.uri}/{key}")
