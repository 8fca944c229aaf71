"""Raised epochs of a table, recorded beside the data: each created once, read whenever the job starts.

What a job is told by an argument must be told again at each start until its first batch; a record is there to stay.
"""

from __future__ import annotations

from typing import Final

from lake.store import Store
from schemas.manifests import LandingManifest, RaisedEpoch, seq_name

ROOT: Final = "landing/_epochs"


def key(table: str, epoch: int) -> str:
    """Key of one record; keys sort as epochs do."""
    return f"{ROOT}/{table}/{seq_name(epoch)}"


def newest(store: Store, table: str) -> RaisedEpoch | None:
    """The record of the latest epoch; `None` where none was ever recorded.

    Raises:
        ManifestError: the file is damaged.
    """
    names = store.list(f"{ROOT}/{table}")
    return RaisedEpoch.from_json(store.read(names[-1]), where=f"{store.uri}/{names[-1]}") if names else None


def record(store: Store, raised: RaisedEpoch) -> bool:
    """Records the epoch; false, and nothing changed, where it is recorded already."""
    return store.create_if_absent(key(raised.table, raised.epoch), raised.to_json().encode())


def current(last: LandingManifest | None, raised: RaisedEpoch | None) -> int:
    """The epoch to read in, by the newest manifest and the newest record."""
    return max(last.epoch if last else 0, raised.epoch if raised else 0)
