"""A warehouse on Amazon Redshift by its driver, redshift-connector: a connection, where the network reaches it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlparse

import redshift_connector
from redshift_connector.error import Error as DriverError

from lake.store import Store
from lake.warehouse.amazon import COPIED, LOAD_ERRORS, copy_text, failed, load_error, refuse_writing
from lake.warehouse.port import LOST, ConnectionLostError, Parameters, QueryResult, WarehouseError
from redshift_sql.statements import Statement

VARIABLE: Final = "PGPASSWORD"
"""The environment variable that holds the password, where IAM does not stand for it."""

_ADDRESS: Final = (
    "write redshift://<user>@<host>:<port>/<database>, or with IAM instead of a password: "
    "?iam=cluster/<id> or ?iam=workgroup/<name>, and &region="
)
_OPTIONS: Final = frozenset({"iam", "region", "sslmode"})
_DOOR: Final = f"set {VARIABLE}, or let IAM stand for it: ?iam=cluster/<id> or ?iam=workgroup/<name>"


@dataclass
class RedshiftWarehouse:
    """A connection to Redshift.

    Transactions are begun and ended in words, with the driver's own left off: it knows no READ ONLY.

    Args:
        connection: the driver's.
        store: of the pipeline's lake, on S3.
        options: what the connection was made with, for a second one beside a broken transaction.
        copy_role: the IAM role that COPY reads load files with.
        pid: the session's number on the server.
    """

    connection: Any
    store: Store
    options: Mapping[str, Any] = field(repr=False)
    copy_role: str = ""
    pid: int = 0
    _inside: bool = field(default=False, init=False)

    @classmethod
    def open(cls, uri: str, store: Store, *, copy_role: str = "") -> Self:
        """Connects, by password from the environment (`VARIABLE`) or by IAM.

        Args:
            uri: `redshift://<user>@<host>:<port>/<database>?iam=…&region=…&sslmode=…`, without a password.
            store: of the pipeline's lake.
            copy_role: ARN of the role for COPY, or `default`.

        Raises:
            WarehouseError: it is no such address, or Redshift does not let us in.
        """
        options = options_of(uri, os.environ)
        where = f"redshift://{options.get('host') or 'by IAM'}/{options['database']}"
        warehouse = cls(_connected(options, where), store, options, copy_role)
        warehouse.pid = int(warehouse._run("select pg_backend_pid()", {}, where).fetchall()[0][0])
        return warehouse

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the port says."""
        self._run("begin", {}, "the warehouse")
        self._inside = True
        try:
            yield
            self._run("commit", {}, "the warehouse, at the commit")
        except BaseException:
            self._rollback()
            raise
        finally:
            self._inside = False

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """As the port says."""
        return max(int(self._statement(statement, parameters).rowcount), 0)

    def ask(self, statement: Statement, parameters: Parameters) -> QueryResult:
        """As the port says."""
        return _result(self._statement(statement, parameters))

    def copy(self, statement: Statement, manifest: str) -> int:
        """As the port says; Redshift itself reads the manifest, and says what it loaded."""
        sql = copy_text(statement, self.store, manifest, self.copy_role)
        self._run(sql, {}, statement.where, is_copy=True)
        return int(self._run(COPIED, {}, statement.where).fetchall()[0][0])

    def query(self, sql: str) -> QueryResult:
        """As the port says."""
        refuse_writing(sql)
        if self._inside:
            return _result(self._run(sql, {}, "lake sql"))
        self._run("begin read only", {}, "lake sql")
        try:
            return _result(self._run(sql, {}, "lake sql"))
        finally:
            self._rollback()

    def close(self) -> None:
        """As the port says."""
        with suppress(DriverError, OSError):
            self.connection.close()

    def _statement(self, statement: Statement, parameters: Parameters) -> Any:
        return self._run(statement.sql, {name: parameters[name] for name in statement.parameters}, statement.where)

    def _run(self, sql: str, values: Parameters, where: str, *, is_copy: bool = False) -> Any:
        cursor = self.connection.cursor()
        cursor.paramstyle = "named"
        try:
            cursor.execute(sql, dict(values) or None)
        except (DriverError, OSError) as error:
            message = _message(error)
            if message is None:
                raise ConnectionLostError("the session with the warehouse ended", where=where, remedy=LOST) from None
            raise failed(where, message, self._load_errors() if is_copy else ()) from None
        return cursor

    def _rollback(self) -> None:
        with suppress(WarehouseError):
            self._run("rollback", {}, "the warehouse")

    def _load_errors(self) -> list[str]:
        """Asked on a connection of its own: the transaction takes no statement any more."""
        try:
            with closing(_connected(self.options, "sys_load_error_detail")) as beside, beside.cursor() as cursor:
                cursor.paramstyle = "named"
                cursor.execute(LOAD_ERRORS.format(by="session_id"), {"id": self.pid})
                return [load_error(row) for row in cursor.fetchall()]
        except (WarehouseError, DriverError, OSError):
            return []


def options_of(uri: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """An address as the driver's options; holds the password.

    Raises:
        WarehouseError: it is no address of this kind, or holds a password.
    """
    url = urlparse(uri)
    given = {key: values[-1] for key, values in parse_qs(url.query).items()}
    where = f"redshift://{url.hostname or ''}{url.path}"
    if url.password is not None or "password" in given:
        what = "a password does not belong in an address: addresses are logged"
        raise WarehouseError(what, where=f"redshift://{url.hostname or ''}", remedy=_DOOR)
    database = unquote(url.path.lstrip("/"))
    kind, _, name = given.get("iam", "").partition("/")
    known_iam = kind in ("cluster", "workgroup") and name
    if not database or not (url.hostname or known_iam) or (kind and not known_iam) or given.keys() - _OPTIONS:
        raise WarehouseError("not the address of a warehouse", where=where, remedy=_ADDRESS)
    mode = given.get("sslmode", "verify-full")
    options: dict[str, Any] = {"database": database, "ssl": mode != "disable", "max_prepared_statements": 0}
    options |= {"application_name": "lake"} | ({"sslmode": mode} if options["ssl"] else {})
    if url.hostname:
        options |= {"host": url.hostname, "port": url.port or 5439}
    user = unquote(url.username or "")
    if kind == "cluster":
        return {
            **options,
            "iam": True,
            "cluster_identifier": name,
            "region": given.get("region"),
            "db_user": user or None,
        }
    if kind == "workgroup":
        serverless = {"is_serverless": True, "serverless_work_group": name, "region": given.get("region")}
        return {**options, "iam": True, **serverless}
    return {**options, "user": user, "password": environment.get(VARIABLE, "")}


def _connected(options: Mapping[str, Any], where: str) -> Any:
    try:
        connection = redshift_connector.connect(**options)
    except (DriverError, OSError) as error:
        message = (_message(error) or str(error)).lower()
        if "password" in message or "authentication" in message:
            raise WarehouseError("the warehouse refuses user and password", where=where, remedy=_DOOR) from None
        if "does not exist" in message:
            raise WarehouseError("there is no such database", where=where, remedy="check its name") from None
        remedy = "check that it is not paused, its address, the network's way to it, and IAM"
        raise WarehouseError("the warehouse does not answer", where=where, remedy=remedy) from None
    connection.autocommit = True
    return connection


def _message(error: Exception) -> str | None:
    """What the server said; None where it is the connection that failed."""
    told = error.args[0] if error.args else None
    if isinstance(told, dict):
        return f"ERROR: {told.get('M', '')} {told.get('D', '')}".strip()
    return None


def _result(cursor: Any) -> QueryResult:
    columns = tuple(item[0].decode() if isinstance(item[0], bytes) else item[0] for item in cursor.description or ())
    return QueryResult(columns, tuple(tuple(row) for row in cursor.fetchall()))
