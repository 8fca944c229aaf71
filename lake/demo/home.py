"""The demonstration's own LAKE_HOME: made fresh each time, and never by removing what is not its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.local.folders import remove_folder
from infra.local.stack import Stack
from schemas.errors import LakeError

MARKER: Final = ".lake-demo"
_LOCK: Final = "demo.lock"


class DemoHomeError(LakeError):
    """The demonstration's folder is in use, or is not one that a demonstration made."""


@contextmanager
def held(parent: Path) -> Iterator[None]:
    """Holds the lock of `parent`'s demonstrations; it ends with the process, however that ends.

    Raises:
        DemoHomeError: another demonstration runs here.
    """
    parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(parent / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(handle, parent)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, parent: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        remedy = "wait for it to end, or give this one another LAKE_HOME"
        raise DemoHomeError("another demonstration is running", where=str(parent / "demo"), remedy=remedy) from None


def made_fresh(home: Path, stack: Stack) -> None:
    """Ends what an earlier demonstration left running, removes its folder, and makes it anew with our marker in it.

    Args:
        home: the demonstration's folder, below the LAKE_HOME it belongs to.
        stack: the stack of that folder.

    Raises:
        DemoHomeError: the folder holds something and was not made by a demonstration.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).is_file():
            raise DemoHomeError(
                "the folder was not made by a demonstration",
                where=str(home),
                remedy="move it away, or give another LAKE_HOME",
            )
        stack.down()
        remove_folder(home, inside=home.parent)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("Made by `lake demo`, which removes this folder when it runs again.\n")
