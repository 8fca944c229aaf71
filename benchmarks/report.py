"""Comparisons as a table on the terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Comparison, Side

HEADINGS: Final = ("#", "what", "ours", "peer", "ratio", "target", "verdict", "rows", "pairs")
_STYLE: Final = {"met": "green", "missed": "red", "reported": "dim"}


@dataclass(frozen=True)
class Report:
    """Everything a run found out.

    `machine` holds the facts of the machine, `settings` those of the run (rows, repeats, load before it started).
    """

    comparisons: Sequence[Comparison]
    machine: Mapping[str, str]
    settings: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> str:
        """The report as JSON, one object per comparison with every single value."""
        body = {
            "settings": dict(self.settings),
            "machine": dict(self.machine),
            "comparisons": [_as_json(item) for item in self.comparisons],
        }
        return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def show(report: Report, console: Console) -> None:
    """Prints the table, the notes and the machine's facts."""
    table = Table(title="ours ÷ peer, medians of runs in turn", title_justify="left")
    for heading in HEADINGS:
        right = heading in ("ours", "peer", "ratio", "rows")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for item in report.comparisons:
        table.add_row(*cells(item), style=_STYLE[item.verdict])
    console.print(table)
    for item in report.comparisons:
        if item.note:
            console.print(f"{item.number}: {item.note}", highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in report.machine.items()), style="dim", highlight=False)
    console.print(", ".join(f"{n} {v}" for n, v in report.settings.items()), style="dim", highlight=False)


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The table as Markdown."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    lines += [f"| {' | '.join(cells(item))} |" for item in comparisons]
    return "\n".join(lines) + "\n"


def cells(item: Comparison) -> tuple[str, ...]:
    """One row of the table, in the order of `HEADINGS`."""
    low, high = item.spread
    return (
        item.number,
        item.title,
        _shown(item.ours, item),
        _shown(item.peer, item),
        f"{item.ratio:.2f}",
        str(item.target) if item.target else "",
        item.verdict,
        f"{item.rows:,}",
        f"{low:.2f} to {high:.2f}",
    )


def _shown(side: Side, item: Comparison) -> str:
    value = f"{_number(side.median)} {side.unit}"
    if item.speed and side.unit == "s":
        value = f"{item.rows / side.median:,.0f} rows/s"
    return f"{side.name}: {value}"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def _as_json(item: Comparison) -> dict[str, Any]:
    def side(found: Side) -> dict[str, Any]:
        return {"name": found.name, "unit": found.unit, "values": list(found.values), "median": found.median}

    return {
        "number": item.number,
        "title": item.title,
        "rows": item.rows,
        "ours": side(item.ours),
        "peer": side(item.peer),
        "ratio_of": "speeds" if item.speed else "values",
        "ratio": item.ratio,
        "ratio_of_pairs": list(item.spread),
        "target": str(item.target) if item.target else None,
        "verdict": item.verdict,
        "note": item.note,
    }
