"""Writer schemas made safe for fastavro, and records read by them.

Logical types are taken out: what the bytes say is read, and `values` gives it its meaning. A schema is refused where
the batch route refuses it too: not a record, recursive, or with a part that is nothing but null.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import fastavro

from schemas.errors import LakeError
from schemas.writer import WriterField, named_types, record_schema, row_fields
from streaming.reasons import Reason
from streaming.udf.faults import FaultError
from streaming.udf.values import Written

_VERBATIM: Final = frozenset({"default", "doc", "connect.parameters", "connect.default", "symbols", "aliases"})
_RANGES: Final = {"int": 2**31, "long": 2**63}
_ITEMS: Final = {"array": "items", "map": "values"}


@dataclass(frozen=True)
class Writer:
    """A schema records were written by.

    `parsed` is what fastavro reads with; `row` the columns of the row image (or of the key) by lower-case name, with
    the name as written.
    """

    parsed: Any
    row: Mapping[str, tuple[str, Written]]


def writer(text: str) -> Writer:
    """Analyses a registry's schema.

    Raises:
        FaultError: records of this schema cannot be read.
    """
    try:
        root = record_schema(text)
        named = named_types(root)
        _check(root, _Scope(named, ""))
        parsed = fastavro.parse_schema(_plain(root))
        fields = row_fields(text)
    except (ValueError, LakeError, RecursionError, KeyError, TypeError, AttributeError):
        raise _unusable("not an Avro record") from None
    except fastavro.schema.SchemaParseException:
        raise _unusable("not an Avro schema") from None
    nodes = _row_nodes(root, named)
    row = {item.name.lower(): (item.name, Written(item, nodes.get(item.name), named)) for item in fields}
    if len(row) < len(fields):
        raise _unusable("names differ only in case")
    return Writer(parsed, row)


def read(found: Writer, payload: bytes, reason: Reason) -> dict[str, Any]:
    """The record that the bytes hold; what follows it is left alone.

    Raises:
        FaultError: the bytes do not follow the schema.
    """
    try:
        record = fastavro.schemaless_reader(
            io.BytesIO(payload), found.parsed, None, handle_unicode_errors="surrogateescape"
        )
    except (
        EOFError,
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        RecursionError,
        struct.error,
    ) as error:
        raise FaultError(reason, type(error).__name__) from None
    if not isinstance(record, dict):
        raise FaultError(reason, "no record")
    return record


def checked(value: Any, item: WriterField, reason: Reason) -> Any:
    """A value whose integer is within its Avro type, which the bytes may exceed.

    Raises:
        FaultError: it is not.
    """
    bound = _RANGES.get(item.avro)
    if bound is not None and isinstance(value, int) and not -bound <= value < bound:
        raise FaultError(reason, "integer out of range")
    return value


def _unusable(why: str) -> FaultError:
    return FaultError(Reason.SCHEMA_UNUSABLE, why)


def _plain(node: Any) -> Any:
    """The schema without logical types."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: value for name, value in node.items() if name != "logicalType"}
    return {name: value if name in _VERBATIM else _plain(value) for name, value in kept.items()}


@dataclass(frozen=True)
class _Scope:
    """Where a schema node stands: named schemas, and the namespace there."""

    named: Mapping[str, Any]
    namespace: str

    def full(self, name: str) -> str:
        return name if "." in name or not self.namespace else f"{self.namespace}.{name}"


def _check(node: Any, scope: _Scope) -> None:
    """Refuses items without bytes, of which a few bytes announce many; depth and recursion are bounded before."""
    if _is_null(node):
        raise _unusable("a part can only be null")
    if isinstance(node, dict) and node["type"] == "record":
        _check_record(node, scope)
    elif isinstance(node, dict) and node["type"] == "fixed" and int(node["size"]) < 1:
        raise _unusable("a part has no bytes")
    else:
        for part in _parts(node, scope):
            _check(part, scope)


def _parts(node: Any, scope: _Scope) -> list[Any]:
    """What a node that is no record is made of: branches beside null, items, or the schema it names."""
    if isinstance(node, list):
        return [part for part in node if part != "null"]
    if isinstance(node, str):
        found = scope.named.get(node) or scope.named.get(scope.full(node))
        return [] if found is None else [found]
    if isinstance(node["type"], (dict, list)):
        return [node["type"]]
    return [node[_ITEMS[node["type"]]]] if node["type"] in _ITEMS else []


def _check_record(node: Mapping[str, Any], scope: _Scope) -> None:
    if not node["fields"]:
        raise _unusable("a record has no fields")
    inner = replace(scope, namespace=str(node.get("namespace", "")) or scope.namespace)
    for item in node["fields"]:
        _check(item["type"], inner)


def _is_null(node: Any) -> bool:
    return node in ("null", {"type": "null"}) or (isinstance(node, list) and all(part == "null" for part in node))


def _row_nodes(root: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Schema nodes of the row's columns by name: of `after` in an envelope, else of the record itself."""
    members = {item["name"]: item["type"] for item in root["fields"]}
    row: Any = root
    if {"op", "after"} <= set(members):
        row = _record_of(members["after"], named, str(root.get("namespace", "")))
    return {item["name"]: item["type"] for item in row["fields"]}


def _record_of(node: Any, named: Mapping[str, Any], namespace: str) -> Any:
    if isinstance(node, list):
        return _record_of(next(part for part in node if part != "null"), named, namespace)
    if isinstance(node, str):
        return named.get(node) or named[f"{namespace}.{node}"]
    return _record_of(node["type"], named, namespace) if isinstance(node["type"], (dict, list)) else node
