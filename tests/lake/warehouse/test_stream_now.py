"""What is now, from batch and stream together: at every cut between them the answer is that of the whole log.

The stream's changes stand in a table here, with the columns of `staging.<source>_stream`, because no engine but Redshift
reads Kafka; `test_stream_bytes.py` fills that view from bytes, through the packaged function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redshift_sql.statements import Statement
from redshift_sql.stream import EXAMPLE, views_plan
from tests.reference.history import UNAVAILABLE, Change, Policies
from tests.reference.logs import packed_log
from tests.reference.vectors import Case, cases
from tests.support.engines import Duck, Engine, Postgres
from tests.support.party import ATTRIBUTES, STREAM, current_rows, party_pipeline, stream_rows
from tests.support.warehouse import PartyBench

Row = tuple[object, ...]
POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)


def now_plan(policies: Policies) -> tuple[Statement, ...]:
    """The view over batch and stream alone."""
    plan = views_plan(party_pipeline(policies), EXAMPLE)
    return tuple(item for item in plan if item.subject == "dim_party_now" and "create view" in item.sql)


class Both(PartyBench):
    """A warehouse that has loaded a part of a log, beside a stream that has all of it."""

    def __init__(self, policies: Policies, log: Sequence[Change], engine: Engine) -> None:
        super().__init__(policies, engine=engine)
        self.log = log
        engine.run(self.warehouse, STREAM)
        for step in now_plan(policies):
            self.warehouse.execute(step, {})

    def stream(self, loaded: Sequence[Change]) -> None:
        """The topic as the view has it: every record, those that are loaded no longer new."""
        self.engine.fill(self.warehouse, "staging.party_stream", stream_rows(self.log, loaded, self.policies))

    def now(self) -> list[Row]:
        """Rows of the view: key, attributes, incomplete."""
        found = self.warehouse.query(
            f"SELECT id, {', '.join(ATTRIBUTES)}, is_incomplete FROM analytics.dim_party_now"
        ).rows
        return sorted(found, key=repr)


def every_cut(log: Sequence[Change], policies: Policies, engine: Engine, steps: int) -> Iterator[tuple[int, list[Row]]]:
    """Loads the log in Kafka order, in so many loads, and asks what is now after each."""
    ordered = sorted(log, key=lambda change: (change.epoch, change.offset))
    bench = Both(policies, ordered, engine)
    try:
        done = 0
        for step in range(steps + 1):
            upto = len(ordered) * step // steps
            if upto > done:
                bench.load(ordered[done:upto])
            done = upto
            bench.stream(ordered[:done])
            yield done, bench.now()
    finally:
        bench.warehouse.close()


@pytest.mark.parametrize("hard_delete", ["close", "new_record", "ignore"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_at_every_cut_the_answer_is_that_of_the_whole_log(hard_delete: str, seed: int) -> None:
    policies = replace(POLICIES, hard_delete=hard_delete)  # type: ignore[arg-type]
    log = [replace(change, old_key=None) for change in packed_log(seed, keys=40)]
    wanted = current_rows(log, policies)
    for done, found in every_cut(log, policies, Duck(), 4):
        assert found == wanted, f"after {done} of {len(log)} changes"


@pytest.mark.parametrize("truncate", ["close", "ignore"])
def test_a_server_gives_the_same_answer_at_every_cut(truncate: str, postgres_engine: Postgres) -> None:
    policies = replace(POLICIES, truncate=truncate)  # type: ignore[arg-type]
    log = [replace(change, old_key=None) for change in packed_log(11, keys=40)]
    wanted = current_rows(log, policies)
    for done, found in every_cut(log, policies, postgres_engine, 3):
        assert found == wanted, f"after {done} of {len(log)} changes"


@pytest.mark.parametrize(
    "case", [case for case in cases() if not any(c.old_key for c in case.changes)], ids=lambda c: c.name
)
def test_each_written_case_is_answered_at_every_cut(case: Case) -> None:
    wanted = current_rows(case.changes, case.policies)
    for done, found in every_cut(case.changes, case.policies, Duck(), min(3, len(case.changes))):
        assert found == wanted, f"after {done} of {len(case.changes)} changes"


def test_a_value_that_only_the_old_key_knows_is_incomplete_until_it_is_loaded(engine: Engine) -> None:
    old = Change(1, "c", (1,), "01", 10, (("segment", "A"), ("region", "n"), ("address", "x")), 10)
    gone = Change(2, "d", (1,), "02", 20, (), 20)
    moved = Change(
        3, "c", (2,), "03", 30, (("segment", UNAVAILABLE), ("region", "s"), ("address", "x")), 30, old_key=(1,)
    )
    answers = [found for _, found in every_cut([old, gone, moved], POLICIES, engine, 3)]
    assert answers == [[(2, None, "s", "x", True)]] * 3 + [[(2, "A", "s", "x", False)]]


VALUES = (("segment", "A"), ("region", "n"), ("address", "x"))
CREATED = Change(1, "c", (1,), "10", 10, VALUES, 10)
UPDATED = Change(2, "u", (1,), "20", 20, (("segment", "B"), *VALUES[1:]), 20)
AGAIN = replace(UPDATED, offset=3, position="40", source_ts=40)


def truncate(position: str) -> Change:
    return Change(1, "t", None, position, int(position), (), int(position), partition=1)


@pytest.mark.parametrize(
    ("loaded", "log"),
    [
        ([CREATED, truncate("30")], [CREATED, UPDATED, truncate("30")]),
        ([CREATED, AGAIN], [CREATED, AGAIN, truncate("30")]),
        ([CREATED], [CREATED, UPDATED, truncate("30"), AGAIN]),
        ([truncate("30")], [CREATED, UPDATED, truncate("30")]),
    ],
    ids=["loaded before a late change", "late itself", "between new changes", "loaded before all of the key"],
)
def test_a_truncate_of_another_partition_counts_at_its_own_place(
    loaded: list[Change], log: list[Change], engine: Engine
) -> None:
    bench = Both(POLICIES, log, engine)
    bench.load(loaded)
    bench.stream(loaded)
    assert bench.now() == current_rows(log, POLICIES)
    bench.warehouse.close()


def test_what_the_batch_refused_is_not_shown_once_a_load_covers_it(engine: Engine) -> None:
    bench = Both(POLICIES, [CREATED, UPDATED], engine)
    bench.load([CREATED])
    bench.stream([CREATED])
    assert bench.now() == [(1, "B", "n", "x", False)]
    bench.stream([CREATED, UPDATED])
    assert bench.now() == [(1, "A", "n", "x", False)]
    bench.warehouse.close()
