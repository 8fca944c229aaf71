"""What a table looks like where it exists: in the schema registry, or in the source database."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from schemas.errors import LakeError
from schemas.types import ColumnType
from schemas.writer import WriterField, row_fields, suggested_type

NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,99}$")
_TIMEOUT: Final = 10.0


class ShapeError(LakeError):
    """The table or topic is not there, or cannot be asked about."""


@dataclass(frozen=True)
class FoundColumn:
    """A column as it exists: the contract type that holds it, and the writer's field where a registry tells."""

    name: str
    type: ColumnType
    nullable: bool
    comment: str = ""
    field: WriterField | None = None


@dataclass(frozen=True)
class FoundTable:
    """A table as it exists: its topic, key and columns."""

    table: str
    topic: str
    key: tuple[str, ...]
    columns: tuple[FoundColumn, ...]
    origin: str
    source_schema: str = "public"


def from_registry(url: str, topic: str, table: str = "") -> FoundTable:
    """The table behind a topic, from the newest schemas of its key and value.

    Args:
        url: Confluent-compatible API of the registry.
        topic: the topic; subjects are `<topic>-key` and `<topic>-value`.
        table: contract name; the last part of the topic's name but `cdc` where none is given.

    Raises:
        ShapeError: the registry is down, or knows no value schema of the topic.
        WriterSchemaError: the schema is no Debezium envelope.
    """
    value = newest_schema(url, f"{topic}-value")
    if value is None:
        remedy = "check the topic's name; a topic has a schema once its first record is written"
        raise ShapeError("the registry knows no value schema of the topic", where=topic, remedy=remedy)
    key = newest_schema(url, f"{topic}-key")
    keys = tuple(item.name.lower() for item in row_fields(key, where=f"{topic}-key")) if key else ()
    columns = tuple(
        FoundColumn(item.name.lower(), suggested_type(item), item.optional and item.name.lower() not in keys, "", item)
        for item in row_fields(value, where=f"{topic}-value")
    )
    return FoundTable(table or table_of(topic), topic, keys, columns, f"topic {topic}")


def newest_schema(url: str, subject: str) -> str | None:
    """Text of a subject's newest schema; None where the registry has no such subject.

    Raises:
        ShapeError: the registry does not answer.
    """
    address = f"{url.rstrip('/')}/subjects/{quote(subject, safe='')}/versions/latest"
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as response:
            return str(json.load(response)["schema"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        what = f"the registry answers {error.code}"
        raise ShapeError(what, where=address, remedy="see its log: lake status") from None
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError):
        raise ShapeError("the registry does not answer", where=address, remedy="start it: lake up") from None


def table_of(topic: str) -> str:
    """Contract name of a topic's table: `retail.customer.cdc` is `customer`."""
    parts = [part for part in topic.split(".") if part != "cdc"]
    return re.sub(r"[^a-z0-9_]", "_", parts[-1].lower())


_POSTGRES: Final = {
    "bool": "boolean", "int2": "smallint", "int4": "int", "int8": "bigint", "float4": "float", "float8": "double",
    "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp", "time": "varchar(32)",
    "timetz": "varchar(32)", "uuid": "uuid", "json": "json", "jsonb": "json", "text": "string", "bytea": "binary",
    "money": "decimal(19,2)", "interval": "bigint", "inet": "varchar(64)", "cidr": "varchar(64)",
    "macaddr": "varchar(32)", "xml": "string", "citext": "string", "oid": "bigint", "hstore": "json",
    "bit": "binary", "varbit": "binary",
}  # fmt: skip
_COLUMNS: Final = """
SELECT a.attname, t.typname, t.typtype, t.typcategory, a.atttypmod, a.attnotnull, col_description(a.attrelid, a.attnum),
       coalesce(a.attnum = ANY (i.indkey), false) AS in_key, array_position(i.indkey::int2[], a.attnum) AS key_place
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


def from_postgres(dsn: str, table: str, topic: str, schema: str = "public") -> FoundTable:
    """A table of a PostgreSQL database, with its primary key, types, nullability and comments.

    Args:
        dsn: libpq connection string.
        table: its name.
        topic: the topic that its changes go to.
        schema: its schema.

    Raises:
        ShapeError: the database does not answer, or has no such table.
    """
    import psycopg

    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            rows = connection.execute(_COLUMNS, (schema, table)).fetchall()
    except psycopg.OperationalError:
        # The driver's text may quote the connection string, which holds a password.
        raise ShapeError("the source database does not answer", where=schema, remedy="start it: lake up") from None
    if not rows:
        where, remedy = f"{schema}.{table}", "check the name, or write <schema>.<table>"
        raise ShapeError("the source database has no such table", where=where, remedy=remedy)
    keyed = sorted((row[8], row[0]) for row in rows if row[7])
    columns = tuple(FoundColumn(row[0], _postgres_type(row), not row[5], row[6] or "") for row in rows)
    return FoundTable(table, topic, tuple(name for _, name in keyed), columns, f"table {schema}.{table}", schema)


def _postgres_type(row: Any) -> ColumnType:
    name, kind, category, modifier = row[1], row[2], row[3], row[4]
    if kind == "e":
        return ColumnType("varchar(255)")
    if category == "A" or kind == "c":
        return ColumnType("json")
    if name == "numeric":
        return _numeric(modifier)
    if name in ("varchar", "bpchar"):
        # PostgreSQL counts characters, of up to four bytes each.
        return ColumnType(f"varchar({min(65535, 4 * (modifier - 4))})" if modifier > 4 else "string")
    return ColumnType(_POSTGRES.get(name, "string"))


def _numeric(modifier: int) -> ColumnType:
    if modifier < 4:
        return ColumnType("decimal(38,10)")
    precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF
    return ColumnType(f"decimal({min(38, max(precision, scale))},{min(38, scale)})")
