"""Parquet writes of hop 1: landing rows with what was rejected beside them, and dead letters."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.observe import Observed
from lake.store import Store, StoreError
from schemas import columns as C
from schemas.errors import LakeError
from schemas.manifests import LandedFile, WrittenFile
from streaming import files, inflate
from streaming.envelope import REJECTED, Group, landing_rows

log = logging.getLogger(__name__)

BATCH: Final = "batch"
_NO_MARKER: Final = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}
_NEARLY_UNIQUE: Final = (
    *(C.OFFSET, C.POSITION, C.SOURCE_TS, "source.lsn", "source.ts_us", "source.ts_ns", "source.sequence"),
    *("source.change_lsn", "source.pos"),
)
# Parquet would collect a dictionary of such a column until it is too large, and then throw it away.
_NO_DICTIONARY: Final = {f"parquet.enable.dictionary#{name}": "false" for name in _NEARLY_UNIQUE}


class LandingError(LakeError):
    """What was written is not what was read; nothing is committed."""


@dataclass(frozen=True)
class Attempt:
    """One try of one batch; its id is in every path it writes, so that tries never meet."""

    store: Store
    table: str
    seq: int
    id: str
    suffix: str = ""

    def part(self, number: int) -> Attempt:
        """The same try, for a further group of the batch."""
        return replace(self, suffix=f".{number + 1}")

    @property
    def landed(self) -> str:
        """Value of the partition column for rows that count."""
        return f"{self.seq}-{self.id}{self.suffix}"

    @property
    def rejected(self) -> str:
        """Value of the partition column for records set aside."""
        return f"{self.landed}.rejected"

    @property
    def folder(self) -> str:
        """Landing folder of the table, relative to the lake."""
        return f"landing/{self.table}"

    @property
    def dead_letters(self) -> str:
        """Folder of this try's dead letters, relative to the lake."""
        return f"deadletters/landing/{self.table}/batch={self.seq}-{self.id}"


@dataclass(frozen=True)
class Written:
    """What one pass wrote; `rejected` are keys of files with raw records, `rejected_rows` in all.

    `oldest_record` is the first record's Kafka time, `newest_change` the latest source time among the landed rows.
    """

    landed: tuple[LandedFile, ...]
    rejected: tuple[str, ...]
    rejected_rows: int
    last_kafka_ts: datetime | None
    oldest_record: datetime | None = None
    newest_change: datetime | None = None


def landing_files(records: DataFrame, group: Group, epoch: int, attempt: Attempt) -> Written:
    """Writes records of a group as landing rows by hour of Kafka time, and all others raw beside them, in one pass.

    Args:
        records: as Spark's Kafka source gives them.
        group: the writer schemas tried.
        epoch: epoch of the table.
        attempt: the try.

    Raises:
        LandingError: the files hold another number of rows than went in.
    """
    compressed = any(i and not i.isdecimal() for i in (group.key_id, group.value_id))
    if compressed:
        inflate.register(records.sparkSession)
    rows = landing_rows(records, group, epoch, compressed=compressed)
    batch = F.when(F.col(REJECTED).isNull(), F.lit(attempt.landed)).otherwise(F.lit(attempt.rejected))
    placed = rows.select("*", *hour_columns(F.col(C.KAFKA_TS)), batch.alias(BATCH))
    seen = _written(placed, attempt)
    spark, store = records.sparkSession, attempt.store
    landed = files.measured(spark, store, files.parquet_keys(store, attempt.folder, attempt.landed, seen.span))
    rejected = files.measured(spark, store, files.parquet_keys(store, attempt.folder, attempt.rejected, seen.span))
    _require_all(seen.rows, [*landed, *rejected], attempt)
    return Written(
        tuple(LandedFile(f.path, f.rows, f.bytes, group.value_id, group.key_id) for f in landed),
        tuple(f.path for f in rejected),
        sum(f.rows for f in rejected),
        seen.last_accepted,
        seen.span[0] if seen.span else None,
        seen.newest_change,
    )


def hour_columns(instant: Column) -> list[Column]:
    """`year`, `month`, `day`, `hour` of an instant, as zero-padded text (UTC)."""
    return [
        F.year(instant).cast("string").alias("year"),
        F.lpad(F.month(instant).cast("string"), 2, "0").alias("month"),
        F.lpad(F.dayofmonth(instant).cast("string"), 2, "0").alias("day"),
        F.lpad(F.hour(instant).cast("string"), 2, "0").alias("hour"),
    ]


def dead_letter_files(letters: DataFrame, attempt: Attempt) -> tuple[WrittenFile, ...]:
    """Writes dead letters.

    Raises:
        LandingError: the files hold another number of rows than went in.
    """
    observed = Observed(letters, [F.count(F.lit(1)).alias("rows")])
    observed.rows.write.mode("append").options(**_NO_MARKER).parquet(f"{attempt.store.uri}/{attempt.dead_letters}")
    keys = [key for key in attempt.store.list(attempt.dead_letters) if key.endswith(".parquet")]
    found = files.measured(letters.sparkSession, attempt.store, keys)
    _require_all(int(observed.counts()["rows"]), found, attempt)
    return tuple(WrittenFile(f.path, f.rows, f.bytes) for f in found if f.rows)


def discard(store: Store, written: Iterable[Written]) -> None:
    """Removes the raw records that were set aside and are landed or dead letters by now, file by file."""
    for key in (key for part in written for key in part.rejected):
        try:
            store.delete(key)
        except (OSError, StoreError) as error:
            log.warning("left behind: %s (%s)", key, type(error).__name__)


@dataclass(frozen=True)
class _Seen:
    rows: int
    span: tuple[datetime, datetime] | None
    last_accepted: datetime | None
    newest_change: datetime | None = None


def _written(placed: DataFrame, attempt: Attempt) -> _Seen:
    # Milliseconds, not timestamps: Python's datetime would shift them into the driver's local time.
    millis = F.unix_millis(F.col(C.KAFKA_TS))
    metrics = [
        F.count(F.lit(1)).alias("rows"),
        F.min(millis).alias("first"),
        F.max(millis).alias("last"),
        F.max(F.when(F.col(REJECTED).isNull(), millis)).alias("accepted"),
        F.max(F.when(F.col(REJECTED).isNull(), F.unix_millis(F.col(C.SOURCE_TS)))).alias("changed"),
    ]
    observed = Observed(placed, metrics)
    target = f"{attempt.store.uri}/{attempt.folder}"
    writer = observed.rows.write.mode("append").options(**_NO_MARKER, **_NO_DICTIONARY)
    writer.partitionBy("year", "month", "day", "hour", BATCH).parquet(target)
    seen = observed.counts()
    if not seen["rows"]:
        return _Seen(0, None, None)
    first, last = instant_of(seen["first"]), instant_of(seen["last"])
    accepted, changed = (instant_of(seen[name]) if seen[name] else None for name in ("accepted", "changed"))
    return _Seen(int(seen["rows"]), (first, last), accepted, changed)


def instant_of(millis: int) -> datetime:
    """UTC instant of epoch milliseconds."""
    return datetime.fromtimestamp(millis / 1000, tz=UTC)


def _require_all(rows: int, found: list[files.ParquetFile], attempt: Attempt) -> None:
    held = sum(f.rows for f in found)
    if held != rows:
        raise LandingError(
            f"{rows} records went in, the files hold {held}",
            where=f"table {attempt.table}, batch {attempt.seq}",
            remedy="nothing was committed; run again, and check the disk if it happens again",
        )
