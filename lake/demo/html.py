"""The report as one self-contained HTML page: styles and drawings inline, no script, no network, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from lake.demo import svg, text
from lake.demo.model import (
    EARLIER,
    CheckResult,
    DeadLetters,
    History,
    NextStep,
    Phase,
    Report,
    Restatement,
    Sales,
    Stop,
    headline,
)
from lake.reconcile import Verdict

_NOTHING: Final = "Nothing to show."
_ORACLES: Final = {
    "landing": "Every record in Kafka lies in the lake exactly once, or is a dead letter exactly once",
    "staging": "Every change that landed is in its change log once, or in quarantine once",
    "source": "The star's current rows equal the source table",
    "mirrors": "Each mirror's rows equal its source table, in all columns",
    "history": "No overlap, at most one current version, each opened by a change",
    "replay": "The history computed again from the whole log is the one kept step by step",
    "twins": "The lake's star equals the warehouse's",
    "keys": "Every fact refers to the version valid when it happened",
}


def render(report: Report) -> str:
    """The page, as the text of an HTML document."""
    template = Template(files("lake.demo").joinpath("page.html").read_text(encoding="utf-8"))
    sections = [
        _route(report),
        _histories(report.histories),
        _sales(report.sales, report.restatements),
        _latency(report),
        _set_aside(report.dead_letters),
        _quality(report.checks),
        _verdict(report.verdict),
        _next_steps(report.next_steps),
    ]
    return template.substitute(
        title=_e(f"{report.pipeline}: from row to star"),
        kicker=_e(f"{report.pipeline} lake, demonstration"),
        made_at=_e(f"{report.made_at:%Y-%m-%d %H:%M} UTC, in {text.duration(report.seconds)}"),
        headline=_e(headline(report), 400),
        stamp=_stamp(report.verdict),
        workload=_workload(report),
        sections="\n".join(section for section in sections if section),
        footer=_phases(report.phases),
    )


def _stamp(verdict: Verdict) -> str:
    if not verdict.findings:
        return '<span class="stamp warn">Not reconciled</span>'
    if verdict.passed:
        compared = sum(finding.compared for finding in verdict.findings)
        said = f"Reconciliation is exact: {text.count(compared)} comparisons, 0 differences"
        return f'<span class="stamp good">{said}</span>'
    differences = sum(finding.differences for finding in verdict.findings)
    return f'<span class="stamp bad">Reconciliation failed: {text.count(differences)} differences</span>'


def _workload(report: Report) -> str:
    done = [f"{text.count(action.count)} {_e(action.name)}" for action in report.workload if action.count]
    return f"The workload beside the running capture: {', '.join(done)}." if done else ""


def _route(report: Report) -> str:
    picture = svg.route(report.route, report.latency)
    names = {stop.name: stop for stop in report.route}
    early = [names[name] for name in ("source", "kafka", "landing", "staging") if name in names]
    late = [names[name] for name in ("curated", "load", "warehouse") if name in names]
    tables = "".join(f'<div class="card">{_rows_by_table(stops)}</div>' for stops in (early, late) if stops)
    body = f'<div class="card">{picture}</div><div class="pair tables">{tables}</div>' if picture else _empty()
    note = "Rows at each stop, the median time between two, and what was set aside on the way."
    return _section("The route", note, body)


def _rows_by_table(stops: Sequence[Stop]) -> str:
    """One row per table; a column per stop, and one per stop's set-aside rows where there are any."""
    columns: list[tuple[str, dict[str, int], bool]] = []
    for stop in stops:
        columns.append((stop.title, {item.table: item.rows for item in stop.tables}, False))
        if stop.set_aside:
            columns.append((stop.aside_title, {item.table: item.rows for item in stop.aside}, True))
    names = list(dict.fromkeys(item.table for stop in stops for item in (*stop.tables, *stop.aside)))
    body = []
    for name in names:
        cells = [_number(found.get(name), "bad" if aside and found.get(name) else "") for _, found, aside in columns]
        body.append([_td(name, "name"), *cells])
    return _table([("table", ""), *((title, "n") for title, _, _ in columns)], body)


def _histories(histories: Sequence[History]) -> str:
    cards = [
        f'<div class="card"><h3>{_e(history.key)}</h3><p class="story">{_e(history.story, 300)}.</p>'
        f"{svg.timeline(history)}{_versions(history)}</div>"
        for history in histories
    ]
    note = (
        "Each bar is a version, valid from its left edge up to, not including, its right edge; facts belong to the "
        "version that was valid when they happened. Time runs left to right and is stretched where changes are close."
    )
    empty = f'<div class="card">{_empty("No key changed.")}</div>'
    return _section("Histories, version by version", note, "".join(cards) or empty)


def _versions(history: History) -> str:
    names = history.differing
    body = []
    for number, version in enumerate(history.versions, 1):
        values = {value.name: value for value in version.values}
        cells = []
        for name in names:
            value = values.get(name)
            shown = _e(text.shown(value.value if value else None))
            changed = value is not None and value.changed
            cells.append(f'<td><span class="changed">{shown}</span></td>' if changed else f"<td>{shown}</td>")
        current = "current" if version.is_open else ""
        state = "deleted" if version.is_deleted else "inferred" if version.is_inferred else current
        ends = [_td(text.instant(version.effective_from), "name"), _td(text.instant(version.effective_to), "name")]
        body.append([_td(f"v{number}"), *ends, *cells, _number(version.facts), _td(state)])
    heads = [("", ""), ("from", ""), ("to", ""), *((name.replace("_", " "), "") for name in names)]
    return _table([*heads, (history.fact, "n"), ("", "")], body, "versions")


def _sales(sales: Sales | None, restatements: Sequence[Restatement]) -> str:
    group = "category" if sales is None else sales.group.replace("_", " ")
    title = f"Sales by {group} and month"
    if sales is None or not sales.rows:
        return _section(title, "", f'<div class="card">{_empty("No sales.")}</div>{_restated(restatements)}')
    newest = [month != EARLIER for month in sales.months]
    highest = max((a for row in sales.rows for a, new in zip(row.amounts, newest, strict=True) if new), default=0) or 1
    body = []
    for row in sales.rows:
        cells = [
            _td(text.amount(amount), "n") if not new else _heat(amount, max(float(amount / highest), 0))
            for amount, new in zip(row.amounts, newest, strict=True)
        ]
        moved = text.amount(row.total - row.by_today)
        difference = "0" if moved == "-0" else moved if moved.startswith(("-", "0")) else f"+{moved}"
        total = _td(text.amount(row.total), "n")
        body.append([_td(text.shown(row.group), "name"), *cells, total, _td(difference, "n dim")])
    months = [(month, "n heat" if new else "n") for month, new in zip(sales.months, newest, strict=True)]
    heads = [(group, ""), *months, ("total", "n"), ("against today’s", "n")]
    note = (
        f"{sales.measure.replace('_', ' ').capitalize()} under the {group} that each product had when it was sold. "
        f"By today's {group} alone, {text.amount(sales.moved)} would be filed elsewhere: "
        "the last column says what each would lose (+) or gain (-)."
    )
    return _section(title, note, f'<div class="card">{_table(heads, body)}</div>{_restated(restatements)}')


def _heat(amount: Decimal, share: float) -> str:
    return f'<td class="n heat" style="--a:{share * 0.42:.3f}">{text.amount(amount)}</td>'


def _restated(restatements: Sequence[Restatement]) -> str:
    if not restatements:
        return ""
    body = [
        [_td(item.fact, "name"), _td(item.reference, "name"), _td(item.reason.replace("_", " ")), _number(item.rows)]
        for item in restatements
    ]
    heads = [("fact", ""), ("reference", ""), ("why", ""), ("facts", "n")]
    title = "Restated: facts given another version when a history moved under them"
    return f'<div class="card"><p class="story">{title}.</p>{_table(heads, body)}</div>'


def _latency(report: Report) -> str:
    titles = {stop.name: stop.title for stop in report.route}
    picture = svg.latency_bars(report.latency, titles)
    note = (
        "Bar: median. Line: 95th percentile. Each row waits at a hop until the next batch; "
        "a shorter trigger makes shorter waits."
    )
    return _section("Latency per hop", note, f'<div class="card">{picture or _empty("No change was timed.")}</div>')


def _set_aside(letters: Sequence[DeadLetters]) -> str:
    heads = [("where", ""), ("table", ""), ("reason", ""), ("rows", "n"), ("records", "")]
    body = [
        [
            _td(item.stage, "name"),
            _td(item.table, "name"),
            _td(item.reason, "free"),
            _number(item.rows),
            _td("; ".join(item.examples), "mono", 200),
        ]
        for item in letters
    ]
    note = (
        "Nothing is dropped: what cannot be read or breaks a contract waits, raw, with its reason and its coordinates."
    )
    table = _table(heads, body, empty="Nothing was set aside.")
    return _section("Dead letters and quarantine", note, f'<div class="card">{table}</div>')


def _quality(checks: Sequence[CheckResult]) -> str:
    heads = [("table", ""), ("check", ""), ("looks at", ""), ("severity", ""), ("seen", "n"), ("failed", "n"), ("", "")]
    body = []
    for check in checks:
        word, css = _judgement(check)
        cells = [_td(check.table, "name"), _td(check.name), _td(check.scope), _td(check.severity)]
        body.append([*cells, _number(check.evaluated), _number(check.failed), _td(word, css)])
    failed = sum(not check.passed for check in checks)
    note = f"{len(checks) - failed} of {len(checks)} checks of the contracts passed." if checks else ""
    return _section("Quality", note, f'<div class="card">{_table(heads, body, empty="No check ran.")}</div>')


def _judgement(check: CheckResult) -> tuple[str, str]:
    if check.passed:
        return "passed", "good"
    if check.severity == "warn":
        return "warned", "warn"
    return ("rejected" if check.scope == "row" else "failed"), "bad"


def _verdict(verdict: Verdict) -> str:
    heads = [("oracle", ""), ("table", ""), ("compared", "n"), ("differences", "n"), ("detail", ""), ("", "")]
    body = []
    for finding in verdict.findings:
        css, word = ("good", "holds") if finding.passed else ("bad", "differs")
        numbers = [_number(finding.compared), _number(finding.differences)]
        names = [_td(finding.oracle, "name"), _td(finding.table, "name")]
        body.append([*names, *numbers, _td(finding.detail, "dim", 200), _td(word, css)])
    seen = dict.fromkeys(finding.oracle for finding in verdict.findings)
    rules = "".join(f"<li><b>{_e(name)}</b> {_e(_ORACLES[name])}</li>" for name in seen if name in _ORACLES)
    legend = f'<ul class="rules">{rules}</ul>' if rules else ""
    note = "Second answers to what the hops say, each worked out independently of them."
    table = _table(heads, body, empty="Nothing was reconciled.")
    return _section("Reconciliation", note, f'<div class="card">{legend}{table}</div>')


def _next_steps(steps: Sequence[NextStep]) -> str:
    if not steps:
        return ""
    items = "".join(f"<dt><code>{_e(step.command, 300)}</code></dt><dd>{_e(step.text, 300)}</dd>" for step in steps)
    return _section("What to try next", "", f'<div class="card"><dl>{items}</dl></div>')


def _phases(phases: Sequence[Phase]) -> str:
    if not phases:
        return ""
    bars = "".join(f'<i style="flex:{max(phase.seconds, 0.01):.2f}"></i>' for phase in phases)
    items = "".join(f"<li>{_e(phase.name)} <b>{text.duration(phase.seconds)}</b></li>" for phase in phases)
    return f'<div class="phases">{bars}</div><ul class="legend">{items}</ul>'


def _section(title: str, note: str, body: str) -> str:
    say = f'<p class="say">{_e(note, 400)}</p>' if note else ""
    return f"<section><h2>{_e(title)}</h2>{say}{body}</section>"


def _table(
    heads: Iterable[tuple[str, str]], rows: Sequence[Sequence[str]], css: str = "", empty: str = _NOTHING
) -> str:
    """A table of header texts with their classes, and rows of ready cells; without rows, the sentence `empty`."""
    if not rows:
        return _empty(empty)
    head = "".join(f'<th class="{css_class}">{_e(title)}</th>' for title, css_class in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    opening = f'<table class="{css}">' if css else "<table>"
    return f"{opening}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _td(words: str, css: str = "", limit: int = 120) -> str:
    return f'<td class="{css}">{_e(words, limit)}</td>' if css else f"<td>{_e(words, limit)}</td>"


def _number(number: int | None, css: str = "") -> str:
    return f'<td class="n {css}">{"" if number is None else text.count(number)}</td>'


def _empty(words: str = _NOTHING) -> str:
    return f'<p class="empty">{_e(words)}</p>'


def _e(words: str, limit: int = 120) -> str:
    return escape(text.harmless(words, limit), quote=True)
