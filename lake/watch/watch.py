"""What a run tells of itself while it works: log lines, metrics, and lineage of each step; never a reason to fail.

A run is one run of a hop, a step one batch of one table in it. Both end well or by an error, which they let pass.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from lake.metrics import BY_NAME, Hop
from lake.watch import emf, logs
from lake.watch.lineage import Flow, Lineage
from schemas.errors import LakeError

log = logging.getLogger(__name__)
steps = logging.getLogger(logs.STEPS)

MetricSink = Callable[[str], None]
"""Takes one line of the Embedded Metric Format."""


@dataclass
class Step:
    """One batch of one table; what is known of it is added as it becomes known.

    `ids` stand in every log line of the step. `metrics` are by name of the catalogue.
    """

    hop: Hop
    subject: str
    ids: dict[str, object] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    abandoned: bool = False

    def knows(self, **ids: object) -> None:
        """Adds ids: sequences, attempts, snapshots; never values of the data."""
        self.ids |= ids

    def measured(self, **values: float) -> None:
        """Adds metrics, by name of the catalogue."""
        self.metrics |= values

    def fresh(self, newest_milliseconds: float | None) -> None:
        """Adds how old the newest change is, given its instant in milliseconds since 1970; nothing for none."""
        if newest_milliseconds is not None:
            self.metrics["FreshnessSeconds"] = seconds_since(newest_milliseconds)

    def moved(self, dataset: str, **facts: Any) -> None:
        """Adds what lineage says of one of the flow's datasets: `rows`, `files`, `bytes`, `assertions`."""
        self.facts.setdefault(dataset, {}).update(facts)

    def tell(self, told: Callable[..., None], *facts: Any) -> None:
        """Calls `told(self, *facts)`, which adds what the step did; a fault in it is said and ends nothing."""
        try:
            told(self, *facts)
        except Exception as error:  # noqa: BLE001 - watching must never fail what is watched
            log.warning("%s %s: what it did cannot be told (%s)", self.hop, self.subject, logs.named(error))

    def abandon(self) -> None:
        """Says that the step turned out to be none: another run did it."""
        self.abandoned = True


@dataclass
class Run:
    """One run of a hop; `failures` counts what stopped without ending the run."""

    failures: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    def measured(self, **values: float) -> None:
        """Adds metrics of the hop, by name of the catalogue."""
        self.metrics |= values


@dataclass(eq=False)
class Watch:
    """Where a process tells what its hops do.

    Args:
        pipeline: name of the pipeline.
        environment: dev, prod, …; local where nothing is said.
        run_id: ties together all hops of one run of the route.
        metrics: takes the metrics; none: there are none.
        lineage: takes the lineage; none: there is none.
    """

    pipeline: str
    environment: str = "local"
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    metrics: MetricSink | None = None
    lineage: Lineage | None = None
    _told: set[str] = field(default_factory=set)

    @contextmanager
    def run(self, hop: Hop) -> Iterator[Run]:
        """A run of a hop, told as it ends: its duration, and what failed."""
        run, started = Run(), time.monotonic()
        try:
            yield run
        except BaseException:
            self.emit(hop, {"RunSeconds": time.monotonic() - started, "Failures": run.failures or 1, **run.metrics})
            raise
        self.emit(hop, {"RunSeconds": time.monotonic() - started, "Failures": run.failures, **run.metrics})

    @contextmanager
    def step(self, hop: Hop, subject: str, flow: Callable[[], Flow] | None = None, **ids: object) -> Iterator[Step]:
        """A batch of `subject`, a table as a rule.

        Args:
            hop: the hop.
            subject: what the batch is of.
            flow: gives what is read and written, asked only where lineage is told.
            ids: what names the batch.
        """
        step = Step(hop, subject, {"hop": hop.value, "table": subject, **ids})
        started = time.monotonic()
        with logs.fields(step.ids):
            ended = self._lineage_of(step, flow)
            try:
                yield step
            except BaseException as error:
                if not step.abandoned:
                    step.tell(self._failed, error, time.monotonic() - started)
                ended(None if step.abandoned else error)
                raise
            if not step.abandoned:
                step.tell(self._done, time.monotonic() - started)
            ended(None)

    def emit(
        self, hop: Hop, values: Mapping[str, float], table: str = "", ids: Mapping[str, object] | None = None
    ) -> None:
        """Metrics of a hop or of one of its tables, now; `ids` stand beside them in the log."""
        sink = self.metrics
        if sink is None or not values:
            return
        place = emf.Place(self.environment, self.pipeline, hop, table)
        known = {"run": self.run_id, **(ids or {})}
        self.safely("metrics", lambda: sink(emf.line(place, values, int(time.time() * 1000), known)))

    def close(self) -> None:
        """Waits a moment for lineage that is on its way."""
        if self.lineage is not None:
            self.safely("lineage", self.lineage.close)

    def _done(self, step: Step, seconds: float) -> None:
        shown = {name: round(value, 3) for name, value in step.metrics.items()}
        steps.info("%s %s: done in %.2f s", step.hop, step.subject, seconds, extra={logs.FIELDS: shown})
        if step.hop in BY_NAME["BatchSeconds"].hops:
            step.metrics["BatchSeconds"] = seconds
        self._emit_step(step)

    def _failed(self, step: Step, error: BaseException, seconds: float) -> None:
        trace = None if isinstance(error, LakeError) else error
        stopped = (step.hop, step.subject, seconds, logs.named(error))
        steps.error("%s %s: stopped after %.2f s: %s", *stopped, exc_info=trace)
        self._emit_step(step)

    def _emit_step(self, step: Step) -> None:
        by_table = {name: value for name, value in step.metrics.items() if BY_NAME[name].by_table}
        of_hop = {name: value for name, value in step.metrics.items() if name not in by_table}
        ids = {name: value for name, value in step.ids.items() if name not in ("hop", "table")}
        self.emit(step.hop, by_table, step.subject, ids)
        self.emit(step.hop, of_hop, ids=ids)

    def _lineage_of(self, step: Step, flow: Callable[[], Flow] | None) -> Callable[[BaseException | None], None]:
        lineage = self.lineage
        if lineage is None or flow is None:
            return lambda _: None
        told = self.safely("lineage", lambda: lineage.started(step.hop, step.subject, flow(), self.run_id))
        if told is None:
            return lambda _: None

        def ended(error: BaseException | None) -> None:
            if error is not None:
                self.safely("lineage", lambda: lineage.failed(told, error, step.facts))
            elif step.abandoned:
                self.safely("lineage", lambda: lineage.aborted(told))
            else:
                self.safely("lineage", lambda: lineage.completed(told, step.facts))

        return ended

    def safely(self, what: str, told: Callable[[], Any]) -> Any:
        """Tells, or says once that it cannot."""
        try:
            return told()
        except Exception as error:  # noqa: BLE001 - watching must never fail what is watched
            if what not in self._told:
                self._told.add(what)
                log.warning("%s cannot be told (%s); the run goes on without", what, logs.named(error))
            return None


def seconds_since(milliseconds: float) -> float:
    """Seconds from an instant (milliseconds since 1970) to now; 0 for one to come."""
    return max(0.0, time.time() - milliseconds / 1000)


OFF: Final = Watch(pipeline="", run_id="")
"""Tells nothing but log lines."""
