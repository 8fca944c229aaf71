"""What the workload did, counted from its ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Final

from lake.demo.model import Action

_KINDS: Final = {
    "re-insert": "re-inserts",
    "late correction": "late corrections",
    "late order": "late corrections",
    "key change": "key changes",
    "bad row": "rows against their contract",
}
_OPS: Final = {"c": "inserts", "u": "updates", "d": "deletes"}
_ORDER: Final = (*_OPS.values(), *dict.fromkeys(_KINDS.values()))


def actions(lines: Iterable[str], strays: int = 0) -> tuple[Action, ...]:
    """The ledger's row changes by what they were made for; seeding is left out.

    Args:
        lines: the ledger, JSON lines.
        strays: records of a stranger sent beside it.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        entry = json.loads(line)
        if entry["kind"] != "seed":
            counted[_KINDS.get(entry["kind"], _OPS[entry["op"]])] += 1
    made = [Action(name, counted[name]) for name in _ORDER if counted[name]]
    return (*made, Action("records that are no change", strays)) if strays else tuple(made)
