"""What halts a table is told before it is raised, raised once, and then read by the job's next start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from lake.store import LocalStore
from schemas.errors import CommitConflictError
from schemas.manifests import LandingManifest, ManifestError, RaisedEpoch
from streaming import epochs, manifest_log
from streaming.kafka import TopicState
from streaming.landing import TableLanding
from streaming.lease import Lease
from streaming.progress import starting_offsets
from streaming.recovery import Diagnosis, Verdict, diagnose, raise_epochs
from streaming.registry import SchemaCache
from streaming.target import Target
from tests.support.landing import FixedRegistry

LAST = LandingManifest("retail", "customer", "c.cdc", 0, 1, "a", {0: (5, 9), 1: (3, 3)}, topic_id="id1")
STATE = TopicState("c.cdc", "id1", {0: 0, 1: 0}, {0: 12, 1: 3})
ANOTHER = replace(STATE, topic_id="id2")
PASSED = replace(STATE, earliest={0: 11, 1: 0})


def raised(epoch: int) -> RaisedEpoch:
    return RaisedEpoch("customer", epoch, "c.cdc", "id2", "why", 1, {0: 9})


def found(state: TopicState, last: LandingManifest | None = LAST, **more: Any) -> Diagnosis:
    return diagnose("customer", state, last, more.pop("recorded", None), **more)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ANOTHER, "topic c.cdc was deleted and made again: id id2, the manifests have id1"),
        (PASSED, "topic c.cdc retention has removed offsets 9 to 10 of partition 0 before they were read"),
        (replace(STATE, latest={0: 8, 1: 3}), "topic c.cdc partition 0 ends at offset 8"),
    ],
)
def test_what_would_halt_is_to_be_raised_by_one(state: TopicState, reason: str) -> None:
    diagnosis = found(state)
    assert (diagnosis.verdict, diagnosis.epoch, diagnosis.raise_to) == (Verdict.HALTS, 0, 1)
    assert diagnosis.reason.startswith(reason)


def test_what_agrees_and_what_is_empty_is_left_alone() -> None:
    assert (found(STATE).verdict, found(STATE).raise_to) == (Verdict.AGREES, None)
    assert (found(ANOTHER, None).verdict, found(ANOTHER, None, forced=True).raise_to) == (Verdict.EMPTY, None)


def test_a_table_that_agrees_is_raised_only_by_force() -> None:
    assert (found(STATE, forced=True).verdict, found(STATE, forced=True).raise_to) == (Verdict.AGREES, 1)


@pytest.mark.parametrize("forced", [False, True])
def test_an_epoch_that_waits_for_its_first_batch_is_not_raised_again(forced: bool) -> None:
    diagnosis = found(ANOTHER, recorded=raised(1), forced=forced)
    assert (diagnosis.verdict, diagnosis.epoch, diagnosis.raise_to) == (Verdict.RAISED, 1, None)


def test_an_epoch_that_was_read_in_may_be_raised_from_again() -> None:
    diagnosis = found(ANOTHER, replace(LAST, epoch=1), recorded=raised(1))
    assert (diagnosis.verdict, diagnosis.raise_to) == (Verdict.HALTS, 2)


def test_json_holds_both_sides_of_each_partition() -> None:
    shown = found(PASSED).to_json()
    assert (shown["topic_id"], shown["landed_topic_id"], shown["raise_to"]) == ("id1", "id1", 1)
    assert shown["partitions"]["0"] == {"committed": 9, "first": 11, "end": 12}


def test_a_raised_epoch_is_recorded_once_and_the_job_starts_in_it(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest_log.commit(store, None, LAST)
    (done,) = raise_epochs(store, [found(ANOTHER)])
    assert (done.verdict, done.epoch, done.raise_to) == (Verdict.RAISED, 1, None)
    assert store.list("landing/_epochs") == ["landing/_epochs/customer/000000000001.json"]
    recorded = epochs.newest(store, "customer")
    assert recorded is not None
    assert (recorded.topic_id, recorded.committed, recorded.seq) == ("id2", {0: 9, 1: 3}, 1)
    assert found(ANOTHER, recorded=recorded).raise_to is None
    raise_epochs(store, [found(ANOTHER)])
    assert epochs.newest(store, "customer") == recorded

    unused = cast("SparkSession", None)
    resumed = TableLanding.resume(unused, store, Target("retail", "customer", "c.cdc"), SchemaCache(FixedRegistry({})))
    assert (resumed.target.epoch, resumed.committed) == (1, {})
    assert starting_offsets("customer", ANOTHER, resumed.last, resumed.target.epoch) == {0: 0, 1: 0}


def test_nothing_is_raised_where_nothing_is_asked_for(tmp_path: Path) -> None:
    assert raise_epochs(LocalStore(tmp_path), [found(STATE)]) == [found(STATE)]
    assert not (tmp_path / "landing").exists()


def test_an_epoch_is_not_raised_under_a_job_that_lands_the_table(tmp_path: Path) -> None:
    lease = Lease.take(LocalStore(tmp_path), "customer")
    try:
        with pytest.raises(CommitConflictError, match="another job is landing table customer"):
            raise_epochs(LocalStore(tmp_path), [found(ANOTHER)])
    finally:
        lease.release()
    assert epochs.newest(LocalStore(tmp_path), "customer") is None


def test_the_newest_record_counts_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for epoch in (9, 10):
        assert epochs.record(store, raised(epoch))
    assert not epochs.record(store, raised(10))
    assert epochs.newest(store, "customer") == raised(10)
    assert (epochs.current(LAST, raised(10)), epochs.current(replace(LAST, epoch=11), raised(10))) == (10, 11)
    store.write(epochs.key("customer", 11), b"{}")
    with pytest.raises(ManifestError, match=r"000000000011\.json"):
        epochs.newest(store, "customer")
