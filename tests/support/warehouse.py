"""A dimension in a warehouse of its own, loaded batch by batch."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lake.warehouse.run import run_plan
from redshift_sql.plan import load_plan, schema_plan
from redshift_sql.statements import Plan
from tests.reference.history import Change, Policies
from tests.reference.vectors import Case
from tests.support.engines import DUCK, Engine
from tests.support.party import load_rows, party_pipeline


class PartyBench:
    """`dim_party` alone in a warehouse; `plan` replaces the statements under test."""

    def __init__(self, policies: Policies, plan: Plan | None = None, engine: Engine = DUCK) -> None:
        pipeline = party_pipeline(policies)
        self.policies = policies
        self.plan = load_plan(pipeline, {"dim_party"}) if plan is None else plan
        self.engine = engine
        self.warehouse = engine.empty()
        run_plan(self.warehouse, schema_plan(pipeline), {})

    def load(self, changes: Sequence[Change]) -> None:
        """One batch, in one transaction."""
        self.engine.fill(self.warehouse, "staging.dim_party_load", load_rows(changes, self.policies))
        with self.warehouse.transaction():
            run_plan(self.warehouse, self.plan, {})

    def rows(self) -> list[tuple[object, ...]]:
        """The versions, sorted, without the unknown member."""
        return sorted(self.warehouse.query("SELECT * FROM analytics.dim_party WHERE party_sk <> -1").rows, key=repr)


def history_in_sql(
    logs: Sequence[Sequence[Change]], policies: Policies, plan: Plan | None = None, engine: Engine = DUCK
) -> list[tuple[object, ...]]:
    """The versions after loading the batches in turn."""
    bench = PartyBench(policies, plan, engine)
    try:
        for batch in logs:
            bench.load(batch)
        return bench.rows()
    finally:
        bench.warehouse.close()


def splits(changes: Sequence[Change]) -> Iterator[list[list[Change]]]:
    """Every way to cut a log into consecutive batches, as it stands and in three other orders of arrival."""
    for seed in range(4):
        arrived = list(changes)
        if seed:
            random.Random(seed).shuffle(arrived)
        for cuts in itertools.product((False, True), repeat=len(arrived) - 1):
            parts: list[list[Change]] = [[arrived[0]]]
            for change, cut in zip(arrived[1:], cuts, strict=True):
                if cut:
                    parts.append([])
                parts[-1].append(change)
            yield parts


def packed(case: Case) -> tuple[list[list[Change]], list[Change]]:
    """All splits of a case without truncates in one table, each under keys of its own: batches, and all changes."""
    ways = list(splits(case.changes))
    rounds: list[list[Change]] = [[] for _ in range(max(len(way) for way in ways))]
    for number, way in enumerate(ways):
        for index, part in enumerate(way):
            rounds[index] += [shifted(change, 1000 * (number + 1)) for change in part]
    return rounds, [change for part in rounds for change in part]


def shifted(change: Change, shift: int) -> Change:
    """The same change of another key at other offsets."""
    key = None if change.key is None else (change.key[0] + shift,)
    old = None if change.old_key is None else (change.old_key[0] + shift,)
    return replace(change, key=key, old_key=old, offset=change.offset + shift)
