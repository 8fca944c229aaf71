"""Facts, inferred members, restatements and aggregates against plain-Python models, in batches and after crashes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC

import pytest
from pyspark.sql import Row, SparkSession

from tests.glue_jobs.curated.shop import POLICIES, Shop, line_log, referring, sale_log
from tests.reference.facts import INFERRED, UNKNOWN, inferred_members, referred
from tests.reference.history import Change
from tests.reference.history import history as model
from tests.reference.logs import arrival_batches, packed_log

Logs = dict[str, list[Change]]


def logs(seed: int) -> Logs:
    return {
        "party": packed_log(seed, keys=40, truncates=0),
        "order": sale_log(seed, 60),
        "line": line_log(seed, 150, 70, 50),
    }


def check_star(shop: Shop, seen: Logs) -> None:
    """The star is what the models give for what was staged."""
    versions = model(seen["party"], POLICIES)
    expected = referring(seen["line"], seen["order"])
    dim = {row.party_sk: row for row in shop.rows("dim_party")}
    facts = shop.rows("fact_lines")
    named = {row.line_id: _named(dim[row.party_sk]) for row in facts}
    assert named == referred(expected, versions)
    assert {(row.party_id,) for row in dim.values() if row.is_inferred} == inferred_members(expected, versions)
    assert len(dim) == len(shop.rows("dim_party"))
    _check_columns(facts)
    sums: Counter[tuple[object, ...]] = Counter()
    for row in facts:
        if row.happened_at is not None:
            member = dim[row.party_sk]
            sums[row.happened_at.date(), member.segment, member.address] += row.amount
    found = {(row.day, row.segment, row.address): row.amount for row in shop.rows("agg_lines")}
    assert found == dict(sums)


def _named(row: Row) -> str:
    if row.party_sk == -1:
        return UNKNOWN
    return INFERRED if row.is_inferred else row.version_identity


def _check_columns(facts: list[Row]) -> None:
    for row in facts:
        event = row.happened_at
        assert row.note == f"order.note {row.amount}"
        day = -1 if event is None else int(event.replace(tzinfo=UTC).strftime("%Y%m%d"))
        assert row.day_sk == day


@pytest.mark.parametrize("seed", [21, 22])
def test_facts_in_batches_follow_the_models(spark: SparkSession, seed: int) -> None:
    draw = random.Random(seed)
    shop = Shop(spark)
    seen: Logs = {name: [] for name in logs(seed)}
    waiting = {name: arrival_batches(seed, log, most=3) for name, log in logs(seed).items()}
    while any(waiting.values()):
        table = draw.choice([name for name, left in waiting.items() if left])
        batch = waiting[table].pop(0)
        shop.stage(table, batch)
        seen[table] += batch
        shop.promote()
        check_star(shop, seen)
