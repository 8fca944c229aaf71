"""The newest metrics that `lake` commands have told on this machine, read back from their file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.metrics import BY_NAME, HOP, PIPELINE, TABLE
from lake.watch.options import METRICS_FILE
from schemas.manifests import instant_text

Values = dict[str, dict[str, Any]]
"""By metric: `value`, and `at`, when it was told."""


def newest(folder: Path, pipeline: str) -> dict[str, dict[str, Values]]:
    """The newest value of each metric of a pipeline, by hop and table; the table is empty for metrics of a whole hop.

    Args:
        folder: where the file lies; nothing is found where it does not.
        pipeline: name.
    """
    found: dict[str, dict[str, Values]] = {}
    for body in _documents(folder):
        if body.get(PIPELINE) != pipeline:
            continue
        at = instant_text(datetime.fromtimestamp(body["_aws"]["Timestamp"] / 1000, UTC))
        values = found.setdefault(body[HOP], {}).setdefault(body.get(TABLE, ""), {})
        values |= {name: {"value": value, "at": at} for name, value in body.items() if name in BY_NAME}
    return found


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Oldest first; a line that a kill cut short is left out."""
    for name in (f"{METRICS_FILE}.1", METRICS_FILE):
        path = folder / name
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue
