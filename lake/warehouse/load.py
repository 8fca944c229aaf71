"""Hop 4: load manifests that the ledger does not hold, each in one transaction."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from lake.metrics import Hop
from lake.store import Store, store_for
from lake.warehouse import migrate
from lake.warehouse.again import run_again
from lake.warehouse.port import Value, Warehouse, WarehouseError
from lake.warehouse.run import run_plan
from lake.watch import OFF, Watch, seconds_since
from lake.watch.flows import warehouse_flow
from lake.watch.names import Names
from redshift_sql.load_contract import early_plan, file_columns
from redshift_sql.migration import Migration
from redshift_sql.plan import begin_plan, copy_plan, end_plan, load_plan, newest_plan, rows_plan
from redshift_sql.statements import Plan
from schemas.manifests import LoadManifest, LoadTable, seq_name, seq_of
from schemas.model import Pipeline

MANIFESTS: Final = "load/_manifests"
_CONTRACT: Final = "compare contracts and warehouse with: lake contract check"


@dataclass(frozen=True)
class LoadedBatch:
    """A load that is in the warehouse now: its sequence, rows by star table, and the seconds it took."""

    seq: int
    rows: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class LoadSummary:
    """What one call loaded; `last_seq` is the newest load in the warehouse afterwards."""

    last_seq: int
    batches: tuple[LoadedBatch, ...] = ()

    @property
    def rows(self) -> int:
        """Load rows of all batches."""
        return sum(sum(batch.rows.values()) for batch in self.batches)


def load_pending(
    pipeline: Pipeline,
    lake_uri: str,
    warehouse: Warehouse,
    progress: Callable[[LoadedBatch], None] | None = None,
    *,
    migrations: Sequence[Migration] = (),
    watch: Watch = OFF,
    warehouse_uri: str = "",
) -> LoadSummary:
    """Loads every load manifest after the ledger's newest, in sequence; each is there wholly or not at all.

    Args:
        pipeline: the contracts.
        lake_uri: root of the pipeline's lake.
        warehouse: a session that may write.
        progress: called after each commit.
        migrations: those of the pipeline, which must all be applied.
        watch: told of the run and of each load.
        warehouse_uri: the warehouse's address, by which lineage names its tables.

    Raises:
        ConnectionLostError: the session ended; run again with a new one, the ledger tells what is there.
        WarehouseError: a file, a table or a statement fails; names it. Earlier batches stay, this one leaves no trace.
        EarlierLoadError: files were written for other keys than the contract's; likewise.
        CheckFailedError: a rule of the star does not hold; likewise.
        ManifestError: a load manifest is damaged or missing.
    """
    store = store_for(lake_uri)
    names = Names(pipeline.name, store.uri, warehouse_uri=warehouse_uri, region=os.environ.get("AWS_REGION", ""))
    with watch.run(Hop.WAREHOUSE) as run:
        ensure_tables(pipeline, warehouse, migrations)
        last = last_seq(warehouse)
        waiting = _manifests(store, last)
        batches = []
        for done, key in enumerate(waiting):
            run.measured(PendingLoads=len(waiting) - done)
            batch = _watched(pipeline, _manifest(store, key), warehouse, watch, names)
            if batch is not None:
                batches.append(batch)
                if progress is not None:
                    progress(batch)
        run.measured(PendingLoads=0)
        return LoadSummary(last_seq(warehouse), tuple(batches))


def _manifest(store: Store, key: str) -> LoadManifest:
    manifest = LoadManifest.from_json(store.read(key), where=key)
    if manifest.seq != seq_of(key):
        raise WarehouseError(f"the manifest says seq {manifest.seq}", where=key, remedy="restore the file")
    return manifest


def _watched(
    pipeline: Pipeline, manifest: LoadManifest, warehouse: Warehouse, watch: Watch, names: Names
) -> LoadedBatch | None:
    flow = partial(warehouse_flow, pipeline, manifest.tables, names)
    with watch.step(Hop.WAREHOUSE, "load", flow, load_seq=manifest.seq, attempt=manifest.attempt) as step:
        batch = run_again(partial(load_one, pipeline, manifest, warehouse))
        if batch is None:
            step.abandon()
        else:
            step.measured(LoadSeconds=batch.seconds)
            for name, rows in batch.rows.items():
                step.moved(f"load {name}", rows=rows)
    if batch is not None:
        for name, rows in batch.rows.items():
            watch.emit(Hop.WAREHOUSE, {"RowsIn": rows}, name)
        for source, newest in manifest.newest.items():
            watch.safely("freshness", partial(_tell_freshness, watch, source, newest))
    return batch


def _tell_freshness(watch: Watch, source: str, newest: str) -> None:
    age = seconds_since(datetime.fromisoformat(newest).timestamp() * 1000)
    watch.emit(Hop.WAREHOUSE, {"FreshnessSeconds": age}, source)


def load_one(pipeline: Pipeline, manifest: LoadManifest, warehouse: Warehouse) -> LoadedBatch | None:
    """One load in one transaction.

    Returns:
        None where another session has loaded it meanwhile; nothing is changed then.

    Raises:
        WarehouseError, CheckFailedError: as `load_pending`.
    """
    started = datetime.now(UTC)
    with warehouse.transaction():
        last = run_plan(warehouse, begin_plan(), {})["last_seq"]
        assert isinstance(last, int)
        if manifest.seq <= last:
            return None
        if manifest.seq != last + 1:
            what = f"load {manifest.seq} follows load {last}: load {last + 1} is missing"
            raise WarehouseError(
                what, where=MANIFESTS, remedy="restore the missing manifest; loads are applied in sequence"
            )
        # Rows of a mirror that its contract has taken away since are rows of no table.
        gone = pipeline.sources.keys() - pipeline.mirrors.keys()
        tables = {name: table for name, table in manifest.tables.items() if name not in gone}
        rows = {name: _copy(pipeline, name, table, warehouse) for name, table in tables.items()}
        loaded = frozenset(name for name, count in rows.items() if count)
        replaced = [name for name in loaded if manifest.tables[name].whole and name in pipeline.dimensions]
        parameters = _parameters(manifest, rows, started)
        run_plan(warehouse, load_plan(pipeline, loaded, replaced=replaced), parameters)
        for name in sorted(gone & manifest.newest.keys()):
            newest = datetime.fromisoformat(manifest.newest[name]).astimezone(UTC).replace(tzinfo=None)
            run_plan(warehouse, newest_plan(pipeline.sources[name]), {**parameters, "changed_at": newest})
        for name in sorted(loaded):
            run_plan(warehouse, rows_plan(), {**parameters, "table_name": name, "rows_loaded": rows[name]})
        run_plan(warehouse, end_plan(), {**parameters, "finished_at": datetime.now(UTC).replace(tzinfo=None)})
    return LoadedBatch(manifest.seq, rows, (datetime.now(UTC) - started).total_seconds())


def ensure_tables(pipeline: Pipeline, warehouse: Warehouse, migrations: Sequence[Migration] = ()) -> None:
    """Creates what is not there, and checks what is.

    Raises:
        WarehouseError: a table has other columns than its contract, or a migration waits.
        MigrationError: the file of a migration that was applied is changed or gone.
    """
    migrate.ensure(pipeline, warehouse, migrations)
    migrate.check(pipeline, warehouse, migrations)


def last_seq(warehouse: Warehouse) -> int:
    """The newest load in the warehouse, 0 if there is none."""
    return int(warehouse.query("SELECT coalesce(max(load_seq), 0) FROM staging.load_ledger").rows[0][0])


def pending(store: Store, after: int) -> list[int]:
    """Sequences of the load manifests after one that is loaded."""
    return [seq_of(key) for key in _manifests(store, after)]


def _manifests(store: Store, after: int) -> list[str]:
    return store.list(MANIFESTS, after=f"{MANIFESTS}/{seq_name(after)}" if after else "")


def _copy(pipeline: Pipeline, name: str, table: LoadTable, warehouse: Warehouse) -> int:
    known = {**pipeline.dimensions, **pipeline.facts, **pipeline.calendars, **pipeline.sources}
    if name not in known:
        raise WarehouseError("a load names a table that has no contract", where=name, remedy=_CONTRACT)
    empty, copy = copy_plan(name)
    before: Plan = (empty,)
    after: Plan = ()
    if table.columns and table.columns != file_columns(pipeline, name):
        before, copy, after = early_plan(pipeline, name, table.columns)
    run_plan(warehouse, before, {})
    copied = warehouse.copy(copy, table.manifest)
    run_plan(warehouse, after, {})
    if copied != table.rows:
        what = f"{copied} rows were copied, the load manifest says {table.rows}"
        raise WarehouseError(
            what, where=table.manifest, remedy="restore the load files from the object store's versions"
        )
    return copied


def _parameters(manifest: LoadManifest, rows: Mapping[str, int], at: datetime) -> dict[str, Value]:
    return {
        "load_seq": manifest.seq,
        "attempt": manifest.attempt,
        "progress": manifest.ledger_progress,
        "row_counts": json.dumps(dict(sorted(rows.items()))),
        "loaded_at": at.replace(tzinfo=None),
    }
