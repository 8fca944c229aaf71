"""Redshift's statements on PostgreSQL, one connection a session; COPY is answered from its manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import psycopg

from lake.store import store_for
from lake.warehouse.dialect import transpiled
from lake.warehouse.port import WarehouseError
from lake.warehouse.postgres import PostgresWarehouse, formatted
from redshift_sql.statements import Kind, Statement

SETUP: Final = """
CREATE TABLE IF NOT EXISTS public.sys_load_error_detail (
    query_id bigint, session_id int, start_time timestamp, file_name char(256), line_number bigint,
    column_name char(127), column_type char(10), column_length char(10), error_code int, error_message char(512)
);
CREATE OR REPLACE FUNCTION public.pg_last_copy_count() RETURNS bigint LANGUAGE sql
    AS $$ SELECT coalesce(current_setting('lake.copied', true), '0')::bigint $$;
"""
_COPY: Final = re.compile(
    r"^\s*copy\s+([\w.]+)\s+from\s+'s3://([^/']+)/([^']+)'\s+iam_role\s+(default|'arn:aws:iam::\d{12}:role/[^']+')\s+"
    r"format\s+as\s+parquet\s+manifest\s+statupdate\s+off\s*;?\s*$"
)
_COMMENT: Final = re.compile(r"^\s*--.*\n", re.MULTILINE)
_BEGIN: Final = re.compile(r"^\s*begin\b(.*)$", re.IGNORECASE)
_KINDS: Final = {
    16: "bool", 20: "int8", 21: "int2", 23: "int4", 25: "text", 700: "float4", 701: "float8", 1042: "bpchar",
    1043: "varchar", 1082: "date", 1114: "timestamp", 1184: "timestamptz", 1700: "numeric",
}  # fmt: skip


class RefusedError(Exception):
    """The statement failed; the text is Redshift's."""


@dataclass(frozen=True)
class Result:
    """Rows as the API's fields (None: the statement gives none), their columns, and how many rows were touched."""

    columns: tuple[dict[str, Any], ...]
    records: tuple[tuple[dict[str, Any], ...], ...] | None
    rows: int


@dataclass
class Database:
    """One PostgreSQL session behind the API."""

    connection: psycopg.Connection[Any]
    uri: str

    @classmethod
    def open(cls, uri: str) -> Database:
        return cls(psycopg.connect(uri, autocommit=True, prepare_threshold=None), uri)

    @property
    def pid(self) -> int:
        """What Redshift calls the session's process."""
        return self.connection.info.backend_pid

    def run(self, sql: str, parameters: Mapping[str, str], query: int) -> Result:
        """One statement.

        Raises:
            RefusedError: it failed.
        """
        copy = _COPY.match(_COMMENT.sub("", sql))
        if copy:
            return self._copy(copy, query)
        begin = _BEGIN.match(sql)
        text = f"BEGIN ISOLATION LEVEL REPEATABLE READ {begin[1]}" if begin else transpiled(sql, "postgres")
        try:
            if parameters:
                cursor = self.connection.execute(formatted(text, parameters).encode(), parameters)
            else:
                cursor = self.connection.execute(text.encode())
        except psycopg.Error as error:
            raise RefusedError(_redshifts(error)) from None
        if cursor.description is None:
            return Result((), None, max(cursor.rowcount, 0))
        columns = tuple(_column(item) for item in cursor.description)
        records = tuple(tuple(map(_field, row)) for row in cursor.fetchall())
        return Result(columns, records, len(records))

    def spoil(self) -> None:
        """A statement failed: the transaction takes no other any more."""
        with suppress(psycopg.Error):
            self.connection.execute("SELECT 1 / 0")

    def close(self) -> None:
        """What was not committed is undone."""
        with suppress(psycopg.Error):
            self.connection.close()

    def _copy(self, found: re.Match[str], query: int) -> Result:
        table, bucket, key = found[1], found[2], found[3]
        statement = Statement("", "copy", 1, table, Kind.COPY, table=table)
        try:
            copied = PostgresWarehouse(self.connection, store_for(f"s3://{bucket}")).copy(statement, key)
        except WarehouseError as error:
            self._note(error, query)
            self.spoil()
            raise RefusedError(
                f"ERROR: Load into table '{table}' failed. Check 'sys_load_error_detail' for details."
            ) from None
        self.connection.execute("SELECT set_config('lake.copied', %s, false)", [str(copied)])
        return Result((), None, copied)

    def _note(self, error: WarehouseError, query: int) -> None:
        """What COPY found wrong is written beside the transaction, as Redshift's system views are."""
        file = error.where.rsplit(": ", 1)[-1]
        with psycopg.connect(self.uri, autocommit=True) as beside:
            beside.execute(
                "INSERT INTO public.sys_load_error_detail VALUES (%s, %s, now(), %s, 0, '', '', '', 1214, %s)",
                [query, self.pid, f"s3://lake/{file}", f"{error.what}, Value 'someone@example.org'"],
            )


def _redshifts(error: psycopg.Error) -> str:
    """The failure in Redshift's words where they are known to differ: two that create one thing at once."""
    if error.sqlstate == "23505" and error.diag.schema_name == "pg_catalog":
        return "ERROR: could not complete because of conflict with concurrent transaction"
    return f"ERROR: {error.diag.message_primary or error}"


def _column(item: psycopg.Column) -> dict[str, Any]:
    kind = _KINDS.get(item.type_code, "varchar")
    return {"name": item.name, "label": item.name, "typeName": kind, "nullable": 1, "precision": 0, "scale": 0,
            "isCaseSensitive": False, "isCurrency": False, "isSigned": False, "schemaName": "", "tableName": "", "length": 0}  # fmt: skip


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": _shown(value)}


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value).rstrip("0") if "." in str(value) else str(value)
    if isinstance(value, date | Decimal):
        return str(value)
    return value if isinstance(value, str) else str(value)


def sequence(records: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Records in pages; an empty result is one empty page."""
    return [records[start : start + size] for start in range(0, len(records), size)] or [()]
