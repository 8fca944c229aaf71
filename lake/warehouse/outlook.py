"""What waits in the lake for a warehouse: loads to apply, and tables that the next load brings as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lake.store import Store
from lake.warehouse.load import MANIFESTS, last_seq, pending
from lake.warehouse.migrate import found_tables
from lake.warehouse.port import Warehouse
from redshift_sql.load_contract import lacking, made_by, rows_checksum, tracked
from schemas.manifests import LoadManifest, seq_name
from schemas.model import Pipeline


@dataclass(frozen=True)
class WaitingLoad:
    """A load that the ledger does not hold: tables that it has as a whole, and what files of earlier contracts lack."""

    seq: int
    whole: tuple[str, ...]
    lacks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Outlook:
    """Loads that wait, in sequence; tables whose contract gives other rows than the newest load was made by."""

    loads: tuple[WaitingLoad, ...]
    owed: tuple[str, ...]


def outlook(pipeline: Pipeline, store: Store, warehouse: Warehouse) -> Outlook:
    """Reads load manifests and the ledger; writes nothing.

    Raises:
        ManifestError: a load manifest is damaged.
    """
    after = last_seq(warehouse) if "staging.load_ledger" in found_tables(warehouse) else 0
    waiting = tuple(_waiting(pipeline, _manifest(store, seq)) for seq in pending(store, after))
    newest = waiting[-1].seq if waiting else after
    if not newest or not store.exists(f"{MANIFESTS}/{seq_name(newest)}"):
        return Outlook(waiting, ())
    made = _manifest(store, newest).progress
    return Outlook(waiting, tuple(t for t in tracked(pipeline) if made.get(made_by(t)) != rows_checksum(pipeline, t)))


def _waiting(pipeline: Pipeline, manifest: LoadManifest) -> WaitingLoad:
    known = [name for name in manifest.tables if name in tracked(pipeline)]
    whole = tuple(name for name in known if manifest.tables[name].whole)
    found = {name: manifest.tables[name].columns for name in known if manifest.tables[name].columns}
    lacks = {name: missing for name, columns in found.items() if (missing := lacking(pipeline, name, columns))}
    return WaitingLoad(manifest.seq, whole, lacks)


def _manifest(store: Store, seq: int) -> LoadManifest:
    key = f"{MANIFESTS}/{seq_name(seq)}"
    return LoadManifest.from_json(store.read(key), where=key)
