"""Text as the JVM writes it, so that both routes write the same: floating-point numbers, and JSON of nested values."""

from __future__ import annotations

import json
import math
import re
import struct
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from streaming.udf import instants
from streaming.udf.decimals import Exact

_MAGNITUDE: Final = 0x7FFFFFFF
_BEYOND: Final = 2.0**128
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def float32(value: float | Fraction) -> float:
    """The nearest single-precision number, as a double; an infinity beyond the range."""
    if isinstance(value, float) and not math.isfinite(value):
        return value
    try:
        (bits,) = struct.unpack("<I", struct.pack("<f", float(value)))
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    # Rounded twice, to double and then to single, a number may land beside the nearest one.
    exact = Fraction(value)
    near = (bits,) if bits & _MAGNITUDE == 0 else (bits, bits - 1, bits + 1)
    return _single(min(near, key=lambda item: (abs(Fraction(_single(item)) - exact), item & 1)))


def double_text(value: float) -> str:
    """`Double.toString`: `1.0`, `1.0E10`, `NaN`, `Infinity`."""
    return _java(value, repr(value))


def float_text(value: float) -> str:
    """`Float.toString` of a single-precision number."""
    if not math.isfinite(value):
        return _java(value, repr(value))
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return _java(value, next(text for text in texts if float32(float(text)) == value))


def nested_json(value: Any, node: Any, named: Mapping[str, Any]) -> str:
    """JSON of an array, map or record as Spark's `to_json` writes it: NULL fields left out, bytes as base64.

    Args:
        value: as fastavro reads it, without logical types.
        node: the writer's schema of it, with them.
        named: schemas by full name.
    """
    kind = _kind(node, value, named)
    name = kind["type"]
    if value is None:
        return "null"
    if name == "record":
        fields = ((field["name"], value.get(field["name"]), field["type"]) for field in kind["fields"])
        parts = (f"{_quoted(key)}:{nested_json(item, of, named)}" for key, item, of in fields if item is not None)
        return "{" + ",".join(parts) + "}"
    if name == "map":
        pairs = (f"{_quoted(key)}:{nested_json(item, kind['values'], named)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if name == "array":
        return "[" + ",".join(nested_json(item, kind["items"], named) for item in value) + "]"
    return _scalar_json(value, kind)


def _scalar_json(value: Any, kind: Mapping[str, Any]) -> str:
    logical = kind.get("logicalType", "")
    if isinstance(value, bytes):
        if logical == "decimal":
            return Exact(int.from_bytes(value, "big", signed=True), int(kind.get("scale", 0))).text
        return _quoted(b64encode(value).decode())
    if logical == "date":
        return _quoted(str(instants.date_text(value)))
    if logical in ("timestamp-millis", "timestamp-micros"):
        text = str(instants.timestamp_text(value * 1000 if logical == "timestamp-millis" else value))
        return _quoted(text[:23].replace(" ", "T") + "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = float_text(value) if kind["type"] == "float" else double_text(value)
        return text if math.isfinite(value) else _quoted(text)
    return str(value) if isinstance(value, int) else _quoted(str(value))


def _kind(node: Any, value: Any, named: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value, with references followed and null taken out of a union."""
    if isinstance(node, list):
        others = [part for part in node if part != "null"]
        return _kind(others[0] if others else "null", value, named)
    if isinstance(node, str):
        suffix = f".{node}"
        full = next((name for name in named if name == node or name.endswith(suffix)), None)
        return {"type": node} if full is None else named[full]
    if isinstance(node["type"], (dict, list)):
        return _kind(node["type"], value, named)
    return node  # type: ignore[no-any-return]


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04X}"), text) + '"'


def _java(value: float, shortest: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent
    minus = "-" if sign else ""
    if -3 < point <= 7:
        whole = text[:point].ljust(point, "0") if point > 0 else "0"
        rest = text[point:] if point > 0 else "0" * -point + text
        return f"{minus}{whole}.{rest or '0'}"
    return f"{minus}{text[0]}.{text[1:] or '0'}E{point - 1}"


def _single(bits: int) -> float:
    (value,) = struct.unpack("<f", struct.pack("<I", bits))
    return float(value) if math.isfinite(value) else math.copysign(_BEYOND, value)


def valid_json(text: str) -> bool:
    """Whether text begins with one whole JSON value, as Spark's parser takes it: texts may hold control characters."""
    start = text.lstrip()
    try:
        value, end = json.JSONDecoder(strict=False, parse_constant=_no_constant).raw_decode(start)
    except (ValueError, RecursionError):
        return False
    # What follows a value is left alone, but it must not run on from it.
    runs_on = isinstance(value, (int, float, type(None))) and start[end : end + 1].strip() != ""
    return not runs_on


def _no_constant(name: str) -> float:
    raise ValueError(name)
