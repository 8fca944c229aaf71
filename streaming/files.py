"""Parquet files that one write left behind: found by their own folder names, counted from their footers."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pyspark.sql import SparkSession

from lake.store import Store

MAX_HOURS: Final = 400
"""Beyond so many hours between a batch's first and last record, its folders are found by one listing of the table."""


@dataclass(frozen=True)
class ParquetFile:
    """A file relative to the lake, with what its footer says."""

    path: str
    rows: int
    bytes: int


def hours_between(first: datetime, last: datetime) -> list[datetime]:
    """Every hour (UTC) that the span touches."""
    hour = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    count = int((last.astimezone(UTC) - hour) // timedelta(hours=1)) + 1
    return [hour + timedelta(hours=n) for n in range(count)]


def hour_folder(hour: datetime) -> str:
    """`year=/month=/day=/hour=` of an instant."""
    return f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}"


def parquet_keys(store: Store, table_folder: str, batch: str, span: tuple[datetime, datetime] | None) -> list[str]:
    """Keys of the Parquet files of one write.

    Args:
        store: the lake.
        table_folder: folder whose partitions are hours, relative to the lake.
        batch: value of the partition column `batch`, of this write alone.
        span: first and last Kafka time of the written records; none when nothing was written or it is not known.
    """
    if span is None:
        return []
    hours = hours_between(*span) if span[1] - span[0] < timedelta(hours=MAX_HOURS) else []
    if not hours:
        return [key for key in store.list(table_folder) if f"/batch={batch}/" in key and key.endswith(".parquet")]
    folders = [f"{table_folder}/{hour_folder(hour)}/batch={batch}" for hour in hours]
    with ThreadPoolExecutor(max_workers=min(16, len(folders))) as pool:
        return [key for keys in pool.map(store.list, folders) for key in keys if key.endswith(".parquet")]


def measured(spark: SparkSession, store: Store, keys: Iterable[str]) -> list[ParquetFile]:
    """Rows and bytes of each file, read from its footer by the JVM's own Parquet and file systems."""
    wanted = list(keys)
    if not wanted:
        return []
    with ThreadPoolExecutor(max_workers=min(8, len(wanted))) as pool:
        return list(pool.map(lambda key: _footer(spark, store.uri, key), wanted))


def _footer(spark: SparkSession, root: str, key: str) -> ParquetFile:
    jvm = spark._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(f"{root}/{key}")
    file = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(path, spark._jsc.hadoopConfiguration())
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(file)
    try:
        return ParquetFile(key, int(reader.getRecordCount()), int(file.getLength()))
    finally:
        reader.close()
