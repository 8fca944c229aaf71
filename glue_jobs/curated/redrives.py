"""Rows that loads set aside and a settlement sends through again: whose keys, and how far a table has come.

Settlements are an input like the changes of the sources: a fact's commit, and each load's, says up to which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from lake.deadletters import load_log
from lake.deadletters.reading import load_rows
from lake.store import Store
from schemas.settlements import LoadSettlement

REDRIVES: Final = "(redrives)"
"""Under this name, which no source has, a fact's progress says up to which settlement its redriven rows are in it, and
a load's which settlements there were when it was made: all that they send through again is in it."""


@dataclass(frozen=True)
class Redrives:
    """What settlements send through again, of the lake in `store`.

    `since` is the settlement up to which the last load has all: those before it are not read again.
    """

    spark: SparkSession
    store: Store
    since: int = 0

    @cached_property
    def records(self) -> tuple[LoadSettlement, ...]:
        """The settlements after `since`."""
        return tuple(load_log.settlements(self.store, self.since))

    @property
    def through(self) -> int:
        """The newest settlement there is."""
        return self.records[-1].seq if self.records else self.since

    @cached_property
    def newest(self) -> dict[str, int]:
        """By table, the newest settlement after `since` that sends rows of it through again."""
        return load_log.newest_redrive(self.records)

    def keys(self, table: str, names: Sequence[tuple[str, str]], after: int) -> DataFrame | None:
        """Keys of the rows that settlements after one send through again; None if there are none.

        Args:
            table: fact, or source whose mirror it is.
            names: name and Spark type of each key column.
            after: the settlement up to which it is done.
        """
        through = self.newest.get(table, 0)
        if through <= after:
            return None
        letters = load_log.redriven(self.store, table, after, through)
        columns = tuple(name for name, _ in names)
        loads = (load_log.load(self.store, seq) for seq in sorted({seq for seq, _ in letters}))
        rows = load_rows(self.store, table, columns, loads)
        found = {tuple(row[name] for name in columns) for load, number, row in rows if (load, number) in letters}
        schema = ", ".join(f"`{name}` {kind}" for name, kind in names)
        return self.spark.createDataFrame(list(found), schema) if found else None
