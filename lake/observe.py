"""Counts taken by the very pass that writes rows, so that nothing is read twice to be counted."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Observation

SECONDS: Final = 30.0
"""Counts come with the end of the pass; the rest is the time that Spark's listeners may lag behind."""


class Observed:
    """Rows that are counted while they are written.

    Args:
        rows: what is written, later transformations included or not.
        metrics: aggregates over `rows`, each with an alias.
    """

    def __init__(self, rows: DataFrame, metrics: Sequence[Column]) -> None:
        self._plain = rows
        self._metrics = tuple(metrics)
        self._observation = Observation()
        self.rows = rows.observe(self._observation, *self._metrics)

    def counts(self, seconds: float = SECONDS) -> Mapping[str, Any]:
        """The aggregates by alias, once `rows` have been written.

        Where Spark could tell beforehand that nothing is written it leaves out the pass and the counting, and its own
        `Observation.get` would wait for ever; then the rows are counted by a pass of their own.
        """
        found: list[Mapping[str, Any]] = []
        waiting = threading.Thread(target=lambda: found.append(self._observation.get), daemon=True)
        waiting.start()
        waiting.join(seconds)
        if found:
            return found[0]
        again = self._plain.agg(*self._metrics).first()
        return {} if again is None else again.asDict()
