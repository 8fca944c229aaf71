"""Dead letters of Kafka records sent through again, or discarded, by a landing manifest that consumes nothing.

Undecodable records are decoded anew, by the registry as it is now; what hop 2 quarantined is landed again as it was.
Either way the rows keep their Kafka coordinates and get the table's next sequence, so that hop 2 takes them like any
other batch. Of two writers, the one whose manifest comes second looks again at what is still open.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.store import Store
from schemas import columns as C
from schemas.errors import CommitConflictError, LakeError
from schemas.manifests import LandedFile, LandingManifest, utc_now
from schemas.settlements import Hop, Settlement, Verb, places_of
from streaming import manifest_log, schema_files
from streaming.landing import Relanded, TableLanding
from streaming.registry import Registry, SchemaCache
from streaming.target import Target
from streaming.write import BATCH, Attempt

TRIES: Final = 5
"""How often another writer may come first; a stream commits once a minute."""
PATIENCE_SECONDS: Final = 60.0
Place = tuple[int, int]
"""Partition and offset."""
_NOTHING: Final = Relanded((), (), {})
_RAW: Final = {
    "key": "raw_key",
    "value": "raw_value",
    "topic": C.TOPIC,
    "partition": C.PARTITION,
    "offset": C.OFFSET,
    "timestamp": C.KAFKA_TS,
    "headers": C.HEADERS,
}


class LetterGoneError(LakeError):
    """The files do not hold some records that are to be sent through again: those at `places`."""

    def __init__(self, what: str, places: Collection[Place], *, where: str) -> None:
        super().__init__(what, where=where, remedy=_RESTORE)
        self.places = frozenset(places)


_RESTORE: Final = "restore the file from the object store's versions or its archive, or discard the letters"


@dataclass(frozen=True)
class Letters:
    """Open dead letters of one table, hop and epoch: the sequence that set each aside, by its place."""

    table: str
    hop: Hop
    epoch: int
    seqs: Mapping[Place, int]


@dataclass(frozen=True)
class Settled:
    """What became of letters: the manifest, None where none was open any more; those among them that failed again."""

    manifest: LandingManifest | None
    count: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Settler:
    """Settles dead letters of Kafka records.

    `spark` and `registry` are called where undecodable records are decoded again, and only then; each time they give
    the same.
    """

    store: Store
    verb: Verb
    by: str = ""
    reason: str = ""
    spark: Callable[[], SparkSession] | None = None
    registry: Callable[[], Registry] | None = None

    def settle(self, letters: Letters) -> Settled:
        """Settles those that are still open, in one commit.

        Raises:
            CommitConflictError: other writers came first each time.
            LetterGoneError: a file no longer holds a record.
            RegistryUnavailableError: the registry did not answer in time.
        """
        for _ in range(TRIES):
            last = manifest_log.newest(self.store, letters.table)
            still = {} if last is None else still_open(self.store, letters)
            if last is None or not still:
                return Settled(None)
            manifest = self._manifest(last, replace(letters, seqs=still))
            try:
                manifest_log.commit(self.store, last, manifest)
            except CommitConflictError:
                continue
            return Settled(manifest, len(still), manifest.dead_letter_rows)
        raise CommitConflictError(
            f"other writers of table {letters.table} came first {TRIES} times",
            where=self.store.uri,
            remedy="run it again; what is settled already stays so",
        )

    def _manifest(self, last: LandingManifest, letters: Letters) -> LandingManifest:
        attempt = Attempt(self.store, letters.table, last.seq + 1, uuid.uuid4().hex[:8])
        written = _NOTHING
        if self.verb is Verb.REDRIVE:
            again = self._decoded if letters.hop is Hop.LANDING else self._copied
            written = again(last, letters, attempt)
        return LandingManifest(
            pipeline=last.pipeline,
            table=last.table,
            topic=last.topic,
            topic_id=last.topic_id,
            epoch=last.epoch,
            seq=attempt.seq,
            attempt=attempt.id,
            ranges={partition: (end, end) for partition, end in last.committed.items()},
            files=written.files,
            dead_letters=written.dead_letters,
            schemas=written.schemas,
            committed_at=utc_now(),
            settles=Settlement(
                letters.hop, self.verb, letters.epoch, places_of(letters.seqs), by=self.by, reason=self.reason
            ),
        )

    def _decoded(self, last: LandingManifest, letters: Letters, attempt: Attempt) -> Relanded:
        assert self.spark is not None
        assert self.registry is not None
        target = Target(last.pipeline, last.table, last.topic, last.topic_id, letters.epoch)
        registry = Recalling(self.registry(), self.store, target, stored_first=letters.epoch < last.epoch)
        cache = SchemaCache(registry, patience=PATIENCE_SECONDS)
        records = raw_records(self.spark(), self.store, letters)
        return TableLanding(records.sparkSession, self.store, target, cache).land_again(records, attempt)

    def _copied(self, _: LandingManifest, letters: Letters, attempt: Attempt) -> Relanded:
        manifests = {seq: manifest_log.read(self.store, letters.table, seq) for seq in _by_seq(letters)}
        found = _holding(self.store, letters, manifests)
        files = [copied_rows(self.store, file, places, attempt, n) for n, (_, file, places) in enumerate(found)]
        schemas = {
            i: manifests[seq].schemas[i] for seq, file, _ in found for i in (file.schema_id, file.key_schema_id) if i
        }
        return Relanded(tuple(files), (), schemas)


@dataclass(frozen=True)
class Recalling:
    """A registry whose forgotten schemas are those stored beside the data.

    In an epoch left behind the stored ones come first: its ids meant what they meant then.
    """

    registry: Registry
    store: Store
    target: Target
    stored_first: bool = False

    @property
    def name(self) -> str:
        """The registry's."""
        return self.registry.name

    def schema(self, schema_id: str) -> str | None:
        """See `Registry.schema`."""
        if self.stored_first:
            return schema_files.stored(self.store, self.target, schema_id) or self.registry.schema(schema_id)
        return self.registry.schema(schema_id) or schema_files.stored(self.store, self.target, schema_id)


def still_open(store: Store, letters: Letters) -> dict[Place, int]:
    """The letters that no manifest after their own settles."""
    first = min(letters.seqs.values(), default=0)
    still = dict(letters.seqs)
    for manifest in manifest_log.after(store, letters.table, first):
        settles = manifest.settles
        if settles is None or (settles.hop, settles.epoch) != (letters.hop, letters.epoch):
            continue
        for place in [p for p, seq in still.items() if seq < manifest.seq and settles.holds(*p)]:
            del still[place]
    return still


def raw_records(spark: SparkSession, store: Store, letters: Letters) -> DataFrame:
    """Undecodable records as Spark's Kafka source gave them.

    Raises:
        LetterGoneError: a file does not hold a record.
    """
    paths = [
        f"{store.uri}/{file.path}"
        for seq in _by_seq(letters)
        for file in manifest_log.read(store, letters.table, seq).dead_letters
    ]
    base = f"{store.uri}/deadletters/landing/{letters.table}"
    rows = spark.read.option("basePath", base).parquet(*paths)
    seq = F.substring_index(F.col(BATCH).cast("string"), "-", 1).cast("bigint")
    wanted = spark.createDataFrame(
        [(seq, *place) for place, seq in letters.seqs.items()], f"_seq bigint, {C.PARTITION} int, {C.OFFSET} bigint"
    )
    found = rows.withColumn("_seq", seq).join(F.broadcast(wanted), ["_seq", C.PARTITION, C.OFFSET], "left_semi")
    records = found.select(*(F.col(path).alias(name) for name, path in _RAW.items())).localCheckpoint()
    _require_all(letters, records.count())
    return records


def _holding(
    store: Store, letters: Letters, manifests: Mapping[int, LandingManifest]
) -> list[tuple[int, LandedFile, frozenset[Place]]]:
    """The landed files that hold letters, with sequence and places, looked at before anything is written.

    Raises:
        LetterGoneError: some records are in none of them; names the first file that is gone, if one is.
    """
    found: list[tuple[int, LandedFile, frozenset[Place]]] = []
    missing: list[Place] = []
    gone: list[str] = []
    for seq, places in _by_seq(letters).items():
        left = set(places)
        for file in manifests[seq].files:
            if not left:
                break
            held = _places_in(store, file, left)
            if held is None:
                gone.append(file.path)
            elif held:
                found.append((seq, file, held))
                left -= held
        missing += left
    if gone and missing:
        what = f"landed files are gone that held {len(missing)} of {len(letters.seqs)} records"
        raise LetterGoneError(what, missing, where=f"{store.uri}/{gone[0]}")
    if missing:
        what = f"the files hold {len(letters.seqs) - len(missing)} of {len(letters.seqs)} records"
        raise LetterGoneError(what, missing, where=f"table {letters.table}")
    return found


def _places_in(store: Store, file: LandedFile, wanted: Collection[Place]) -> frozenset[Place] | None:
    """Those of some places that a landed file holds; None where it is gone."""
    try:
        body = store.read(file.path)
    except FileNotFoundError:
        return None
    rows = pq.ParquetFile(io.BytesIO(body)).read([C.PARTITION, C.OFFSET])
    held = rows.filter(_mask(rows, wanted))
    return frozenset(zip(held[C.PARTITION].to_pylist(), held[C.OFFSET].to_pylist(), strict=True))


def copied_rows(store: Store, file: LandedFile, places: frozenset[Place], attempt: Attempt, number: int) -> LandedFile:
    """Rows of a landed file at some places that it holds, as a file of the attempt.

    They are copied as they are, in the partition of their hour; Spark reads them by the same schema as before.

    Raises:
        LetterGoneError: the file is gone.
    """
    source = pq.ParquetFile(io.BytesIO(_read(store, file, places)))
    rows = source.read().filter(_mask(source.read([C.PARTITION, C.OFFSET]), places))
    body = io.BytesIO()
    pq.write_table(rows, body, compression="zstd", coerce_timestamps="us", store_schema=False)
    folder = [f"{BATCH}={attempt.landed}" if part.startswith(f"{BATCH}=") else part for part in file.path.split("/")]
    path = "/".join((*folder[:-1], f"part-{number:05d}.zstd.parquet"))
    store.write(path, body.getvalue())
    return replace(file, path=path, rows=rows.num_rows, bytes=len(body.getvalue()))


def _mask(coordinates: pa.Table, places: Collection[Place]) -> Any:
    partitions, offsets = coordinates[C.PARTITION], coordinates[C.OFFSET]
    mask = pa.chunked_array([pa.repeat(pa.scalar(False), coordinates.num_rows)])
    for partition in sorted({p for p, _ in places}):
        mine = pa.array([o for p, o in places if p == partition], pa.int64())
        mask = pc.or_(mask, pc.and_(pc.equal(partitions, partition), pc.is_in(offsets, value_set=mine)))
    return mask


def _read(store: Store, file: LandedFile, places: Collection[Place]) -> bytes:
    try:
        return store.read(file.path)
    except FileNotFoundError:
        what = f"the landed file of {len(places)} records is gone"
        raise LetterGoneError(what, places, where=f"{store.uri}/{file.path}") from None


def _by_seq(letters: Letters) -> dict[int, frozenset[Place]]:
    found: dict[int, set[Place]] = {}
    for place, seq in sorted(letters.seqs.items(), key=lambda item: (item[1], item[0])):
        found.setdefault(seq, set()).add(place)
    return {seq: frozenset(places) for seq, places in found.items()}


def _require_all(letters: Letters, found: int) -> None:
    if found != len(letters.seqs):
        what = f"the files hold {found} of {len(letters.seqs)} records"
        raise LetterGoneError(what, letters.seqs, where=f"table {letters.table}")


def chunks(letters: Letters, most: int) -> Iterator[Letters]:
    """Letters in parts of at most so many, in order of sequence, each of which is one commit."""
    ordered = sorted(letters.seqs.items(), key=lambda item: (item[1], item[0]))
    for start in range(0, len(ordered), most):
        yield replace(letters, seqs=dict(ordered[start : start + most]))
