"""Removing folders, only where it is certain that they are ours."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.local.errors import UnsafeRemovalError


def remove_folder(folder: Path, *, inside: Path) -> None:
    """Remove ``folder`` and all below it; nothing happens when it is not there.

    Args:
        folder: an absolute path.
        inside: the absolute folder of ours that it must lie below.

    Raises:
        UnsafeRemovalError: a path is relative, ``folder`` is not below ``inside``, or it holds a git repository.
    """
    if not folder.is_absolute() or not inside.is_absolute():
        reason = "the path is relative"
    elif inside.resolve() not in folder.resolve().parents:
        reason = f"it does not lie below {inside}"
    elif inside.resolve() in {Path("/"), Path.home().resolve()}:
        reason = f"{inside} is no folder of ours"
    elif (folder / ".git").exists():
        reason = "it holds a git repository"
    else:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        return
    raise UnsafeRemovalError(
        f"is not removed: {reason}", where=str(folder), remedy="check LAKE_HOME and LAKE_CACHE, and remove it by hand"
    )
