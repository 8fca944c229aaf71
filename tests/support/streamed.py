"""The streaming path's own SQL on DuckDB, over Kafka records in tables.

What stands for Redshift: a table per topic with the columns of a streaming view's source, a materialized view as a table
that a refresh appends to, SUPER as VARIANT, the external function as a function that asks the packaged one, and empty
tables in place of the system views. Nobody is granted anything: DuckDB has no roles. The statements are those that Redshift gets.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlglot
from duckdb.func import SPECIAL
from duckdb.sqltypes import VARCHAR

from lake.store import LocalStore, Store
from lake.warehouse.dialect import transpiled
from lake.warehouse.duck import DuckWarehouse
from redshift_sql.statements import Kind, Statement
from tests.support.landing import Record

Decode = Callable[[str, Sequence[tuple[bytes | None, bytes | None]]], list[str]]
"""Results of the function for a table's (key, value) records."""
_MADE: Final = re.compile(r"create materialized view (\S+)\n", re.IGNORECASE)
_REFRESHED: Final = re.compile(r"refresh materialized view (\S+)", re.IGNORECASE)
_DROPPED: Final = re.compile(r"drop materialized view if exists (\S+)", re.IGNORECASE)
_ROWS: Final = """CREATE TABLE {} (kafka_partition bigint, kafka_offset bigint, kafka_timestamp_type varchar,
    kafka_timestamp timestamp, kafka_key blob, kafka_value blob, kafka_headers varchar, refresh_time timestamp)"""
_SYSTEM: Final = (
    """CREATE TABLE sys_stream_scan_errors (external_schema_name varchar, stream_name varchar, mv_name varchar,
    transaction_id bigint, query_id bigint, stream_timestamp_type varchar, stream_timestamp timestamp,
    record_time timestamp, partition_id varchar, "position" varchar, error_code integer, error_reason varchar)""",
    "CREATE TABLE sys_mv_refresh_history (schema_name varchar, mv_name varchar, status varchar, end_time timestamp)",
    "CREATE MACRO from_varbyte(x, f) AS to_base64(x)",
    "CREATE MACRO to_varbyte(x, f) AS unhex(x)",
    "CREATE MACRO can_json_parse(x) AS json_valid(CASE WHEN typeof(x) = 'BLOB' THEN decode(x::BLOB) ELSE x::VARCHAR END)",
    "CREATE MACRO super(x) AS CASE WHEN typeof(x) = 'BLOB' THEN decode(x::BLOB) ELSE x::VARCHAR END::JSON::VARIANT",
    "CREATE MACRO getdate() AS TIMESTAMP '2024-05-01 12:10:00'",
)


@dataclass
class Streamed:
    """A DuckDB warehouse with topics in it."""

    decode: Decode
    store: Store = field(default_factory=lambda: LocalStore(Path("/nonexistent")))
    path: Path = Path(":memory:")
    warehouse: DuckWarehouse = field(init=False)
    selects: dict[str, str] = field(default_factory=dict)
    decoded: int = 0

    def __post_init__(self) -> None:
        self.warehouse = DuckWarehouse.open(self.path, self.store)
        for sql in _SYSTEM:
            self.run(sql)
        self.warehouse.connection.create_function(
            "f_decode_change", self._decoded, [VARCHAR, VARCHAR, VARCHAR], VARCHAR, null_handling=SPECIAL
        )
        self.run("CREATE SCHEMA msk")
        self.run("CREATE SCHEMA IF NOT EXISTS staging")

    def close(self) -> None:
        """Ends the session; its function refers to this object."""
        self.warehouse.connection.remove_function("f_decode_change")
        self.warehouse.close()

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """A DuckDB statement."""
        return self.warehouse.connection.execute(sql).fetchall()

    def topic(self, name: str) -> None:
        """An empty topic."""
        self.run(_ROWS.format(f'msk."{name}"'))

    def produce(self, records: Iterable[Record], at: datetime = datetime(2024, 5, 1, 12)) -> None:  # noqa: DTZ001
        """Records at the end of their topic."""
        for record in records:
            self.warehouse.connection.execute(
                f'INSERT INTO msk."{record.topic}" VALUES (?, ?, ?, ?, ?, ?, NULL, ?)',
                [
                    record.partition,
                    record.offset,
                    "C",
                    record.timestamp.replace(tzinfo=None),
                    record.key,
                    record.value,
                    at,
                ],
            )

    def execute(self, plan: Iterable[Statement]) -> list[tuple[Any, ...]]:
        """Statements of the streaming path; rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        for statement in plan:
            sql = "\n".join(line for line in statement.sql.split("\n") if not line.startswith("--"))
            if made := _MADE.search(sql):
                self._make(made[1], sql)
            elif refreshed := _REFRESHED.search(sql):
                self._refresh(refreshed[1])
            elif dropped := _DROPPED.search(sql):
                self.run(f"DROP TABLE {dropped[1]}")
            elif not sql.startswith(("create external", "create or replace external", "set ", "grant ")):
                rows = self.run(as_duckdb(sql))
                assert statement.kind in (Kind.EXECUTE, Kind.CHECK)
        return rows

    def _make(self, name: str, sql: str) -> None:
        select = sqlglot.parse_one(sql[sql.index("\nas\n") + 4 :], read="redshift")
        self.selects[name] = as_duckdb(select.sql("redshift"))
        self.run(f"CREATE TABLE {name} AS {self.selects[name]}")

    def _refresh(self, name: str) -> None:
        topic = re.search(r'FROM (msk\."[^"]+")', self.selects[name])
        assert topic is not None
        fresh = f"{self.selects[name]} AS t WHERE NOT EXISTS (SELECT 1 FROM {name} AS o WHERE o.kafka_partition = t.kafka_partition AND o.kafka_offset = t.kafka_offset)"
        self.run(f"INSERT INTO {name} {fresh}")

    def _decoded(self, table: str, key: str | None, value: str | None) -> str:
        self.decoded += 1
        parts = (None if key is None else b64decode(key), None if value is None else b64decode(value))
        return self.decode(table, [parts])[0]


def as_duckdb(sql: str) -> str:
    """A statement of the streaming path for DuckDB."""
    text = re.sub(r"staging\.f_decode_change", "f_decode_change", transpiled(sql, "duckdb"), flags=re.IGNORECASE)
    text = text.replace("CURRENT_TIMESTAMP", "getdate()")
    return re.sub(r"\bJSON\((\w+)\)", r"super(\1)", text)
