"""The engines that the warehouse's SQL runs on in tests, as empty warehouses; rows come in past COPY."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from lake.store import LocalStore
from lake.warehouse.duck import DuckWarehouse
from lake.warehouse.port import Warehouse
from lake.warehouse.postgres import PostgresWarehouse
from tests.support.postgres import Server

NO_STORE: Final = LocalStore(Path("/nonexistent"))


class Engine(Protocol):
    """Makes warehouses, and does in them what no port has a verb for."""

    def empty(self) -> Warehouse:
        """A session with a warehouse that holds nothing, not even schemas."""

    def fill(self, warehouse: Warehouse, table: str, rows: pa.Table) -> None:
        """The rows in place of those of `table`, by position."""

    def run(self, warehouse: Warehouse, sql: str) -> None:
        """Any statement, as it stands."""


@dataclass(frozen=True)
class Duck:
    """DuckDB, in memory."""

    def empty(self) -> DuckWarehouse:
        """See `Engine`."""
        warehouse = DuckWarehouse.open(Path(":memory:"), NO_STORE)
        warehouse.connection.execute("SET threads = 1")  # more would wait for each other over so few rows
        return warehouse

    def fill(self, warehouse: Warehouse, table: str, rows: pa.Table) -> None:
        """See `Engine`."""
        assert isinstance(warehouse, DuckWarehouse)
        warehouse.connection.execute(f"DELETE FROM {table}")
        warehouse.connection.register("rows_to_load", rows)
        warehouse.connection.execute(f"INSERT INTO {table} SELECT * FROM rows_to_load")
        warehouse.connection.unregister("rows_to_load")

    def run(self, warehouse: Warehouse, sql: str) -> None:
        """See `Engine`."""
        assert isinstance(warehouse, DuckWarehouse)
        warehouse.connection.execute(sql)


DUCK: Final = Duck()


@dataclass(frozen=True)
class Postgres:
    """PostgreSQL: one database, emptied for each new warehouse."""

    server: Server
    database: str

    def empty(self) -> PostgresWarehouse:
        """See `Engine`."""
        warehouse = PostgresWarehouse.open(self.server.uri(self.database), NO_STORE)
        warehouse.connection.execute("DROP SCHEMA IF EXISTS staging, analytics, ops CASCADE")
        return warehouse

    def fill(self, warehouse: Warehouse, table: str, rows: pa.Table) -> None:
        """See `Engine`."""
        assert isinstance(warehouse, PostgresWarehouse)
        self.run(warehouse, f"DELETE FROM {table}")
        with warehouse.connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for row in rows.to_pylist():
                copy.write_row(tuple(row.values()))

    def run(self, warehouse: Warehouse, sql: str) -> None:
        """See `Engine`."""
        assert isinstance(warehouse, PostgresWarehouse)
        warehouse.connection.execute(sql.encode())
