"""Where one table's records come from and go to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A table on its way into landing; `topic_id` is the broker's, empty where it gives none."""

    pipeline: str
    table: str
    topic: str
    topic_id: str = ""
    epoch: int = 0
