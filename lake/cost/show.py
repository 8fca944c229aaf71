"""Bills and sizes as text, as JSON, and as the tables of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lake.cost.bill import Bill
from lake.cost.sizing import Sizing, Volume, sized
from lake.cost.tables import Prices

Row = Sequence[str]


def as_json(bills: Mapping[str, Bill], prices: Prices, volume: Mapping[str, Any]) -> dict[str, Any]:
    """Everything: volume, prices' date, and each environment's sizing, lines, parts and sum."""
    return {
        "prices": {"date": str(prices.date), "region": prices.region, "currency": prices.currency},
        "volume": dict(volume),
        "environments": {
            name: {
                "usd_a_month": round(bill.usd, 2),
                "parts": {part: round(usd, 2) for part, usd in bill.parts.items()},
                "lines": [asdict(line) | {"source": prices.of(line.item).source} for line in bill.lines],
                "sizing": asdict(bill.sizing),
            }
            for name, bill in bills.items()
        },
    }


def as_text(bills: Mapping[str, Bill], prices: Prices) -> str:
    """A block for each environment: its lines, its sum, what the volume needs."""
    blocks = []
    for name, bill in bills.items():
        rows = [f"{name}: {bill.volume.events_a_day:,.0f} changes a day, {bill.usd:,.0f} USD a month"]
        rows += [
            f"  {line.part:<15} {line.item:<27} {line.quantity:>14,.1f} {line.unit:<19} {line.usd:>10,.2f}"
            for line in bill.lines
        ]
        blocks.append("\n".join([*rows, f"  needs: {needs(bill.sizing)}"]))
    secondary = sorted(
        {line.item for bill in bills.values() for line in bill.lines if prices.of(line.item).source == "secondary"}
    )
    told = (
        f"On-demand prices of {prices.date}, {prices.region}. To be looked up again: {', '.join(secondary) or 'none'}."
    )
    return "\n\n".join([*blocks, told])


def needs(sizing: Sizing) -> str:
    """A volume's needs in a line."""
    return (
        f"{sizing.partitions} partitions a topic, {sizing.stream_cores} cores for hop 1 at the peak, "
        f"{sizing.batch_cores} for hops 2 and 3 ({sizing.batch_seconds:,.0f} s a run)"
    )


def cost_table(bills: Mapping[str, Bill]) -> str:
    """Parts of the lake by environment, USD a month (Markdown)."""
    parts = list(dict.fromkeys(part for bill in bills.values() for part in bill.parts))
    rows = [[part, *(f"{bill.parts.get(part, 0):,.0f}" for bill in bills.values())] for part in parts]
    rows.append(["**a month**", *(f"**{bill.usd:,.0f}**" for bill in bills.values())])
    return _markdown(["USD", *bills], rows)


def scale_table(volumes: Sequence[Volume], *, runs_a_day: int) -> str:
    """Needs by volume (Markdown)."""
    found = [sized(volume, runs_a_day=runs_a_day) for volume in volumes]
    head = ["changes a day", *(f"{volume.events_a_day:,.0f}" for volume in volumes)]
    rows = [
        ["a second, mean and peak", *(f"{v.mean:,.1f}, {v.busiest:,.0f}" for v in volumes)],
        ["GB a day into Kafka", *(f"{v.gb_a_day:,.2f}" for v in volumes)],
        ["partitions a topic", *(f"{s.partitions:,}" for s in found)],
        ["cores for hop 1 at the peak", *(f"{s.stream_cores:,}" for s in found)],
        ["cores for hops 2 and 3 at the peak", *(f"{s.batch_cores:,}" for s in found)],
        ["seconds of a run of hops 2 and 3", *(f"{s.batch_seconds:,.0f}" for s in found)],
        ["landing: GB a day", *(f"{s.landing_gb_a_day:,.2f}" for s in found)],
        ["landing: files a day", *(f"{s.landing_files_a_day:,}" for s in found)],
        ["staging: files of a day after maintenance", *(f"{s.compacted_files_a_day:,}" for s in found)],
    ]
    return _markdown(head, rows)


def _markdown(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
