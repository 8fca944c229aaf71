"""The live part: hop 1 in a thread of its own, the workload in another, while the caller promotes what has landed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from schemas.errors import LakeError

_POLL_SECONDS: Final = 0.3


class Worker(threading.Thread):
    """Runs one function beside the caller, and keeps what it raised; the function ends soon after its event is set."""

    def __init__(self, name: str, work: Callable[[threading.Event], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._stopping = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        """The thread's body."""
        try:
            self._work(self._stopping)
        except Exception as error:  # noqa: BLE001 - handed to the caller by `check`
            self._failure = error

    def check(self) -> None:
        """Raises what ended the work, if it failed."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Tells the work to end, and waits for it."""
        self._stopping.set()
        self.join()

    def finish(self) -> None:
        """As `stop`; then raises what the work raised."""
        self.stop()
        self.check()


@contextmanager
def beside(name: str, work: Callable[[threading.Event], object]) -> Iterator[Worker]:
    """Runs `work` beside the block; when the block ends, its event is set and it is waited for.

    Raises:
        Exception: what the work raised, unless the block itself fails.
    """
    worker = Worker(name, work)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
    worker.check()


def wait_until_captured(dsn: str, pipeline: str, seconds: float) -> None:
    """Waits until the connector has confirmed everything that is committed in the source now.

    A heartbeat is written first, so that there is a record behind the last change.

    Raises:
        LakeError: the connector has not confirmed it in time.
    """
    deadline = time.monotonic() + seconds
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        target = row[0] if row else "0/0"
        connection.execute("UPDATE lake.heartbeat SET beat_at = now()")
        question = "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s"
        while True:
            found = connection.execute(question, [target, f"lake_{pipeline}"]).fetchone()
            if found and found[0]:
                return
            if time.monotonic() > deadline:
                raise LakeError(
                    f"the connector has not confirmed all changes within {seconds:.0f} s",
                    where=f"capture of {pipeline}",
                    remedy="see what it says with: lake status; its log lies under LAKE_HOME/logs",
                )
            time.sleep(_POLL_SECONDS)
