"""Debezium's semantic types to contract types: every pair has a rule; a value that its rule cannot hold becomes NULL.

A caller tells a failed conversion from a NULL by the raw value: raw there, converted not. A pair without a rule is an
incompatible change (`CannotConvertError`). `docs/types.md` is the table of rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.transforms import digits
from schemas.types import ColumnType
from schemas.writer import CONNECT, DEBEZIUM_DATA, DEBEZIUM_TIME, WriterField

PLACEHOLDER: Final = "__debezium_unavailable_value"
"""Debezium's `unavailable.value.placeholder`: the column exists, its value was not in the log."""


class CannotConvertError(ValueError):
    """No rule turns this kind of source value into the contract's type."""


class Form(StrEnum):
    """What a landed value is, its encoding undone in thought."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    REAL = "real"
    DECIMAL = "decimal"
    DECIMAL_BYTES = "decimal as bytes"
    VARIABLE_DECIMAL = "decimal of variable scale"
    DATE = "date"
    TIME = "time of day"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    BYTES = "bytes"
    BITS = "bits"
    NESTED = "nested value"


@dataclass(frozen=True)
class Landed:
    """A landed value: form, Spark type, the writer's field; `value` is NULL or of the form's plain Spark type.

    `value` is the unscaled integer of a decimal in bytes, `scale` the scale that goes with it.
    """

    form: Form
    type: T.DataType
    field: WriterField
    value: Column
    scale: Column | None = None


def converted(raw: Column, found: T.DataType, field: WriterField, target: ColumnType) -> Column:
    """`raw` (of Spark type `found`, written as `field` says) as `target`; NULL where its rule cannot hold it.

    Raises:
        CannotConvertError: there is no rule for this pair.
    """
    return ruled(decoded(raw, found, field), target)


def ruled(landed: Landed, target: ColumnType) -> Column:
    """A decoded value as `target`. Rules name `landed.value` more than once: best a column that is computed already.

    Raises:
        CannotConvertError: there is no rule for this pair.
    """
    rule = _RULES.get((landed.form, _target_group(target)))
    if rule is None:
        raise CannotConvertError(f"{_described(landed.field, landed.form)} cannot become {target.text}")
    return rule(landed, target)


def fits(field: WriterField, target: ColumnType) -> bool:
    """Whether there is a rule for a writer's field and a contract type; needs no session."""
    form = form_of(field)
    exponent = form is Form.DECIMAL and _target_group(target) == "text" and field.scale > _PLAIN_SCALE
    return (form, _target_group(target)) in _RULES and not exponent


def form_of(field: WriterField) -> Form:
    """What a field's values are, by its Avro type and semantic name."""
    if field.semantic == f"{DEBEZIUM_DATA}VariableScaleDecimal":
        return Form.VARIABLE_DECIMAL
    if field.semantic in _DECODERS:
        return _DECODERS[field.semantic][0]
    if field.scale >= 0:
        return Form.DECIMAL if 1 <= field.precision <= _MAX_DIGITS else Form.DECIMAL_BYTES
    if field.logical.startswith(("timestamp-", "local-timestamp-")):
        return Form.TIMESTAMP
    return Form.DATE if field.logical == "date" else _AVRO_FORMS.get(field.avro, Form.NESTED)


def is_unavailable(raw: Column, found: T.DataType) -> Column | None:
    """Whether the value is Debezium's placeholder; None where the type cannot hold one."""
    if isinstance(found, T.StringType):
        return raw == F.lit(PLACEHOLDER)
    if isinstance(found, T.BinaryType):
        return raw == F.lit(PLACEHOLDER).cast("binary")
    if isinstance(found, T.MapType) and isinstance(found.keyType, T.StringType):
        return F.map_contains_key(raw, PLACEHOLDER)
    if not isinstance(found, T.ArrayType):
        return None
    if isinstance(found.elementType, T.StringType):
        return raw == F.array(F.lit(PLACEHOLDER))
    if isinstance(found.elementType, T.BinaryType):
        return raw == F.array(F.lit(PLACEHOLDER).cast("binary"))
    if isinstance(found.elementType, (T.IntegerType, T.LongType)):
        return raw == F.array(*(F.lit(code).cast(found.elementType) for code in PLACEHOLDER.encode()))
    return None


def decoded(raw: Column, found: T.DataType, field: WriterField) -> Landed:
    """The value with its encoding undone: epoch counts as dates and timestamps, ISO text likewise."""
    if field.semantic == f"{DEBEZIUM_DATA}VariableScaleDecimal":
        return Landed(Form.VARIABLE_DECIMAL, found, field, digits.unscaled(raw["value"]), raw["scale"])
    semantic = _DECODERS.get(field.semantic)
    if semantic is not None:
        form, decode = semantic
        return Landed(form, found, field, decode(raw))
    if isinstance(found, T.BinaryType) and field.scale >= 0:
        return Landed(Form.DECIMAL_BYTES, found, field, digits.unscaled(raw), F.lit(field.scale))
    if isinstance(found, T.TimestampType):
        return Landed(Form.TIMESTAMP, found, field, raw)
    if isinstance(found, T.DateType):
        return Landed(Form.DATE, found, field, raw)
    for kinds, form in _PLAIN:
        if isinstance(found, kinds):
            return Landed(form, found, field, raw)
    return Landed(Form.NESTED, found, field, raw)


# --- encodings --------------------------------------------------------------------------------------------------------

_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01, 9999-12-31
_FIRST_MILLI, _LAST_MILLI = -62135596800000, 253402300799999
_FIRST_MICRO, _LAST_MICRO = _FIRST_MILLI * 1000, _LAST_MILLI * 1000 + 999
_ISO_TIMESTAMP: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?$"
_SHORTEST_ISO: Final = len("2024-01-01T00:00")


def _days(raw: Column) -> Column:
    return F.when(raw.between(_FIRST_DAY, _LAST_DAY), F.date_from_unix_date(raw.cast("int")))


def _millis(raw: Column) -> Column:
    return F.when(raw.between(_FIRST_MILLI, _LAST_MILLI), F.timestamp_millis(raw))


def _micros(raw: Column) -> Column:
    return F.when(raw.between(_FIRST_MICRO, _LAST_MICRO), F.timestamp_micros(raw))


def _nanos(raw: Column) -> Column:
    return F.timestamp_micros(_floor_thousandth(raw))


def _floor_thousandth(raw: Column) -> Column:
    """Nanoseconds to microseconds, cut towards the past (also before 1970)."""
    return digits.div(raw, 1000) - F.when(raw % 1000 < 0, 1).otherwise(0)


def _iso_timestamp(raw: Column) -> Column:
    """A timestamp as a connector writes it: a day, to the minute at least.

    Spark takes less for one: a year, or a time alone, to which it adds the present day.
    """
    # Without an offset the session's zone counts, and that is UTC; Spark looks up a zone by name for each value.
    utc = F.when(raw.endswith("Z"), raw.substr(F.lit(1), F.octet_length(raw) - 1)).otherwise(raw)
    whole = (F.octet_length(raw) >= _SHORTEST_ISO) & (F.substring(raw, 5, 1) == "-")
    return F.when(whole, utc.cast("timestamp"))


def _iso_date(raw: Column) -> Column:
    return F.when(raw.rlike(r"^\d{4}-\d{2}-\d{2}Z?$"), F.substring(raw, 1, 10).cast("date"))


def _in_years(value: Column) -> Column:
    """Timestamps of the years 1 to 9999; others (an infinity, too) are none."""
    first, last = (F.timestamp_micros(F.lit(micro)) for micro in (_FIRST_MICRO, _LAST_MICRO))
    return F.when(value.between(first, last), value)


def _date_in_years(value: Column) -> Column:
    return F.when(
        value.between(F.lit("0001-01-01").cast("date"), F.lit("9999-12-31").cast("date")),
        value,
    )


def _same(raw: Column) -> Column:
    return raw


_DECODERS: Final[dict[str, tuple[Form, Callable[[Column], Column]]]] = {
    f"{DEBEZIUM_TIME}Date": (Form.DATE, _days),
    f"{DEBEZIUM_TIME}IsoDate": (Form.DATE, _iso_date),
    f"{DEBEZIUM_TIME}Timestamp": (Form.TIMESTAMP, _millis),
    f"{DEBEZIUM_TIME}MicroTimestamp": (Form.TIMESTAMP, _micros),
    f"{DEBEZIUM_TIME}NanoTimestamp": (Form.TIMESTAMP, _nanos),
    f"{DEBEZIUM_TIME}ZonedTimestamp": (Form.TIMESTAMP, _iso_timestamp),
    f"{DEBEZIUM_TIME}IsoTimestamp": (Form.TIMESTAMP, _iso_timestamp),
    f"{DEBEZIUM_TIME}Time": (Form.TIME, lambda raw: raw.cast("bigint") * 1000),
    f"{DEBEZIUM_TIME}MicroTime": (Form.TIME, _same),
    f"{DEBEZIUM_TIME}NanoTime": (Form.TIME, _floor_thousandth),
    f"{CONNECT}Time": (Form.TIME, lambda raw: raw.cast("bigint") * 1000),
    f"{DEBEZIUM_DATA}Bits": (Form.BITS, _same),
}
_PLAIN: Final = (
    ((T.BooleanType,), Form.BOOLEAN),
    ((T.ByteType, T.ShortType, T.IntegerType, T.LongType), Form.INTEGER),
    ((T.FloatType, T.DoubleType), Form.REAL),
    ((T.DecimalType,), Form.DECIMAL),
    ((T.StringType,), Form.TEXT),
    ((T.BinaryType,), Form.BYTES),
)

# --- rules ------------------------------------------------------------------------------------------------------------

_AVRO_FORMS: Final = {
    "boolean": Form.BOOLEAN,
    "int": Form.INTEGER,
    "long": Form.INTEGER,
    "float": Form.REAL,
    "double": Form.REAL,
    "string": Form.TEXT,
    "enum": Form.TEXT,
    "bytes": Form.BYTES,
    "fixed": Form.BYTES,
}
_MAX_DIGITS: Final = 38
_PLAIN_SCALE: Final = 6
"""Spark writes small numbers of a larger scale with an exponent."""
_BOUNDS: Final = {"smallint": 2**15, "int": 2**31, "bigint": 2**63}
_WIDTH: Final[dict[type[T.DataType], int]] = {
    T.ByteType: 1,
    T.ShortType: 2,
    T.IntegerType: 4,
    T.LongType: 8,
}
_TARGET_WIDTH: Final = {"smallint": 2, "int": 4, "bigint": 8}
_EXACT_INTEGER: Final = {"float": 2**24, "double": 2**53}
_MAX_BYTES: Final = 65535
_UUID: Final = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"


def _within(value: Column, target: ColumnType) -> Column:
    bound = _BOUNDS[target.kind]
    return F.when(value.between(-bound, bound - 1), value.cast(target.spark))


def _cast(landed: Landed, target: ColumnType) -> Column:
    return landed.value.cast(target.spark)


def _integer_to_integer(landed: Landed, target: ColumnType) -> Column:
    fits = _WIDTH[type(landed.type)] <= _TARGET_WIDTH[target.kind]
    return landed.value.cast(target.spark) if fits else _within(landed.value, target)


def _integer_to_real(landed: Landed, target: ColumnType) -> Column:
    bound = _EXACT_INTEGER[target.kind]
    return F.when(landed.value.between(-bound, bound), landed.value.cast(target.spark))


def _integer_to_boolean(landed: Landed, _target: ColumnType) -> Column:
    return F.when(landed.value.isin(0, 1), landed.value == 1)


def _real_to_real(landed: Landed, target: ColumnType) -> Column:
    value = landed.value.cast(target.spark)
    overflow = (F.abs(value) == float("inf")) & (F.abs(landed.value) != float("inf"))
    return F.when(~overflow, value)


def _real_to_integer(landed: Landed, target: ColumnType) -> Column:
    # 2^63 is no bigint, yet the largest double below it is: bounds are compared as doubles.
    bound = float(_BOUNDS[target.kind])
    whole = (landed.value == F.rint(landed.value)) & (landed.value >= -bound) & (landed.value < bound)
    return F.when(whole, landed.value.cast(target.spark))


def _decimal_to_decimal(landed: Landed, target: ColumnType) -> Column:
    found = landed.type
    assert isinstance(found, T.DecimalType)
    precision, scale = target.sizes
    value = landed.value.cast(target.spark)
    if found.scale <= scale and found.precision - found.scale <= precision - scale:
        return value
    return F.when(value.cast(found) == landed.value, value)


def _decimal_to_integer(landed: Landed, target: ColumnType) -> Column:
    whole = landed.value.cast("decimal(20,0)")
    return F.when(whole.cast(landed.type) == landed.value, _within(whole, target))


def _decimal_to_text(landed: Landed, target: ColumnType) -> Column:
    if isinstance(landed.type, T.DecimalType) and landed.type.scale > _PLAIN_SCALE:
        raise CannotConvertError(f"{_described(landed.field, landed.form)} cannot become {target.text}")
    return _fitting(landed.value.cast("string"), target)


def _unscaled_to_decimal(landed: Landed, target: ColumnType) -> Column:
    assert landed.scale is not None
    return digits.exact_decimal(landed.value, landed.scale, target)


def _text_to_integer(landed: Landed, target: ColumnType) -> Column:
    return _within(
        F.when(landed.value.rlike(r"^[+-]?\d{1,19}$"), landed.value.cast("decimal(20,0)")),
        target,
    )


def _text_to_decimal(landed: Landed, target: ColumnType) -> Column:
    return digits.decimal_from_text(landed.value, target)


def _text_to_boolean(landed: Landed, _target: ColumnType) -> Column:
    text = F.lower(landed.value)
    return F.when(text.isin("true", "t", "1"), True).when(text.isin("false", "f", "0"), False)


def _text_to_date(landed: Landed, _target: ColumnType) -> Column:
    return _iso_date(landed.value)


def _text_to_timestamp(landed: Landed, _target: ColumnType) -> Column:
    # Spark takes less for a timestamp than a whole one, such as a year.
    return _in_years(F.when(landed.value.rlike(_ISO_TIMESTAMP), landed.value.cast("timestamp")))


def _text_to_uuid(landed: Landed, _target: ColumnType) -> Column:
    return F.when(landed.value.rlike(_UUID), F.lower(landed.value))


def _text_to_json(landed: Landed, target: ColumnType) -> Column:
    value = landed.value
    if landed.field.semantic != f"{DEBEZIUM_DATA}Json":  # a database's json type has checked its own
        value = F.when(F.get_json_object(value, "$").isNotNull() | (F.trim(value) == "null"), value)
    return _fitting(_loadable(value), target)


def _text_to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(_loadable(landed.value), target)


def _to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(landed.value.cast("string"), target)


def _nested_to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(F.to_json(landed.value), target)


def _time_to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(digits.time_text(landed.value), target)


def _time_to_integer(landed: Landed, target: ColumnType) -> Column:
    return _within(landed.value, target)


def _date_to_date(landed: Landed, _target: ColumnType) -> Column:
    return _date_in_years(landed.value)


def _date_to_timestamp(landed: Landed, _target: ColumnType) -> Column:
    return _date_in_years(landed.value).cast("timestamp")


def _date_to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(_date_in_years(landed.value).cast("string"), target)


def _timestamp_to_timestamp(landed: Landed, _target: ColumnType) -> Column:
    return _in_years(landed.value)


def _timestamp_to_text(landed: Landed, target: ColumnType) -> Column:
    return _fitting(_in_years(landed.value).cast("string"), target)


def _bytes_to_binary(landed: Landed, _target: ColumnType) -> Column:
    return F.when(F.octet_length(landed.value) <= _MAX_BYTES, landed.value)


def _bits_to_integer(landed: Landed, target: ColumnType) -> Column:
    return _within(digits.little_endian(landed.value), target)


def _loadable(text: Column) -> Column:
    """The text where it is UTF-8 without NUL: at another one the warehouse's COPY would end the whole load."""
    return F.when((F.instr(text, "\0") == 0) & (F.encode(text, "UTF-8") == text.cast("binary")), text)


def _fitting(text: Column, target: ColumnType) -> Column:
    """The text where its bytes fit the type, as the warehouse counts them."""
    limit = target.sizes[0] if target.sizes else _MAX_BYTES
    return F.when(F.octet_length(text) <= limit, text)


def _target_group(target: ColumnType) -> str:
    groups = {
        "smallint": "integer",
        "int": "integer",
        "bigint": "integer",
        "float": "real",
        "double": "real",
    }
    groups |= {"varchar": "text", "string": "text"}
    return groups.get(target.kind, target.kind)


def _described(field: WriterField, form: Form) -> str:
    return f"{form}{f' ({field.semantic})' if field.semantic else ''}"


_Rule = Callable[[Landed, ColumnType], Column]
_RULES: Final[dict[tuple[Form, str], _Rule]] = {
    (Form.BOOLEAN, "boolean"): _cast,
    (Form.BOOLEAN, "integer"): _cast,
    (Form.BOOLEAN, "text"): _to_text,
    (Form.INTEGER, "integer"): _integer_to_integer,
    (Form.INTEGER, "decimal"): _cast,
    (Form.INTEGER, "real"): _integer_to_real,
    (Form.INTEGER, "boolean"): _integer_to_boolean,
    (Form.INTEGER, "text"): _to_text,
    (Form.REAL, "real"): _real_to_real,
    (Form.REAL, "decimal"): _cast,
    (Form.REAL, "integer"): _real_to_integer,
    (Form.REAL, "text"): _to_text,
    (Form.DECIMAL, "decimal"): _decimal_to_decimal,
    (Form.DECIMAL, "integer"): _decimal_to_integer,
    (Form.DECIMAL, "real"): _cast,
    (Form.DECIMAL, "text"): _decimal_to_text,
    (Form.DECIMAL_BYTES, "decimal"): _unscaled_to_decimal,
    (Form.VARIABLE_DECIMAL, "decimal"): _unscaled_to_decimal,
    (Form.DATE, "date"): _date_to_date,
    (Form.DATE, "timestamp"): _date_to_timestamp,
    (Form.DATE, "text"): _date_to_text,
    (Form.TIMESTAMP, "timestamp"): _timestamp_to_timestamp,
    (Form.TIMESTAMP, "text"): _timestamp_to_text,
    (Form.TIME, "text"): _time_to_text,
    (Form.TIME, "integer"): _time_to_integer,
    (Form.TEXT, "text"): _text_to_text,
    (Form.TEXT, "json"): _text_to_json,
    (Form.TEXT, "uuid"): _text_to_uuid,
    (Form.TEXT, "integer"): _text_to_integer,
    (Form.TEXT, "decimal"): _text_to_decimal,
    (Form.TEXT, "real"): _cast,
    (Form.TEXT, "boolean"): _text_to_boolean,
    (Form.TEXT, "date"): _text_to_date,
    (Form.TEXT, "timestamp"): _text_to_timestamp,
    (Form.BYTES, "binary"): _bytes_to_binary,
    (Form.BITS, "binary"): _bytes_to_binary,
    (Form.BITS, "integer"): _bits_to_integer,
    (Form.NESTED, "json"): _nested_to_text,
    (Form.NESTED, "text"): _nested_to_text,
}
