"""Lineage of the steps: events of OpenLineage, made as steps start and end, and handed to a transport."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lake.metrics import Hop
from lake.watch import logs
from lake.watch.events import Dataset, EventType, Subject, run_event
from schemas.errors import LakeError
from schemas.manifests import utc_now

_RUNS: Final = uuid.UUID("6e2f1f3c-8a53-4f5e-9d0b-0d3d8d0f5a11")
"""Under this name space a run id of any form becomes the UUID that OpenLineage asks for."""


@dataclass(frozen=True)
class Flow:
    """What a step reads and writes."""

    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


@dataclass(frozen=True)
class Told:
    """A step whose start was told."""

    subject: Subject
    flow: Flow


@dataclass
class Lineage:
    """Makes events and sends them.

    Args:
        namespace: of the jobs: the lake and its environment.
        pipeline: name of the pipeline, the first part of every job's name.
        send: the transport.
        close: waits a moment for what is on its way.
    """

    namespace: str
    pipeline: str
    send: Callable[[dict[str, Any]], None]
    close: Callable[[], None] = field(default=lambda: None)

    def started(self, hop: Hop, subject: str, flow: Flow, route_run: str) -> Told:
        """Tells that a step started; datasets are only named yet."""
        told = Told(
            Subject(
                namespace=self.namespace,
                job=f"{self.pipeline}.{hop.value}.{subject}",
                run_id=str(uuid.uuid4()),
                parent_job=f"{self.pipeline}.route",
                parent_run_id=run_uuid(route_run),
                streaming=hop is Hop.LANDING,
            ),
            flow,
        )
        self._send(EventType.START, told)
        return told

    def completed(self, told: Told, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Tells the end, with schemas, column lineage and counts."""
        self._send(EventType.COMPLETE, told, facts)

    def aborted(self, told: Told) -> None:
        """Tells that the step was given up: there was nothing to do, or the job was asked to end."""
        self._send(EventType.ABORT, told)

    def failed(self, told: Told, error: BaseException, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Tells the failure, by a text without values of the data, and what was known by then."""
        text = error.what if isinstance(error, LakeError) else logs.named(error)
        self._send(EventType.FAIL, told, facts, text)

    def _send(
        self, kind: EventType, told: Told, facts: Mapping[str, Mapping[str, Any]] | None = None, error: str = ""
    ) -> None:
        datasets = (told.flow.inputs, told.flow.outputs)
        self.send(run_event(kind, told.subject, utc_now(), datasets, facts, error))


def run_uuid(run_id: str) -> str:
    """A run id as a UUID: itself where it is one, else one that is always the same for it."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return str(uuid.uuid5(_RUNS, run_id))
