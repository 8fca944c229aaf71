"""Records kept as JSON beside the data: the landing manifest (hop 1), the raised epoch, the load manifest (hop 3b).

A manifest is the only statement of what a hop consumed and wrote. Each is read back through the same validation that it
was written with, so a damaged or foreign file is named instead of followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.records import (
    VERSION,
    ManifestError,
    Reader,
    instant_text,
    integers,
    mapping,
    parsed,
    require,
    strings,
    utc_now,
)
from schemas.settlements import Hop, Range, Settlement, Verb

SEQ_DIGITS: Final = 12

__all__ = [
    "LEDGER_OFFSETS",
    "SEQ_DIGITS",
    "VERSION",
    "Covered",
    "LandedFile",
    "LandingManifest",
    "LoadManifest",
    "LoadTable",
    "ManifestError",
    "RaisedEpoch",
    "Range",
    "WrittenFile",
    "check_successor",
    "instant_text",
    "seq_name",
    "seq_of",
    "utc_now",
]  # fmt: skip


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
    A manifest that `settles` dead letters consumes nothing: its files hold the records of these letters, landed again
    at their own Kafka coordinates, its dead letters those that are still undecodable; a discard has neither.

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
    settles: Settlement | None = None

    def __post_init__(self) -> None:
        where = f"landing manifest {self.table}/{self.seq}"
        require(self.seq >= 1, "seq starts at 1", where)
        require(self.epoch >= 0, "epoch is negative", where)
        require(bool(self.attempt), "attempt is empty", where)
        for partition, (start, end) in self.ranges.items():
            require(0 <= start <= end, f"range of partition {partition} runs back: [{start}, {end})", where)
        unknown = {i for f in self.files for i in (f.schema_id, f.key_schema_id) if i} - set(self.schemas)
        require(not unknown, f"files refer to schemas that the manifest does not name: {sorted(unknown)}", where)
        consumed = sum(end - start for start, end in self.ranges.values())
        written = self.rows + self.dead_letter_rows
        if self.settles is not None:
            _check_settlement(self, self.settles, consumed, where)
            return
        require(written <= consumed, f"{written} rows written out of {consumed} offsets consumed", where)

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
        if self.settles is not None:
            body["settles"] = self.settles.as_dict()
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
        reader = Reader(parsed(text, where), where)
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
            schemas=strings(reader.get("schemas", dict), "schemas", where),
            committed_at=reader.get("committed_at", str),
            topic_id=reader.get("topic_id", str),
            settles=_settlement(reader, where),
        )
        require(reader.get("rows", int) == manifest.rows, "rows is not the sum over files", where)
        total = reader.get("dead_letter_rows", int)
        require(total == manifest.dead_letter_rows, "dead_letter_rows is not the sum over dead_letters", where)
        return manifest


def _settlement(reader: Reader, where: str) -> Settlement | None:
    if "settles" not in reader.body:
        return None
    return Settlement.read(Reader(mapping(reader.body["settles"], "settles", where), f"{where}: settles"))


def _check_settlement(manifest: LandingManifest, settles: Settlement, consumed: int, where: str) -> None:
    require(consumed == 0, f"a manifest that settles dead letters consumed {consumed} offsets", where)
    require(settles.epoch <= manifest.epoch, "it settles dead letters of an epoch to come", where)
    written = manifest.rows + manifest.dead_letter_rows
    wanted = 0 if settles.verb is Verb.DISCARD else settles.count
    require(written == wanted, f"{written} rows written of {wanted} dead letters", where)
    sound = settles.hop is Hop.LANDING or not manifest.dead_letter_rows
    require(sound, "what landed once is undecodable now", where)


def check_successor(previous: LandingManifest | None, following: LandingManifest) -> None:
    """Checks that `following` may be committed directly after `previous`.

    Within one epoch every range starts where the last ended and no partition is forgotten; a new epoch starts anywhere.

    Raises:
        ManifestError: names the table, the partition and both offsets.
    """
    where = f"landing manifest {following.table}/{following.seq}"
    expected = 1 if previous is None else previous.seq + 1
    require(following.seq == expected, f"seq is {following.seq}, the next one is {expected}", where)
    if previous is None or following.epoch > previous.epoch:
        return
    require(following.table == previous.table, f"follows a manifest of table {previous.table}", where)
    require(following.epoch == previous.epoch, "epoch runs back", where)
    for partition, end in previous.committed.items():
        require(partition in following.ranges, f"partition {partition} is forgotten", where)
        start = following.ranges[partition][0]
        require(start == end, f"partition {partition} starts at {start}, the last range ended at {end}", where)


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
        require(self.epoch >= 1, "a raised epoch is 1 or later", f"raised epoch {self.table}/{self.epoch}")

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
        reader = Reader(parsed(text, where), where)
        left = Reader(reader.get("from", dict), f"{where}: from")
        committed = integers(left.get("committed", dict), "committed", left.where)
        require(all(p.isdecimal() for p in committed), "committed names a partition that is no number", left.where)
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

    All paths are relative to the lake. `columns` are the files' columns in order, by name and Redshift type; a manifest
    of an older release does not say. `whole` where the rows are all that the sources ever gave, not what is new alone.
    """

    manifest: str
    files: tuple[WrittenFile, ...] = ()
    dead_letters: tuple[WrittenFile, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    whole: bool = False

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
        require(self.seq >= 1, "seq starts at 1", where)
        require(bool(self.attempt), "attempt is empty", where)
        for source, seq in self.progress.items():
            require(seq >= 0, f"progress of {source} is negative", where)
        for source, covered in self.offsets.items():
            sound = covered.epoch >= 0 and all(p >= 0 <= offset for p, offset in covered.committed.items())
            require(sound, f"offsets of {source} are negative", where)

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
                    "columns": [{"name": column, "type": kind} for column, kind in t.columns],
                    "whole": t.whole,
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
        reader = Reader(parsed(text, where), where)
        tables: dict[str, LoadTable] = {}
        for name, body in reader.get("tables", dict).items():
            table = Reader(mapping(body, f"tables.{name}", where), f"{where}: tables.{name}")
            tables[name] = _load_table(table)
        return cls(
            pipeline=reader.get("pipeline", str),
            seq=reader.get("seq", int),
            attempt=reader.get("attempt", str),
            progress=integers(reader.get("progress", dict), "progress", where),
            tables=tables,
            committed_at=reader.get("committed_at", str),
            offsets=_offsets(reader) if "offsets" in reader.body else {},
            newest=strings(reader.get("newest", dict), "newest", where) if "newest" in reader.body else {},
        )


def _ranges(body: Mapping[str, Any], where: str) -> dict[int, Range]:
    ranges: dict[int, Range] = {}
    for partition, pair in body.items():
        require(str(partition).isdecimal(), f"ranges: {partition!r} is not a partition", where)
        sound = isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
        require(sound, f"ranges.{partition} is not [from, to]", where)
        ranges[int(partition)] = (pair[0], pair[1])
    return ranges


def _offsets(reader: Reader) -> dict[str, Covered]:
    found: dict[str, Covered] = {}
    for source, body in reader.get("offsets", dict).items():
        inner = Reader(mapping(body, f"offsets.{source}", reader.where), f"{reader.where}: offsets.{source}")
        committed = integers(inner.get("committed", dict), "committed", inner.where)
        require(all(p.isdecimal() for p in committed), "committed names a partition that is no number", inner.where)
        found[source] = Covered(inner.get("epoch", int), {int(p): offset for p, offset in committed.items()})
    return found


def _covered_json(covered: Covered) -> dict[str, object]:
    return {"epoch": covered.epoch, "committed": {str(p): n for p, n in sorted(covered.committed.items())}}


def _landed_file(reader: Reader) -> LandedFile:
    return LandedFile(
        reader.get("path", str),
        reader.get("rows", int),
        reader.get("bytes", int),
        reader.get("schema_id", str),
        reader.get("key_schema_id", str),
    )


def _load_table(reader: Reader) -> LoadTable:
    """An older release's manifest has neither dead letters nor columns nor whole tables."""
    body = reader.body
    whole = body.get("whole", False)
    require(isinstance(whole, bool), "whole is neither true nor false", reader.where)
    table = LoadTable(
        manifest=reader.get("manifest", str),
        files=reader.items("files", _written_file),
        dead_letters=reader.items("dead_letters", _written_file) if "dead_letters" in body else (),
        columns=reader.items("columns", _load_column) if "columns" in body else (),
        whole=whole,
    )
    require(reader.get("rows", int) == table.rows, "rows is not the sum over files", reader.where)
    return table


def _load_column(reader: Reader) -> tuple[str, str]:
    return reader.get("name", str), reader.get("type", str)


def _written_file(reader: Reader) -> WrittenFile:
    return WrittenFile(reader.get("path", str), reader.get("rows", int), reader.get("bytes", int))


def _written_json(file: WrittenFile | LandedFile) -> dict[str, object]:
    return {"path": file.path, "rows": file.rows, "bytes": file.bytes}
