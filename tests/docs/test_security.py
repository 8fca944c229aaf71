"""Every defence that the threat model claims names a test that is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROW: Final = re.compile(r"^\|(?! threat \|)(?!---)(.+)\|$", re.MULTILINE)
PAGE: Final = (ROOT / "docs/security.md").read_text(encoding="utf-8")


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    return frozenset(
        node.name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    )


def test_every_threat_names_a_test_that_is_there() -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) > 20
    assert not [row for row in rows if not NAMED.search(row)]
    assert not [f"{path}::{name}" for path, name in NAMED.findall(PAGE) if name not in names_in(path)]
