"""Where a change lies in its source, by Debezium's source block; `streaming.positions` has the rules as Columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from streaming.udf import instants

DIGITS: Final = 20
_JAVA_DATE_MS: Final = 8_640_000_000_000_000
_SUFFIX: Final = re.compile(r"[0-9]+$")


def position(source: Mapping[str, Any]) -> str | None:
    """Source position as text that sorts as the position does; None where the source gave none."""
    if "commit_lsn" in source:
        return None if source["commit_lsn"] is None else str(source["commit_lsn"])
    if "lsn" in source:
        return _digits(source["lsn"])
    if {"file", "pos"} <= source.keys():
        suffix = _SUFFIX.search(str(source["file"] or ""))
        place = _digits(source["pos"])
        return f"{_digits(suffix[0])}:{place}" if suffix and place else None
    return None


def position_id(source: Mapping[str, Any]) -> str | None:
    """What tells changes of one position apart."""
    if {"commit_lsn", "change_lsn"} <= source.keys():
        serial = source.get("event_serial_no")
        change = source["change_lsn"]
        return None if change is None else f"{change}/{'' if serial is None else serial}"
    if {"file", "pos", "row"} <= source.keys() and source["row"] is not None:
        return str(source["row"])
    return None


def source_time(source: Mapping[str, Any]) -> str | None:
    """The source's time of the change, within the years 1 to 9999; None where it gave none."""
    micros = _time(source.get("ts_us"), _JAVA_DATE_MS * 1000)
    if micros is None:
        millis = _time(source.get("ts_ms"), _JAVA_DATE_MS)
        micros = None if millis is None else millis * 1000
    if micros is None:
        return None
    return instants.timestamp_text(min(max(micros, instants.FIRST_MICRO), instants.LAST_MICRO))


def _time(value: Any, bound: int) -> int | None:
    return value if isinstance(value, int) and value != 0 and -bound <= value <= bound else None


def _digits(number: Any) -> str | None:
    return None if number is None else str(number)[:DIGITS].rjust(DIGITS, "0")
