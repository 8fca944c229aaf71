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


LARGEST_SCHEMA: Final = 4 * 1024 * 1024
"""Characters of a schema; an envelope of a table with a thousand columns has a few hundred thousand."""
MOST_PARTS: Final = 20_000
"""Fields, items and branches of a schema with every reference followed."""
DEEPEST: Final = 32
"""Records, arrays and maps within one another."""


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
    root: Mapping[str, Any] = record_schema(text, where)
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


def record_schema(text: str, where: str = "writer schema") -> dict[str, Any]:
    """A registry's text as an Avro record that is safe to work with.

    Who may write to the registry chooses the text: nesting, length and references (each record may hold the one before
    it twice, so that thirty of them have a thousand million fields) are bounded before anybody follows them.

    Raises:
        WriterSchemaError: it is no Avro record, is recursive, or is beyond a bound.
    """
    if len(text) > LARGEST_SCHEMA:
        raise _unsafe(f"it has more than {LARGEST_SCHEMA:,} characters", where)
    try:
        root = json.loads(text)
    except RecursionError:
        raise _unsafe("it is nested too deep", where) from None
    except ValueError:
        raise WriterSchemaError("it is not JSON", where=where, remedy=_REMEDY) from None
    if not isinstance(root, dict) or root.get("type") != "record":
        raise WriterSchemaError("it is not an Avro record", where=where, remedy=_REMEDY)
    try:
        parts, _ = _Expanded(_named_types(root, "", {}), where).of(root, "", 0)
    except RecursionError:
        raise _unsafe("it is nested too deep", where) from None
    if parts > MOST_PARTS:
        raise _unsafe(f"it has more than {MOST_PARTS:,} parts", where)
    return root


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


def _unsafe(what: str, where: str) -> WriterSchemaError:
    return WriterSchemaError(what, where=where, remedy="register a schema within the bounds of schemas/writer.py")


@dataclass
class _Expanded:
    """Counts parts and depth with references followed, each named record once."""

    named: Mapping[str, Any]
    where: str
    known: dict[int, tuple[int, int] | None] = field(default_factory=dict)

    def of(self, node: Any, namespace: str, depth: int) -> tuple[int, int]:
        """Parts under a node, and how deep they lie."""
        if depth > DEEPEST:
            raise _unsafe("it is nested too deep", self.where)
        if isinstance(node, str):
            node = self.named.get(node) or self.named.get(f"{namespace}.{node}") or node
        if isinstance(node, list):
            return self._together([self.of(part, namespace, depth) for part in node])
        if not isinstance(node, dict):
            return 1, 0
        if node.get("type") != "record":
            inner = [
                node[part] for part in ("items", "values", "type") if isinstance(node.get(part), (dict, list, str))
            ]
            parts, deep = self._together([self.of(part, namespace, depth + 1) for part in inner])
            return parts, deep + 1
        return self._record(node, str(node.get("namespace", namespace)), depth)

    def _record(self, node: Mapping[str, Any], namespace: str, depth: int) -> tuple[int, int]:
        place = id(node)
        if place in self.known:
            found = self.known[place]
            if found is None:
                raise _unsafe("it is recursive", self.where)
            if depth + found[1] > DEEPEST:
                raise _unsafe("it is nested too deep", self.where)
            return found
        self.known[place] = None
        fields = node.get("fields")
        types = [item.get("type") for item in fields if isinstance(item, dict)] if isinstance(fields, list) else []
        parts, deep = self._together([self.of(kind, namespace, depth + 1) for kind in types])
        self.known[place] = (parts, deep + 1)
        return parts, deep + 1

    def _together(self, found: list[tuple[int, int]]) -> tuple[int, int]:
        return 1 + sum(parts for parts, _ in found), max((deep for _, deep in found), default=0)


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
