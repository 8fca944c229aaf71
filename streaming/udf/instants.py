"""Days, microseconds and their texts, in plain integers: no instant is out of reach, no clock or zone is asked.

Days and microseconds count from 1970-01-01 UTC. Years run from 1 to 9999; what lies outside has no text.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

DAY: Final = 86_400_000_000
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
FIRST_MICRO, LAST_MICRO = FIRST_DAY * DAY, (LAST_DAY + 1) * DAY - 1
_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
_MOST_OFFSET: Final = 18 * 60
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)? ?(Z|UTC|[+-]\d{1,2}(?::?\d{2})?)?",
    re.ASCII,
)
_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})Z?", re.ASCII)


def date_text(days: int) -> str | None:
    """`yyyy-mm-dd`; None outside the years."""
    if not FIRST_DAY <= days <= LAST_DAY:
        return None
    return date.fromordinal(days + _UNIX_DAY).isoformat()


def timestamp_text(micros: int) -> str | None:
    """`yyyy-mm-dd hh:mm:ss.ffffff` in UTC; None outside the years."""
    days, rest = divmod(micros, DAY)
    day = date_text(days)
    return None if day is None else f"{day} {_clock(rest)}.{rest % 1_000_000:06d}"


def short_timestamp_text(micros: int) -> str | None:
    """As `timestamp_text`, without zeros at the end of the fraction: how Spark writes a timestamp."""
    text = timestamp_text(micros)
    return None if text is None else text.rstrip("0").rstrip(".") if text.endswith("0") else text


def time_text(micros: int) -> str | None:
    """Microseconds of a day as `hh:mm:ss[.ffffff]`; None outside 00:00:00 to 24:00:00."""
    if not 0 <= micros <= DAY:
        return None
    fraction = micros % 1_000_000
    return _clock(micros) + (f".{fraction:06d}" if fraction else "")


def days_of(text: str) -> int | None:
    """Days of `yyyy-mm-dd`, with or without a Z; None for other text."""
    found = _DATE.fullmatch(text)
    return None if found is None else _days(int(found[1]), int(found[2]), int(found[3]))


def micros_of(text: str) -> int | None:
    """Microseconds of an ISO timestamp, to the minute at least; digits beyond them are cut, no offset is UTC."""
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        return None
    days = _days(int(found[1]), int(found[2]), int(found[3]), first_year=0)
    hour, minute, second = int(found[4]), int(found[5]), int(found[6] or 0)
    offset = _offset(found[8] or "Z")
    if days is None or offset is None or hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((found[7] or "")[:6].ljust(6, "0"))
    return days * DAY + ((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction


def _clock(micros: int) -> str:
    seconds = micros // 1_000_000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _days(year: int, month: int, day: int, first_year: int = 1) -> int | None:
    # The year 0, which the calendar of `date` lacks, has the days of the year 400.
    shift = 146_097 if year == 0 and first_year == 0 else 0
    try:
        return date(year + (400 if shift else 0), month, day).toordinal() - _UNIX_DAY - shift
    except ValueError:
        return None


def _offset(zone: str) -> int | None:
    """Minutes east of UTC."""
    if zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    east = hours * 60 + minutes
    if minutes > 59 or east > _MOST_OFFSET:
        return None
    return -east if zone[0] == "-" else east
