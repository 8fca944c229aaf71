"""The model itself: every case of the file, in any order; a log's order never matters."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.history import Change, Policies, Version, history
from tests.reference.logs import arrival_batches, batches, packed_log
from tests.reference.vectors import Case, cases

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)


def as_case_row(version: Version) -> tuple[object, ...]:
    values = dict(version.attributes)
    shown = (values["segment"], values["region"], values["address"])
    return (version.key[0], *shown, version.effective_from, version.effective_to, version.deleted, version.incomplete)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_gives_its_versions_in_any_order_of_arrival(case: Case) -> None:
    for seed in range(10):
        log: list[Change] = list(case.changes)
        random.Random(seed).shuffle(log)
        assert tuple(as_case_row(version) for version in history(log, case.policies)) == case.versions


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_any_permutation_and_duplication_of_a_log_gives_the_same_history(seed: int) -> None:
    log = packed_log(seed, keys=8)
    expected = [version.as_row() for version in history(log, POLICIES)]
    for cut in (batches(seed, log), arrival_batches(seed, log)):
        arrived = [change for batch in cut for change in batch]
        assert [version.as_row() for version in history(arrived, POLICIES)] == expected


@given(st.integers(0, 2**32), st.sampled_from(["close", "new_record", "ignore"]))
@settings(max_examples=50, deadline=None)
def test_versions_of_a_key_do_not_overlap_and_at_most_one_is_current(
    seed: int, policy: Literal["close", "new_record", "ignore"]
) -> None:
    policies = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000, hard_delete=policy)
    versions = history(packed_log(seed, keys=8), policies)
    for one, two in pairwise(versions):
        if one.key == two.key:
            assert one.effective_to is not None
            assert one.effective_to <= two.effective_from
    assert all(v.effective_to is None or v.effective_from < v.effective_to for v in versions)
