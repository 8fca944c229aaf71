"""Facts, inferred members, re-keying and aggregates in SQL, against a look at every version for every fact."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.warehouse.port import Value
from lake.warehouse.run import run_plan
from redshift_sql.plan import load_plan, schema_plan
from redshift_sql.statements import Plan
from tests.reference.history import Change, Policies, history
from tests.reference.logs import batches, packed_log
from tests.support.engines import DUCK, Engine, Postgres
from tests.support.party import instant, load_rows, surrogate
from tests.support.visits import Star, Visit, expected_star, random_visits, visit_pipeline, visit_rows

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)


class VisitBench:
    """The star of visits in a warehouse of its own, and all that it was told."""

    def __init__(
        self,
        policies: Policies = POLICIES,
        change_plan: Callable[[Plan], Plan] = tuple,
        engine: Engine = DUCK,
    ) -> None:
        self.policies = policies
        self.change_plan = change_plan
        self.pipeline = visit_pipeline(policies)
        self.engine = engine
        self.warehouse = engine.empty()
        self.log: list[Change] = []
        self.visits: dict[int, Visit] = {}
        self.seq = 0
        run_plan(self.warehouse, schema_plan(self.pipeline), {})

    def load(self, changes: Sequence[Change] | None, visits: Sequence[Visit] | None) -> None:
        loaded = {}
        if changes is not None:
            loaded["dim_party"] = load_rows(changes, self.policies)
            self.log += changes
        if visits is not None:
            loaded["fact_visits"] = visit_rows(visits)
            self.visits |= {visit.number: visit for visit in visits}
        for table, rows in loaded.items():
            self.engine.fill(self.warehouse, f"staging.{table}_load", rows)
        self.seq += 1
        with self.warehouse.transaction():
            parameters: dict[str, Value] = {"load_seq": self.seq, "loaded_at": instant(0)}
            run_plan(self.warehouse, self.change_plan(load_plan(self.pipeline, set(loaded))), parameters)

    def star(self) -> Star:
        inferred = "SELECT party_sk, id, segment, region, address FROM analytics.dim_party WHERE is_inferred"
        return Star(
            sorted(self.ask("SELECT * FROM analytics.fact_visits")),
            sorted(self.ask(inferred)),
            sorted(self.ask("SELECT * FROM analytics.agg_visits"), key=repr),
        )

    def expected(self) -> Star:
        return expected_star(history(self.log, self.policies), self.visits)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        return list(self.warehouse.query(sql).rows)


def change(offset: int, key: int, op: str, at: int, segment: str = "A", address: str = "x") -> Change:
    attributes = (("segment", segment), ("region", "n"), ("address", address))
    position = None if op == "r" else f"{offset:020d}"
    return Change(offset, op, (key,), position, at, attributes, at)  # type: ignore[arg-type]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_interleaving_of_changes_and_facts_gives_the_star_of_the_rules(seed: int) -> None:
    draw = random.Random(seed)
    bench = VisitBench()
    changes = batches(seed, packed_log(seed, keys=30))
    visits = random_visits(seed, 30, rounds=draw.randrange(1, 4), each=40)
    rounds: list[tuple[list[Change] | None, list[Visit] | None]] = [(part, None) for part in changes]
    rounds += [(None, part) for part in visits]
    draw.shuffle(rounds)
    for part in rounds:
        bench.load(*part)
    assert bench.star() == bench.expected()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changes_and_facts_in_one_load_give_the_star_of_the_rules_after_each(seed: int) -> None:
    bench = VisitBench()
    changes = batches(seed, packed_log(seed, keys=20), most=4)
    visits = random_visits(seed, 20, rounds=len(changes), each=20)
    for part in zip(changes, visits, strict=True):
        bench.load(*part)
        assert bench.star() == bench.expected()


@pytest.mark.parametrize("seed", range(3))
def test_changes_and_facts_give_the_star_of_the_rules_on_a_server_too(seed: int, postgres_engine: Postgres) -> None:
    bench = VisitBench(engine=postgres_engine)
    changes = batches(seed, packed_log(seed, keys=20), most=3)
    visits = random_visits(seed, 20, rounds=len(changes), each=20)
    for part in zip(changes, visits, strict=True):
        bench.load(*part)
    assert bench.star() == bench.expected()


def test_a_fact_before_its_member_is_known_refers_to_an_inferred_one_and_is_re_keyed_when_it_is(engine: Engine) -> None:
    bench = VisitBench(engine=engine)
    bench.load(None, [Visit(1, 500, 7, None, 10)])
    inferred = surrogate(7, "origin")
    assert bench.ask("SELECT party_sk, version_identity FROM analytics.dim_party WHERE is_inferred") == [
        (inferred, "inferred")
    ]
    bench.load([change(0, 7, "c", 100)], None)
    assert bench.ask("SELECT count(*) FROM analytics.dim_party WHERE is_inferred") == [(0,)]
    now = surrogate(7, change(0, 7, "c", 100).identity)
    log = "SELECT load_seq, fact, reference, business_key, old_sk, new_sk, reason FROM analytics.restatements"
    assert bench.ask(log) == [(2, "fact_visits", "guest_sk", "1", inferred, now, "the member is known now")]


def test_an_inferred_member_goes_with_its_last_fact(engine: Engine) -> None:
    bench = VisitBench(engine=engine)
    bench.load(None, [Visit(1, 500, 7, 7, 10), Visit(2, 500, None, 7, 10)])
    bench.load(None, [Visit(1, 500, 7, 7, 10, deleted=True)])
    assert bench.ask("SELECT id FROM analytics.dim_party WHERE is_inferred") == [(7,)]
    bench.load(None, [Visit(2, 500, None, 8, 10)])
    assert bench.ask("SELECT id FROM analytics.dim_party WHERE is_inferred") == [(8,)]


def test_only_facts_in_the_moved_interval_are_re_keyed(engine: Engine) -> None:
    bench = VisitBench(engine=engine)
    bench.load(
        [change(0, 1, "c", 100), change(5, 1, "u", 500, "B")], [Visit(n, 100 * n, 1, None, 1) for n in range(1, 8)]
    )
    late = change(3, 1, "u", 300, "C")
    bench.load([late], None)
    moved = bench.ask("SELECT business_key, reason FROM analytics.restatements ORDER BY business_key")
    assert moved == [("3", "versions of the member moved"), ("4", "versions of the member moved")]
    assert bench.star() == bench.expected()


def test_a_member_whose_history_vanishes_is_inferred_again(engine: Engine) -> None:
    bench = VisitBench(engine=engine)
    bench.load([change(0, 1, "c", 100)], [Visit(1, 200, 1, None, 1)])
    bench.load([change(1, 1, "d", 100)], None)
    assert bench.star() == bench.expected()
    assert bench.ask("SELECT id, is_inferred FROM analytics.dim_party WHERE id IS NOT NULL") == [(1, True)]
    assert bench.ask("SELECT reason FROM analytics.restatements") == [("the member has no version any more",)]


@pytest.mark.parametrize("column", ["address", "segment"])
def test_an_aggregate_follows_attributes_that_change_under_an_unchanged_key(column: str, engine: Engine) -> None:
    bench = VisitBench(engine=engine)
    bench.load([change(0, 1, "r", 100)], [Visit(1, 200, 1, 1, 5)])
    bench.load([change(1, 1, "u", 300, **{column: "z"})], None)
    assert bench.star() == bench.expected()
