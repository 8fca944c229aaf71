"""Oracle 1: each record that a read-committed consumer sees is landed once, or once a dead letter of one state.

Manifests that settle dead letters consume nothing: what they say is held against the letters that were open before, and
against the files that they name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from lake.arrow import arrow_files
from lake.deadletters.letters import State
from lake.reconcile.verdict import Finding
from lake.store import Store
from schemas import LakeError
from schemas import columns as c
from schemas.manifests import LandedFile, LandingManifest, WrittenFile, check_successor
from schemas.settlements import Hop, Range, Verb, within
from streaming.settle import Place

_COORDINATES: Final = pa.schema([(c.PARTITION, pa.int32()), (c.OFFSET, pa.int64())])
_File = TypeVar("_File", LandedFile, WrittenFile)
_POLL_SECONDS: Final = 10.0
_CONSUMER: Final[dict[str, Any]] = {
    "group.id": "lake-reconcile",
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
}


def landing_manifests(store: Store, table: str) -> list[LandingManifest]:
    """Every landing manifest of a table, oldest first.

    Raises:
        LakeError: a manifest is damaged, or does not follow the one before it.
    """
    keys = store.list(f"landing/_manifests/{table}")
    manifests = [LandingManifest.from_json(store.read(key), key) for key in keys]
    for number, manifest in enumerate(manifests):
        check_successor(manifests[number - 1] if number else None, manifest)
    return manifests


def check_landing(store: Store, kafka: Mapping[str, Any], table: str, topic: str) -> tuple[Finding, dict[int, int]]:
    """Compares Kafka's records with landed rows and dead letters, by coordinates.

    Args:
        store: the lake.
        kafka: options of a client (`lake.kafka_auth.client_options`).
        table: source table.
        topic: its topic.

    Returns:
        The finding, and the committed end offset per partition.

    Raises:
        LakeError: the broker does not answer, or a manifest is damaged.
    """
    manifests = landing_manifests(store, table)
    if not manifests:
        return Finding("landing", table, 0, 0, "nothing is committed"), {}
    committed = manifests[-1].committed
    current = [manifest for manifest in manifests if manifest.epoch == manifests[-1].epoch]
    batches = [manifest for manifest in current if manifest.settles is None]
    there = files_kept(store, table)
    # What a file held that is gone is missing as long as Kafka has it; older records nobody can compare any more.
    kept = written_coordinates(store.uri, [path for m in batches for path in _paths(m) if path in there])
    seen, low = consumed_coordinates(kafka, topic, committed)
    missing, unknown, twice = _compare(kept, seen, low)
    letters = _account(store, manifests, there)
    detail = f"{len(current)} manifests; {letters}; {missing} missing, {unknown} not in Kafka, {twice} twice"
    differences = missing + unknown + twice + letters.broken
    return Finding("landing", table, seen.num_rows, differences, detail), dict(committed)


def files_kept(store: Store, table: str) -> frozenset[str]:
    """Landed files and dead letters of a table that are there: retention takes the old ones."""
    return frozenset((*store.list(f"landing/{table}"), *store.list(f"deadletters/landing/{table}")))


@dataclass(frozen=True)
class Account:
    """Dead letters of the newest epoch's undecodable records by their state, and settlements that break the rules.

    `broken` counts letters that were not open when they were settled, records that a settlement's files hold too often
    or not at all, and records landed again that never landed.
    """

    open: int
    redriven: int
    discarded: int
    broken: int

    def __str__(self) -> str:
        wrong = f", {self.broken} settled wrongly" if self.broken else ""
        return f"{self.open} open dead letters, {self.redriven} redriven, {self.discarded} discarded{wrong}"


def account(store: Store, manifests: Sequence[LandingManifest]) -> Account:
    """Follows each dead letter of a table through its manifests.

    Of files that retention has taken nothing is known, so what they held breaks no rule.

    Args:
        store: the lake.
        manifests: all of the table, oldest first.
    """
    return _account(store, manifests, files_kept(store, manifests[-1].table))


def _account(store: Store, manifests: Sequence[LandingManifest], there: frozenset[str]) -> Account:
    epoch = manifests[-1].epoch
    known = _Known.of(manifests, there)
    states: dict[Place, State] = {}
    again: set[Place] = set()
    broken = 0
    for manifest in manifests:
        settles = manifest.settles
        if settles is None and manifest.epoch == epoch:
            states |= dict.fromkeys(_places(store, known.files(manifest.dead_letters)), State.OPEN)
        elif settles is not None and settles.epoch == epoch:
            wanted = Counter(settles.coordinates)
            landed = _places(store, known.files(manifest.files))
            dead = _places(store, known.files(manifest.dead_letters))
            if settles.verb is Verb.REDRIVE and known.whole(manifest):
                written = Counter([*landed, *dead])
                broken += ((wanted - written) + (written - wanted)).total()
            if settles.hop is Hop.STAGING:
                again |= set(wanted)
                continue
            broken += sum(states.get(place) is not State.OPEN and place in known for place in wanted)
            fate = State.DISCARDED if settles.verb is Verb.DISCARD else State.REDRIVEN
            states |= dict.fromkeys(wanted, fate) | dict.fromkeys(dead, State.OPEN)
    redriven = {place for place, state in states.items() if state is State.REDRIVEN}
    batches = [m for m in manifests if m.settles is None and m.epoch == epoch]
    landed_files = [file for batch in batches for file in known.files(batch.files)]
    broken += _never_landed(store, landed_files, {place for place in again - redriven if place in known})
    counts = Counter(states.values())
    return Account(counts[State.OPEN], counts[State.REDRIVEN], counts[State.DISCARDED], broken)


def _paths(manifest: LandingManifest) -> list[str]:
    return [*(file.path for file in manifest.files), *(file.path for file in manifest.dead_letters)]


@dataclass(frozen=True)
class _Known:
    """Which files of a table are there, and so of which places something is known.

    `expired` are the sequences of manifests of which a file is gone, `gone` the offsets by partition that those of the
    newest epoch hold: older epochs' offsets are other records.
    """

    there: frozenset[str]
    expired: frozenset[int]
    gone: Mapping[int, Sequence[Range]]

    @classmethod
    def of(cls, manifests: Sequence[LandingManifest], there: frozenset[str]) -> _Known:
        expired = [manifest for manifest in manifests if not there.issuperset(_paths(manifest))]
        gone: dict[int, list[Range]] = {}
        for manifest in expired:
            for partition, ranges in _held(manifest, manifests[-1].epoch).items():
                gone.setdefault(partition, []).extend(ranges)
        merged = {partition: _merged(ranges) for partition, ranges in gone.items()}
        return cls(there, frozenset(manifest.seq for manifest in expired), merged)

    def files(self, files: Sequence[_File]) -> list[_File]:
        """Those of some files that are there."""
        return [file for file in files if file.path in self.there]

    def whole(self, manifest: LandingManifest) -> bool:
        """Whether all files of a manifest are there."""
        return manifest.seq not in self.expired

    def __contains__(self, place: Place) -> bool:
        partition, offset = place
        return not within(self.gone.get(partition, ()), offset)


def _held(manifest: LandingManifest, epoch: int) -> Mapping[int, Sequence[Range]]:
    """The offsets of an epoch that a manifest consumed or settled."""
    if manifest.settles is not None:
        return manifest.settles.places if manifest.settles.epoch == epoch else {}
    return {partition: (pair,) for partition, pair in manifest.ranges.items()} if manifest.epoch == epoch else {}


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same offsets in ranges that ascend and do not touch."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _places(store: Store, files: Sequence[LandedFile | WrittenFile]) -> list[Place]:
    rows = written_coordinates(store.uri, [file.path for file in files])
    return list(zip(rows[c.PARTITION].to_pylist(), rows[c.OFFSET].to_pylist(), strict=True))


def _never_landed(store: Store, files: Sequence[LandedFile], places: Collection[Place]) -> int:
    """How many of some places no landed file holds."""
    if not places:
        return 0
    landed = written_coordinates(store.uri, [file.path for file in files])
    columns = [pa.array([p for p, _ in places], pa.int32()), pa.array([o for _, o in places], pa.int64())]
    with duckdb.connect() as engine:
        engine.register("landed", landed)
        engine.register("places", pa.table(columns, schema=_COORDINATES))
        return _count(engine, "SELECT * FROM places EXCEPT SELECT * FROM landed")


def consumed_coordinates(
    kafka: Mapping[str, Any], topic: str, ends: Mapping[int, int]
) -> tuple[pa.Table, dict[int, int]]:
    """(partition, offset) of every committed record below `ends`, read anew, and the lowest offset Kafka still holds.

    Raises:
        LakeError: the broker does not answer in time.
    """
    consumer = Consumer(_CONSUMER | dict(kafka))
    try:
        low = {p: _low_watermark(consumer, topic, p) for p in ends}
        partitions: list[int] = []
        offsets: list[int] = []
        for partition, offset in _records(consumer, topic, low, ends):
            partitions.append(partition)
            offsets.append(offset)
        return pa.table([pa.array(partitions, pa.int32()), pa.array(offsets, pa.int64())], schema=_COORDINATES), low
    finally:
        consumer.close()


def _low_watermark(consumer: Consumer, topic: str, partition: int) -> int:
    try:
        watermarks = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_POLL_SECONDS)
    except KafkaException as error:
        raise _no_answer(topic) from error
    if watermarks is None:
        raise _no_answer(topic)
    return int(watermarks[0])


def _records(
    consumer: Consumer, topic: str, low: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Coordinates from `low` to `ends`; a partition's end may be a transaction marker, which only its EOF tells."""
    open_partitions = {p for p, end in ends.items() if low[p] < end}
    consumer.assign([TopicPartition(topic, p, low[p]) for p in open_partitions])
    while open_partitions:
        first = consumer.poll(_POLL_SECONDS)
        if first is None:
            raise _no_answer(topic)
        # `consume` waits out its timeout unless that many are there: it takes what has come, and waits for nothing.
        for message in (first, *consumer.consume(10_000, timeout=0)):
            partition, offset, error = message.partition(), message.offset(), message.error()
            if partition is None or offset is None or (error and error.code() != KafkaError._PARTITION_EOF):
                raise _no_answer(topic)
            if error or offset >= ends[partition]:
                open_partitions.discard(partition)
            else:
                yield partition, offset


def _no_answer(topic: str) -> LakeError:
    return LakeError("the broker did not answer in time", where=f"topic {topic}", remedy="check it with: lake status")


def written_coordinates(lake_uri: str, files: Sequence[str]) -> pa.Table:
    """(partition, offset) of every row of some files, relative to the lake."""
    if not files:
        return _COORDINATES.empty_table()
    filesystem, root = arrow_files(lake_uri)
    paths = [f"{root}/{file}" for file in files]
    return ds.dataset(paths, schema=_COORDINATES, format="parquet", filesystem=filesystem).to_table()


def _compare(kept: pa.Table, seen: pa.Table, low: Mapping[int, int]) -> tuple[int, int, int]:
    """Counts of records missing from the lake, in the lake but not in Kafka, and in the lake more than once."""
    columns = [pa.array(list(low), pa.int32()), pa.array(list(low.values()), pa.int64())]
    bounds = pa.table(columns, names=[c.PARTITION, "low"])
    with duckdb.connect() as engine:
        engine.register("all_kept", kept)
        engine.register("seen", seen)
        engine.register("bounds", bounds)
        # What retention has taken from Kafka cannot be compared any more.
        engine.execute(
            "CREATE VIEW kept AS SELECT k.* FROM all_kept AS k"
            f" JOIN bounds AS b USING ({c.PARTITION}) WHERE k.{c.OFFSET} >= b.low"
        )
        missing = _count(engine, "SELECT * FROM seen EXCEPT SELECT * FROM kept")
        unknown = _count(engine, "SELECT * FROM kept EXCEPT SELECT * FROM seen")
        twice = _count(engine, f"SELECT 1 FROM all_kept GROUP BY {c.PARTITION}, {c.OFFSET} HAVING count(*) > 1")
    return missing, unknown, twice


def _count(engine: duckdb.DuckDBPyConnection, query: str) -> int:
    row = engine.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0
