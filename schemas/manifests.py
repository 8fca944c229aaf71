"""Records kept as JSON beside the data: the landing manifest (hop 1), the raised epoch, the load manifest (hop 3b).

A manifest is the only statement of what a hop consumed and wrote. Each is read back through the same validation that it
was written with, so a damaged or foreign file is named instead of followed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from schemas.errors import LakeError

VERSION: Final = 1
SEQ_DIGITS: Final = 12

Range = tuple[int, int]
_T = TypeVar("_T")


class ManifestError(LakeError):
    """A manifest is damaged, or breaks the rules of its kind."""


def seq_name(seq: int) -> str:
    """File name of the manifest with this sequence; names sort as sequences do."""
    return f"{seq:0{SEQ_DIGITS}d}.json"


def seq_of(name: str) -> int:
    """Sequence of a manifest's file name (a path may precede it).

    Raises:
        ManifestError: the name is not one `seq_name` gives.
    """
    stem = name.rsplit("/", 1)[-1].removesuffix(".json")
    if len(stem) != SEQ_DIGITS or not stem.isdecimal():
        raise ManifestError("not the name of a manifest", where=name, remedy="move the foreign file out of the folder")
    return int(stem)


@dataclass(frozen=True, slots=True)
class LandedFile:
    """One Parquet file of landing rows, all of one group: one writer schema of the values and one of the keys.

    `path` is relative to the lake; `bytes` its size; `schema_id` and `key_schema_id` are registry ids, empty where
    there is none (a file of tombstones alone; null keys). Tombstones also ride in files that have a value schema.
    """

    path: str
    rows: int
    bytes: int
    schema_id: str
    key_schema_id: str = ""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file of dead letters or of load rows; `path` is relative to the lake."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LandingManifest:
    """What one batch of one table consumed from Kafka and wrote to landing.

    `ranges` holds every partition known so far, `[from, to)`; an untouched one has `from == to`, so that the newest
    manifest alone says how far each partition is committed. A batch of aborted transactions alone has no files.
    `topic_id` is the broker's id of the topic (empty where the broker gives none): a re-created topic has another.

    Raises:
        ManifestError: counts, ranges or schemas contradict each other.
    """

    pipeline: str
    table: str
    topic: str
    epoch: int
    seq: int
    attempt: str
    ranges: Mapping[int, Range]
    files: tuple[LandedFile, ...] = ()
    dead_letters: tuple[WrittenFile, ...] = ()
    schemas: Mapping[str, str] = field(default_factory=dict)
    committed_at: str = ""
    topic_id: str = ""

    def __post_init__(self) -> None:
        where = f"landing manifest {self.table}/{self.seq}"
        _require(self.seq >= 1, "seq starts at 1", where)
        _require(self.epoch >= 0, "epoch is negative", where)
        _require(bool(self.attempt), "attempt is empty", where)
        for partition, (start, end) in self.ranges.items():
            _require(0 <= start <= end, f"range of partition {partition} runs back: [{start}, {end})", where)
        unknown = {i for f in self.files for i in (f.schema_id, f.key_schema_id) if i} - set(self.schemas)
        _require(not unknown, f"files refer to schemas that the manifest does not name: {sorted(unknown)}", where)
        consumed = sum(end - start for start, end in self.ranges.values())
        written = self.rows + self.dead_letter_rows
        _require(written <= consumed, f"{written} rows written out of {consumed} offsets consumed", where)

    @property
    def rows(self) -> int:
        """Rows landed."""
        return sum(f.rows for f in self.files)

    @property
    def dead_letter_rows(self) -> int:
        """Records set aside as dead letters."""
        return sum(f.rows for f in self.dead_letters)

    @property
    def committed(self) -> dict[int, int]:
        """Next offset to read, by partition."""
        return {partition: end for partition, (_, end) in self.ranges.items()}

    def to_json(self) -> str:
        """The manifest as JSON text, stable for equal manifests."""
        body = {
            "version": VERSION,
            "pipeline": self.pipeline,
            "table": self.table,
            "topic": self.topic,
            "topic_id": self.topic_id,
            "epoch": self.epoch,
            "seq": self.seq,
            "attempt": self.attempt,
            "ranges": {str(p): list(self.ranges[p]) for p in sorted(self.ranges)},
            "files": [
                _written_json(f) | {"schema_id": f.schema_id, "key_schema_id": f.key_schema_id} for f in self.files
            ],
            "dead_letters": [_written_json(f) for f in self.dead_letters],
            "rows": self.rows,
            "dead_letter_rows": self.dead_letter_rows,
            "schemas": dict(sorted(self.schemas.items())),
            "committed_at": self.committed_at,
        }
        return json.dumps(body, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "landing manifest") -> LandingManifest:
        """Parses and validates.

        Args:
            text: the file's content.
            where: its path, named in errors.

        Raises:
            ManifestError: names the first field that is missing, of a wrong type or contradictory.
        """
        reader = _Reader(_parse(text, where), where)
        manifest = cls(
            pipeline=reader.get("pipeline", str),
            table=reader.get("table", str),
            topic=reader.get("topic", str),
            epoch=reader.get("epoch", int),
            seq=reader.get("seq", int),
            attempt=reader.get("attempt", str),
            ranges=_ranges(reader.get("ranges", dict), where),
            files=reader.items("files", _landed_file),
            dead_letters=reader.items("dead_letters", _written_file),
            schemas=_strings(reader.get("schemas", dict), "schemas", where),
            committed_at=reader.get("committed_at", str),
            topic_id=reader.get("topic_id", str),
        )
        _require(reader.get("rows", int) == manifest.rows, "rows is not the sum over files", where)
        total = reader.get("dead_letter_rows", int)
        _require(total == manifest.dead_letter_rows, "dead_letter_rows is not the sum over dead_letters", where)
        return manifest


def check_successor(previous: LandingManifest | None, following: LandingManifest) -> None:
    """Checks that `following` may be committed directly after `previous`.

    Within one epoch every range starts where the last ended and no partition is forgotten; a new epoch starts anywhere.

    Raises:
        ManifestError: names the table, the partition and both offsets.
    """
    where = f"landing manifest {following.table}/{following.seq}"
    expected = 1 if previous is None else previous.seq + 1
    _require(following.seq == expected, f"seq is {following.seq}, the next one is {expected}", where)
    if previous is None or following.epoch > previous.epoch:
        return
    _require(following.table == previous.table, f"follows a manifest of table {previous.table}", where)
    _require(following.epoch == previous.epoch, "epoch runs back", where)
    for partition, end in previous.committed.items():
        _require(partition in following.ranges, f"partition {partition} is forgotten", where)
        start = following.ranges[partition][0]
        _require(start == end, f"partition {partition} starts at {start}, the last range ended at {end}", where)


@dataclass(frozen=True, slots=True)
class RaisedEpoch:
    """The word that a table is read in a new epoch, from the first offsets that its topic keeps.

    `topic_id` is the topic's as it was then; `seq` and `committed` are of the newest manifest of the epoch left behind;
    `reason` says what would have halted the table.

    Raises:
        ManifestError: the epoch is none that can be raised to.
    """

    table: str
    epoch: int
    topic: str
    topic_id: str
    reason: str
    seq: int
    committed: Mapping[int, int]
    recorded_at: str = ""

    def __post_init__(self) -> None:
        _require(self.epoch >= 1, "a raised epoch is 1 or later", f"raised epoch {self.table}/{self.epoch}")

    def to_json(self) -> str:
        """The record as JSON text."""
        body = {
            "version": VERSION,
            "table": self.table,
            "epoch": self.epoch,
            "topic": self.topic,
            "topic_id": self.topic_id,
            "reason": self.reason,
            "from": {"seq": self.seq, "committed": {str(p): n for p, n in sorted(self.committed.items())}},
            "recorded_at": self.recorded_at,
        }
        return json.dumps(body, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "raised epoch") -> RaisedEpoch:
        """Parses and validates.

        Raises:
            ManifestError: names the first field that is missing or of a wrong type.
        """
        reader = _Reader(_parse(text, where), where)
        left = _Reader(reader.get("from", dict), f"{where}: from")
        committed = _integers(left.get("committed", dict), "committed", left.where)
        _require(all(p.isdecimal() for p in committed), "committed names a partition that is no number", left.where)
        return cls(
            table=reader.get("table", str),
            epoch=reader.get("epoch", int),
            topic=reader.get("topic", str),
            topic_id=reader.get("topic_id", str),
            reason=reader.get("reason", str),
            seq=left.get("seq", int),
            committed={int(p): offset for p, offset in committed.items()},
            recorded_at=reader.get("recorded_at", str),
        )


@dataclass(frozen=True, slots=True)
class LoadTable:
    """One star table of a load: its COPY manifest, the files which that lists, files of facts set aside.

    All paths are relative to the lake.
    """

    manifest: str
    files: tuple[WrittenFile, ...] = ()
    dead_letters: tuple[WrittenFile, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(f.rows for f in self.files)


_LEDGER_BYTES: Final = 65_535
LEDGER_OFFSETS: Final = "kafka offsets"
"""Under this name the ledger's progress holds the offsets; `redshift_sql/streaming/840_offsets.sql` reads them."""


@dataclass(frozen=True, slots=True)
class Covered:
    """How far a source table's topic is in a load: its epoch, and by partition the next offset, which is not in it."""

    epoch: int
    committed: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadManifest:
    """What one load took from staging (`progress`: newest ingest sequence by source table) and wrote, by star table.

    `offsets` says the same of each source's topic, so that a stream beside the batch knows what is new to it; a
    manifest of an older release has none. `newest` gives, of the sources that brought changes to this load, the latest
    instant of one (as `utc_now` writes it); a source is missing where that is not known.

    Raises:
        ManifestError: a number is out of range.
    """

    pipeline: str
    seq: int
    attempt: str
    progress: Mapping[str, int]
    tables: Mapping[str, LoadTable] = field(default_factory=dict)
    committed_at: str = ""
    offsets: Mapping[str, Covered] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"load manifest {self.seq}"
        _require(self.seq >= 1, "seq starts at 1", where)
        _require(bool(self.attempt), "attempt is empty", where)
        for source, seq in self.progress.items():
            _require(seq >= 0, f"progress of {source} is negative", where)
        for source, covered in self.offsets.items():
            sound = covered.epoch >= 0 and all(p >= 0 <= offset for p, offset in covered.committed.items())
            _require(sound, f"offsets of {source} are negative", where)

    @property
    def ledger_progress(self) -> str:
        """What the ledger's row says of the load: progress by source, and offsets as one text that SQL takes apart.

        The text is `source:epoch:partition:offset` for each partition, between spaces; it is left out where the
        ledger's column could not hold it. Its name is none that a source may have.
        """
        places = [
            f"{source}:{covered.epoch}:{partition}:{offset}"
            for source, covered in sorted(self.offsets.items())
            for partition, offset in sorted(covered.committed.items())
        ]
        told: dict[str, int | str] = dict(sorted(self.progress.items()))
        text = json.dumps({**told, LEDGER_OFFSETS: " ".join(places)})
        return text if places and len(text) <= _LEDGER_BYTES else json.dumps(told)

    def to_json(self) -> str:
        """The manifest as JSON text, stable for equal manifests."""
        body = {
            "version": VERSION,
            "pipeline": self.pipeline,
            "seq": self.seq,
            "attempt": self.attempt,
            "progress": dict(sorted(self.progress.items())),
            "offsets": {source: _covered_json(covered) for source, covered in sorted(self.offsets.items())},
            "tables": {
                name: {
                    "manifest": t.manifest,
                    "rows": t.rows,
                    "files": [_written_json(f) for f in t.files],
                    "dead_letters": [_written_json(f) for f in t.dead_letters],
                }
                for name, t in self.tables.items()
            },
            "newest": dict(sorted(self.newest.items())),
            "committed_at": self.committed_at,
        }
        return json.dumps(body, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "load manifest") -> LoadManifest:
        """Parses and validates.

        Raises:
            ManifestError: names the first field that is missing, of a wrong type or contradictory.
        """
        reader = _Reader(_parse(text, where), where)
        tables: dict[str, LoadTable] = {}
        for name, body in reader.get("tables", dict).items():
            table = _Reader(_mapping(body, f"tables.{name}", where), f"{where}: tables.{name}")
            aside = table.items("dead_letters", _written_file) if "dead_letters" in table.body else ()
            tables[name] = LoadTable(table.get("manifest", str), table.items("files", _written_file), aside)
            _require(table.get("rows", int) == tables[name].rows, "rows is not the sum over files", table.where)
        return cls(
            pipeline=reader.get("pipeline", str),
            seq=reader.get("seq", int),
            attempt=reader.get("attempt", str),
            progress=_integers(reader.get("progress", dict), "progress", where),
            tables=tables,
            committed_at=reader.get("committed_at", str),
            offsets=_offsets(reader) if "offsets" in reader.body else {},
            newest=_strings(reader.get("newest", dict), "newest", where) if "newest" in reader.body else {},
        )


def utc_now() -> str:
    """The present as ISO 8601 UTC text in milliseconds, as `committed_at` has it."""
    return instant_text(datetime.now(UTC))


def instant_text(instant: datetime) -> str:
    """An instant in UTC as `utc_now` writes it."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Reader:
    """Typed access to one JSON object, with errors that name the field."""

    def __init__(self, body: Mapping[str, Any], where: str) -> None:
        self.body = body
        self.where = where

    def get(self, name: str, kind: type[_T]) -> _T:
        if name not in self.body:
            raise ManifestError(f"field {name} is missing", where=self.where, remedy=_RESTORE)
        value = self.body[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            found = type(value).__name__
            raise ManifestError(f"field {name} is {found}, not {kind.__name__}", where=self.where, remedy=_RESTORE)
        return value

    def items(self, name: str, parse: Callable[[_Reader], _T]) -> tuple[_T, ...]:
        found: list[Any] = self.get(name, list)
        where = self.where
        return tuple(
            parse(_Reader(_mapping(item, f"{name}[{i}]", where), f"{where}: {name}[{i}]"))
            for i, item in enumerate(found)
        )


_RESTORE: Final = "restore the file from the object store's versions; a manifest is never edited"


def _require(condition: bool, what: str, where: str) -> None:
    if not condition:
        raise ManifestError(what, where=where, remedy=_RESTORE)


def _parse(text: str | bytes, where: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise ManifestError("is not JSON", where=where, remedy=_RESTORE) from error
    reader = _mapping(body, "the file", where)
    version = reader.get("version")
    if version != VERSION:
        raise ManifestError(
            f"has version {version!r}, this release reads version {VERSION}",
            where=where,
            remedy="use the newer release",
        )
    return reader


def _mapping(value: object, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ManifestError(f"{name} is {type(value).__name__}, not an object", where=where, remedy=_RESTORE)
    return value


def _ranges(body: Mapping[str, Any], where: str) -> dict[int, Range]:
    ranges: dict[int, Range] = {}
    for partition, pair in body.items():
        _require(str(partition).isdecimal(), f"ranges: {partition!r} is not a partition", where)
        sound = isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
        _require(sound, f"ranges.{partition} is not [from, to]", where)
        ranges[int(partition)] = (pair[0], pair[1])
    return ranges


def _offsets(reader: _Reader) -> dict[str, Covered]:
    found: dict[str, Covered] = {}
    for source, body in reader.get("offsets", dict).items():
        inner = _Reader(_mapping(body, f"offsets.{source}", reader.where), f"{reader.where}: offsets.{source}")
        committed = _integers(inner.get("committed", dict), "committed", inner.where)
        _require(all(p.isdecimal() for p in committed), "committed names a partition that is no number", inner.where)
        found[source] = Covered(inner.get("epoch", int), {int(p): offset for p, offset in committed.items()})
    return found


def _covered_json(covered: Covered) -> dict[str, object]:
    return {"epoch": covered.epoch, "committed": {str(p): n for p, n in sorted(covered.committed.items())}}


def _strings(body: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    _require(all(isinstance(v, str) for v in body.values()), f"{name} holds a value that is not text", where)
    return dict(body)


def _integers(body: Mapping[str, Any], name: str, where: str) -> dict[str, int]:
    _require(all(type(v) is int for v in body.values()), f"{name} holds a value that is not an integer", where)
    return dict(body)


def _landed_file(reader: _Reader) -> LandedFile:
    return LandedFile(
        reader.get("path", str),
        reader.get("rows", int),
        reader.get("bytes", int),
        reader.get("schema_id", str),
        reader.get("key_schema_id", str),
    )


def _written_file(reader: _Reader) -> WrittenFile:
    return WrittenFile(reader.get("path", str), reader.get("rows", int), reader.get("bytes", int))


def _written_json(file: WrittenFile | LandedFile) -> dict[str, object]:
    return {"path": file.path, "rows": file.rows, "bytes": file.bytes}
