"""The report of a demonstration as frozen values: everything both pictures show, and nothing that only one can know.

Values of the data appear in two places: type-2 attributes of the chosen histories, and the categories of the sales.
Dead letters carry coordinates and reasons, never content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lake.reconcile import Verdict
from schemas import columns as c

EARLIER: Final = "earlier"
"""Column of the months before those that have one of their own."""
BEGINNING: Final = datetime.fromisoformat(c.BEGINNING_OF_TIME)


@dataclass(frozen=True)
class Phase:
    """A step of the demonstration and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Action:
    """What the workload did, and how often."""

    name: str
    count: int


@dataclass(frozen=True)
class TableRows:
    """Rows of one table."""

    table: str
    rows: int


@dataclass(frozen=True)
class Stop:
    """A place on the route, with its rows by table and those that were set aside on their way in."""

    name: str
    title: str
    unit: str
    tables: tuple[TableRows, ...] = ()
    aside: tuple[TableRows, ...] = ()
    aside_title: str = ""
    note: str = ""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def set_aside(self) -> int:
        """Rows set aside on the way in."""
        return sum(table.rows for table in self.aside)


@dataclass(frozen=True)
class Latency:
    """Seconds that rows spent between two stops (names of `Stop`)."""

    start: str
    end: str
    rows: int
    median: float
    p95: float


@dataclass(frozen=True)
class Value:
    """An attribute's value in a version; `changed` where the version before had another one. None is NULL."""

    name: str
    value: str | None
    changed: bool = False


@dataclass(frozen=True)
class Version:
    """One version of a key, valid in `[effective_from, effective_to)`; an open end is None. `facts` refer to it."""

    effective_from: datetime
    effective_to: datetime | None
    values: tuple[Value, ...] = ()
    is_deleted: bool = False
    is_inferred: bool = False
    facts: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the version is valid now."""
        return self.effective_to is None

    @property
    def from_the_beginning(self) -> bool:
        """Whether the version starts before anything was known."""
        return self.effective_from <= BEGINNING


@dataclass(frozen=True)
class History:
    """The versions of one business key, oldest first; `fact` names the rows that its versions' `facts` count."""

    dimension: str
    key: str
    versions: tuple[Version, ...]
    fact: str = "sales"

    @property
    def gaps(self) -> int:
        """Spans between versions in which the key did not exist."""
        pairs = zip(self.versions, self.versions[1:], strict=False)
        return sum(before.effective_to != after.effective_from for before, after in pairs)

    @property
    def ended(self) -> bool:
        """Whether the key no longer exists."""
        return bool(self.versions) and (not self.versions[-1].is_open or self.versions[-1].is_deleted)

    @property
    def differing(self) -> tuple[str, ...]:
        """Attributes that changed at least once, in their order; all of them where none did."""
        values = [value for version in self.versions for value in version.values]
        changed = {value.name for value in values if value.changed}
        return tuple(dict.fromkeys(value.name for value in values if value.name in changed or not changed))

    @property
    def returns(self) -> bool:
        """Whether a version has the values of one before the one before it."""
        states = [tuple(value.value for value in version.values) for version in self.versions]
        return any(states[i] in states[: i - 1] for i in range(2, len(states)))

    @property
    def story(self) -> str:
        """The history in one sentence."""
        count = len(self.versions)
        parts = [f"{count} version{'' if count == 1 else 's'}"]
        if any(value.changed for version in self.versions for value in version.values):
            parts.append(f"{_listed([name.replace('_', ' ') for name in self.differing])} changed")
        if self.returns:
            parts.append("a value came back and opened a version of its own")
        if self.gaps:
            parts.append("deleted, then back under the same key")
        if self.ended:
            parts.append("deleted at last" if self.gaps else "deleted")
        return "; ".join(parts)


@dataclass(frozen=True)
class SalesRow:
    """A group's amounts by month as of the sale, and its total were today's group taken instead."""

    group: str
    amounts: tuple[Decimal, ...]
    by_today: Decimal

    @property
    def total(self) -> Decimal:
        """All months."""
        return sum(self.amounts, Decimal(0))


@dataclass(frozen=True)
class Sales:
    """A measure of a fact by a type-2 attribute, as it was at the event, and month.

    `months` are `yyyy-mm`, ascending; the first may be `EARLIER`.
    """

    table: str
    group: str
    measure: str
    months: tuple[str, ...]
    rows: tuple[SalesRow, ...]

    @property
    def moved(self) -> Decimal:
        """The amount that today's groups would file elsewhere."""
        return sum((abs(row.total - row.by_today) for row in self.rows), Decimal(0)) / 2


@dataclass(frozen=True)
class Restatement:
    """Facts that were given another version of a dimension because its history moved."""

    fact: str
    reference: str
    reason: str
    rows: int


@dataclass(frozen=True)
class DeadLetters:
    """Records set aside for one reason: where (`landing` or `staging`), and the coordinates of a few."""

    stage: str
    table: str
    reason: str
    rows: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """What a check found: `scope` is row or dataset; `failed` counts rows, or failed runs of a dataset check."""

    table: str
    name: str
    scope: str
    severity: str
    evaluated: int
    failed: int

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return self.failed == 0


@dataclass(frozen=True)
class NextStep:
    """A command worth typing next, and what it shows."""

    command: str
    text: str


@dataclass(frozen=True)
class Report:
    """All that a demonstration shows."""

    pipeline: str
    made_at: datetime
    verdict: Verdict
    phases: tuple[Phase, ...] = ()
    workload: tuple[Action, ...] = ()
    route: tuple[Stop, ...] = ()
    latency: tuple[Latency, ...] = ()
    histories: tuple[History, ...] = ()
    sales: Sales | None = None
    restatements: tuple[Restatement, ...] = ()
    dead_letters: tuple[DeadLetters, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    tombstones: int = 0
    next_steps: tuple[NextStep, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration of all phases."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def set_aside(self) -> int:
        """Records set aside on the whole route."""
        return sum(letters.rows for letters in self.dead_letters)

    def stop(self, name: str) -> Stop | None:
        """The stop of that name, if the route has it."""
        return next((stop for stop in self.route if stop.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: instants as ISO 8601, amounts as text."""
        body = {field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "verdict"}
        return body | {"seconds": round(self.seconds, 3), "verdict": self.verdict.as_dict()}


def headline(report: Report) -> str:
    """The report in one sentence: what came in, what became of each record, and whether every oracle holds."""
    kafka, staging = report.stop("kafka"), report.stop("staging")
    parts = [f"{staging.rows if staging else 0:,} changes"]
    if report.tombstones:
        parts.append(f"{report.tombstones:,} tombstones")
    parts.append(f"{report.set_aside:,} set aside with a reason" if report.set_aside else "none set aside")
    failed = sum(not finding.passed for finding in report.verdict.findings)
    if not report.verdict.findings:
        verdict = "Nothing was reconciled"
    elif failed:
        verdict = f"{failed} of {len(report.verdict.findings)} comparisons found differences"
    else:
        verdict = "The star equals its source, row for row"
    return f"{kafka.rows if kafka else 0:,} records: {_listed(parts)}. {verdict}."


def with_changes(versions: Sequence[Version]) -> tuple[Version, ...]:
    """The versions with `changed` set on each value that the version before had otherwise."""
    result: list[Version] = []
    for number, version in enumerate(versions):
        before = {value.name: value.value for value in versions[number - 1].values} if number else None
        values = tuple(
            Value(value.name, value.value, before is not None and before.get(value.name) != value.value)
            for value in version.values
        )
        result.append(replace(version, values=values))
    return tuple(result)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
