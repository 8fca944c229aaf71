"""Each rule of history and facts broken in the SQL, one at a time: some case or generated log must turn red."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from threading import Timer

import pytest

from lake.warehouse import run
from lake.warehouse.duck import DuckWarehouse
from lake.warehouse.port import WarehouseError
from lake.warehouse.run import CheckFailedError
from redshift_sql.plan import dimension_plan, load_plan
from redshift_sql.statements import Plan, Repeat, Statement, flat
from tests.lake.warehouse.test_facts import VisitBench
from tests.reference.history import Change, Policies, history
from tests.reference.logs import arrival_batches, batches, packed_log
from tests.reference.vectors import Case, cases
from tests.support.party import expected_rows, party_dimension
from tests.support.visits import random_visits
from tests.support.warehouse import PartyBench, shifted

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)


@dataclass(frozen=True)
class Mutation:
    """A rule, the file that holds it, and the text that breaks it."""

    rule: str
    source: str
    old: str
    new: str

    def applied(self, plan: Plan) -> Plan:
        """The plan with the text replaced wherever the file has it."""
        return tuple(
            Repeat(tuple(self._on(item) for item in step.statements)) if isinstance(step, Repeat) else self._on(step)
            for step in plan
        )

    def _on(self, statement: Statement) -> Statement:
        if statement.source != self.source:
            return statement
        return replace(statement, sql=statement.sql.replace(self.old, self.new))


def mutation(rule: str, file: str, old: str, new: str) -> object:
    return pytest.param(Mutation(rule, file, old, new), id=rule)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken rule may keep a repeated step going for ever."""
    monkeypatch.setattr(run, "MOST_ROUNDS", 30)


HISTORY = [
    mutation("re-emissions in a load are one", "dimension/110_incoming.sql", "having count(*) > 1", "having count(*) > 99"),
    mutation(
        "a re-emission stands at its earliest place in a load",
        "dimension/110_incoming.sql",
        "order by l.kafka_partition, l.kafka_offset",
        "order by l.kafka_partition, l.kafka_offset desc",
    ),
    mutation("a re-emission of a logged change is one", "dimension/130_log.sql", "where _is_again = 0", "where 1 = 1"),
    mutation(
        "a re-emission takes the earlier place in the log",
        "dimension/130_log.sql",
        "order by kafka_partition, kafka_offset, _is_new",
        "order by _is_new, kafka_partition, kafka_offset",
    ),
    mutation("the log keeps every change", "dimension/130_log.sql", "where _is_new = 1 and _copy = 1", "where 1 = 0"),
    mutation("position orders", "dimension/140_changes.sql", "epoch, _position, kafka_partition", "epoch, kafka_partition"),
    mutation("the epoch orders first", "dimension/140_changes.sql", "order by _is_seed desc, epoch,", "order by _is_seed desc,"),
    mutation(
        "a snapshot row stands after the changes at lower offsets",
        "dimension/140_changes.sql",
        "max(case when change_op <> 'r' then position end)",
        "min(case when change_op <> 'r' then '' end)",
    ),
    mutation("deletes are ignored by policy", "dimension/140_changes.sql", "'ignore' = 'ignore' then 1", "'ignore' = 'x' then 1"),
    mutation("an unavailable value is the one before", "dimension/150_filled.repeat.sql", "where unavailable <> ''\n)", "where 1 = 0\n)"),
    mutation(
        "a key change carries unavailable values over",
        "dimension/150_filled.repeat.sql",
        "is not null and c.unavailable <> '' and c._is_seed = 0 then 1",
        "is not null and c.unavailable <> '' and c._is_seed = 0 then 0",
    ),
    mutation("what no change gave is unknown", "dimension/150_filled.repeat.sql", "then '' else 'region,' end", "then '' else '' end"),
    mutation(
        "what the old key did not know is unknown",
        "dimension/150_filled.repeat.sql",
        "or strpos(given._unknown, ',region,') = 0",
        "or u._is_moved = 1",
    ),
    mutation("a linked key is computed again", "dimension/121_linked.repeat.sql", "where r.id is null", "where 1 = 0"),
    mutation("the old key's new values reach the new key", "dimension/120_paths.sql", "on l.old_id = i.id", "on 1 = 0"),
    mutation("a first snapshot row begins at the beginning of time", "dimension/160_steps.sql", "'origin' = 'origin'", "'origin' = 'x'"),
    mutation("a later snapshot row does not", "dimension/160_steps.sql", "_step = 1 and change_op", "change_op"),
    mutation("an idle snapshot row has no effect", "dimension/160_steps.sql", "where c.change_op = 'r'", "where 1 = 0"),
    mutation("a snapshot row that differs counts", "dimension/160_steps.sql", "then 0 else 1 end = 0", "then 0 else 0 end = 0"),
    mutation("a snapshot row that knows a NULL counts", "dimension/160_steps.sql", "and now._unknown = was._unknown", ""),
    mutation("a truncate of a dead key has no effect", "dimension/160_steps.sql", "in ('d', 't')", "in ('x')"),
    mutation(
        "clocks do not run back",
        "dimension/160_steps.sql",
        "order by _n rows unbounded preceding) as _at",
        "order by _n rows between current row and current row) as _at",
    ),
    mutation("changes at one instant are one", "dimension/160_steps.sql", "= _at then 0 else 1 end as _stands", "= _at then 1 else 1 end as _stands"),
    mutation("the latest upsert gives type 1", "dimension/160_steps.sql", "max(_n) as _n", "min(_n) as _n"),
    mutation("NULL is a value", "dimension/170_opened.sql", "(region is null and _was_region is null)", "region is null or _was_region is null"),
    mutation("NULL equals NULL", "dimension/170_opened.sql", "or (region is null and _was_region is null)", ""),
    mutation("a type-2 change opens a version", "dimension/170_opened.sql", "then 0 else 1 end = 1", "then 0 else 0 end = 1"),
    mutation("an equal upsert opens none", "dimension/170_opened.sql", "coalesce(_was_upsert, 0) = 0", "1 = 1"),
    mutation("a delete closes", "dimension/170_opened.sql", "or _is_upsert = 0\n", "or 1 = 0\n"),
    mutation("only the first end of a life counts", "dimension/170_opened.sql", "_place_in_life <= 2", "_place_in_life <= 99"),
    mutation("a delete opens a deleted version by policy", "dimension/170_opened.sql", "'new_record' = 'new_record'", "1 = 0"),
    mutation("a deleted version shows the last known values", "dimension/170_opened.sql", "s._known_n = k._n", "s._n = k._n"),
    mutation("an origin has the origin's key", "dimension/170_opened.sql", "then s.origin_sk else", "then s.change_sk else"),
    mutation("the last upsert of a run completes it", "dimension/170_opened.sql", "else s._unknown_at_end", "else i._unknown"),
    mutation("the last upsert of all completes the open version", "dimension/170_opened.sql", "then l._unknown", "then i._unknown"),
    mutation("a deleted version lacks what it carries", "dimension/170_opened.sql", "when s._is_upsert = 0 then i._unknown", ""),
    mutation("an unknown type-2 value shows", "dimension/180_after.sql", "or strpos(o._unknown, ',region,') > 0", ""),
    mutation("an unknown type-1 value shows", "dimension/180_after.sql", "or strpos(l._unknown, ',address,') > 0", ""),
    mutation("a closed version stays incomplete", "dimension/180_after.sql", "then b.is_incomplete", "then false"),
    mutation("a version that became complete is written", "dimension/190_write.sql", "or b.is_incomplete <> a.is_incomplete", ""),
    mutation("the tip tells what is unknown", "dimension/140_changes.sql", "tip._unknown as unavailable", "'' as unavailable"),
    mutation("an unknown type-1 value goes to the log", "dimension/120_paths.sql", "or strpos(tip._unknown, ',address,') > 0", ""),
    mutation("type 1 shows on closed versions", "dimension/180_after.sql", "b.id,\n        l.address", "b.id,\n        b.address"),
    mutation("the tip's version is closed", "dimension/180_after.sql", "b.effective_to else o.effective_to", "b.effective_to else b.effective_to"),
    mutation("a row that differs is written", "dimension/190_write.sql", "then 0 else 1 end = 1", "then 0 else 0 end = 1"),
    mutation("the same instant as the tip goes to the log", "dimension/120_paths.sql", "i.changed_at <= tip._last_at", "i.changed_at < tip._last_at"),
    mutation("a late position goes to the log", "dimension/120_paths.sql", "i.position <= tip._last_position then 1", "1 = 0 then 1"),
    mutation("a late offset goes to the log", "dimension/120_paths.sql", "or i.kafka_offset <= tip._last_offset then 1", "then 1"),
    mutation("an old epoch goes to the log", "dimension/120_paths.sql", "when i.epoch < tip._last_epoch then 1", "when i.epoch < tip._last_epoch then 0"),
    mutation("a truncate acts on keys known before", "dimension/120_paths.sql", "where exists (select 1 from dim_party_new_truncates)", "where 1 = 0"),
    mutation("a truncate acts on keys that come later", "dimension/120_paths.sql", "when t._place <> '' and lpad", "when 1 = 0 and lpad"),
    mutation("the tip moves on", "dimension/200_tip.sql", "max(kafka_offset) as _last_offset", "min(kafka_offset) as _last_offset"),
]  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """Batches, and the rows they must give."""

    policies: Policies
    batches: tuple[tuple[Change, ...], ...]
    expected: tuple[tuple[object, ...], ...]


@cache
def trials() -> tuple[Trial, ...]:
    """The written cases at once, one by one, and one by one backwards, and generated logs; what shows most soonest first."""
    made: list[tuple[Policies, list[list[Change]], list[Change]]] = []
    for policies in {case.policies for case in cases()}:
        alike = [case for case in cases() if case.policies == policies]
        truncated = [case for case in alike if any(change.op == "t" for change in case.changes)]
        for group in ([case for case in alike if case not in truncated], truncated):
            rounds = together(group)
            log = [change for part in rounds for change in part]
            made += [(policies, way, log) for way in ([log], rounds, rounds[::-1]) if log]
    made += [(POLICIES, way, [change for part in way for change in part]) for way in truncated_apart()]
    for seed, hard_delete in enumerate(("close", "new_record", "ignore", "close")):
        policies = replace(POLICIES, hard_delete=hard_delete)  # type: ignore[arg-type]
        log = packed_log(seed, keys=120, truncates=seed % 2)
        made += [(policies, cut(seed, log), log) for cut in (batches, arrival_batches)]
    made.sort(key=lambda trial: (len(trial[1]) > 2, -len(trial[2])))
    return tuple(
        Trial(policies, tuple(map(tuple, way)), tuple(expected_rows(history(log, policies))))
        for policies, way, log in made
    )


def truncated_apart() -> list[list[list[Change]]]:
    """A truncate before a key's first change, and one that is known before the change it closes."""
    truncate = Change(0, "t", None, f"{13:020d}", 500, (), 500)
    snapshot = replace(_change(1, "A", 600), op="r", position=None)
    return [[[truncate, snapshot]], [[truncate], [_change(1, "A", 300)]]]


def together(group: Sequence[Case]) -> list[list[Change]]:
    """The first changes of all cases, then the second ones, …: each case under keys of its own."""
    rounds: list[list[Change]] = [[] for _ in range(max((len(case.changes) for case in group), default=0))]
    for number, case in enumerate(group):
        for index, change in enumerate(case.changes):
            rounds[index].append(shifted(change, 1000 * number))
    return rounds


def is_red(broken: Mutation, trial: Trial) -> bool:
    plan = broken.applied(dimension_plan(party_dimension(trial.policies)))
    bench = PartyBench(trial.policies, plan)
    assert isinstance(bench.warehouse, DuckWarehouse)
    # Copies that are not merged multiply from batch to batch.
    patience = Timer(5, bench.warehouse.connection.interrupt)
    patience.start()
    try:
        for batch in trial.batches:
            bench.load(batch)
        return tuple(bench.rows()) != trial.expected
    except (WarehouseError, CheckFailedError):
        return True
    finally:
        patience.cancel()
        bench.warehouse.close()


def holding(broken: Mutation) -> Iterator[Trial]:
    """The trials whose statements hold the text at all: a policy's text stands where the policy is the contract's."""
    for trial in trials():
        plan = dimension_plan(party_dimension(trial.policies))
        if any(item.source == broken.source and broken.old in item.sql for item in flat(plan)):
            yield trial


@pytest.mark.parametrize("broken", HISTORY)
def test_a_broken_history_rule_turns_a_trial_red(broken: Mutation) -> None:
    candidates = list(holding(broken))
    assert candidates, "the text is not in the file any more"
    assert any(is_red(broken, trial) for trial in candidates)


FACTS = [
    mutation("the version started at or before the event", "fact/331_join.fragment.sql", "effective_from <= l.", "effective_from < l."),
    mutation("an unknown event time has no member", "fact/340_insert.sql", "l.visited_at is null then -1", "1 = 0 then -1"),
    mutation("a fact before the first version takes it", "fact/340_insert.sql", "guest_sk_window._number = 1 or", ""),
    mutation("a version ends where the next starts", "fact/340_insert.sql", "guest_sk_window._until > l.visited_at", "1 = 1"),
    mutation("a missing member is inferred", "fact/330_members.sql", "where w._sk is null", "where 1 = 0"),
    mutation("a deleted fact is gone", "fact/340_insert.sql", "where l.is_deleted = false", "where 1 = 1"),
    mutation("a restated fact replaces the old one", "fact/310_replaced.sql", "where fact_visits.visit_id = r.visit_id", "where 1 = 0"),
    mutation("facts in moved intervals are re-keyed", "fact/321_rekeyed.sql", "set guest_sk = n._new_sk", "set guest_sk = guest_sk"),
    mutation("moves before the first version reach back", "dimension/210_moves.sql", "timestamp '0001-01-01 00:00:00'", "m._first_moved"),
    mutation("moves without an end reach on", "dimension/210_moves.sql", "timestamp '9999-12-31 00:00:00'", "m._last_moved"),
    mutation("a member without versions is inferred again", "fact/321_rekeyed.sql", "where a.party_sk is null", "where 1 = 0"),
    mutation("an inferred member goes when its key has versions", "dimension/180_after.sql", "where b.is_inferred = true and v.id is null", "where b.is_inferred = true"),
    mutation("an inferred member goes with its last fact", "dimension/302_drop_unneeded.sql", "where dim_party.party_sk = u._sk", "where 1 = 0"),
    mutation("an inferred member stays with its last fact", "dimension/301_still_needed.sql", "where dim_party_unneeded._sk", "where 1 = 0 and dim_party_unneeded._sk"),
    mutation("an aggregate follows replaced facts", "aggregate/400_dates.sql", "from fact_visits_replaced", "from fact_visits_replaced where 1 = 0"),
    mutation("an aggregate follows loaded facts", "aggregate/400_dates.sql", "where is_deleted = false", "where 1 = 0"),
    mutation("an aggregate follows re-keyed facts", "aggregate/400_dates.sql", "from fact_visits_guest_sk_rekeyed", "from fact_visits_guest_sk_rekeyed where 1 = 0"),
    mutation("an aggregate follows type-1 attributes", "aggregate/400_dates.sql", "on f.host_sk = v._sk", "on 1 = 0"),
]  # fmt: skip


def star_is_red(broken: Mutation, seed: int) -> bool:
    bench = VisitBench(change_plan=lambda plan: _unchecked(broken.applied(plan)))
    log = packed_log(seed, keys=25, truncates=0)
    changes = batches(seed, log, most=4)
    visits = random_visits(seed, 25, rounds=len(changes), each=30)
    for part in zip(changes, visits, strict=True):
        try:
            bench.load(*part)
        except WarehouseError:
            return True
        if bench.star() != bench.expected():
            return True
    return False


def _unchecked(plan: Plan) -> Plan:
    """Without the load's own checks: the rows themselves must show the difference."""
    return tuple(step for step in plan if isinstance(step, Repeat) or not step.source.startswith("checks/"))


@pytest.mark.parametrize("broken", FACTS)
def test_a_broken_fact_rule_turns_a_star_red(broken: Mutation) -> None:
    plan = load_plan(VisitBench().pipeline, {"dim_party", "fact_visits"})
    broken = _where_rendered(broken)
    assert any(item.source == broken.source and broken.old in item.sql for item in flat(plan)), "the text is gone"
    assert any(star_is_red(broken, seed) for seed in range(8))


def _where_rendered(broken: Mutation) -> Mutation:
    """A fragment's text stands in the statement it is a part of."""
    return replace(broken, source=broken.source.replace("331_join.fragment", "340_insert"))


@pytest.mark.parametrize(
    ("loads", "rule"),
    [
        (
            "UPDATE analytics.dim_party SET effective_to = TIMESTAMP '2030-01-01' WHERE effective_to IS NOT NULL",
            "do not overlap",
        ),
        ("UPDATE analytics.dim_party SET is_current = true", "is current exactly while it is open"),
        ("UPDATE analytics.dim_party SET effective_to = effective_from WHERE effective_to IS NOT NULL", "is empty"),
    ],
)
def test_a_broken_star_fails_the_check_of_the_next_load_that_touches_it(loads: str, rule: str) -> None:
    bench = VisitBench()
    bench.load(_two_versions(), None)
    bench.engine.run(bench.warehouse, loads)
    with pytest.raises(CheckFailedError, match=rule):
        bench.load([_third_version()], None)


def _two_versions() -> Sequence[Change]:
    return [_change(1, "A", 100), _change(2, "B", 200)]


def _third_version() -> Change:
    return _change(3, "C", 300)


def _change(offset: int, segment: str, at: int) -> Change:
    attributes = (("segment", segment), ("region", "n"), ("address", "x"))
    return Change(offset, "u", (1,), f"{offset:020d}", at, attributes, at)
