"""A writer's value to a contract's type, as text that SQL casts: the rules of `docs/types.md`, value by value.

`glue_jobs.transforms.types` has the same rules as Columns; a test holds both against each other, pair by pair.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from schemas.types import ColumnType
from schemas.writer import CONNECT, DEBEZIUM_DATA, DEBEZIUM_TIME, WriterField
from streaming.udf import instants, jvm_text
from streaming.udf.decimals import MOST_DIGITS, Exact, exact, unscaled

PLACEHOLDER: Final = "__debezium_unavailable_value"
"""Debezium's `unavailable.value.placeholder`."""


class NoRuleError(ValueError):
    """No rule turns this kind of value into the contract's type."""


class Form(StrEnum):
    """What a value is once its encoding is undone, and the Python type it then has."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    SINGLE = "single"
    DOUBLE = "double"
    DECIMAL = "decimal"
    UNSCALED = "decimal as bytes, or of variable scale"
    DATE = "date"
    TIME = "time of day"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    BYTES = "bytes"
    BITS = "bits"
    NESTED = "nested value"


@dataclass(frozen=True)
class Written:
    """How a column's values were written: the writer's field, its schema node, and named schemas it may refer to."""

    field: WriterField
    node: Any = "string"
    named: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def held(raw: Any, written: Written, target: ColumnType) -> str | None:
    """A value that is not NULL as `target`, in text; None where its rule cannot hold it.

    Raises:
        NoRuleError: there is no rule for this pair.
    """
    form = form_of(written.field)
    rule = _RULES.get((form, _group(target)))
    if rule is None or (form is Form.DECIMAL and _group(target) == "text" and written.field.scale > _PLAIN_SCALE):
        raise NoRuleError(f"{form} cannot become {target.text}")
    value = _decoded(raw, form, written)
    return None if value is None else rule(value, target, written)


def form_of(item: WriterField) -> Form:
    """What a field's values are, by its Avro type and semantic name."""
    if item.semantic == f"{DEBEZIUM_DATA}VariableScaleDecimal":
        return Form.UNSCALED
    if item.semantic in _SEMANTIC:
        return _SEMANTIC[item.semantic]
    if item.scale >= 0 and item.avro in ("bytes", "fixed"):
        sound = item.logical == "decimal" and 0 < item.precision <= MOST_DIGITS and item.scale <= item.precision
        return Form.DECIMAL if sound else Form.UNSCALED
    if item.logical.startswith(("timestamp-", "local-timestamp-")):
        return Form.TIMESTAMP
    return Form.DATE if item.logical == "date" else _AVRO.get(item.avro, Form.NESTED)


def is_unavailable(raw: Any) -> bool:
    """Whether a value is Debezium's placeholder, as text, bytes, in an array or as the key of a map."""
    if isinstance(raw, str):
        return raw == PLACEHOLDER
    if isinstance(raw, bytes):
        return raw == _PLACEHOLDER_BYTES
    if isinstance(raw, list):
        return raw in ([PLACEHOLDER], [_PLACEHOLDER_BYTES], list(_PLACEHOLDER_BYTES))
    return isinstance(raw, dict) and PLACEHOLDER in raw


# --- encodings --------------------------------------------------------------------------------------------------------

_PLACEHOLDER_BYTES: Final = PLACEHOLDER.encode()
_PLAIN_SCALE: Final = 6
_SEMANTIC: Final = {
    f"{DEBEZIUM_TIME}Date": Form.DATE,
    f"{DEBEZIUM_TIME}IsoDate": Form.DATE,
    f"{DEBEZIUM_TIME}Timestamp": Form.TIMESTAMP,
    f"{DEBEZIUM_TIME}MicroTimestamp": Form.TIMESTAMP,
    f"{DEBEZIUM_TIME}NanoTimestamp": Form.TIMESTAMP,
    f"{DEBEZIUM_TIME}ZonedTimestamp": Form.TIMESTAMP,
    f"{DEBEZIUM_TIME}IsoTimestamp": Form.TIMESTAMP,
    f"{DEBEZIUM_TIME}Time": Form.TIME,
    f"{DEBEZIUM_TIME}MicroTime": Form.TIME,
    f"{DEBEZIUM_TIME}NanoTime": Form.TIME,
    f"{CONNECT}Time": Form.TIME,
    f"{DEBEZIUM_DATA}Bits": Form.BITS,
}
_AVRO: Final = {
    "boolean": Form.BOOLEAN,
    "int": Form.INTEGER,
    "long": Form.INTEGER,
    "float": Form.SINGLE,
    "double": Form.DOUBLE,
    "string": Form.TEXT,
    "enum": Form.TEXT,
    "bytes": Form.BYTES,
    "fixed": Form.BYTES,
}
_SHORTEST_ISO: Final = len("2024-01-01T00:00")


def _iso_micros(raw: str) -> int | None:
    """A timestamp as a connector writes it: a day, to the minute at least."""
    whole = len(raw.encode(errors="surrogateescape")) >= _SHORTEST_ISO and raw[4:5] == "-"
    return instants.micros_of(raw) if whole else None


_TO_MICROS: Final[Mapping[str, Callable[[Any], int | None]]] = {
    f"{DEBEZIUM_TIME}IsoDate": instants.days_of,
    f"{DEBEZIUM_TIME}Timestamp": lambda raw: raw * 1000,
    f"{DEBEZIUM_TIME}NanoTimestamp": lambda raw: raw // 1000,
    f"{DEBEZIUM_TIME}ZonedTimestamp": _iso_micros,
    f"{DEBEZIUM_TIME}IsoTimestamp": _iso_micros,
    f"{DEBEZIUM_TIME}Time": lambda raw: raw * 1000,
    f"{DEBEZIUM_TIME}NanoTime": lambda raw: raw // 1000,
    f"{CONNECT}Time": lambda raw: raw * 1000,
}


def _decoded(raw: Any, form: Form, written: Written) -> Any:
    item = written.field
    if form is Form.UNSCALED:
        return _unscaled(raw, item)
    if form is Form.DECIMAL:
        return Exact(int.from_bytes(raw, "big", signed=True), item.scale)
    if form is Form.DATE and isinstance(raw, int):
        return raw if instants.FIRST_DAY <= raw <= instants.LAST_DAY else None
    decode = _TO_MICROS.get(item.semantic)
    if decode is None and item.logical.endswith("timestamp-millis"):
        decode = _TO_MICROS[f"{DEBEZIUM_TIME}Timestamp"]
    return raw if decode is None else decode(raw)


def _unscaled(raw: Any, item: WriterField) -> Exact | None:
    data, scale = (raw["value"], raw["scale"]) if isinstance(raw, dict) else (raw, item.scale)
    value = None if data is None or scale is None else unscaled(data)
    return None if value is None else Exact(value, scale)


# --- rules ------------------------------------------------------------------------------------------------------------

_BOUNDS: Final = {"smallint": 2**15, "int": 2**31, "bigint": 2**63}
_EXACT_INTEGER: Final = {"float": 2**24, "double": 2**53}
_MAX_BYTES: Final = 65535
_BITS_BYTES: Final = 8
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\n?")
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}\n?", re.ASCII)
_REAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?", re.ASCII)
_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?\n?", re.ASCII
)
_SPECIAL: Final = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


def _within(value: int | None, target: ColumnType) -> str | None:
    bound = _BOUNDS[target.kind]
    return str(value) if value is not None and -bound <= value < bound else None


def _fitting(text: str | None, target: ColumnType) -> str | None:
    """The text where it is UTF-8 without NUL and its bytes fit the type, as the warehouse counts them."""
    if text is None or "\0" in text:
        return None
    limit = target.sizes[0] if target.sizes else _MAX_BYTES
    try:
        return text if len(text.encode()) <= limit else None
    except UnicodeEncodeError:
        return None


def _boolean(value: bool, target: ColumnType, _: Written) -> str:
    return str(int(value)) if target.kind in _BOUNDS else "true" if value else "false"


def _integer_to_integer(value: int, target: ColumnType, _: Written) -> str | None:
    return _within(value, target)


def _integer_to_decimal(value: int, target: ColumnType, _: Written) -> str | None:
    return Exact(value, 0).held_by(*target.sizes)


def _integer_to_real(value: int, target: ColumnType, _: Written) -> str | None:
    return repr(float(value)) if abs(value) <= _EXACT_INTEGER[target.kind] else None


def _integer_to_boolean(value: int, _target: ColumnType, _: Written) -> str | None:
    return {0: "false", 1: "true"}.get(value)


def _integer_to_text(value: int, target: ColumnType, _: Written) -> str | None:
    return _fitting(str(value), target)


def _real_to_real(value: float, target: ColumnType, _: Written) -> str | None:
    if target.kind == "double":
        return repr(value)
    single = jvm_text.float32(value)
    return None if math.isinf(single) and not math.isinf(value) else repr(single)


def _real_to_decimal(value: float, target: ColumnType, _: Written) -> str | None:
    if not math.isfinite(value):
        return None
    precision, scale = target.sizes
    # The digits that the number is written with, rounded half up, as the JVM makes decimals of doubles.
    context = Context(prec=400, rounding=ROUND_HALF_UP)
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-scale), context=context)
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        return None
    return f"{rounded or abs(rounded):f}"


def _real_to_integer(value: float, target: ColumnType, _: Written) -> str | None:
    return _within(int(value), target) if math.isfinite(value) and value == int(value) else None


def _single_to_text(value: float, target: ColumnType, _: Written) -> str | None:
    return _fitting(jvm_text.float_text(value), target)


def _double_to_text(value: float, target: ColumnType, _: Written) -> str | None:
    return _fitting(jvm_text.double_text(value), target)


def _decimal_to_decimal(value: Exact, target: ColumnType, _: Written) -> str | None:
    return value.held_by(*target.sizes)


def _decimal_to_integer(value: Exact, target: ColumnType, _: Written) -> str | None:
    return _within(value.whole(), target)


def _decimal_to_real(value: Exact, target: ColumnType, _: Written) -> str:
    number = Fraction(value.unscaled, 10**value.scale)
    return repr(jvm_text.float32(number) if target.kind == "float" else float(number))


def _decimal_to_text(value: Exact, target: ColumnType, _: Written) -> str | None:
    return _fitting(value.text, target)


def _date_to_date(value: int, _target: ColumnType, _: Written) -> str | None:
    return instants.date_text(value)


def _date_to_timestamp(value: int, _target: ColumnType, _: Written) -> str | None:
    return instants.timestamp_text(value * instants.DAY)


def _date_to_text(value: int, target: ColumnType, _: Written) -> str | None:
    return _fitting(instants.date_text(value), target)


def _timestamp_to_timestamp(value: int, _target: ColumnType, _: Written) -> str | None:
    return instants.timestamp_text(value)


def _timestamp_to_text(value: int, target: ColumnType, _: Written) -> str | None:
    return _fitting(instants.short_timestamp_text(value), target)


def _time_to_text(value: int, target: ColumnType, _: Written) -> str | None:
    return _fitting(instants.time_text(value), target)


def _text_to_text(value: str, target: ColumnType, _: Written) -> str | None:
    return _fitting(value, target)


def _text_to_json(value: str, target: ColumnType, written: Written) -> str | None:
    known = written.field.semantic == f"{DEBEZIUM_DATA}Json"  # a database's json type has checked its own
    return _fitting(value, target) if known or jvm_text.valid_json(value) else None


def _text_to_uuid(value: str, _target: ColumnType, _: Written) -> str | None:
    return value.lower() if _UUID.fullmatch(value) else None


def _text_to_integer(value: str, target: ColumnType, _: Written) -> str | None:
    return _within(int(value), target) if _INTEGER.fullmatch(value) else None


def _text_to_decimal(value: str, target: ColumnType, _: Written) -> str | None:
    number = exact(value)
    return None if number is None else number.held_by(*target.sizes)


def _text_to_real(value: str, target: ColumnType, _: Written) -> str | None:
    text = value.strip()
    special = _SPECIAL.get(text.lstrip("+-").lower())
    if special is not None:
        return repr(-special if text.startswith("-") else special)
    if not _REAL.fullmatch(text):
        return None
    number = text.rstrip("fFdD")
    return repr(jvm_text.float32(float(number)) if target.kind == "float" else float(number))


def _text_to_boolean(value: str, _target: ColumnType, _: Written) -> str | None:
    return {"true": "true", "t": "true", "1": "true", "false": "false", "f": "false", "0": "false"}.get(value.lower())


def _text_to_date(value: str, _target: ColumnType, _: Written) -> str | None:
    days = instants.days_of(value)
    return None if days is None else instants.date_text(days)


def _text_to_timestamp(value: str, _target: ColumnType, _: Written) -> str | None:
    micros = instants.micros_of(value) if _ISO.fullmatch(value) else None
    return None if micros is None else instants.timestamp_text(micros)


def _bytes_to_binary(value: bytes, _target: ColumnType, _: Written) -> str | None:
    return value.hex() if len(value) <= _MAX_BYTES else None


def _bits_to_integer(value: bytes, target: ColumnType, _: Written) -> str | None:
    return _within(int.from_bytes(value, "little"), target) if 1 <= len(value) <= _BITS_BYTES else None


def _nested_to_text(value: Any, target: ColumnType, written: Written) -> str | None:
    if written.field.avro == "union":
        raise NoRuleError("a union of several types cannot be told apart")
    return _fitting(jvm_text.nested_json(value, written.node, written.named), target)


def _group(target: ColumnType) -> str:
    groups = {"smallint": "integer", "int": "integer", "bigint": "integer", "float": "real", "double": "real"}
    return (groups | {"varchar": "text", "string": "text"}).get(target.kind, target.kind)


_Rule = Callable[[Any, ColumnType, Written], str | None]
_RULES: Final[Mapping[tuple[Form, str], _Rule]] = {
    (Form.BOOLEAN, "boolean"): _boolean,
    (Form.BOOLEAN, "integer"): _boolean,
    (Form.BOOLEAN, "text"): _boolean,
    (Form.INTEGER, "integer"): _integer_to_integer,
    (Form.INTEGER, "decimal"): _integer_to_decimal,
    (Form.INTEGER, "real"): _integer_to_real,
    (Form.INTEGER, "boolean"): _integer_to_boolean,
    (Form.INTEGER, "text"): _integer_to_text,
    **{
        (form, group): rule
        for form in (Form.SINGLE, Form.DOUBLE)
        for group, rule in (("real", _real_to_real), ("decimal", _real_to_decimal), ("integer", _real_to_integer))
    },
    (Form.SINGLE, "text"): _single_to_text,
    (Form.DOUBLE, "text"): _double_to_text,
    (Form.DECIMAL, "decimal"): _decimal_to_decimal,
    (Form.DECIMAL, "integer"): _decimal_to_integer,
    (Form.DECIMAL, "real"): _decimal_to_real,
    (Form.DECIMAL, "text"): _decimal_to_text,
    (Form.UNSCALED, "decimal"): _decimal_to_decimal,
    (Form.DATE, "date"): _date_to_date,
    (Form.DATE, "timestamp"): _date_to_timestamp,
    (Form.DATE, "text"): _date_to_text,
    (Form.TIMESTAMP, "timestamp"): _timestamp_to_timestamp,
    (Form.TIMESTAMP, "text"): _timestamp_to_text,
    (Form.TIME, "text"): _time_to_text,
    (Form.TIME, "integer"): _integer_to_integer,
    (Form.TEXT, "text"): _text_to_text,
    (Form.TEXT, "json"): _text_to_json,
    (Form.TEXT, "uuid"): _text_to_uuid,
    (Form.TEXT, "integer"): _text_to_integer,
    (Form.TEXT, "decimal"): _text_to_decimal,
    (Form.TEXT, "real"): _text_to_real,
    (Form.TEXT, "boolean"): _text_to_boolean,
    (Form.TEXT, "date"): _text_to_date,
    (Form.TEXT, "timestamp"): _text_to_timestamp,
    (Form.BYTES, "binary"): _bytes_to_binary,
    (Form.BITS, "binary"): _bytes_to_binary,
    (Form.BITS, "integer"): _bits_to_integer,
    (Form.NESTED, "json"): _nested_to_text,
    (Form.NESTED, "text"): _nested_to_text,
}
