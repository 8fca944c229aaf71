"""Reading starts where the manifests end, or halts and names the exact thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.errors import GapError
from schemas.manifests import LandingManifest
from streaming.kafka import TopicState
from streaming.landing import batch_ranges
from streaming.progress import TopicRecreatedError, logged_offsets, offsets_json, starting_offsets

LAST = LandingManifest("retail", "customer", "c.cdc", 0, 4, "a", {0: (5, 9), 1: (3, 3)}, topic_id="id1")
STATE = TopicState("c.cdc", "id1", {0: 0, 1: 0}, {0: 12, 1: 3})


def start(state: TopicState = STATE, last: LandingManifest | None = LAST, epoch: int = 0) -> dict[int, int]:
    return starting_offsets("customer", state, last, epoch)


def test_the_first_start_takes_what_the_topic_still_has() -> None:
    assert start(replace(STATE, earliest={0: 7, 1: 0}), None) == {0: 7, 1: 0}


def test_a_restart_continues_where_the_manifests_end() -> None:
    assert start() == {0: 9, 1: 3}


def test_a_new_partition_is_read_from_its_beginning() -> None:
    assert start(replace(STATE, earliest={0: 0, 1: 0, 2: 0}, latest={0: 12, 1: 3, 2: 4})) == {0: 9, 1: 3, 2: 0}


def test_retention_that_passed_unread_records_names_the_exact_gap() -> None:
    with pytest.raises(GapError, match=r"topic c\.cdc: retention has removed offsets 9 to 10 of partition 0") as caught:
        start(replace(STATE, earliest={0: 11, 1: 0}))
    assert "lake recover --table customer" in caught.value.remedy
    assert "--epochs customer=1" in caught.value.remedy


def test_retention_in_a_partition_never_read_is_a_gap_too() -> None:
    with pytest.raises(GapError, match="offsets 0 to 1 of partition 2"):
        start(replace(STATE, earliest={0: 0, 1: 0, 2: 2}, latest={0: 12, 1: 3, 2: 4}))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (replace(STATE, topic_id="id2"), "was deleted and made again: id id2, the manifests have id1"),
        (replace(STATE, latest={0: 8, 1: 3}), "partition 0 ends at offset 8, but offsets up to 9 are committed"),
        (TopicState("c.cdc", "", {0: 0}, {0: 12}), "has no partition 1 any more"),
    ],
)
def test_another_topic_of_the_same_name_halts(state: TopicState, message: str) -> None:
    with pytest.raises(TopicRecreatedError, match=message):
        start(state)


def test_a_raised_epoch_starts_afresh() -> None:
    assert start(replace(STATE, topic_id="id2", latest={0: 2, 1: 0}), epoch=1) == {0: 0, 1: 0}


def test_ranges_start_where_the_last_ended_and_keep_untouched_partitions() -> None:
    assert batch_ranges("t", {0: 9, 1: 3}, {0: 9, 2: 0}, {0: 12, 2: 5}) == {0: (9, 12), 1: (3, 3), 2: (0, 5)}


def test_a_replayed_batch_commits_only_what_is_new() -> None:
    assert batch_ranges("t", {0: 9}, {0: 5}, {0: 12}) == {0: (9, 12)}
    assert batch_ranges("t", {0: 9}, {0: 5}, {0: 8}) == {0: (9, 9)}


def test_a_batch_that_skips_offsets_is_refused() -> None:
    with pytest.raises(GapError, match="offsets 9 to 10 of partition 0 were skipped"):
        batch_ranges("t", {0: 9}, {0: 10}, {0: 12})


def test_offsets_are_written_and_read_as_spark_does() -> None:
    assert offsets_json("a.b", {1: 5, 0: 2}) == '{"a.b": {"0": 2, "1": 5}}'
    assert logged_offsets('v1\n{"batchWatermarkMs":0}\n{"a.b":{"1":5,"0":2}}', "a.b") == {0: 2, 1: 5}
