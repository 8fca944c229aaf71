"""History in SQL on every engine: each written case, and generated logs against the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.history import UNAVAILABLE, Change, Policies, history
from tests.reference.logs import arrival_batches, batches, packed_log
from tests.reference.vectors import Case, cases
from tests.support.engines import Engine, Postgres
from tests.support.party import expected_rows
from tests.support.warehouse import PartyBench, history_in_sql, packed, splits

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)
Cut = Callable[[int, list[Change]], list[list[Change]]]


def truncates(case: Case) -> bool:
    return any(change.op == "t" for change in case.changes)


@pytest.mark.parametrize("case", [case for case in cases() if not truncates(case)], ids=lambda case: case.name)
def test_a_case_gives_its_versions_in_every_split_and_order(case: Case, engine: Engine) -> None:
    rounds, everything = packed(case)
    assert history_in_sql(rounds, case.policies, engine=engine) == expected_rows(history(everything, case.policies))


@pytest.mark.parametrize("case", [case for case in cases() if truncates(case)], ids=lambda case: case.name)
def test_a_case_with_a_truncate_gives_its_versions_in_every_split_and_order(case: Case) -> None:
    expected = expected_rows(history(case.changes, case.policies))
    for way in splits(case.changes):
        assert history_in_sql(way, case.policies) == expected


@pytest.mark.parametrize("case", [case for case in cases() if truncates(case)], ids=lambda case: case.name)
def test_a_case_with_a_truncate_gives_its_versions_on_a_server_too(case: Case, postgres_engine: Postgres) -> None:
    expected = expected_rows(history(case.changes, case.policies))
    for way in list(splits(case.changes))[::9]:
        assert history_in_sql(way, case.policies, engine=postgres_engine) == expected


@pytest.mark.parametrize("hard_delete", ["close", "new_record", "ignore"])
@given(seed=st.integers(0, 2**32), cut=st.sampled_from([batches, arrival_batches]))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_generated_logs_in_any_batching_give_the_models_history(hard_delete: str, seed: int, cut: Cut) -> None:
    policies = replace(POLICIES, hard_delete=hard_delete)  # type: ignore[arg-type]
    log = packed_log(seed, keys=50)
    assert history_in_sql(cut(seed, log), policies) == expected_rows(history(log, policies))


@pytest.mark.parametrize("hard_delete", ["close", "new_record", "ignore"])
@pytest.mark.parametrize(("seed", "cut"), [(1, batches), (2, arrival_batches)])
def test_generated_logs_give_the_models_history_on_a_server_too(
    hard_delete: str, seed: int, cut: Cut, postgres_engine: Postgres
) -> None:
    policies = replace(POLICIES, hard_delete=hard_delete)  # type: ignore[arg-type]
    log = packed_log(seed, keys=50)
    assert history_in_sql(cut(seed, log), policies, engine=postgres_engine) == expected_rows(history(log, policies))


def test_only_an_unknown_type_1_value_keeps_a_key_from_following_its_tip() -> None:
    """What of type 2 is unknown the tip tells; which closed versions lack type 1 alone only the log tells."""

    def change(key: int, number: int, segment: str, **values: str) -> Change:
        both = [(name, values.get(name, UNAVAILABLE)) for name in ("region", "address")]
        return Change(number, "u", (key,), f"{number:020d}", 100 * number, (("segment", segment), *both))

    rounds = [
        [change(1, 1, "A", address="x"), change(2, 1, "A", region="n")],
        [change(1, 2, "B"), change(2, 2, "B")],
        [change(1, 3, "B", region="s"), change(2, 3, "B", address="y")],
    ]
    bench = PartyBench(POLICIES)
    for number, batch in enumerate(rounds):
        bench.load(batch)
        log = [change for part in rounds[: number + 1] for change in part]
        assert bench.rows() == expected_rows(history(log, POLICIES))
    assert bench.warehouse.query("SELECT id FROM dim_party_extended").rows == ((1,),)
    assert bench.warehouse.query("SELECT id FROM dim_party_recomputed").rows == ((2,),)


def test_changes_that_follow_the_tip_are_applied_to_the_tip_alone() -> None:
    changes = [
        Change(n, "u", (1,), f"{n:020d}", 100 * n, (("segment", s), ("region", "n"), ("address", "x")))
        for n, s in [(1, "A"), (2, "B")]
    ]
    bench = PartyBench(POLICIES)
    bench.load(changes[:1])
    bench.load(changes[1:])
    assert bench.warehouse.query("SELECT id FROM dim_party_extended").rows == ((1,),)
    assert bench.warehouse.query("SELECT id FROM dim_party_recomputed").rows == ()
    assert len(bench.rows()) == 2
