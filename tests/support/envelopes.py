"""Change events as Debezium and the Avro converters write them, made by fastavro, without Kafka.

`AVRO` names column types in Debezium's encodings; `envelope_schema` and `key_schema` build the writer schemas of a
table; `change` makes one event; `framed`/`framed_glue` put the registry's header in front of its bytes.
"""

from __future__ import annotations

import io
import json
import uuid
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro
from fastavro.types import Schema

Json = dict[str, Any]
AvroType = str | Json | list[Any]


def semantic(avro: str, name: str) -> Json:
    """An Avro type with Debezium's semantic name."""
    return {"type": avro, "connect.version": 1, "connect.name": name}


def decimal(precision: int, scale: int) -> Json:
    """A fixed-scale decimal, as `decimal.handling.mode=precise` gives it."""
    return {
        "type": "bytes",
        "scale": scale,
        "precision": precision,
        "connect.version": 1,
        "connect.parameters": {"scale": str(scale), "connect.decimal.precision": str(precision)},
        "connect.name": "org.apache.kafka.connect.data.Decimal",
        "logicalType": "decimal",
    }


AVRO: Final[Mapping[str, AvroType]] = {
    "bigint": "long",
    "int": "int",
    "smallint": {"type": "int", "connect.type": "int16"},
    "double": "double",
    "real": "float",
    "boolean": "boolean",
    "text": "string",
    "bytes": "bytes",
    "uuid": semantic("string", "io.debezium.data.Uuid"),
    "json": semantic("string", "io.debezium.data.Json"),
    "date": semantic("int", "io.debezium.time.Date"),
    "micro_time": semantic("long", "io.debezium.time.MicroTime"),
    "timestamp_ms": semantic("long", "io.debezium.time.Timestamp"),
    "timestamp_us": semantic("long", "io.debezium.time.MicroTimestamp"),
    "timestamp_ns": semantic("long", "io.debezium.time.NanoTimestamp"),
    "timestamptz": semantic("string", "io.debezium.time.ZonedTimestamp"),
}


def nullable(avro: AvroType) -> list[Any]:
    """Optional column: a union with null first."""
    return ["null", avro]


def _field(name: str, avro: AvroType) -> Json:
    optional = isinstance(avro, list) and avro and avro[0] == "null"
    return {"name": name, "type": avro} | ({"default": None} if optional else {})


_COMMON_SOURCE: Final[Sequence[tuple[str, AvroType]]] = (
    ("version", "string"),
    ("connector", "string"),
    ("name", "string"),
    ("ts_ms", "long"),
    ("snapshot", nullable("string")),
    ("db", "string"),
    ("sequence", nullable("string")),
    ("ts_us", nullable("long")),
    ("ts_ns", nullable("long")),
)
_OWN_SOURCE: Final[Mapping[str, Sequence[tuple[str, AvroType]]]] = {
    "postgresql": (
        ("schema", "string"),
        ("table", "string"),
        ("txId", nullable("long")),
        ("lsn", nullable("long")),
        ("xmin", nullable("long")),
    ),
    "sqlserver": (
        ("schema", "string"),
        ("table", "string"),
        ("change_lsn", nullable("string")),
        ("commit_lsn", nullable("string")),
        ("event_serial_no", nullable("long")),
    ),
    "mysql": (
        ("table", nullable("string")),
        ("server_id", "long"),
        ("gtid", nullable("string")),
        ("file", "string"),
        ("pos", "long"),
        ("row", "int"),
        ("thread", nullable("long")),
        ("query", nullable("string")),
    ),
}


def source_schema(connector: str = "postgresql") -> Json:
    """Debezium's source block of the connector (`postgresql`, `sqlserver` or `mysql`)."""
    fields = [_field(name, avro) for name, avro in (*_COMMON_SOURCE, *_OWN_SOURCE[connector])]
    return {"type": "record", "name": "Source", "namespace": f"io.debezium.connector.{connector}", "fields": fields}


def key_schema(table: str, columns: Mapping[str, AvroType], *, namespace: str = "") -> Json:
    """Writer schema of the record key."""
    fields = [_field(name, avro) for name, avro in columns.items()]
    return {"type": "record", "name": "Key", "namespace": namespace or f"retail.public.{table}", "fields": fields}


def envelope_schema(
    table: str, columns: Mapping[str, AvroType], *, connector: str = "postgresql", namespace: str = ""
) -> Json:
    """Writer schema of the record value: Debezium's envelope around a row of `columns`."""
    namespace = namespace or f"retail.public.{table}"
    row = {"type": "record", "name": "Value", "fields": [_field(name, avro) for name, avro in columns.items()]}
    block = {
        "type": "record",
        "name": "block",
        "namespace": "event",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "total_order", "type": "long"},
            {"name": "data_collection_order", "type": "long"},
        ],
    }
    fields = [
        {"name": "before", "type": ["null", row], "default": None},
        {"name": "after", "type": ["null", f"{namespace}.Value"], "default": None},
        {"name": "source", "type": source_schema(connector)},
        {"name": "transaction", "type": ["null", block], "default": None},
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"], "default": None},
        {"name": "ts_us", "type": ["null", "long"], "default": None},
        {"name": "ts_ns", "type": ["null", "long"], "default": None},
    ]
    return {"type": "record", "name": "Envelope", "namespace": namespace, "fields": fields}


def source_block(table: str, *, connector: str = "postgresql", ts_us: int, snapshot: bool = False, **own: Any) -> Json:
    """A source block; `own` gives the connector's fields (`lsn`; `commit_lsn`, …; `file`, `pos`, `row`)."""
    common = {
        "version": "3.4.1.Final",
        "connector": connector,
        "name": "retail",
        "ts_ms": ts_us // 1000,
        "snapshot": "true" if snapshot else "false",
        "db": "retail",
        "sequence": None,
        "ts_us": ts_us,
        "ts_ns": ts_us * 1000,
    }
    defaults: dict[str, Json] = {
        "postgresql": {"schema": "public", "table": table, "txId": 1, "lsn": None, "xmin": None},
        "sqlserver": {"schema": "dbo", "table": table, "change_lsn": None, "commit_lsn": None, "event_serial_no": None},
        "mysql": {
            "table": table,
            "server_id": 1,
            "gtid": None,
            "file": "",
            "pos": 0,
            "row": 0,
            "thread": 7,
            "query": None,
        },
    }
    return common | defaults[connector] | own


def change(
    op: str,
    *,
    before: Json | None = None,
    after: Json | None = None,
    source: Json,
    transaction: Json | None = None,
    ts_us: int | None = None,
) -> Json:
    """One envelope, as a value of `envelope_schema`."""
    now = ts_us if ts_us is not None else source["ts_ms"] * 1000
    return {
        "before": before,
        "after": after,
        "source": source,
        "transaction": transaction,
        "op": op,
        "ts_ms": now // 1000,
        "ts_us": now,
        "ts_ns": now * 1000,
    }


def pg_change(
    op: str,
    table: str,
    *,
    lsn: int | None,
    ts_us: int,
    before: Json | None = None,
    after: Json | None = None,
) -> Json:
    """A PostgreSQL change at `lsn` (an incremental snapshot's row has none) and source time `ts_us`."""
    return change(op, before=before, after=after, source=source_block(table, ts_us=ts_us, snapshot=op == "r", lsn=lsn))


def avro_bytes(schema: Json, value: Json) -> bytes:
    """Avro binary of one value, without framing."""
    out = io.BytesIO()
    parsed: Schema = fastavro.parse_schema(schema)
    fastavro.schemaless_writer(out, parsed, value)
    return out.getvalue()


def framed(schema_id: int, payload: bytes) -> bytes:
    """Confluent framing: 0x00, 4-byte id, Avro."""
    return b"\x00" + schema_id.to_bytes(4, "big") + payload


def framed_glue(version_id: str, payload: bytes, *, compressed: bool = False) -> bytes:
    """Glue Schema Registry framing: 0x03, compression byte, 16-byte schema version UUID, Avro."""
    body = zlib.compress(payload) if compressed else payload
    return b"\x03" + (b"\x05" if compressed else b"\x00") + uuid.UUID(version_id).bytes + body


def schema_text(schema: Json) -> str:
    """The schema as a registry hands it out."""
    return json.dumps(schema)
