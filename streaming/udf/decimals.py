"""Decimals as a pair of integers: exact at any size, independent of any context's precision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST_DIGITS: Final = 38
_MOST_BYTES: Final = 16
_PLAIN: Final = re.compile(r"([+-]?)(\d+)(?:\.(\d*))?\n?", re.ASCII)


@dataclass(frozen=True)
class Exact:
    """The number `unscaled * 10**-scale`."""

    unscaled: int
    scale: int

    @property
    def text(self) -> str:
        """Plain notation with `scale` places."""
        if self.scale <= 0:
            return str(self.unscaled * 10**-self.scale)
        digits = str(abs(self.unscaled)).rjust(self.scale + 1, "0")
        return f"{'-' if self.unscaled < 0 else ''}{digits[: -self.scale]}.{digits[-self.scale :]}"

    def held_by(self, precision: int, scale: int) -> str | None:
        """Its text as `decimal(precision, scale)`; None where that would lose a digit."""
        shift = scale - self.scale
        if self.unscaled == 0:
            return Exact(0, scale).text
        if abs(shift) > 2 * MOST_DIGITS:
            return None
        if shift >= 0:
            value = self.unscaled * 10**shift
        else:
            value, lost = divmod(self.unscaled, 10**-shift)
            if lost:
                return None
        return Exact(value, scale).text if abs(value) < 10**precision else None

    def whole(self) -> int | None:
        """Its integer; None where it is not whole."""
        if self.scale <= 0:
            return int(self.unscaled * 10**-self.scale)
        value, rest = divmod(self.unscaled, 10**self.scale)
        return None if rest else value


def unscaled(raw: bytes) -> int | None:
    """The integer that big-endian two's-complement bytes hold; None where it has over 38 digits."""
    if not 1 <= len(raw) <= _MOST_BYTES:
        return None
    value = int.from_bytes(raw, "big", signed=True)
    return value if abs(value) < 10**MOST_DIGITS else None


def exact(text: str) -> Exact | None:
    """Plain decimal notation as a number; None for other text."""
    found = _PLAIN.fullmatch(text)
    if found is None or len(found[2]) + len(found[3] or "") > 4 * MOST_DIGITS:
        return None
    fraction = (found[3] or "").rstrip("0")
    value = int(found[2] + fraction)
    return Exact(-value if found[1] == "-" else value, len(fraction))
