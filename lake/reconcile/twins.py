"""Oracle 5: the lake's star and the warehouse's are the same table, row for row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from lake.reconcile.rows import canonical, row_hash
from lake.reconcile.verdict import Finding


def lake_rows(spark: SparkSession, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of a lake table; instants as UTC without a zone, as the warehouse holds them."""
    frame = spark.table(table)
    instants = {field.name for field in frame.schema if isinstance(field.dataType, TimestampType)}
    # A zoned timestamp would reach Python in the machine's own zone.
    shown: list[Column] = [F.col(name).cast("timestamp_ntz") if name in instants else F.col(name) for name in columns]
    return (tuple(row) for row in frame.select(shown).toLocalIterator(prefetchPartitions=True))


def check_twins(table: str, ours: Iterable[Sequence[Any]], theirs: Iterable[Sequence[Any]]) -> Finding:
    """Compares two tables as multisets of row hashes.

    Args:
        table: name for the finding.
        ours: the lake's rows.
        theirs: the warehouse's rows, columns in the same order.
    """
    lake = Counter(row_hash(canonical(value) for value in row) for row in ours)
    warehouse = Counter(row_hash(canonical(value) for value in row) for row in theirs)
    only_lake = (lake - warehouse).total()
    only_warehouse = (warehouse - lake).total()
    detail = f"{only_lake} only in the lake, {only_warehouse} only in the warehouse"
    return Finding("twins", table, lake.total(), only_lake + only_warehouse, detail)
