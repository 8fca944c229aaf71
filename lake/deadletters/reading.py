"""Dead letters, read without Spark: undecodable records of landing, quarantined changes of staging, rows that loads set
aside.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lake import catalog
from lake.deadletters import load_log
from lake.deadletters.fates import LoadFates, RecordFates
from lake.deadletters.letters import DeadLetter, Letter, LoadLetter, State
from lake.store import Store
from schemas import columns as c
from schemas.errors import LakeError
from schemas.manifests import LandingManifest, LoadManifest
from schemas.model import Pipeline
from schemas.settlements import Hop

if TYPE_CHECKING:
    import pyarrow as pa

_MANIFESTS: Final = "landing/_manifests"
_LISTED: Final = (c.PARTITION, c.OFFSET, c.KAFKA_TS, c.EPOCH, "reason")
_RAW: Final = ("raw_key", "raw_value")
_LOAD_PARTS: Final = 2
_PLACE_PARTS: Final = 3
"""Numbers after the table in the id of a load's letter, and of a record's."""


class UnknownDeadLetterError(LakeError):
    """No dead letter has this id."""


@dataclass(frozen=True)
class Stores:
    """Where dead letters are: the lake's files and its catalog."""

    pipeline: Pipeline
    store: Store
    catalog_uri: str


@dataclass(frozen=True)
class Wanted:
    """Which letters: of these tables (source tables and facts), hops, reasons that start so, ids, states.

    What is empty chooses nothing away.
    """

    tables: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()
    reason: str = ""
    ids: tuple[str, ...] = ()
    states: tuple[State, ...] = (State.OPEN,)

    def in_one_form(self, pipeline: Pipeline) -> Wanted:
        """The same, with ids as letters have them.

        Raises:
            UnknownDeadLetterError: an id is none.
        """
        return replace(self, ids=tuple(_parsed(identifier, pipeline)[1] for identifier in self.ids))

    def has(self, letter: Letter) -> bool:
        """Whether a letter of a wanted table is wanted."""
        return (
            (not self.hops or letter.hop in self.hops)
            and (not self.ids or letter.id in self.ids)
            and (not self.states or letter.fate.state in self.states)
            and any(item.startswith(self.reason) for item in letter.reasons)
        )


EVERY_OPEN: Final = Wanted()


def dead_letters(stores: Stores, wanted: Wanted = EVERY_OPEN) -> Iterator[Letter]:
    """Dead letters, by table, then by hop, in the order they were set aside.

    Raises:
        UnknownDeadLetterError: an id is none.
        LakeError: a manifest or the catalog is damaged.
    """
    wanted = wanted.in_one_form(stores.pipeline)
    named = tuple(dict.fromkeys(identifier.partition("/")[0] for identifier in wanted.ids))
    every = (*sorted(stores.pipeline.sources), *sorted(stores.pipeline.facts))
    for table in wanted.tables or named or every:
        yield from (letter for letter in _letters(stores, table, wanted.hops) if wanted.has(letter))


def shown(stores: Stores, identifier: str, *, raw: bool) -> dict[str, Any]:
    """One dead letter with its detail: the open one of this id, else the one that was set aside last.

    Args:
        stores: where to look.
        identifier: `<table>/<epoch>/<partition>/<offset>`, or `<fact or source>/<load seq>/<number>`.
        raw: also what the record holds: key and value in base64, or the decoded envelope. Personal data may be in it.

    Raises:
        UnknownDeadLetterError: there is none of this id.
    """
    table, found = _parsed(identifier, stores.pipeline)
    hops = (Hop.CURATED,) if found.count("/") == _LOAD_PARTS else (Hop.LANDING, Hop.STAGING)
    letters = [letter for letter in _letters(stores, table, hops) if letter.id == found]
    if not letters:
        raise UnknownDeadLetterError("no dead letter has this id", where=identifier, remedy="lake dlq list shows them")
    letter = max(letters, key=lambda item: (item.fate.state is State.OPEN, item.seq))
    return letter.to_json() | _details(stores, letter, raw=raw)


def _parsed(identifier: str, pipeline: Pipeline) -> tuple[str, str]:
    """The table of an id, and the id as letters have it."""
    table, *place = identifier.split("/")
    numbers = (
        (_PLACE_PARTS, _LOAD_PARTS) if table in pipeline.sources else (_LOAD_PARTS,) if table in pipeline.facts else ()
    )
    if len(place) not in numbers or not all(part.isdecimal() for part in place):
        raise UnknownDeadLetterError(
            "it is not the id of a dead letter",
            where=identifier,
            remedy="write <table>/<epoch>/<partition>/<offset> or <fact>/<load>/<number> as lake dlq list shows it",
        )
    return table, "/".join((table, *(str(int(part)) for part in place)))


def load_rows(
    store: Store, table: str, columns: tuple[str, ...], loads: Iterable[LoadManifest]
) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """What some loads set aside of a table: load, number, and some columns of the row."""
    for manifest in loads:
        for number, row in enumerate(_set_aside_rows(store, manifest, table, columns), start=1):
            yield manifest.seq, number, row


def _letters(stores: Stores, table: str, hops: tuple[Hop, ...] = ()) -> Iterator[Letter]:
    """Letters of a table, whatever their state, of some hops: others are not read."""
    wanted = frozenset(hops or Hop)
    if table in stores.pipeline.sources and wanted - {Hop.CURATED}:
        fates = RecordFates.of(_manifests(stores.store, table))
        if Hop.LANDING in wanted:
            yield from _landing(stores, table, fates)
        if Hop.STAGING in wanted:
            yield from _staging(stores, table, fates)
    if Hop.CURATED in wanted:
        yield from _curated(stores, table)


def _curated(stores: Stores, table: str) -> Iterator[LoadLetter]:
    fates = LoadFates(tuple(load_log.settlements(stores.store)))
    for manifest in load_log.loads(stores.store):
        at = datetime.fromisoformat(manifest.committed_at).astimezone(UTC)
        for number, row in enumerate(_set_aside_rows(stores.store, manifest, table, ("reason",)), start=1):
            reasons = tuple(f"misfit:{name}" for name in str(row["reason"]).split(","))
            yield LoadLetter(table, manifest.seq, number, at, reasons, fates.fate(table, manifest.seq, number))


def _set_aside_rows(
    store: Store, manifest: LoadManifest, table: str, columns: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    found = manifest.tables.get(table)
    for file in found.dead_letters if found else ():
        yield from _parquet(store, file.path, columns).to_pylist()


def _landing(stores: Stores, table: str, fates: RecordFates) -> Iterator[DeadLetter]:
    for manifest in _manifests(stores.store, table):
        for file in manifest.dead_letters:
            for row in _parquet(stores.store, file.path, _LISTED).to_pylist():
                yield _letter(Hop.LANDING, table, manifest.seq, row, fates)


def _staging(stores: Stores, table: str, fates: RecordFates) -> Iterator[DeadLetter]:
    found = _quarantined(stores, table, (c.INGEST_SEQ, *_LISTED))
    for row in sorted(found, key=lambda row: (row[c.INGEST_SEQ], row[c.PARTITION], row[c.OFFSET])):
        yield _letter(Hop.STAGING, table, row[c.INGEST_SEQ], row, fates)


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
    if isinstance(letter, LoadLetter):
        return _load_details(stores, letter, raw=raw)
    undecodable = letter.hop is Hop.LANDING
    row = _landing_row(stores, letter, raw=raw) if undecodable else _staging_row(stores, letter, raw=raw)
    details: dict[str, Any] = {"detail": row["detail"]}
    if raw and undecodable:
        details |= {name: base64.b64encode(row[name]).decode() if row[name] is not None else None for name in _RAW}
    elif raw:
        details["envelope"] = row["envelope"]
    return details


def _load_details(stores: Stores, letter: LoadLetter, *, raw: bool) -> dict[str, Any]:
    types = {f"misfit:{name}": kind for name, kind in _column_types(stores.pipeline, letter.table).items()}
    told = "; ".join(f"{r.partition(':')[2]} is {types[r]}" for r in letter.reasons if r in types)
    detail = {"detail": told}
    if not raw:
        return detail
    loads = [load_log.load(stores.store, letter.seq)]
    rows = (row for _, n, row in load_rows(stores.store, letter.table, ("row",), loads) if n == letter.number)
    return detail | {"row": next(rows)["row"]}


def _column_types(pipeline: Pipeline, table: str) -> dict[str, str]:
    contract = pipeline.facts.get(table) or pipeline.sources[table]
    return {column.name: column.type.text for column in contract.columns}


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
    place += f" AND {c.INGEST_SEQ} = {letter.seq}"
    columns = (*_LISTED, "detail", *(("envelope",) if raw else ()))
    return _quarantined(stores, letter.table, columns, place)[0]


def _letter(hop: Hop, table: str, seq: int, row: Mapping[str, Any], fates: RecordFates) -> DeadLetter:
    reasons = tuple(part for part in str(row["reason"]).split(",") if part)
    place = (row[c.EPOCH], row[c.PARTITION], row[c.OFFSET])
    fate = fates.fate(hop, *place, seq)
    return DeadLetter(hop, table, *place, seq=seq, kafka_ts=row[c.KAFKA_TS], reasons=reasons, fate=fate)


def _manifests(store: Store, table: str) -> Iterator[LandingManifest]:
    for key in store.list(f"{_MANIFESTS}/{table}"):
        yield LandingManifest.from_json(store.read(key), where=f"{store.uri}/{key}")


def _parquet(store: Store, key: str, columns: tuple[str, ...]) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(store.read(key)), columns=list(columns))
