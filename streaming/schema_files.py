"""Writer schemas stored beside the landed data, so that nobody needs the registry to read it."""

from __future__ import annotations

import hashlib

from lake.store import Store
from streaming.target import Target


def key(target: Target, schema_id: str) -> str:
    """Where the schema of this id lies; ids of a raised epoch are another registry's."""
    return f"{_folder(target)}/{schema_id}.avsc"


def store(lake: Store, target: Target, schema_id: str, text: str) -> str:
    """Stores a schema, once; one whose id the registry gave to another text before lies beside it, under its hash.

    Returns:
        Its path, relative to the lake.
    """
    path = key(target, schema_id)
    if lake.create_if_absent(path, text.encode()) or lake.read(path) == text.encode():
        return path
    path = f"{_folder(target)}/{schema_id}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.avsc"
    lake.create_if_absent(path, text.encode())
    return path


def stored(lake: Store, target: Target, schema_id: str) -> str | None:
    """The text first stored under this id; None where there is none."""
    path = key(target, schema_id)
    return lake.read(path).decode() if lake.exists(path) else None


def _folder(target: Target) -> str:
    epoch = f"/epoch={target.epoch}" if target.epoch else ""
    return f"landing/_schemas/{target.table}{epoch}"
