"""What of an engine's message may be shown: the values of the data may not."""

from __future__ import annotations

import re
from typing import Final

_VALUES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\d{3,}")
_LONGEST: Final = 200


def without_values(message: str) -> str:
    """The first line of a message, with everything left out that might be a value of the data: texts in quotes, long
    numbers.
    """
    return _VALUES.sub("…", message.strip().split("\n", 1)[0])[:_LONGEST]
