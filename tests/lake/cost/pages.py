"""The tables that documentation holds between marks, made anew: `python -m tests.lake.cost.pages` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lake.cost.bill import bill_of
from lake.cost.show import cost_table, scale_table
from lake.cost.sizing import MEASURED, Volume
from lake.cost.tables import load_tables

ROOT: Final = Path(__file__).parents[3]
MARKED: Final = re.compile(
    r"<!-- (?P<kind>cost|scale) (?P<volumes>[\d ]+) -->\n(?P<table>.*?)\n<!-- end -->", re.DOTALL
)
PAGES: Final = ("docs/cost.md", "docs/scale.md")


def made(kind: str, volumes: list[Volume]) -> str:
    """The table that belongs between a pair of marks."""
    tables = load_tables()
    if kind == "scale":
        return scale_table(volumes, runs_a_day=96)
    bills = {name: bill_of(volumes[0], sizes, tables.prices, MEASURED) for name, sizes in tables.environments.items()}
    return cost_table(bills)


def marked(text: str) -> Iterator[tuple[str, str]]:
    """Each table of a page, and what it should be."""
    for found in MARKED.finditer(text):
        yield found["table"].strip(), made(found["kind"], [Volume(float(item)) for item in found["volumes"].split()])


def rewritten(text: str) -> str:
    """A page with its tables made anew."""

    def table(found: re.Match[str]) -> str:
        new = made(found["kind"], [Volume(float(item)) for item in found["volumes"].split()])
        return f"<!-- {found['kind']} {found['volumes']} -->\n{new}\n<!-- end -->"

    return MARKED.sub(table, text)


if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
