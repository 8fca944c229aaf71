"""One writer per table: on one machine a lock that ends with its process; elsewhere the manifest's conflict decides.

The lock only makes the refusal early and friendly. What keeps two writers from landing a record twice is the manifest,
which only one of them can create.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass

from lake.store import LocalStore, Store
from schemas.errors import CommitConflictError


@dataclass
class Lease:
    """A held lease; `handle` is the open lock file, or none where the store has no locks."""

    handle: int | None = None

    @classmethod
    def take(cls, store: Store, table: str) -> Lease:
        """Takes the table's lease.

        Raises:
            CommitConflictError: another process has it.
        """
        if not isinstance(store, LocalStore):
            return cls()
        path = store.root / "landing" / "_locks" / table
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise CommitConflictError(
                f"another job is landing table {table}",
                where=str(path),
                remedy="let one job land a table: wait for the other, or end it",
            ) from error
        return cls(handle)

    def release(self) -> None:
        """Gives the lease back; the end of the process does so too."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
