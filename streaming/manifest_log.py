"""The landing manifests of a table, in sequence: the newest one, the ones after a sequence, and the next one's commit.

The store is asked for names alone, and for as few as a search by halves needs, so that history costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lake.store import Store
from schemas.errors import CommitConflictError
from schemas.manifests import LandingManifest, check_successor, seq_name, seq_of

ROOT: Final = "landing/_manifests"
FIRST_STRIDE: Final = 1024


def folder(table: str) -> str:
    """Folder of the table's manifests, relative to the lake."""
    return f"{ROOT}/{table}"


def key(table: str, seq: int) -> str:
    """Key of one manifest."""
    return f"{folder(table)}/{seq_name(seq)}"


def newest(store: Store, table: str) -> LandingManifest | None:
    """The last committed manifest; `None` before the first.

    Raises:
        ManifestError: the file is damaged.
    """
    seq = newest_seq(store, table)
    return read(store, table, seq) if seq else None


def newest_batch(store: Store, newest: LandingManifest | None) -> LandingManifest | None:
    """The newest manifest of a batch from Kafka, given the newest of all; those that settle dead letters are none."""
    while newest is not None and newest.settles is not None:
        newest = read(store, newest.table, newest.seq - 1) if newest.seq > 1 else None
    return newest


def newest_seq(store: Store, table: str, known: int = 0) -> int:
    """Sequence of the last manifest, 0 before the first.

    Args:
        store: the lake.
        table: contract name.
        known: a sequence that is committed already, to start from.
    """
    low, stride = known, FIRST_STRIDE
    while (found := _first_after(store, table, low + stride)) is not None:
        low, stride = found, stride * 2
    while stride > FIRST_STRIDE:
        stride //= 2
        found = _first_after(store, table, low + stride)
        low = low if found is None else found
    names = store.list(folder(table), after=key(table, low))
    return seq_of(names[-1]) if names else low


def read(store: Store, table: str, seq: int) -> LandingManifest:
    """One manifest.

    Raises:
        FileNotFoundError: there is none of this sequence.
        ManifestError: it is damaged.
    """
    name = key(table, seq)
    return LandingManifest.from_json(store.read(name), where=f"{store.uri}/{name}")


def after(store: Store, table: str, seq: int, limit: int | None = None) -> Iterator[LandingManifest]:
    """Manifests later than `seq`, in order, at most `limit`."""
    for name in store.list(folder(table), after=key(table, seq), limit=limit):
        yield LandingManifest.from_json(store.read(name), where=f"{store.uri}/{name}")


def commit(store: Store, previous: LandingManifest | None, manifest: LandingManifest) -> None:
    """Creates the manifest, the one atomic step of a batch.

    Raises:
        ManifestError: it does not follow `previous`.
        CommitConflictError: another writer has taken its sequence.
    """
    check_successor(previous, manifest)
    name = key(manifest.table, manifest.seq)
    if not store.create_if_absent(name, manifest.to_json().encode()):
        raise conflict(store, manifest)


def conflict(store: Store, manifest: LandingManifest) -> CommitConflictError:
    """The error of a batch whose sequence another writer has taken."""
    return CommitConflictError(
        f"another job has committed batch {manifest.seq} of table {manifest.table}",
        where=f"{store.uri}/{key(manifest.table, manifest.seq)}",
        remedy="let one job land a table: end this one or the other; nothing was written twice",
    )


def _first_after(store: Store, table: str, seq: int) -> int | None:
    names = store.list(folder(table), after=key(table, seq), limit=1)
    return seq_of(names[0]) if names else None
