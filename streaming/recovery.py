"""Whether a table's topic and its manifests still agree, and the epoch to raise where they do not.

The verdict is that of the job's own start (`progress.starting_offsets`), so nothing is raised that would not halt, and
what is raised halts no longer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pyspark.sql import SparkSession

from lake.store import Store, store_for
from schemas import load_pipeline
from schemas.errors import GapError
from schemas.manifests import LandingManifest, RaisedEpoch, utc_now
from streaming import epochs, kafka, manifest_log
from streaming.job import StreamSettings, chosen_topics
from streaming.kafka import TopicState
from streaming.lease import Lease
from streaming.progress import TopicRecreatedError, starting_offsets


class Verdict(StrEnum):
    """How a table stands."""

    AGREES = "agrees"
    """The next run goes on where the manifests end."""
    EMPTY = "empty"
    """Nothing is landed yet: the next run starts at the first offsets there are."""
    HALTS = "halts"
    """The next run would halt."""
    RAISED = "raised"
    """A raised epoch waits for the next run, which starts afresh."""


@dataclass(frozen=True)
class Diagnosis:
    """How one table's topic and manifests stand to each other.

    `raise_to` is the epoch that should be raised, none where none should; `reason` says why.
    """

    table: str
    state: TopicState
    last: LandingManifest | None
    epoch: int
    verdict: Verdict
    reason: str = ""
    raise_to: int | None = None

    def record(self) -> RaisedEpoch:
        """What is recorded of the epoch to raise."""
        assert self.last is not None
        assert self.raise_to is not None
        return RaisedEpoch(
            table=self.table,
            epoch=self.raise_to,
            topic=self.state.topic,
            topic_id=self.state.topic_id,
            reason=self.reason,
            seq=self.last.seq,
            committed=self.last.committed,
            recorded_at=utc_now(),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        committed = self.last.committed if self.last else {}
        offsets = {
            str(p): {
                "committed": committed.get(p),
                "first": self.state.earliest.get(p),
                "end": self.state.latest.get(p),
            }
            for p in sorted({*committed, *self.state.latest})
        }
        return {
            "table": self.table,
            "verdict": self.verdict,
            "reason": self.reason,
            "epoch": self.epoch,
            "raise_to": self.raise_to,
            "topic": self.state.topic,
            "topic_id": self.state.topic_id,
            "landed_topic_id": self.last.topic_id if self.last else None,
            "partitions": offsets,
        }


def diagnose(
    table: str,
    state: TopicState,
    last: LandingManifest | None,
    recorded: RaisedEpoch | None,
    *,
    forced: bool = False,
) -> Diagnosis:
    """How the next run of the job would find the table. Pure.

    Args:
        table: contract name.
        state: the topic now.
        last: newest manifest.
        recorded: newest raised epoch.
        forced: whether to raise the epoch of a table that agrees; one that is raised already is not raised twice.
    """
    epoch = epochs.current(last, recorded)
    found = Diagnosis(table, state, last, epoch, Verdict.AGREES)
    if last is None:
        return replace(found, verdict=Verdict.EMPTY)
    if epoch > last.epoch:
        return replace(found, verdict=Verdict.RAISED, reason=recorded.reason if recorded else "")
    try:
        starting_offsets(table, state, last, epoch)
    except (GapError, TopicRecreatedError) as error:
        return replace(found, verdict=Verdict.HALTS, reason=f"{error.where} {error.what}", raise_to=epoch + 1)
    return replace(found, reason="asked for", raise_to=epoch + 1) if forced else found


def survey(spark: SparkSession, settings: StreamSettings, forced: Collection[str] = ()) -> list[Diagnosis]:
    """The diagnosis of every table that the settings name; nothing is written.

    Args:
        spark: a session whose classpath has the Kafka client.
        settings: of the streaming job.
        forced: tables whose epoch is to be raised even where they agree.

    Raises:
        LakeError: a table, a topic or the broker is missing.
    """
    topics = chosen_topics(load_pipeline(settings.pipeline, settings.search_path), settings.tables)
    states = kafka.topic_states(spark, settings.client_options(), topics)
    store = store_for(settings.lake_uri)
    return [
        diagnose(
            table,
            state,
            manifest_log.newest(store, table),
            epochs.newest(store, table),
            forced=table in forced,
        )
        for table, state in states.items()
    ]


def raise_epochs(store: Store, found: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Records the epochs that should be raised; the diagnoses as they are then.

    Raises:
        CommitConflictError: a job is landing such a table.
    """
    return [_raised(store, item) if item.raise_to is not None else item for item in found]


def _raised(store: Store, item: Diagnosis) -> Diagnosis:
    lease = Lease.take(store, item.table)
    try:
        # One that is there already is another `recover`'s: it says the same.
        epochs.record(store, item.record())
    finally:
        lease.release()
    return replace(item, verdict=Verdict.RAISED, epoch=item.record().epoch, raise_to=None)
