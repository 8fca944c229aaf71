"""The report in a terminal: a short story and tables, within 80 columns, plain where the output is no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lake.demo import text
from lake.demo.model import (
    CheckResult,
    DeadLetters,
    History,
    Latency,
    NextStep,
    Report,
    Restatement,
    Sales,
    Stop,
    Version,
    headline,
)
from lake.reconcile import Verdict

_WIDEST: Final = 100
_MONTHS: Final = 3
"""Newest months with a column of their own; those before are one column."""
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"


def show(report: Report, console: Console) -> None:
    """Prints the report; at most 100 columns wide, and no wider than the console."""
    width = min(console.width, _WIDEST)
    for block in blocks(report):
        console.print(block, width=width, highlight=False)


def blocks(report: Report) -> list[RenderableType]:
    """The report's parts, in reading order."""
    parts: list[RenderableType] = [Text(), Text(headline(report), "bold")]
    done = ", ".join(f"{text.count(action.count)} {action.name}" for action in report.workload if action.count)
    if done:
        parts.append(Text(f"The workload beside the capture: {text.harmless(done, 400)}.", "dim"))
    parts += [_section("The route", _route(report.route)), _section("Latency per hop", _latency(report.latency))]
    parts += [
        _section(_harmless(item.key), Group(Text(item.story, "dim"), _history(item))) for item in report.histories
    ]
    parts.append(_section("Sales as of the time of sale", _sales(report.sales)))
    if report.restatements:
        parts.append(_section("Restated when a history moved", _restated(report.restatements)))
    parts.append(_section("Set aside, with a reason", _dead_letters(report.dead_letters)))
    parts.append(_section("Quality", _checks(report.checks)))
    parts.append(_section("Reconciliation", _verdict(report.verdict)))
    if report.next_steps:
        parts.append(_section("What to try next", _next_steps(report.next_steps)))
    return parts


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(), Text(title, "bold cyan"), Padding(body, (0, 0, 0, 1)))


def _route(stops: Sequence[Stop]) -> RenderableType:
    table = _table("stop", "what lies there", (">rows",), (">set aside",))
    for stop in stops:
        parts = ", ".join(f"{_harmless(item.table)} {text.count(item.rows)}" for item in stop.tables)
        aside = Text(f"{text.count(stop.set_aside)} {stop.aside_title}", "red") if stop.set_aside else Text("")
        table.add_row(Text(stop.title, "bold"), Text(parts, "dim"), text.count(stop.rows), aside)
    return table if stops else _nothing()


def _latency(latency: Sequence[Latency]) -> RenderableType:
    if not latency:
        return _nothing()
    longest = max(leg.median for leg in latency) or 1.0
    table = _table("from", "to", (">median",), (">95 %",), "")
    for leg in latency:
        bar = Text(_bar(leg.median / longest, 24), "cyan")
        table.add_row(leg.start, leg.end, text.duration(leg.median), text.duration(leg.p95), bar)
    return table


def _history(history: History) -> RenderableType:
    names = history.differing
    heads = [name.replace("_", " ") for name in names]
    marked = any(_state(version) for version in history.versions)
    table = _table("", ("from",), ("to",), *heads, (f">{_harmless(history.fact)}",), *([""] if marked else []))
    for number, version in enumerate(history.versions, 1):
        start = "origin" if version.from_the_beginning else text.clock(version.effective_from)
        end = text.clock(version.effective_to) if version.effective_to else "now"
        state = [Text(_state(version), "yellow")] if marked else []
        table.add_row(f"v{number}", start, end, *_cells(version, names), text.count(version.facts), *state)
    return table if history.versions else _nothing()


def _cells(version: Version, names: Sequence[str]) -> list[Text]:
    values = {value.name: value for value in version.values}
    return [
        Text(text.shown(values[name].value, 24), "bold yellow" if values[name].changed else "")
        for name in names
        if name in values
    ]


def _state(version: Version) -> str:
    return "deleted" if version.is_deleted else "inferred" if version.is_inferred else ""


def _sales(sales: Sales | None) -> RenderableType:
    if sales is None or not sales.rows:
        return _nothing()
    newest = sales.months[-_MONTHS:]
    earlier = len(sales.months) - len(newest)
    heads = [("> before",)] if earlier else []
    months = [(f">{month}",) for month in newest]
    table = _table(sales.group.replace("_", " "), *heads, *months, (">total",), (">vs today's",))
    for row in sales.rows:
        first = [text.amount(sum(row.amounts[1:earlier], row.amounts[0]))] if earlier else []
        cells = [text.amount(amount) for amount in row.amounts[earlier:]]
        ends = [text.amount(row.total), text.amount(row.total - row.by_today)]
        table.add_row(Text(text.shown(row.group, 24)), *first, *cells, *ends)
    said = f"Grouped by today's {sales.group}, {text.amount(sales.moved)} of it would be filed elsewhere."
    return Group(table, Text(said, "dim"))


def _restated(restatements: Sequence[Restatement]) -> RenderableType:
    table = _table("fact", "reference", "why", (">facts",))
    for item in restatements:
        table.add_row(_harmless(item.fact), _harmless(item.reference), _harmless(item.reason), text.count(item.rows))
    return table


def _dead_letters(letters: Sequence[DeadLetters]) -> RenderableType:
    table = _table("where", "table", "reason", (">rows",), "for example")
    for item in letters:
        first = Text(_harmless(item.examples[0]) if item.examples else "", "dim")
        reason = Text(text.shown(item.reason), "red")
        table.add_row(item.stage, _harmless(item.table), reason, text.count(item.rows), first)
    return table if letters else Text("Nothing was set aside.", "dim")


def _checks(checks: Sequence[CheckResult]) -> RenderableType:
    failed = [check for check in checks if not check.passed]
    said = Text(f"{len(checks) - len(failed)} of {len(checks)} checks passed.", "green" if not failed else "")
    if not failed:
        return said
    table = _table("table", "check", "severity", (">seen",), (">failed",))
    for check in failed:
        style = "red" if check.severity == "reject" else "yellow"
        cells = (_harmless(check.table), Text(text.shown(check.name, 60)), Text(check.severity, style))
        table.add_row(*cells, text.count(check.evaluated), text.count(check.failed))
    return Group(said, table)


def _verdict(verdict: Verdict) -> RenderableType:
    if not verdict.findings:
        return Text("Nothing was reconciled.", "yellow")
    table = _table("oracle", "table", (">compared",), (">differences",), "")
    for finding in verdict.findings:
        word = Text("holds", "green") if finding.passed else Text("differs", "bold red")
        numbers = (text.count(finding.compared), text.count(finding.differences))
        table.add_row(_harmless(finding.oracle), _harmless(finding.table), *numbers, word)
    details = [
        Text(f"{_harmless(item.oracle)} {_harmless(item.table)}: {text.harmless(item.detail, 200)}", "red")
        for item in verdict.findings
        if not item.passed and item.detail
    ]
    end = Text("Exact: every oracle holds.", "bold green") if verdict.passed else Text("Not exact.", "bold red")
    return Group(table, *details, end)


def _next_steps(steps: Sequence[NextStep]) -> RenderableType:
    return Group(*(Group(Text(step.command, "bold"), Text(f"   {step.text}", "dim")) for step in steps))


def _table(*heads: str | tuple[str]) -> Table:
    """A table without a frame; a head in a tuple is never wrapped, and stands right if it starts with `>`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True, header_style="dim")
    for head in heads:
        if isinstance(head, tuple):
            right = head[0].startswith(">")
            table.add_column(head[0].removeprefix(">").strip(), justify="right" if right else "left", no_wrap=True)
        else:
            table.add_column(head)
    return table


def _bar(share: float, width: int) -> str:
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def _harmless(words: str) -> str:
    return text.harmless(words, 60)


def _nothing() -> Text:
    return Text("Nothing to show.", "dim")
