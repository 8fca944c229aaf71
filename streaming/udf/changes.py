"""One Kafka record to one change of a contract's table, or to the reason why it gives none.

The steps are those of the batch route: `streaming.envelope` (is it a change at all?), `glue_jobs.transforms.conform`
(its row in contract types) and `glue_jobs.transforms.quality` (keys, nullability and conversions; a contract's own
checks are Spark expressions, and are left to the batch).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.streamed import StreamedColumn, StreamedContract
from schemas.writer import suggested_type
from streaming.reasons import Reason
from streaming.udf import framing, positions
from streaming.udf.avro import Writer, checked, read
from streaming.udf.faults import Fault, FaultError
from streaming.udf.values import NoRuleError, Written, held, is_unavailable

OPS: Final = frozenset({"c", "u", "d", "r", "t"})
TOMBSTONE: Final = "x"
DELETE, TRUNCATE, SNAPSHOT = "d", "t", "r"

WriterOf = Callable[[str], Writer]
"""Gives the writer schema of an id; raises FaultError where the registry holds none that can be read."""


@dataclass
class Row:
    """A row image in contract types: texts by column (NULLs left out), columns that are unavailable, failed checks."""

    values: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    unavailable: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Decoded:
    """A record's parts: the key and the value with the schemas they were written by; None where there are none."""

    key: Mapping[str, Any] | None
    value: Mapping[str, Any] | None
    key_writer: Writer | None
    value_writer: Writer | None
    schema_id: str


def change(contract: StreamedContract, key: bytes | None, value: bytes | None, writer_of: WriterOf) -> dict[str, Any]:
    """The record as a change: op, position, identity, source time, writer schema, and the row in contract types.

    Args:
        contract: of the record's table.
        key: the record's key, framed.
        value: its value, framed; None in a tombstone.
        writer_of: where writer schemas come from.

    Raises:
        FaultError: the record gives no change.
    """
    record = _decoded(key, value, writer_of)
    if record.value is None:
        return {"op": TOMBSTONE}
    op, source = _judged(record.value)
    position = None if op == SNAPSHOT else positions.position(source)
    if op != SNAPSHOT and position is None:
        raise FaultError(Reason.NO_POSITION)
    row = _row(contract, record, op)
    found: dict[str, Any] = {
        "op": op,
        "position": position,
        "identity": None if op == SNAPSHOT else _identity(record, position, positions.position_id(source), op),
        "source_ts": positions.source_time(source),
        "schema_id": record.schema_id,
    }
    if row.failed:
        return found | {"fault": {"reason": "rejected", "detail": ",".join(row.failed)}}
    if row.unavailable:
        found["unavailable"] = f",{','.join(row.unavailable)},"
    if row.added:
        found["added"] = row.added
    return found | {"image": row.values}


def _decoded(key: bytes | None, value: bytes | None, writer_of: WriterOf) -> Decoded:
    if key is None and value is None:
        raise FaultError(Reason.EMPTY_RECORD)
    framed_key = None if key is None else framing.opened(key)
    framed_value = None if value is None else framing.opened(value)
    key_writer = None if framed_key is None else writer_of(framed_key.schema_id)
    value_writer = None if framed_value is None else writer_of(framed_value.schema_id)
    key_part = value_part = None
    if framed_key is not None and key_writer is not None:
        key_part = read(key_writer, framed_key.payload, Reason.UNDECODABLE_KEY)
    if framed_value is not None and value_writer is not None:
        value_part = read(value_writer, framed_value.payload, Reason.UNDECODABLE_VALUE)
    schema_id = "" if framed_value is None else framed_value.schema_id
    return Decoded(key_part, value_part, key_writer, value_writer, schema_id)


def _judged(value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The envelope's op and source block."""
    op, source = value.get("op"), value.get("source")
    if op is None:
        raise FaultError(Reason.NO_OP)
    if not isinstance(source, dict):
        raise FaultError(Reason.NO_SOURCE)
    if op not in OPS:
        raise FaultError(Reason.UNKNOWN_OP)
    return op, source


def _identity(record: Decoded, position: str | None, position_id: str | None, op: str) -> str:
    """What a connector's re-emission shares with the change; NULLs left out, so a new empty column changes nothing."""
    value = record.value or {}
    content = [position, position_id, op, record.key, value.get("before"), value.get("after")]
    text = json.dumps(_without_nulls(content), sort_keys=True, default=bytes.hex)
    return hashlib.md5(text.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_nulls(item) for name, item in node.items() if item is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node


def _row(contract: StreamedContract, record: Decoded, op: str) -> Row:
    value = record.value or {}
    image = value.get("before") if op == DELETE else value.get("after")
    row = Row()
    if op == TRUNCATE:
        return row
    assert record.value_writer is not None
    _require_columns(contract, record)
    for column in contract.columns:
        _place(column, contract, record, image or {}, row)
    missing = [f"key:{name}" for name in contract.key if name not in row.values]
    if op == DELETE:
        return Row(row.values, failed=missing)
    _add(contract, record.value_writer, image or {}, row)
    no_image = [] if isinstance(image, dict) else ["envelope:no_row_image"]
    nulls = [
        f"null:{item.name}"
        for item in contract.columns
        if not item.nullable and item.name not in (*contract.key, *row.values, *row.unavailable)
    ]
    row.failed = [*row.failed, *missing, *no_image, *nulls]
    return row


def _place(
    column: StreamedColumn, contract: StreamedContract, record: Decoded, image: Mapping[str, Any], row: Row
) -> None:
    """A contract column's value: a key column's from the record's key, if that has it."""
    part, writer = image, record.value_writer
    keyed = column.name in contract.key and record.key_writer is not None and column.name in record.key_writer.row
    if keyed:
        part, writer = record.key or {}, record.key_writer
    assert writer is not None
    found = writer.row.get(column.name)
    if found is None:
        return
    name, written = found
    raw = checked(part.get(name), written.field, Reason.UNDECODABLE_KEY if keyed else Reason.UNDECODABLE_VALUE)
    if keyed:
        written = _meaning(column.name, written, record)
    if raw is None:
        return
    if not keyed and is_unavailable(raw):
        row.unavailable.append(column.name)
        return
    text = _held(raw, written, column)
    if text is None:
        row.failed.append(f"type:{column.name}")
    else:
        row.values[column.name] = text


def _meaning(name: str, written: Written, record: Decoded) -> Written:
    """How a key column is read: as the row's schema says of it; by its Avro type alone where that lacks it."""
    row = {} if record.value_writer is None else record.value_writer.row
    return row[name][1] if name in row else replace(written, field=replace(written.field, semantic=""))


def _held(raw: Any, written: Written, column: StreamedColumn) -> str | None:
    try:
        return held(raw, written, column.type)
    except NoRuleError as error:
        raise FaultError(Fault.INCOMPATIBLE_SCHEMA, f"column {column.name}: {error}") from None


def _require_columns(contract: StreamedContract, record: Decoded) -> None:
    assert record.value_writer is not None
    own = record.key_writer.row if record.key_writer is not None else {}
    for column in contract.columns:
        keyed = column.name in contract.key
        if column.name in record.value_writer.row or (keyed and column.name in own):
            continue
        if keyed or not column.nullable:
            raise FaultError(Fault.INCOMPATIBLE_SCHEMA, f"column {column.name} is gone")


def _add(contract: StreamedContract, writer: Writer, image: Mapping[str, Any], row: Row) -> None:
    """Columns beyond the contract: kept for a later view, or refused, as the contract says."""
    known = {column.name for column in contract.columns}
    new = {name: found for name, found in writer.row.items() if name not in known}
    if new and contract.evolution == "freeze":
        raise FaultError(Fault.INCOMPATIBLE_SCHEMA, f"columns beyond the contract: {', '.join(sorted(new))}")
    for name, (written_name, written) in new.items():
        raw = image.get(written_name)
        if raw is None:
            continue
        if contract.evolution == "discard":
            row.failed.append(f"evolution:{name}")
        elif not is_unavailable(raw):
            text = _held(raw, written, StreamedColumn(name, suggested_type(written.field), True))
            if text is None:
                row.failed.append(f"type:{name}")
            else:
                row.added[name] = text
