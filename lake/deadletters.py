"""Dead letters, read without Spark: undecodable records of landing, quarantined changes of staging, facts set aside."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lake import catalog
from lake.store import Store
from schemas import columns as c
from schemas.errors import LakeError
from schemas.manifests import LandingManifest, LoadManifest
from schemas.model import Pipeline

if TYPE_CHECKING:
    import pyarrow as pa

_MANIFESTS: Final = "landing/_manifests"
_LOADS: Final = "load/_manifests"
_LISTED: Final = (c.PARTITION, c.OFFSET, c.KAFKA_TS, c.EPOCH, "reason")
_RAW: Final = ("raw_key", "raw_value")


class UnknownDeadLetterError(LakeError):
    """No open dead letter has this id."""


@dataclass(frozen=True)
class DeadLetter:
    """A record that is in no table, and why. It holds no value of the data.

    `hop` is `landing` (it could not be decoded) or `staging` (a check rejected it); `seq` the landing sequence that
    read it.
    """

    hop: str
    table: str
    epoch: int
    partition: int
    offset: int
    seq: int
    kafka_ts: datetime
    reasons: tuple[str, ...]

    @property
    def id(self) -> str:
        """`<table>/<epoch>/<partition>/<offset>`: its place in Kafka."""
        return f"{self.table}/{self.epoch}/{self.partition}/{self.offset}"

    @property
    def at(self) -> datetime:
        """The record's Kafka time."""
        return self.kafka_ts

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "id": self.id,
            "hop": self.hop,
            "table": self.table,
            "partition": self.partition,
            "offset": self.offset,
            "epoch": self.epoch,
            "ingest_seq": self.seq,
            "kafka_ts": self.kafka_ts.isoformat(),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class FactLetter:
    """A fact that is not in the star because a column's type cannot hold its value. It holds no value of the data.

    `seq` is the load that set it aside, `number` its place there; `reasons` are the columns, each after `misfit:`.
    """

    table: str
    seq: int
    number: int
    at: datetime
    reasons: tuple[str, ...]
    hop: str = "curated"

    @property
    def id(self) -> str:
        """`<fact>/<load seq>/<number>`."""
        return f"{self.table}/{self.seq}/{self.number}"

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "id": self.id,
            "hop": self.hop,
            "table": self.table,
            "load_seq": self.seq,
            "number": self.number,
            "committed_at": self.at.isoformat(),
            "reasons": list(self.reasons),
        }


Letter = DeadLetter | FactLetter


@dataclass(frozen=True)
class Stores:
    """Where dead letters are: the lake's files and its catalog."""

    pipeline: Pipeline
    store: Store
    catalog_uri: str


def dead_letters(stores: Stores, tables: Sequence[str] = (), reason: str = "") -> Iterator[Letter]:
    """Open dead letters, by table, then by hop, in the order they were read.

    Args:
        stores: where to look.
        tables: source tables and facts; all when empty.
        reason: only those that have this reason, or one that starts so (`type:`).

    Raises:
        LakeError: a manifest or the catalog is damaged.
    """
    for table in tables or (*sorted(stores.pipeline.sources), *sorted(stores.pipeline.facts)):
        for letter in _letters(stores, table):
            if any(item.startswith(reason) for item in letter.reasons):
                yield letter


def shown(stores: Stores, identifier: str, *, raw: bool) -> dict[str, Any]:
    """One dead letter with its detail.

    Args:
        stores: where to look.
        identifier: `<table>/<epoch>/<partition>/<offset>`, or `<fact>/<load seq>/<number>`.
        raw: also what the record holds: key and value in base64, or the decoded envelope. Personal data may be in it.

    Raises:
        UnknownDeadLetterError: there is none of this id.
    """
    table, found = _parsed(identifier, stores.pipeline)
    for letter in _letters(stores, table):
        if letter.id == found:
            return letter.to_json() | _details(stores, letter, raw=raw)
    raise UnknownDeadLetterError("no open dead letter has this id", where=identifier, remedy="lake dlq list shows them")


def _parsed(identifier: str, pipeline: Pipeline) -> tuple[str, str]:
    """The table of an id, and the id as letters have it."""
    table, *place = identifier.split("/")
    numbers = 3 if table in pipeline.sources else 2 if table in pipeline.facts else -1
    if len(place) != numbers or not all(part.isdecimal() for part in place):
        raise UnknownDeadLetterError(
            "it is not the id of a dead letter",
            where=identifier,
            remedy="write <table>/<epoch>/<partition>/<offset> or <fact>/<load>/<number> as lake dlq list shows it",
        )
    return table, "/".join((table, *(str(int(part)) for part in place)))


def fact_keys(pipeline: Pipeline, store: Store, fact: str) -> Iterator[tuple[Any, ...]]:
    """Business keys of the facts that loads set aside.

    Raises:
        LakeError: a manifest is damaged.
    """
    names = tuple(key.name for key in pipeline.facts[fact].business_key)
    for manifest in _loads(store):
        for file in _set_aside(manifest, fact):
            yield from (tuple(row[name] for name in names) for row in _parquet(store, file, names).to_pylist())


def _letters(stores: Stores, table: str) -> Iterator[Letter]:
    if table in stores.pipeline.facts:
        yield from _facts(stores, table)
    else:
        yield from _landing(stores, table)
        yield from _staging(stores, table)


def _facts(stores: Stores, fact: str) -> Iterator[FactLetter]:
    for manifest in _loads(stores.store):
        at = datetime.fromisoformat(manifest.committed_at).astimezone(UTC)
        for number, row in enumerate(_fact_rows(stores.store, manifest, fact, ("reason",)), start=1):
            reasons = tuple(f"misfit:{name}" for name in str(row["reason"]).split(","))
            yield FactLetter(fact, manifest.seq, number, at, reasons)


def _loads(store: Store) -> Iterator[LoadManifest]:
    for key in store.list(_LOADS):
        yield LoadManifest.from_json(store.read(key), where=f"{store.uri}/{key}")


def _set_aside(manifest: LoadManifest, fact: str) -> Iterator[str]:
    table = manifest.tables.get(fact)
    return (file.path for file in (table.dead_letters if table else ()))


def _fact_rows(
    store: Store, manifest: LoadManifest, fact: str, columns: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    for path in _set_aside(manifest, fact):
        yield from _parquet(store, path, columns).to_pylist()


def _landing(stores: Stores, table: str) -> Iterator[DeadLetter]:
    for manifest in _manifests(stores.store, table):
        for file in manifest.dead_letters:
            for row in _parquet(stores.store, file.path, _LISTED).to_pylist():
                yield _letter("landing", table, manifest.seq, row)


def _staging(stores: Stores, table: str) -> Iterator[DeadLetter]:
    found = _quarantined(stores, table, (c.INGEST_SEQ, *_LISTED))
    for row in sorted(found, key=lambda row: (row[c.INGEST_SEQ], row[c.PARTITION], row[c.OFFSET])):
        yield _letter("staging", table, row[c.INGEST_SEQ], row)


def _quarantined(stores: Stores, table: str, columns: tuple[str, ...], condition: str = "") -> list[dict[str, Any]]:
    """Rows of a quarantine that count: those up to the progress of the change log."""
    namespace = stores.pipeline.staging_namespace
    log = catalog.find_table(stores.catalog_uri, namespace, table)
    quarantine = catalog.find_table(stores.catalog_uri, namespace, f"{table}_quarantine")
    if log is None or quarantine is None:
        return []
    counted = f"{c.INGEST_SEQ} <= {catalog.progress_of(log).get(table, 0)}"
    found: list[dict[str, Any]] = catalog.rows(quarantine, f"{counted}{condition}", columns).to_pylist()
    return found


def _details(stores: Stores, letter: Letter, *, raw: bool) -> dict[str, Any]:
    if isinstance(letter, FactLetter):
        return _fact_details(stores, letter, raw=raw)
    row = _landing_row(stores, letter, raw=raw) if letter.hop == "landing" else _staging_row(stores, letter, raw=raw)
    details: dict[str, Any] = {"detail": row["detail"]}
    if raw and letter.hop == "landing":
        details |= {name: base64.b64encode(row[name]).decode() if row[name] is not None else None for name in _RAW}
    elif raw:
        details["envelope"] = row["envelope"]
    return details


def _fact_details(stores: Stores, letter: FactLetter, *, raw: bool) -> dict[str, Any]:
    types = {f"misfit:{column.name}": column.type.text for column in stores.pipeline.facts[letter.table].columns}
    detail = {"detail": "; ".join(f"{reason.partition(':')[2]} is {types[reason]}" for reason in letter.reasons)}
    if not raw:
        return detail
    (manifest,) = (item for item in _loads(stores.store) if item.seq == letter.seq)
    rows = list(_fact_rows(stores.store, manifest, letter.table, ("row",)))
    return detail | {"row": rows[letter.number - 1]["row"]}


def _landing_row(stores: Stores, letter: DeadLetter, *, raw: bool) -> Mapping[str, Any]:
    columns = (*_LISTED, "detail", *(_RAW if raw else ()))
    for manifest in _manifests(stores.store, letter.table):
        for file in manifest.dead_letters if manifest.seq == letter.seq else ():
            found: list[dict[str, Any]] = _parquet(stores.store, file.path, columns).to_pylist()
            for row in found:
                if (row[c.PARTITION], row[c.OFFSET]) == (letter.partition, letter.offset):
                    return row
    raise UnknownDeadLetterError(
        "its file is gone", where=letter.id, remedy="restore it from the object store's versions"
    )


def _staging_row(stores: Stores, letter: DeadLetter, *, raw: bool) -> Mapping[str, Any]:
    place = f" AND {c.PARTITION} = {letter.partition} AND {c.OFFSET} = {letter.offset} AND {c.EPOCH} = {letter.epoch}"
    columns = (*_LISTED, "detail", *(("envelope",) if raw else ()))
    return _quarantined(stores, letter.table, columns, place)[0]


def _letter(hop: str, table: str, seq: int, row: Mapping[str, Any]) -> DeadLetter:
    reasons = tuple(part for part in str(row["reason"]).split(",") if part)
    place = (row[c.EPOCH], row[c.PARTITION], row[c.OFFSET])
    return DeadLetter(hop, table, *place, seq=seq, kafka_ts=row[c.KAFKA_TS], reasons=reasons)


def _manifests(store: Store, table: str) -> Iterator[LandingManifest]:
    for key in store.list(f"{_MANIFESTS}/{table}"):
        yield LandingManifest.from_json(store.read(key), where=f"{store.uri}/{key}")


def _parquet(store: Store, key: str, columns: tuple[str, ...]) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(store.read(key)), columns=list(columns))
