"""One batch of one table: Kafka records → Parquet files and dead letters → manifest.

The records are read once and written in one pass: those of the expected writer schemas as landing rows, all others
raw, beside them. Only if there are others, these (few) are read back, grouped by their own writer schemas, landed, and
what no schema can read becomes dead letters. No record is cached on the way, so memory does not follow the batch.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.store import Store
from schemas.errors import CommitConflictError, GapError
from schemas.manifests import LandedFile, LandingManifest, Range, WrittenFile, utc_now
from streaming import epochs, framing, manifest_log, regroup, schema_files, write
from streaming.decoding import UnusableSchemaError, WriterSchema, writer_schema
from streaming.envelope import NO_GROUP, Group
from streaming.registry import SchemaCache
from streaming.regroup import Share
from streaming.target import Target
from streaming.write import Attempt, Written

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Relanded:
    """Files of dead letters: records that could be landed, with their writer schemas, and those that could not."""

    files: tuple[LandedFile, ...]
    dead_letters: tuple[WrittenFile, ...]
    schemas: Mapping[str, str]


@dataclass(frozen=True)
class Times:
    """Of a batch: the Kafka time of its oldest record, the source time of its newest change; none where unknown."""

    oldest_record: datetime | None = None
    newest_change: datetime | None = None

    @classmethod
    def of(cls, written: Iterable[Written]) -> Times:
        """Of all passes of a batch; the first has read every record."""
        passes = list(written)
        return cls(passes[0].oldest_record, max((p.newest_change for p in passes if p.newest_change), default=None))


@dataclass
class TableLanding:
    """Lands the batches of one table, one after the other.

    `last` is the newest manifest; `expected` the group most records of the coming batch will be of; `times` those of
    the batch written last.
    """

    spark: SparkSession
    store: Store
    target: Target
    cache: SchemaCache
    last: LandingManifest | None = None
    expected: Group = NO_GROUP
    analysed: dict[str, WriterSchema | UnusableSchemaError] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    times: Times = field(default_factory=Times)

    @classmethod
    def resume(
        cls, spark: SparkSession, store: Store, target: Target, cache: SchemaCache, epoch: int | None = None
    ) -> TableLanding:
        """Continues after the newest manifest, with the writer schemas stored beside the data.

        Args:
            spark: a session in UTC.
            store: the lake.
            target: the table; its epoch is set from the newest manifest.
            cache: writer schemas.
            epoch: a raised epoch; it counts, as a recorded one does, where it is later than the newest manifest's.
        """
        last = manifest_log.newest(store, target.table)
        current = max(epochs.current(last, epochs.newest(store, target.table)), target.epoch, epoch or 0)
        landing = cls(spark, store, replace(target, epoch=current), cache, last)
        landing._recall_schemas()
        return landing

    @property
    def committed(self) -> dict[int, int]:
        """Next offset by partition, in this epoch."""
        return self.last.committed if self.last and self.last.epoch == self.target.epoch else {}

    def land(self, records: DataFrame, starts: Mapping[int, int], ends: Mapping[int, int]) -> LandingManifest | None:
        """Writes and commits one batch; one that is committed already is a no-op.

        Args:
            records: the batch as Spark's Kafka source gives it (with headers).
            starts: its first offset by partition.
            ends: its end offset by partition, exclusive.

        Returns:
            the manifest, or `None` where everything was committed before.

        Raises:
            GapError: the batch starts after what is committed.
            CommitConflictError: another job lands the same table; a settlement of dead letters is no such conflict.
            RegistryUnavailableError: an outage of the registry outlasted the patience.
        """
        ranges = batch_ranges(self.target.table, self.committed, starts, ends)
        if all(start == end for start, end in ranges.values()):
            return None
        while True:
            manifest = self._written(uncommitted(records, starts, ranges), ranges)
            try:
                manifest_log.commit(self.store, self.last, manifest)
            except CommitConflictError:
                self.last = self._redriven_meanwhile(manifest.seq)
            else:
                self.last = manifest
                return manifest

    def land_again(self, records: DataFrame, attempt: Attempt) -> Relanded:
        """Writes records of dead letters by what is known of schemas now; commits nothing.

        Args:
            records: as Spark's Kafka source gave them, of this epoch.
            attempt: the try, with the sequence of the manifest that is to name the files.

        Raises:
            RegistryUnavailableError: an outage of the registry outlasted the patience.
        """
        landed, dead = self._write(records, attempt)
        return Relanded(landed, dead, self._schemas_used(landed))

    def _redriven_meanwhile(self, seq: int) -> LandingManifest:
        """The manifest that took the sequence, if it settles dead letters: it consumed nothing, the batch follows it.

        Raises:
            CommitConflictError: another job lands the table.
        """
        taken = manifest_log.read(self.store, self.target.table, seq)
        if taken.settles is None:
            raise manifest_log.conflict(self.store, taken)
        log.info("%s: batch %d settled dead letters meanwhile; written again", self.target.table, seq)
        return taken

    def _written(self, records: DataFrame, ranges: Mapping[int, Range]) -> LandingManifest:
        """One attempt at the files of a batch, and the manifest that would commit them."""
        attempt = Attempt(self.store, self.target.table, self.last.seq + 1 if self.last else 1, uuid.uuid4().hex[:8])
        landed, dead = self._write(records, attempt)
        return LandingManifest(
            pipeline=self.target.pipeline,
            table=self.target.table,
            topic=self.target.topic,
            topic_id=self.target.topic_id,
            epoch=self.target.epoch,
            seq=attempt.seq,
            attempt=attempt.id,
            ranges=ranges,
            files=landed,
            dead_letters=dead,
            schemas=self._schemas_used(landed),
            committed_at=utc_now(),
        )

    def _schemas_used(self, landed: Iterable[LandedFile]) -> dict[str, str]:
        return self._store_schemas({i for f in landed for i in (f.schema_id, f.key_schema_id) if i})

    def _write(self, records: DataFrame, attempt: Attempt) -> tuple[tuple[LandedFile, ...], tuple[WrittenFile, ...]]:
        if self.expected is NO_GROUP:
            self.expected = self._peek(records)
        first = write.landing_files(records, self.expected, self.target.epoch, attempt)
        self.times = Times.of([first])
        if not first.rejected:
            return first.landed, ()
        others = regroup.read_rejected(records.sparkSession, self.store, first)
        found = regroup.census(others)
        shares = regroup.shares_of(found, self._schemas_of(found.ids))
        written = [first]
        for number, share in enumerate(shares):
            part = regroup.records_of(others, share)
            written.append(write.landing_files(part, share.group, self.target.epoch, attempt.part(number)))
        self.times = Times.of(written)
        regrouped = sum(f.rows for part in written[1:] for f in part.landed)
        dead: tuple[WrittenFile, ...] = ()
        if regrouped < first.rejected_rows:
            dead = self._write_dead_letters(records.sparkSession, others, shares, written, attempt)
        self.expected = found.latest(shares, self.expected, first.last_kafka_ts)
        write.discard(self.store, written)
        return tuple(f for part in written for f in part.landed), dead

    def _write_dead_letters(
        self, spark: SparkSession, others: DataFrame, shares: list[Share], written: list[Written], attempt: Attempt
    ) -> tuple[WrittenFile, ...]:
        unusable = {i: str(s) for i, s in self.analysed.items() if isinstance(s, UnusableSchemaError)}
        judged = [regroup.judged(regroup.read_rejected(spark, self.store, part)) for part in written if part.rejected]
        letters = regroup.dead_letters([*judged, regroup.unreadable(others, shares, unusable)], self.target.epoch)
        return write.dead_letter_files(letters, attempt)

    def _peek(self, records: DataFrame) -> Group:
        """Group of some record with a value, before anything is known; no group where none can be read."""
        ids = [framing.schema_id(F.col(part)).alias(part) for part in ("key", "value")]
        found = records.where(F.col("value").isNotNull()).select(*ids).head(1)
        if not found or found[0]["value"] is None:
            return NO_GROUP
        return self._group(found[0]["key"] or "", found[0]["value"])

    def _group(self, key_id: str, value_id: str) -> Group:
        found = self._schemas_of({i for i in (key_id, value_id) if i})
        if value_id not in found or (key_id and key_id not in found):
            return NO_GROUP
        return Group(found.get(key_id), found[value_id])

    def _schemas_of(self, ids: Iterable[str]) -> dict[str, WriterSchema]:
        """The usable writer schemas among these ids; asks the registry for the ones never seen."""
        wanted = set(ids)
        missing = sorted(wanted - set(self.analysed))
        for schema_id, text in self.cache.texts(missing).items():
            if text is None:
                continue
            try:
                self.analysed[schema_id] = writer_schema(self.spark, schema_id, text)
            except UnusableSchemaError as error:
                log.warning("%s: schema %s is unusable: %s", self.target.table, schema_id, error)
                self.analysed[schema_id] = error
        known = {i: self.analysed.get(i) for i in wanted}
        return {i: schema for i, schema in known.items() if isinstance(schema, WriterSchema)}

    def _store_schemas(self, ids: Iterable[str]) -> dict[str, str]:
        """Stores writer schemas beside the data before the manifest names them; paths by id."""
        for schema_id in sorted(set(ids) - set(self.stored)):
            schema = self._schemas_of([schema_id])[schema_id]
            self.stored[schema_id] = schema_files.store(self.store, self.target, schema_id, schema.text)
        return {i: self.stored[i] for i in ids}

    def _recall_schemas(self) -> None:
        """Warms the cache from the last batch, so that a restart needs no registry while schemas stay the same."""
        last = manifest_log.newest_batch(self.store, self.last)
        if last is None or last.epoch != self.target.epoch:
            return
        for schema_id, path in last.schemas.items():
            self.cache.known.setdefault(schema_id, self.store.read(path).decode())
            self.stored[schema_id] = path
        latest = next((f for f in reversed(last.files) if f.schema_id), None)
        if latest:
            self.expected = self._group(latest.key_schema_id, latest.schema_id)


def batch_ranges(
    table: str, committed: Mapping[int, int], starts: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, Range]:
    """Offsets that a batch commits, by partition, each range starting where the last one ended.

    Raises:
        GapError: the batch starts after what is committed; names partition and offsets.
    """
    ranges: dict[int, Range] = {p: (end, end) for p, end in committed.items()}
    for partition, end in ends.items():
        start = committed.get(partition, starts.get(partition, end))
        if starts.get(partition, start) > start:
            raise GapError(
                f"offsets {start} to {starts[partition]} of partition {partition} were skipped",
                where=f"table {table}",
                remedy="end the job and start it again; it continues from the manifests",
            )
        ranges[partition] = (start, max(start, end))
    return ranges


def uncommitted(records: DataFrame, starts: Mapping[int, int], ranges: Mapping[int, Range]) -> DataFrame:
    """The records at or after each range's start; the whole batch where none lies before."""
    replayed = {p: start for p, (start, _) in ranges.items() if starts.get(p, start) < start}
    for partition, start in replayed.items():
        records = records.where((F.col("partition") != partition) | (F.col("offset") >= start))
    return records
