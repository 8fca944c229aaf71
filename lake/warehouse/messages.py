"""What of an engine's message may be shown: names of tables may, the values of the data may not."""

from __future__ import annotations

import re
from typing import Final

_NAMED: Final = re.compile(
    r"\b(relation|schema|table|column|view|function|database|role|user|type) (?:\"([\w.$:-]+)\"|'([\w.$:-]+)')"
)
_VALUES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\d{3,}")
_LONGEST: Final = 200


def without_values(message: str) -> str:
    """The first line of a message, with everything left out that might be a value of the data.

    Texts in quotes and long numbers go; the quoted name of a relation, a column and the like stays.
    """
    line = message.strip().split("\n", 1)[0]
    shown, last = [], 0
    for match in _NAMED.finditer(line):
        shown += [_VALUES.sub("…", line[last : match.start()]), f"{match[1]} {match[2] or match[3]}"]
        last = match.end()
    return "".join([*shown, _VALUES.sub("…", line[last:])])[:_LONGEST]
