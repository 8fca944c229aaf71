"""One table's Structured Streaming query: its batches go to `TableLanding`, its progress comes from the manifests.

The query's checkpoint is a private folder made anew at each start, from the offsets the manifests name. Nothing can
disagree with the manifests, because nothing else is kept.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lake.metrics import Hop
from lake.watch import OFF, Flow, Step, Watch, seconds_since
from schemas.errors import LakeError
from schemas.manifests import LandingManifest
from streaming.landing import TableLanding, Times
from streaming.progress import logged_offsets, offsets_json
from streaming.registry import StoppedError

log = logging.getLogger(__name__)
_FULL: Final = re.compile(r"No space left on device|File too large|Disk quota exceeded")


class StreamError(LakeError):
    """The streaming query failed for a reason that is none of ours."""


@dataclass(frozen=True)
class Trigger:
    """When batches run: `seconds` apart, or (none) over all that is there now, then end."""

    seconds: float | None
    max_offsets: int


@dataclass
class TableQuery:
    """A query over one topic; `idle` where nothing was there to read when it was made."""

    spark: SparkSession
    landing: TableLanding
    options: Mapping[str, str]
    starts: Mapping[int, int]
    trigger: Trigger
    stopping: threading.Event
    on_manifest: Callable[[LandingManifest], None]
    idle: bool = False
    watch: Watch = OFF
    flow: Callable[[], Flow] | None = None
    manifests: list[LandingManifest] = field(default_factory=list)
    failure: BaseException | None = None
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _query: StreamingQuery | None = None
    # Only ever the folder that `start` made: its own cleanup removes it, and nothing is removed where there is none.
    _checkpoint: tempfile.TemporaryDirectory[str] | None = None

    @property
    def table(self) -> str:
        """Contract name of the table."""
        return self.landing.target.table

    @property
    def active(self) -> bool:
        """Whether the query runs."""
        return self._query is not None and self._query.isActive

    def start(self) -> None:
        """Starts the query."""
        prefix = f"lake-stream-{self.table}-"
        self._checkpoint = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        topic = self.landing.target.topic
        reader = (
            self.spark.readStream.format("kafka")
            .options(**{f"kafka.{name}": value for name, value in self.options.items()})
            .option("kafka.isolation.level", "read_committed")
            .option("subscribe", topic)
            .option("startingOffsets", offsets_json(topic, self.starts))
            .option("includeHeaders", "true")
            .option("failOnDataLoss", "true")
            .option("maxOffsetsPerTrigger", str(self.trigger.max_offsets))
        )
        writer = reader.load().writeStream.foreachBatch(self._land).queryName(f"landing-{self.table}")
        writer = writer.option("checkpointLocation", Path(self._checkpoint.name).as_uri())
        if self.trigger.seconds is None:
            writer = writer.trigger(availableNow=True)
        else:
            writer = writer.trigger(processingTime=f"{int(self.trigger.seconds * 1000)} milliseconds")
        self._query = writer.start()

    def wait(self) -> None:
        """Waits for the end of the query.

        Raises:
            LakeError: what ended it, if that was a failure.
        """
        assert self._query is not None
        try:
            self._query.awaitTermination()
        except StreamingQueryException as error:
            if self.failure is None:
                raise _stream_error(self.table, error) from error
            if isinstance(self.failure, LakeError):
                raise self.failure from None
            if not isinstance(self.failure, StoppedError):
                raise _stream_error(self.table, self.failure) from self.failure
        finally:
            self._clean()

    def stop(self) -> None:
        """Ends the query after the batch in hand, once `stopping` is set; nothing to do for one that never started."""
        with self._busy:  # the batch in hand ends; one that begins after it finds `stopping` set and ends at once
            pass
        # Not within the lock: Spark's stop waits for its thread of batches, which may just have begun one.
        if self._query is not None:
            self._query.stop()
        self._clean()

    def lag(self) -> int | None:
        """Offsets that were there when the newest batch was planned and that it did not reach; None before any."""
        if self._query is None:
            return 0 if self.idle else None
        progress = self._query.lastProgress
        return lag_of(progress) if progress else None

    def _land(self, records: DataFrame, batch_id: int) -> None:
        with self._busy:
            try:
                if self.stopping.is_set():
                    raise StoppedError
                starts = self._offsets(batch_id - 1) if batch_id else dict(self.starts)
                ends = self._offsets(batch_id)
                manifest = self._watched(records, {**_new(starts, ends), **starts}, ends)
            except BaseException as error:
                self.failure = error
                raise
        if manifest is not None:
            self.manifests.append(manifest)
            self.on_manifest(manifest)

    def _watched(
        self, records: DataFrame, starts: Mapping[int, int], ends: Mapping[int, int]
    ) -> LandingManifest | None:
        target = self.landing.target
        with self.watch.step(Hop.LANDING, self.table, self.flow, topic=target.topic, epoch=target.epoch) as step:
            try:
                manifest = self.landing.land(records, starts, ends)
            except StoppedError:
                step.abandon()
                raise
            if manifest is None:
                step.abandon()
            else:
                step.tell(tell_landed, manifest, self.landing.times)
        return manifest

    def _offsets(self, batch_id: int) -> dict[int, int]:
        assert self._checkpoint is not None
        entry = (Path(self._checkpoint.name) / "offsets" / str(batch_id)).read_text(encoding="utf-8")
        return logged_offsets(entry, self.landing.target.topic)

    def _clean(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.cleanup()
            self._checkpoint = None


def tell_landed(step: Step, manifest: LandingManifest, times: Times) -> None:
    """What a batch's manifest says, as ids, metrics and lineage."""
    landed, dead = (sum(file.bytes for file in files) for files in (manifest.files, manifest.dead_letters))
    records = manifest.rows + manifest.dead_letter_rows
    step.knows(landing_seq=manifest.seq, attempt=manifest.attempt)
    step.measured(
        RowsIn=records,
        RowsOut=manifest.rows,
        DeadLetters=manifest.dead_letter_rows,
        FilesWritten=len(manifest.files) + len(manifest.dead_letters),
        BytesWritten=landed + dead,
    )
    step.moved("topic", rows=records)
    step.moved(manifest.table, rows=manifest.rows, files=len(manifest.files), bytes=landed)
    if times.oldest_record:
        step.measured(LagSeconds=seconds_since(times.oldest_record.timestamp() * 1000))
    step.fresh(times.newest_change.timestamp() * 1000 if times.newest_change else None)


def lag_of(progress: Mapping[str, Any]) -> int | None:
    """The lag that an entry of Structured Streaming's progress tells; None where it tells none.

    Args:
        progress: `StreamingQuery.lastProgress`; its sources hold `endOffset` and `latestOffset` by topic and partition.
    """
    found = None
    for source in progress.get("sources") or ():
        end, latest = (_by_partition(source.get(name)) for name in ("endOffset", "latestOffset"))
        if latest:
            found = (found or 0) + sum(max(0, offset - end.get(place, offset)) for place, offset in latest.items())
    return found


def _by_partition(offsets: Any) -> dict[tuple[str, str], int]:
    told = json.loads(offsets) if isinstance(offsets, str) else offsets
    return {(topic, p): int(n) for topic, parts in (told or {}).items() for p, n in parts.items()}


def _new(starts: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, int]:
    """Partitions added while the query runs begin at 0; Spark itself fails if one does not."""
    return {p: 0 for p in ends if p not in starts}


def _stream_error(table: str, error: BaseException) -> StreamError:
    """What ended a query, by the innermost cause that its text names."""
    text = str(error).strip()
    full = _FULL.search(text)
    if full:
        remedy = "free some space where the lake lies; start the job again, it continues from the manifests"
        return StreamError(f"a batch was not written: {full[0]}", where=f"table {table}", remedy=remedy)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("===")]
    causes = [line for line in lines if line.startswith("Caused by:")]
    named = (causes[-1:] or lines[:1] or [type(error).__name__])[0]
    return StreamError(
        f"the streaming query failed: {named[:400]}",
        where=f"table {table}",
        remedy="see the log for the cause; start the job again, it continues from the manifests",
    )
