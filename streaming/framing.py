"""The registry's header in front of Avro bytes, as Column expressions.

Confluent: 0x00, 4-byte schema id. Glue Schema Registry: 0x03, compression byte (0x00 none, 0x05 zlib), 16-byte schema
version UUID. A schema id is text here: the decimal number, or the UUID in its usual form.
"""

from __future__ import annotations

import uuid
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from streaming.reasons import Reason

CONFLUENT_BYTES: Final = 5
GLUE_BYTES: Final = 18
INFLATE: Final = "lake_inflate"
"""Name of the JVM function that unpacks zlib; `streaming.inflate` registers it."""


def _literal(data: bytes) -> Column:
    return F.lit(bytearray(data))


def _starts(data: Column, prefix: bytes) -> Column:
    return F.substring(data, 1, len(prefix)) == _literal(prefix)


def is_confluent(data: Column) -> Column:
    """Whether the bytes carry a whole Confluent header."""
    return _starts(data, b"\x00") & (F.length(data) >= CONFLUENT_BYTES)


def is_glue(data: Column) -> Column:
    """Whether the bytes carry a whole Glue Schema Registry header."""
    known = _starts(data, b"\x03\x00") | _starts(data, b"\x03\x05")
    return known & (F.length(data) >= GLUE_BYTES)


def schema_id(data: Column) -> Column:
    """Schema id as text; null where the header is missing or unsound.

    Args:
        data: binary column, header first.
    """
    number = F.conv(F.hex(F.substring(data, 2, 4)), 16, 10)
    text = F.lower(F.hex(F.substring(data, 3, 16)))
    dashed = F.concat_ws(
        "-", *(F.substring(text, start, length) for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    )
    return F.when(is_confluent(data), number).when(is_glue(data), dashed)


def header_fault(data: Column) -> Column:
    """Reason why the header is unsound; null where it is sound, or where there are no bytes at all."""
    short = (F.length(data) < CONFLUENT_BYTES) | (_starts(data, b"\x03") & (F.length(data) < GLUE_BYTES))
    unsound = data.isNotNull() & ~is_confluent(data) & ~is_glue(data)
    return F.when(unsound & short, F.lit(str(Reason.SHORT_HEADER))).when(unsound, F.lit(str(Reason.UNKNOWN_MAGIC)))


def headers_of(schema: str) -> tuple[bytes, ...]:
    """The headers a record with this schema id may start with: one for Confluent, plain and zlib for Glue."""
    if schema.isdecimal():
        return (b"\x00" + int(schema).to_bytes(4, "big"),)
    version = uuid.UUID(schema).bytes
    return (b"\x03\x00" + version, b"\x03\x05" + version)


def has_schema(data: Column, schema: str) -> Column:
    """Whether the bytes carry the header of this schema id; null where there are no bytes."""
    first, *others = headers_of(schema)
    matches = _starts(data, first)
    for other in others:
        matches = matches | _starts(data, other)
    return matches


def payload(data: Column, schema: str, *, compressed: bool = True) -> Column:
    """Avro bytes after the header, unpacked where the header says zlib.

    Args:
        data: binary column whose header is one of `headers_of(schema)`.
        schema: schema id.
        compressed: whether zlib may occur; without it no JVM function needs to be registered.
    """
    if schema.isdecimal():
        return _after(data, CONFLUENT_BYTES)
    body = _after(data, GLUE_BYTES)
    if not compressed:
        return body
    return F.when(_starts(data, b"\x03\x05"), F.call_function(INFLATE, body)).otherwise(body)


def _after(data: Column, count: int) -> Column:
    return F.substring(data, count + 1, 2**31 - 1)
