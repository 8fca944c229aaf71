"""The ledger: what the generators did to the source, as JSON lines in the order of commit.

Each line holds ``seq``, ``table``, ``op`` (c, u, d), ``key``, ``kind`` (why the change was made) and, for an update,
the names of the changed columns. No other value enters it, so no personal data either. A bulk load is one line per
table with the first and last key and the number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One committed change, or one bulk load (``rows`` then counts them)."""

    table: str
    op: str
    key: dict[str, Any]
    kind: str
    columns: tuple[str, ...] = ()
    rows: int = 1

    def line(self, seq: int) -> str:
        """The entry as a JSON line."""
        document = {"seq": seq, "table": self.table, "op": self.op, "key": self.key, "kind": self.kind}
        document |= {"columns": list(self.columns)} if self.columns else {}
        document |= {"rows": self.rows} if self.rows != 1 else {}
        return json.dumps(document) + "\n"


class Ledger:
    """Appends entries to a file; goes on with the numbering it finds there."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._next = _last_seq(path) + 1

    def append(self, entries: Iterable[Entry]) -> None:
        """Write the entries of one committed transaction."""
        with self._path.open("a", encoding="utf-8") as file:
            for entry in entries:
                file.write(entry.line(self._next))
                self._next += 1


def _last_seq(path: Path) -> int:
    """The last number in the file; a last line cut short by a kill is taken away."""
    if not path.exists():
        return 0
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) != len(lines):
        path.write_text("".join(whole), encoding="utf-8")
    return int(json.loads(whole[-1])["seq"]) if whole else 0
