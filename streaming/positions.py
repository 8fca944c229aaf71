"""Where a change lies in its source: position, identity inside a position, time; told by Debezium's source block."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

DIGITS: Final = 20
JAVA_DATE_MS: Final = 8_640_000_000_000_000
"""Largest instant of a Java date, in milliseconds; beyond it a number is no time."""


def is_supported(source: StructType) -> bool:
    """Whether the source block is of PostgreSQL, SQL Server, MySQL or MariaDB."""
    names = set(source.names)
    return "commit_lsn" in names or "lsn" in names or {"file", "pos"} <= names


def position(source: StructType, block: Column) -> Column:
    """Source position as text that sorts as the position does; null where the source gave none.

    Args:
        source: type of the source block, which tells the connector.
        block: the source block.
    """
    names = set(source.names)
    if "commit_lsn" in names:
        return block["commit_lsn"].cast("string")
    if "lsn" in names:
        return _digits(block["lsn"])
    if {"file", "pos"} <= names:
        suffix = F.regexp_extract(block["file"], r"([0-9]+)$", 1)
        return F.when(suffix != "", F.concat(_digits(suffix), F.lit(":"), _digits(block["pos"])))
    return F.lit(None).cast("string")


def position_id(source: StructType, block: Column) -> Column:
    """What tells changes of one position apart: SQL Server `change_lsn/event_serial_no`, MySQL `row`; else null."""
    names = set(source.names)
    if {"commit_lsn", "change_lsn"} <= names:
        serial = block["event_serial_no"] if "event_serial_no" in names else F.lit(None)
        return F.concat(block["change_lsn"], F.lit("/"), F.coalesce(serial.cast("string"), F.lit("")))
    if {"file", "pos", "row"} <= names:
        return block["row"].cast("string")
    return F.lit(None).cast("string")


def source_time(source: StructType, block: Column) -> Column:
    """The source's time of the change as a timestamp (microseconds): `ts_us`, else `ts_ms`.

    Null where neither holds a time: absent, 0, or beyond what a Java date can be.
    """
    sound: list[Column] = []
    if "ts_us" in source.names:
        sound.append(F.when(_is_time(block["ts_us"], JAVA_DATE_MS * 1000), block["ts_us"]))
    if "ts_ms" in source.names:
        sound.append(F.when(_is_time(block["ts_ms"], JAVA_DATE_MS), block["ts_ms"] * 1000))
    if not sound:
        return F.lit(None).cast("timestamp")
    return F.timestamp_micros(F.coalesce(*sound))


def _is_time(value: Column, bound: int) -> Column:
    return value.between(-bound, bound) & (value != 0)


def _digits(number: Column) -> Column:
    return F.lpad(number.cast("string"), DIGITS, "0")
