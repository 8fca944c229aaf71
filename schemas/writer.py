"""What a writer schema (Avro, as Debezium and its converters register it) says of a table's row, as frozen values.

Debezium's semantic types stand in `connect.name`; the Avro type alone does not tell a date from a number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import LakeError
from schemas.types import ColumnType

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
CONNECT: Final = "org.apache.kafka.connect.data."
DEBEZIUM_TIME: Final = "io.debezium.time."
DEBEZIUM_DATA: Final = "io.debezium.data."


class WriterSchemaError(LakeError):
    """A writer schema is no Debezium envelope or key."""


@dataclass(frozen=True)
class WriterField:
    """A field of a row: Avro type, semantic name (`connect.name`, empty if none), parameters, whether it may be null.

    `scale` and `precision` are those of a fixed decimal, -1 where there are none.
    """

    name: str
    avro: str
    semantic: str = ""
    logical: str = ""
    optional: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    precision: int = -1
    scale: int = -1


def row_fields(text: str, where: str = "writer schema") -> tuple[WriterField, ...]:
    """The fields of the row inside an envelope (`after`), or of a key or plain record.

    Args:
        text: the schema's JSON.
        where: named in errors.

    Raises:
        WriterSchemaError: the text is no Avro record, or its row is none.
    """
    try:
        root = json.loads(text)
    except ValueError:
        raise WriterSchemaError("it is not JSON", where=where, remedy=_REMEDY) from None
    if not isinstance(root, dict) or root.get("type") != "record":
        raise WriterSchemaError("it is not an Avro record", where=where, remedy=_REMEDY)
    named = _named_types(root, "", {})
    members = {item["name"]: item["type"] for item in root["fields"]}
    if {"op", "after"} <= set(members):
        row, _ = _resolved(members["after"], named, root.get("namespace", ""))
        if row.get("type") != "record":
            raise WriterSchemaError("its 'after' is not a record", where=where, remedy=_REMEDY)
        namespace, root = root.get("namespace", ""), row
    else:
        namespace = ""
    namespace = root.get("namespace", namespace)
    return tuple(_field(item, named, namespace) for item in root["fields"])


def named_types(root: Mapping[str, Any]) -> dict[str, Any]:
    """Every record, enum and fixed of a schema by full name."""
    return _named_types(root, "", {})


def suggested_type(item: WriterField) -> ColumnType:
    """The contract type that holds every value of a field, as a draft or an added column has it."""
    found = _SEMANTIC.get(item.semantic)
    if found is None and item.semantic in (f"{CONNECT}Decimal", ""):
        found = _decimal(item) or _PLAIN.get(item.avro)
    if item.avro == "int" and not item.semantic and item.parameters.get("connect.type") in ("int8", "int16"):
        found = "smallint"
    return ColumnType(found or _PLAIN.get(item.avro, "json"))


_REMEDY: Final = "name the schema of a Debezium topic's value"
_SEMANTIC: Final = {
    f"{DEBEZIUM_TIME}Date": "date",
    f"{DEBEZIUM_TIME}IsoDate": "date",
    f"{DEBEZIUM_TIME}Timestamp": "timestamp",
    f"{DEBEZIUM_TIME}MicroTimestamp": "timestamp",
    f"{DEBEZIUM_TIME}NanoTimestamp": "timestamp",
    f"{DEBEZIUM_TIME}ZonedTimestamp": "timestamp",
    f"{DEBEZIUM_TIME}IsoTimestamp": "timestamp",
    f"{DEBEZIUM_TIME}Time": "varchar(32)",
    f"{DEBEZIUM_TIME}MicroTime": "varchar(32)",
    f"{DEBEZIUM_TIME}NanoTime": "varchar(32)",
    f"{DEBEZIUM_TIME}ZonedTime": "varchar(32)",
    f"{DEBEZIUM_TIME}IsoTime": "varchar(32)",
    f"{DEBEZIUM_TIME}Year": "int",
    f"{DEBEZIUM_TIME}MicroDuration": "bigint",
    f"{DEBEZIUM_TIME}NanoDuration": "bigint",
    f"{DEBEZIUM_TIME}Interval": "varchar(64)",
    f"{CONNECT}Date": "date",
    f"{CONNECT}Time": "varchar(32)",
    f"{CONNECT}Timestamp": "timestamp",
    f"{DEBEZIUM_DATA}Uuid": "uuid",
    f"{DEBEZIUM_DATA}Json": "json",
    f"{DEBEZIUM_DATA}Bits": "binary",
    f"{DEBEZIUM_DATA}Enum": "varchar(255)",
    f"{DEBEZIUM_DATA}EnumSet": "varchar(1024)",
    f"{DEBEZIUM_DATA}VariableScaleDecimal": "decimal(38,10)",
}
_PLAIN: Final = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "bytes": "binary",
    "enum": "varchar(255)",
    "fixed": "binary",
}


def _decimal(item: WriterField) -> str:
    if item.scale < 0:
        return ""
    precision = min(38, item.precision if item.precision > 0 else 38)
    return f"decimal({max(precision, item.scale, 1)},{item.scale})" if item.scale <= 38 else "decimal(38,10)"


def _field(item: Mapping[str, Any], named: Mapping[str, Any], namespace: str) -> WriterField:
    kind, optional = _resolved(item["type"], named, namespace)
    parameters = {str(name): str(value) for name, value in (kind.get("connect.parameters") or {}).items()}
    if "connect.type" in kind:
        parameters["connect.type"] = str(kind["connect.type"])
    semantic = str(kind.get("connect.name", ""))
    decimal = semantic == f"{CONNECT}Decimal" or kind.get("logicalType") == "decimal"
    precision = kind.get("precision", parameters.get("connect.decimal.precision", -1))
    scale = kind.get("scale", parameters.get("scale", 0))
    return WriterField(
        name=str(item["name"]),
        avro=str(kind.get("type", "union")),
        semantic=semantic,
        logical=str(kind.get("logicalType", "")),
        optional=optional,
        parameters=parameters,
        precision=int(precision) if decimal else -1,
        scale=int(scale) if decimal else -1,
    )


def _resolved(kind: Any, named: Mapping[str, Any], namespace: str) -> tuple[Mapping[str, Any], bool]:
    """The one type that a field has beside null, with references followed, and whether null is among its types."""
    if isinstance(kind, list):
        others = [part for part in kind if part != "null"]
        inner, _ = _resolved(others[0], named, namespace) if len(others) == 1 else ({"type": "union"}, False)
        return inner, len(others) < len(kind)
    if isinstance(kind, str):
        if kind in PRIMITIVES:
            return {"type": kind}, False
        return named.get(kind) or named.get(f"{namespace}.{kind}") or {"type": "union"}, False
    if isinstance(kind.get("type"), (dict, list)):
        return _resolved(kind["type"], named, namespace)
    return kind, False


def _named_types(node: Any, namespace: str, found: dict[str, Any]) -> dict[str, Any]:
    if isinstance(node, list):
        for part in node:
            _named_types(part, namespace, found)
    elif isinstance(node, dict):
        namespace = node.get("namespace", namespace)
        if node.get("type") in ("record", "enum", "fixed"):
            name = str(node.get("name", ""))
            found[name if "." in name or not namespace else f"{namespace}.{name}"] = node
        for part in ("fields", "items", "values"):
            _named_types(node.get(part), namespace, found)
        if isinstance(node.get("type"), (dict, list)):
            _named_types(node["type"], namespace, found)
    return found
