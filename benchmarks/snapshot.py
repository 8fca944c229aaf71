"""Ratio 7: type-2 history of a dimension of which 1 % of the keys changed, against dbt's snapshot on the same engine.

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
import psycopg

from benchmarks.bench import Bench
from benchmarks.changelog import ORDERS_DAY, Batch, Sizes
from benchmarks.database import Database, database
from benchmarks.dbt import SNAPSHOT_TABLES, Dbt, Snapshot
from benchmarks.measure import Bound, Comparison, Side, Target, interleaved, require_equal
from benchmarks.scaled import Engine, Scaled
from glue_jobs.curated.load_files import MANIFESTS
from redshift_sql.shapes import columns_of
from schemas.manifests import LoadManifest, seq_name
from schemas.model import Dimension

ONE_IN: Final = 100
DIMENSION: Final = "dim_customer"
Fingerprint = tuple[int, int]


def measure(bench: Bench) -> list[Comparison]:
    """The ratio on each engine; every attempt starts from copies of the same two databases.

    What the last attempts left is compared before a ratio is given.
    """
    dbt = Dbt.installed()
    ours = _ours(bench)
    dimension = ours.pipeline.dimensions[DIMENSION]
    peer = _peer(bench, dbt, ours, dimension)
    on_duckdb = _on_duckdb(bench, dbt, ours, peer, dimension)
    with database(bench.folder("postgresql")) as server:
        ours.database = server
        return [on_duckdb, _on_postgresql(bench, dbt, ours, server, dimension)]


def _on_duckdb(bench: Bench, dbt: Dbt, ours: Scaled, peer: Path, dimension: Dimension) -> Comparison:
    loaded, snapshots = ours.folder / "warehouse.duckdb", []
    before = loaded.with_suffix(".before")
    loaded.rename(before)
    work = bench.home / "dbt" / "shop.duckdb"
    given = {"BENCH_DUCKDB": str(work), "BENCH_THREADS": str(bench.cores)}

    def load(_attempt: int) -> float:
        shutil.copyfile(before, loaded)
        return ours.load(2)

    def snapshot(_attempt: int) -> float:
        bench.folder("dbt")
        shutil.copyfile(peer, work)
        snapshots.append(dbt.snapshot("duckdb", given, bench.folder("dbt-artefacts")))
        return snapshots[-1].seconds

    times = interleaved(bench.repeats, {"load": load, "snapshot": snapshot}, warm_up=bench.warm_up)
    require_equal(_history(loaded, dimension), _snapshot(work, dimension), "ratio 7")
    return _compared(bench, "7", times, snapshots, ours.sizes.touched)


def _on_postgresql(bench: Bench, dbt: Dbt, ours: Scaled, server: Database, dimension: Dimension) -> Comparison:
    bench.say("on PostgreSQL")
    given = server.environment | {"BENCH_POSTGRES_DATABASE": "peer"}
    snapshots: list[Snapshot] = []
    ours.load(1, Engine.POSTGRESQL)
    server.make("ours_before", ours.name)
    _fill_peer(bench, dbt, ours, server, dimension)
    server.make("peer_before", "peer")

    def load(_attempt: int) -> float:
        server.make(ours.name, "ours_before")
        return ours.load(2, Engine.POSTGRESQL)

    def snapshot(_attempt: int) -> float:
        server.make("peer", "peer_before")
        snapshots.append(dbt.snapshot("postgresql", given, bench.folder("dbt-artefacts")))
        return snapshots[-1].seconds

    times = interleaved(bench.repeats, {"load": load, "snapshot": snapshot}, warm_up=bench.warm_up)
    theirs = (SNAPSHOT_TABLES["postgresql"], (*_columns(dimension), "dbt_valid_from", "dbt_valid_to"), "true")
    mine = (f"analytics.{DIMENSION}", (*_columns(dimension), "effective_from", "effective_to"), _real(dimension))
    require_equal(_on_server(server, ours.name, *mine), _on_server(server, "peer", *theirs), "ratio 7, PostgreSQL")
    return _compared(bench, "7 postgresql", times, snapshots, ours.sizes.touched)


def _fill_peer(bench: Bench, dbt: Dbt, ours: Scaled, server: Database, dimension: Dimension) -> None:
    """`raw.customer` and dbt's snapshot of it, then the present rows; the rows are our load rows."""
    kinds = {item.name: item.type for item in columns_of(ours.pipeline)[f"staging.{DIMENSION}_load"]}
    names = _columns(dimension)
    columns = ", ".join(f"{name} {kinds[name]}" for name in names)
    server.make("peer")
    with server.connect("peer") as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("CREATE SCHEMA raw")
        connection.execute(f"CREATE TABLE raw.customer ({columns}, updated_at timestamp)".encode())
        _copy_rows(connection, "raw.customer", names, _load_files(ours, 1))
        connection.execute("ANALYZE raw.customer")
    given = server.environment | {"BENCH_POSTGRES_DATABASE": "peer"}
    dbt.snapshot("postgresql", given, bench.folder("dbt-artefacts"))
    with server.connect("peer") as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("CREATE TEMP TABLE changed (LIKE raw.customer)")
        _copy_rows(connection, "changed", names, _load_files(ours, 2))
        connection.execute("DELETE FROM raw.customer AS r USING changed AS c WHERE r.customer_id = c.customer_id")
        connection.execute("INSERT INTO raw.customer SELECT * FROM changed")
        connection.execute("VACUUM ANALYZE raw.customer")


def _copy_rows(
    connection: psycopg.Connection[tuple[object, ...]], table: str, names: Iterable[str], files: list[str]
) -> None:
    shown = f"SELECT {', '.join(names)}, CAST(changed_at AS TIMESTAMP) FROM read_parquet(?)"
    with duckdb.connect() as reader, connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        reader.execute("SET TimeZone = 'UTC'")
        rows = reader.execute(shown, [files])
        while chunk := rows.fetchmany(10_000):
            for row in chunk:
                copy.write_row(row)


def _on_server(server: Database, name: str, table: str, columns: Iterable[str], where: str) -> Fingerprint:
    row = "md5(row(" + ", ".join(columns) + ")::text)"
    query = f"SELECT count(*), sum(('x' || substr({row}, 1, 8))::bit(32)::bigint) FROM {table} WHERE {where}"
    with server.connect(name) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return int(str(found[0])), int(str(found[1]))


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
    given = {"BENCH_DUCKDB": str(path), "BENCH_THREADS": str(bench.cores)}
    dbt.snapshot("duckdb", given, bench.folder("dbt-artefacts"))
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


def _real(dimension: Dimension) -> str:
    return f"{dimension.surrogate_key} <> -1"


def _history(file: Path, dimension: Dimension) -> Fingerprint:
    columns = (*_columns(dimension), "effective_from", "effective_to")
    return _fingerprint(file, f"analytics.{DIMENSION}", columns, _real(dimension))


def _snapshot(file: Path, dimension: Dimension) -> Fingerprint:
    return _fingerprint(
        file, SNAPSHOT_TABLES["duckdb"], (*_columns(dimension), "dbt_valid_from", "dbt_valid_to"), "true"
    )


def _fingerprint(file: Path, table: str, columns: Iterable[str], where: str) -> Fingerprint:
    """Number of rows and order-independent hash of their columns."""
    sql = f"SELECT count(*), sum(hash({', '.join(columns)})) FROM {table} WHERE {where}"
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _compared(
    bench: Bench, number: str, times: dict[str, tuple[float, ...]], snapshots: list[Snapshot], touched: int
) -> Comparison:
    command = statistics.median(item.command_seconds for item in snapshots)
    return Comparison(
        number=number,
        title="SCD2 of 1 % changed keys: a load ÷ dbt snapshot (timestamp strategy)",
        ours=Side("load", times["load"]),
        peer=Side("dbt", times["snapshot"]),
        target=Target(Bound.AT_MOST, 0.5),
        rows=bench.rows,
        note=f"{touched:,} keys changed; dbt's own time for the statements, the whole command took {command:.1f} s",
    )
