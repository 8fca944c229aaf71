"""The job in batches gives what the cases and the model give for the whole log: tips and logs, one answer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Literal

import pytest
from pyspark.sql import SparkSession

from tests.glue_jobs.changes import as_model_rows
from tests.glue_jobs.curated.staged import PartyLake, with_tolerance
from tests.glue_jobs.packing import STRIDE, case_rows, moved
from tests.reference.history import UNAVAILABLE, Change, Policies
from tests.reference.history import history as model
from tests.reference.logs import arrival_batches, batches, packed_log
from tests.reference.vectors import Case, cases

CLOSE = Policies(("address",), ("segment", "region"), 1000)
EVERY_POLICY = (
    CLOSE,
    replace(CLOSE, hard_delete="new_record"),
    replace(CLOSE, hard_delete="ignore", truncate="ignore", first_snapshot_at_origin=False),
)
BATCHES = 3
TRUNCATED, PLAIN = (
    [case for case in cases() if any(change.op == "t" for change in case.changes) is truncated]
    for truncated in (True, False)
)


@pytest.mark.parametrize("group", [PLAIN, TRUNCATED], ids=["without truncates", "with truncates"])
def test_every_case_holds_however_it_is_cut_into_batches(spark: SparkSession, group: list[Case]) -> None:
    """Every assignment of a case's changes to three batches is one set of keys; three runs try them all."""
    kinds: tuple[Literal["close", "new_record", "ignore"], ...] = ("close", "new_record", "ignore")
    lake = PartyLake(spark, *(replace(CLOSE, hard_delete=kind) for kind in kinds))
    copies = [(case, cut) for case in group for cut in itertools.product(range(BATCHES), repeat=len(case.changes))]
    for number in range(BATCHES):
        lake.stage(
            (moved(change, copy), case.policies.tolerance)
            for copy, (case, cut) in enumerate(copies)
            for change, batch in zip(case.changes, cut, strict=True)
            if batch == number
        )
        lake.promote()
    found = {kind: _by_copy(lake, number) for number, kind in enumerate(kinds)}
    wrong = [
        (case.name, cut)
        for copy, (case, cut) in enumerate(copies)
        if found[case.policies.hard_delete].get(copy, []) != list(case.versions)
    ]
    assert wrong == []


@pytest.mark.parametrize(("seed", "in_order"), [(11, True), (12, False)], ids=["as they arrive", "in any order"])
def test_generated_logs_in_batches_give_the_models_history(spark: SparkSession, seed: int, *, in_order: bool) -> None:
    log = packed_log(seed, keys=350, truncates=0)
    lake = PartyLake(spark, *EVERY_POLICY)
    followed = 0
    for batch in arrival_batches(seed, log) if in_order else batches(seed, log, most=3):
        lake.stage(with_tolerance(batch, CLOSE.tolerance))
        followed += sum(outcome.keys_followed for outcome in lake.promote().sources)
    assert followed > 0
    for number, policies in enumerate(EVERY_POLICY):
        assert as_model_rows(lake.rows(number)) == [version.as_row() for version in model(log, policies)]


def test_only_an_unknown_type_1_value_keeps_a_key_from_following_its_tip(spark: SparkSession) -> None:
    """What of type 2 is unknown the tip tells; which closed versions lack type 1 alone only the log tells."""

    def change(key: int, number: int, segment: str, **values: str | None) -> Change:
        both = [(name, values.get(name, UNAVAILABLE)) for name in ("region", "address")]
        return Change(number, "u", (key,), f"{number:020d}", 100 * number, (("segment", segment), *both), 100 * number)

    rounds = [
        [change(1, 1, "A", address="x"), change(2, 1, "A", region="n"), change(3, 1, "A", region="n", address="x")],
        [change(1, 2, "B"), change(2, 2, "B"), change(3, 2, "B")],
        [change(1, 3, "B", region="s"), change(2, 3, "B", address="y"), change(3, 3, "B")],
    ]
    lake = PartyLake(spark, CLOSE)
    paths = []
    for number, batch in enumerate(rounds):
        lake.stage(with_tolerance(batch, CLOSE.tolerance))
        (outcome,) = lake.promote().sources
        paths.append((outcome.keys_followed, outcome.keys_from_log))
        expected = [version.as_row() for version in model([c for part in rounds[: number + 1] for c in part], CLOSE)]
        assert as_model_rows(lake.rows()) == expected
    assert paths[1:] == [(2, 1), (2, 1)]
    assert {row.id: row["_unknown"] for row in lake.state()} == {1: None, 2: None, 3: None}


def test_truncates_between_batches_act_on_keys_of_any_batch(spark: SparkSession) -> None:
    log = packed_log(13, keys=60, truncates=0)
    truncates = [
        Change(3_999_999, "t", None, f"{35:020d}", 330, (), 331),
        Change(6_999_999, "t", None, f"{60:020d}", 600, (), 601),
    ]
    lake = PartyLake(spark, *EVERY_POLICY)
    first, *rest = arrival_batches(13, [*log, truncates[0]], most=3)
    for batch in (first, *rest, [truncates[1]]):
        lake.stage(with_tolerance(batch, CLOSE.tolerance))
        lake.promote()
    for number, policies in enumerate(EVERY_POLICY):
        expected = [version.as_row() for version in model([*log, *truncates], policies)]
        assert as_model_rows(lake.rows(number)) == expected


def _by_copy(lake: PartyLake, number: int) -> dict[int, list[tuple[object, ...]]]:
    """Versions as the cases write them, by copy, keys as the case has them."""
    found: dict[int, list[tuple[object, ...]]] = {}
    for key, *rest in case_rows(as_model_rows(lake.rows(number))):
        assert isinstance(key, int)
        found.setdefault(key // STRIDE, []).append((key % STRIDE, *rest))
    return found
