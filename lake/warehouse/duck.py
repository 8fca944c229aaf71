"""The embedded warehouse: the same SQL on a DuckDB file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import duckdb

from lake.store import Store
from lake.warehouse.copy_files import Column, check_columns, columns_of_file, manifest_files
from lake.warehouse.dialect import transpiled
from lake.warehouse.messages import without_values
from lake.warehouse.port import Parameters, QueryResult, WarehouseError
from redshift_sql.statements import Kind, Statement

_DIALECT: Final = "duckdb"
_HOLDER: Final = re.compile(r"\(PID (\d+)\)")
_QUERY_REMEDY: Final = 'tables lie in the schemas analytics and staging; list them with: lake sql "SHOW ALL TABLES"'
_READING: Final = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


@dataclass
class DuckWarehouse:
    """A session with a DuckDB file; one process at a time may write. `store` is where COPY manifests are read."""

    connection: duckdb.DuckDBPyConnection
    store: Store

    @classmethod
    def open(cls, path: Path, store: Store, *, read_only: bool = False) -> Self:
        """Opens the file, and creates it unless `read_only`.

        Raises:
            WarehouseError: another process holds the file, or it cannot be opened.
        """
        if read_only and not path.exists():
            raise WarehouseError("there is no warehouse yet", where=str(path), remedy="load one with: lake load")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            raise _not_opened(path, str(error)) from None
        connection.execute("SET TimeZone = 'UTC'")
        # Rows have no order of their own. And with insertion order kept, DuckDB 2.0.0 hides from scans, until the file
        # is opened anew, what a transaction committed that deletes and inserts half a million rows of one table.
        connection.execute("SET preserve_insertion_order = false")
        return cls(connection, store)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the port says."""
        self.connection.execute("BEGIN TRANSACTION")
        try:
            yield
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """As the port says; a lock is the file's own, which one process at a time may write."""
        if statement.kind is Kind.LOCK:
            return 0
        rows = self._run(statement, parameters).fetchall()
        return int(rows[0][0]) if len(rows) == 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int) else 0

    def ask(self, statement: Statement, parameters: Parameters) -> QueryResult:
        """As the port says."""
        return _result(self._run(statement, parameters))

    def copy(self, statement: Statement, manifest: str) -> int:
        """As the port says, from the same manifest that Redshift reads."""
        with manifest_files(self.store, manifest) as files:
            if not files:
                return 0
            try:
                self._check(statement.table, files, manifest)
                # Positional as on Redshift: the names in the files do not matter.
                sql = f"INSERT INTO {statement.table} SELECT * FROM read_parquet(?, union_by_name = false)"
                rows = self.connection.execute(sql, [files]).fetchall()
            except duckdb.Error as error:
                raise _failed(statement, error) from None
        return int(rows[0][0])

    def query(self, sql: str) -> QueryResult:
        """As the port says."""
        try:
            kinds = [item.type for item in self.connection.extract_statements(sql)]
            if len(kinds) != 1 or not _READING.issuperset(kinds):
                what = "only one query at a time, and none that writes"
                raise WarehouseError(what, where="lake sql", remedy='start with SELECT, as in: lake sql "SELECT 1"')
            return _result(self.connection.execute(sql))
        except duckdb.Error as error:
            raise WarehouseError(str(error).strip(), where="lake sql", remedy=_QUERY_REMEDY) from None

    def close(self) -> None:
        """As the port says."""
        self.connection.close()

    def _run(self, statement: Statement, parameters: Parameters) -> duckdb.DuckDBPyConnection:
        sql = transpiled(statement.sql, _DIALECT)
        values = {name: parameters[name] for name in statement.parameters}
        try:
            return self.connection.execute(sql, values) if values else self.connection.execute(sql)
        except duckdb.Error as error:
            raise _failed(statement, error) from None

    def _commit(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except duckdb.Error as error:
            raise WarehouseError(
                f"the commit failed: {without_values(str(error))}", where="the warehouse", remedy=_remedy(error)
            ) from None

    def _rollback(self) -> None:
        try:
            self.connection.execute("ROLLBACK")
        except duckdb.Error:
            return

    def _check(self, table: str, files: list[str], manifest: str) -> None:
        described = self.connection.execute(f"DESCRIBE {table}").fetchall()
        found = {file: columns_of_file(file, self.connection) for file in files}
        check_columns(found, table, [Column(row[0], row[1]) for row in described], manifest)


def _result(cursor: duckdb.DuckDBPyConnection) -> QueryResult:
    columns = tuple(str(item[0]) for item in cursor.description or ())
    return QueryResult(columns, tuple(tuple(row) for row in cursor.fetchall()))


def _failed(statement: Statement, error: duckdb.Error) -> WarehouseError:
    return WarehouseError(
        f"the statement failed: {without_values(str(error))}", where=statement.where, remedy=_remedy(error)
    )


def _remedy(error: duckdb.Error) -> str:
    text = str(error).lower()
    if any(sign in text for sign in ("no space", "disk", "file too large", "could not write")):
        return "make room on the disk and run it again; nothing was written"
    return "nothing was written; mend the cause and run it again"


def _not_opened(path: Path, message: str) -> WarehouseError:
    holder = _HOLDER.search(message)
    if "lock" not in message.lower():
        remedy = "check the path, its rights, the disk, and that it is a warehouse file of this release"
        return WarehouseError("the warehouse file cannot be opened", where=str(path), remedy=remedy)
    who = f"process {holder[1]}" if holder else "another process"
    remedy = f"wait for {who} to end, or end it; then run again"
    return WarehouseError(f"the warehouse file is in use by {who}", where=str(path), remedy=remedy)
