"""Values as text for people: counts, durations, instants, and text of strangers made harmless to show."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Final

from lake.demo.model import BEGINNING

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder or hide text."""


def harmless(text: str, limit: int = 120) -> str:
    """Text without control, format and unassigned characters, cut with an ellipsis to `limit` characters."""
    clean = "".join("\ufffd" if unicodedata.category(char) in _HIDDEN else char for char in text[: limit + 1])
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def shown(value: str | None, limit: int = 40) -> str:
    """A value of the data; NULL is an em dash."""
    return "—" if value is None else harmless(value, limit)


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def amount(number: Decimal) -> str:
    """An amount, rounded to whole units, with thousands separators."""
    return f"{number.quantize(Decimal(1)):,}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 ms`, `3.2 s`, `48 s`, `2 min 05 s`."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def instant(at: datetime | None, *, open_end: str = "now") -> str:
    """A UTC instant to the millisecond; the beginning of time and an open end in words."""
    if at is None:
        return open_end
    if at <= BEGINNING:
        return "the beginning"
    return at.isoformat(sep=" ", timespec="milliseconds")


def clock(at: datetime) -> str:
    """Only the time of day of an instant, to a tenth of a second."""
    return at.strftime("%H:%M:%S.") + str(at.microsecond // 100_000)
