"""Ratio 7: type-2 history of a dimension of which 1 % of the keys changed, against dbt's snapshot, both on DuckDB.

Ours is a whole load: COPY, log, tips, versions, moves, checks, ledger, in one transaction. The peer is dbt's own time
for the snapshot's statements, without its start and parsing. dbt compares the present rows of the source with its
history; the rows are the same that our load brings as changes.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.bench import Bench
from benchmarks.changelog import ORDERS_DAY, Batch, Sizes
from benchmarks.dbt import SNAPSHOT_TABLE, Dbt, Snapshot
from benchmarks.measure import Bound, Comparison, Side, Target, interleaved, require_equal
from benchmarks.scaled import Scaled
from glue_jobs.curated.load_files import MANIFESTS
from schemas.manifests import LoadManifest, seq_name
from schemas.model import Dimension

ONE_IN: Final = 100
DIMENSION: Final = "dim_customer"
Fingerprint = tuple[int, int]


def measure(bench: Bench) -> list[Comparison]:
    """The ratio; every attempt starts from copies of the same two files."""
    dbt = Dbt.installed()
    ours = _ours(bench)
    dimension = ours.pipeline.dimensions[DIMENSION]
    peer = _peer(bench, dbt, ours, dimension)
    loaded, snapshots = ours.folder / "warehouse.duckdb", []
    before = loaded.with_suffix(".before")
    loaded.rename(before)

    def load(_attempt: int) -> float:
        shutil.copyfile(before, loaded)
        return ours.load(2)

    def snapshot(_attempt: int) -> float:
        work = bench.folder("dbt")
        shutil.copyfile(peer, work / "shop.duckdb")
        snapshots.append(dbt.snapshot(work / "shop.duckdb", bench.cores, bench.folder("dbt-artefacts")))
        return snapshots[-1].seconds

    load(0)
    snapshot(0)
    require_equal(_history(loaded, dimension), _snapshot(bench.home / "dbt" / "shop.duckdb", dimension), "ratio 7")
    times = interleaved(bench.repeats, {"load": load, "snapshot": snapshot}, warm_up=bench.warm_up)
    return [_compared(bench, times, snapshots, ours.sizes.touched)]


def _ours(bench: Bench) -> Scaled:
    """Customers as inserts, then one change each of 1 % of them, as load files; the first load is in the warehouse."""
    sizes = Sizes(touched=max(1, bench.rows // ONE_IN), stride=ONE_IN, days=30)
    bench.say(f"{sizes.customers:,} customers, {sizes.touched:,} of them changed")
    ours = Scaled(bench.spark(), "snapshot", sizes, bench.folder("snapshot"), bench.cores)
    ours.build(op="c", with_orders=False)
    ours.stage(Batch(ORDERS_DAY, "vip", "first"))
    ours.promote()
    ours.load(1)
    return ours


def _peer(bench: Bench, dbt: Dbt, ours: Scaled, dimension: Dimension) -> Path:
    """A DuckDB file with dbt's snapshot of all customers, and the present rows, 1 % of which have changed since."""
    path = bench.folder("dbt-source") / "shop.duckdb"
    columns = ", ".join(_columns(dimension))
    rows = f"SELECT {columns}, CAST(changed_at AS TIMESTAMP) AS updated_at FROM read_parquet(?)"
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA raw")
        connection.execute(f"CREATE TABLE raw.customer AS {rows}", [_load_files(ours, 1)])
    dbt.snapshot(path, bench.cores, bench.folder("dbt-artefacts"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TEMP TABLE changed AS {rows}", [_load_files(ours, 2)])
        connection.execute("DELETE FROM raw.customer WHERE customer_id IN (SELECT customer_id FROM changed)")
        connection.execute("INSERT INTO raw.customer SELECT * FROM changed")
    return path


def _load_files(ours: Scaled, seq: int) -> list[str]:
    key = f"{MANIFESTS}/{seq_name(seq)}"
    manifest = LoadManifest.from_json(ours.store.read(key), key)
    return [str(ours.folder / file.path) for file in manifest.tables[DIMENSION].files]


def _columns(dimension: Dimension) -> tuple[str, ...]:
    return (*(key.name for key in dimension.business_key), *(item.name for item in dimension.attributes))


def _history(database: Path, dimension: Dimension) -> Fingerprint:
    where = f"{dimension.surrogate_key} <> -1"
    return _fingerprint(
        database, f"analytics.{DIMENSION}", (*_columns(dimension), "effective_from", "effective_to"), where
    )


def _snapshot(database: Path, dimension: Dimension) -> Fingerprint:
    return _fingerprint(database, SNAPSHOT_TABLE, (*_columns(dimension), "dbt_valid_from", "dbt_valid_to"), "true")


def _fingerprint(database: Path, table: str, columns: Iterable[str], where: str) -> Fingerprint:
    """Number of rows and order-independent hash of their columns."""
    sql = f"SELECT count(*), sum(hash({', '.join(columns)})) FROM {table} WHERE {where}"
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _compared(bench: Bench, times: dict[str, tuple[float, ...]], snapshots: list[Snapshot], touched: int) -> Comparison:
    command = statistics.median(item.command_seconds for item in snapshots)
    return Comparison(
        number="7",
        title="SCD2 of 1 % changed keys: a load ÷ dbt snapshot (timestamp strategy)",
        ours=Side("load", times["load"]),
        peer=Side("dbt", times["snapshot"]),
        target=Target(Bound.AT_MOST, 0.5),
        rows=bench.rows,
        note=f"{touched:,} keys changed; dbt's own time for the statements, the whole command took {command:.1f} s",
    )
