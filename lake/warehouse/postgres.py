"""A warehouse on PostgreSQL: the same SQL on a server, where locks, conflicts and lost connections are real."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString, Self, cast
from urllib.parse import parse_qs, urlparse

import duckdb
import psycopg
from psycopg.types.string import TextLoader

from lake.store import Store
from lake.warehouse.copy_files import RESTORE, Column, check_columns, columns_of_file, manifest_files
from lake.warehouse.dialect import transpiled
from lake.warehouse.messages import without_values
from lake.warehouse.port import (
    CONFLICT,
    LOST,
    ConflictError,
    ConnectionLostError,
    Parameters,
    QueryResult,
    WarehouseError,
)
from redshift_sql.statements import Statement

_DIALECT: Final = "postgres"
_CHUNK: Final = 1 << 20
_BYTEWISE: Final = frozenset({"C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8"})
_TEMPORARY: Final = re.compile(r"^create temp table (\w+) as\b", re.IGNORECASE | re.MULTILINE)
_WORTH_ANALYZING: Final = 1000
_CATALOG: Final = "pg_catalog"

_CONFLICTS: Final = frozenset({"40001", "40P01"})
_REMEDIES: Final = {
    "42501": "grant it to the role of this session, or connect with the role that loads",
    "3F000": "create schemas and tables: lake load does it, with a role that may create",
    "42P01": "create schemas and tables: lake load does it, with a role that may create",
    "53100": "make room on the server's disk and run it again; nothing was written",
    "25006": 'start with SELECT, as in: lake sql "SELECT 1"',
}
_AGAIN: Final = "nothing was written; mend the cause and run it again"
_LOGIN: Final = "set PGPASSWORD, or write a line to ~/.pgpass (mode 0600)"
_DOORS: Final = (
    ("password authentication failed", "the server refuses user and password", _LOGIN),
    ("no password supplied", "the server asks for a password", _LOGIN),
    (
        "no pg_hba.conf entry",
        "the server lets nobody in from here as this user",
        "check pg_hba.conf, and sslmode in the address",
    ),
    (
        '" does not exist',
        "there is no such database",
        "make it with: CREATE DATABASE … TEMPLATE template0 LOCALE 'C'",
    ),
)
_QUERY_REMEDY: Final = "tables lie in the schemas analytics and staging"

# PostgreSQL's names of types as DuckDB reads them from Parquet.
_KINDS: Final = {
    "boolean": "BOOLEAN",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "date": "DATE",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP",
    "text": "VARCHAR",
    "json": "VARCHAR",
    "jsonb": "VARCHAR",
    "bytea": "BLOB",
}


@dataclass
class PostgresWarehouse:
    """A session with a PostgreSQL database. `store` is where COPY manifests are read."""

    connection: psycopg.Connection[Any]
    store: Store

    @classmethod
    def open(cls, uri: str, store: Store, *, read_only: bool = False) -> Self:
        """Connects; libpq takes the password from PGPASSWORD or the password file (PGPASSFILE, ~/.pgpass).

        Args:
            uri: `postgresql://<user>@<host>:<port>/<database>?sslmode=…`, without a password.
            store: of the pipeline's lake.
            read_only: the session must not write.

        Raises:
            WarehouseError: the server does not let us in, or the database does not compare text by its bytes.
        """
        where = place(uri)
        try:
            connection = psycopg.connect(uri, autocommit=True, prepare_threshold=None, application_name="lake")
        except psycopg.Error as error:
            raise _not_opened(where, str(error)) from None
        warehouse = cls(connection, store)
        try:
            warehouse._prepare(where, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return warehouse

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the port says; it sees one snapshot, taken after the first lock, as on Redshift."""
        self._command("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
            self._command("COMMIT", "the warehouse, at the commit")
        except BaseException:
            self._rollback()
            raise

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """As the port says."""
        cursor = self._run(statement, parameters)
        made = _TEMPORARY.search(statement.sql)
        if made and cursor.rowcount >= _WORTH_ANALYZING:
            # Redshift analyzes a table that it makes from a query; without, PostgreSQL plans as for an empty one.
            self.connection.execute(f"ANALYZE {made[1]}")
        return max(cursor.rowcount, 0)

    def ask(self, statement: Statement, parameters: Parameters) -> QueryResult:
        """As the port says."""
        return _result(self._run(statement, parameters))

    def copy(self, statement: Statement, manifest: str) -> int:
        """As the port says, from the same manifest that Redshift reads; the files pass through this process."""
        with manifest_files(self.store, manifest) as files, duckdb.connect(":memory:") as reader:
            reader.execute("SET TimeZone = 'UTC'")
            wanted = self._columns(statement.table)
            found = {file: columns_of_file(file, reader) for file in files}
            check_columns(found, statement.table, wanted, manifest)
            try:
                copied = sum(self._append(statement.table, columns, file, reader) for file, columns in found.items())
            except psycopg.Error as error:
                raise _failed(statement.where, error) from None
            except duckdb.Error as error:
                what = f"a load file cannot be read: {without_values(str(error))}"
                raise WarehouseError(what, where=manifest, remedy=RESTORE) from None
            if copied >= _WORTH_ANALYZING:
                self.connection.execute(f"ANALYZE {statement.table}")
        return copied

    def query(self, sql: str) -> QueryResult:
        """As the port says: PostgreSQL itself refuses to write."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute("SET TRANSACTION READ ONLY")
                self._refuse_several(sql)
                cursor = self.connection.execute(cast("Any", sql))
                if cursor.description is None:
                    what = "it is no query"
                    raise WarehouseError(what, where="lake sql", remedy=_REMEDIES["25006"])
                return _result(cursor)
        except psycopg.Error as error:
            raise _refused(error) from None

    def close(self) -> None:
        """As the port says."""
        self.connection.close()

    def _prepare(self, where: str, *, read_only: bool) -> None:
        try:
            # JSON as its text, as Redshift gives SUPER.
            for kind in ("json", "jsonb"):
                self.connection.adapters.register_loader(kind, TextLoader)
            self.connection.execute("SET TIME ZONE 'UTC'")
            self.connection.execute("SET client_min_messages = warning")
            if read_only:
                self.connection.execute("SET default_transaction_read_only = on")
            row = self.connection.execute(
                "SELECT CASE datlocprovider WHEN 'c' THEN datcollate ELSE 'a language' END "
                "FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        except psycopg.Error as error:
            raise _not_opened(where, str(error)) from None
        if row is None or row[0] not in _BYTEWISE:
            what = "the database compares text by the rules of a language, not by its bytes as Redshift does"
            remedy = "make one: CREATE DATABASE … TEMPLATE template0 LOCALE 'C'"
            raise WarehouseError(what, where=where, remedy=remedy)

    def _run(self, statement: Statement, parameters: Parameters) -> psycopg.Cursor[Any]:
        sql = transpiled(statement.sql, _DIALECT)
        values = {name: parameters[name] for name in statement.parameters}
        try:
            if not values:
                return self.connection.execute(cast("Any", sql))
            return self.connection.execute(cast("Any", formatted(sql, values)), values)
        except psycopg.Error as error:
            raise _failed(statement.where, error) from None

    def _columns(self, table: str) -> list[Column]:
        sql = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        columns = [Column(str(name), _kind(str(kind))) for name, kind in self.connection.execute(sql, [table])]
        if not columns:
            raise WarehouseError("there is no such table", where=table, remedy=_REMEDIES["42P01"])
        return columns

    def _append(self, table: str, columns: tuple[Column, ...], file: str, reader: duckdb.DuckDBPyConnection) -> int:
        """One file's rows, as CSV, which DuckDB writes and PostgreSQL reads, without a Python object per value."""
        shown = ", ".join(_as_text(column) for column in columns)
        with tempfile.TemporaryDirectory(prefix="lake-copy-") as scratch:
            path = Path(scratch) / "rows.csv"
            # NULL is empty, and an empty text is quoted: PostgreSQL's CSV means the same.
            form = "FORMAT csv, HEADER false, FORCE_QUOTE *"
            reader.execute(f"COPY (SELECT {shown} FROM read_parquet(?)) TO '{path}' ({form})", [[file]])
            cursor = self.connection.cursor()
            with path.open("rb") as rows, cursor.copy(cast("Any", f"COPY {table} FROM STDIN (FORMAT csv)")) as target:
                while chunk := rows.read(_CHUNK):
                    target.write(chunk)
        return cursor.rowcount

    def _refuse_several(self, sql: str) -> None:
        """An extended query holds one statement at most; a simple one would run them all."""
        parsed = self.connection.pgconn.prepare(b"", sql.encode())
        if parsed.status == psycopg.pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(parsed)

    def _command(self, sql: LiteralString, where: str = "the warehouse") -> None:
        try:
            self.connection.execute(sql)
        except psycopg.Error as error:
            raise _failed(where, error) from None

    def _rollback(self) -> None:
        with suppress(psycopg.Error):
            self.connection.execute("ROLLBACK")


def place(uri: str) -> str:
    """A warehouse's address as errors show it: without user, password and options.

    Raises:
        WarehouseError: it is no address, or it holds a password.
    """
    parsed = urlparse(uri)
    if parsed.password is not None or "password" in parse_qs(parsed.query):
        what = "a password does not belong in an address: addresses are logged"
        remedy = "give it in the environment variable PGPASSWORD or in the password file ~/.pgpass"
        raise WarehouseError(what, where=f"{parsed.scheme}://{parsed.hostname or ''}", remedy=remedy)
    return f"{parsed.scheme}://{parsed.netloc.rpartition('@')[2]}{parsed.path}"


def formatted(sql: str, names: Iterable[str]) -> str:
    """Psycopg's placeholders; any other percent sign is a text's."""
    doubled = sql.replace("%", "%%")
    for name in names:
        doubled = doubled.replace(f"%%({name})s", f"%({name})s")
    return doubled


def _kind(shown: str) -> str:
    """PostgreSQL's name of a type as DuckDB's: `character varying(16)` as VARCHAR, `numeric(12,2)` as DECIMAL(12,2)."""
    if shown.startswith("character"):
        return "VARCHAR"
    return shown.replace("numeric", "DECIMAL") if shown.startswith("numeric") else _KINDS.get(shown, shown.upper())


def _as_text(column: Column) -> str:
    name = '"{}"'.format(column.name.replace('"', '""'))
    # DuckDB shows printable bytes as they are; PostgreSQL reads two hex digits a byte.
    return f"'\\x' || hex({name})" if column.kind == "BLOB" else name


def _result(cursor: psycopg.Cursor[Any]) -> QueryResult:
    columns = tuple(item.name for item in cursor.description or ())
    return QueryResult(columns, tuple(tuple(row) for row in cursor.fetchall()))


def _failed(where: str, error: psycopg.Error) -> WarehouseError:
    code = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError) and (not code or code.startswith(("08", "57P"))):
        return ConnectionLostError("the session with the server ended", where=where, remedy=LOST)
    if code in _CONFLICTS or (code == "23505" and error.diag.schema_name == _CATALOG):
        return ConflictError("another transaction got in the way", where=where, remedy=CONFLICT)
    shown = _shown(error)
    return WarehouseError(f"the statement failed: {shown}", where=where, remedy=_REMEDIES.get(code, _AGAIN))


def _refused(error: psycopg.Error) -> WarehouseError:
    shown = (error.diag.message_primary or str(error)).strip()
    return WarehouseError(shown, where="lake sql", remedy=_REMEDIES.get(error.sqlstate or "", _QUERY_REMEDY))


def _shown(error: psycopg.Error) -> str:
    """PostgreSQL's message; class 42 is about the statement and the names in it, any other may quote values."""
    message = error.diag.message_primary or str(error)
    return message if (error.sqlstate or "").startswith("42") else without_values(message)


def _not_opened(where: str, message: str) -> WarehouseError:
    for sign, what, remedy in _DOORS:
        if sign in message:
            return WarehouseError(what, where=where, remedy=remedy)
    return WarehouseError(
        "the server does not answer", where=where, remedy="check host, port, network and TLS settings"
    )
