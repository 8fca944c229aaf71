"""Contracts that grow while the star is there: as if they had always been so, earlier rows without the new values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from lake.reconcile.replay import check_replay
from schemas.model import Attribute, DimensionReference, GroupColumn, Pipeline
from tests.glue_jobs.changes import STRING, as_model_rows
from tests.glue_jobs.curated.shop import Shop, line_log, sale_log
from tests.glue_jobs.curated.staged import PartyLake, with_tolerance
from tests.glue_jobs.curated.test_crashes import COMMITS, CrashError, dying_after
from tests.glue_jobs.curated.test_promote_history import CLOSE, EVERY_POLICY
from tests.reference.history import Change
from tests.reference.history import history as model
from tests.reference.logs import packed_log
from tests.support.grown import without_values

ADDED = ("region", "address")


def test_history_is_as_if_changes_before_had_not_known_an_attribute(spark: SparkSession) -> None:
    """Each of many keys has seen another part of its changes, in no order, when the contract grows."""
    log = packed_log(72, keys=200, truncates=0)
    early, late = log[: len(log) // 2], log[len(log) // 2 :]
    lake = PartyLake(spark, *EVERY_POLICY[:2], lacking=ADDED)
    lake.stage(with_tolerance(early, CLOSE.tolerance))
    lake.promote()
    lake.follow(lake.whole)
    assert lake.promote().remade == ("dim_0", "dim_1", "party_state")
    seen = [without_values(change, ADDED) for change in early]
    check(lake, seen)
    lake.stage(with_tolerance(late, CLOSE.tolerance))
    assert lake.promote().remade == ()
    check(lake, [*seen, *late])
    for dimension in lake.whole.dimensions.values():
        assert check_replay(spark, lake.pipeline, dimension).passed


def check(lake: PartyLake, seen: list[Change]) -> None:
    """Every dimension is the model's."""
    for number, policies in enumerate(EVERY_POLICY[:2]):
        assert as_model_rows(lake.rows(number)) == [version.as_row() for version in model(seen, policies)]


def grown(pipeline: Pipeline) -> Pipeline:
    """One dimension more from a table that feeds one, a reference of the fact to it, and another group."""
    party, fact, aggregate = (
        pipeline.dimensions["dim_party"],
        pipeline.facts["fact_lines"],
        pipeline.aggregates["agg_lines"],
    )
    place = replace(party, name="dim_place", attributes=(Attribute("region", STRING, "region", 2),))
    also = DimensionReference("place_sk", "dim_place", (("party_id", "line.party_id"),))
    groups = (*aggregate.group_by, GroupColumn("region", STRING, "party_sk.region"))
    return replace(
        pipeline,
        dimensions={"dim_party": party, "dim_place": place},
        facts={"fact_lines": replace(fact, dimensions=(*fact.dimensions, also))},
        aggregates={"agg_lines": replace(aggregate, group_by=groups)},
    )


def staged(spark: SparkSession) -> tuple[Shop, Shop]:
    """Two shops with the same rows staged; the first was promoted before its contracts grew.

    The attribute that it gets was in the staged rows all along, so versions split and facts move.
    """
    logs = {"party": packed_log(73, 40, truncates=0), "order": sale_log(73, 60), "line": line_log(73, 120, 60, 45)}
    early, always = Shop(spark), Shop(spark)
    for name, log in logs.items():
        for shop in (early, always):
            shop.stage(name, log)
    whole = {shop: grown(shop.pipeline) for shop in (early, always)}
    party = early.pipeline.dimensions["dim_party"]
    fewer = replace(party, attributes=tuple(item for item in party.attributes if item.name != "region"))
    early.pipeline = replace(early.pipeline, dimensions={"dim_party": fewer})
    early.promote()
    early.pipeline, always.pipeline = whole[early], whole[always]
    return early, always


def star(shop: Shop) -> dict[str, list[str]]:
    """Every table's rows, whatever the order of columns."""
    names = (*shop.pipeline.dimensions, *shop.pipeline.facts, *shop.pipeline.aggregates)
    return {name: sorted(repr(sorted(row.asDict().items())) for row in shop.rows(name)) for name in names}


def test_a_star_that_grew_is_the_one_that_was_always_so_though_killed_after_each_commit(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, always = staged(spark)
    always.promote()
    crashes = 0
    while crashes < 30:
        try:
            with dying_after(COMMITS, monkeypatch):
                early.promote()
            break
        except CrashError:
            crashes += 1
    # The unknown member of the new dimension, both dimensions, restatements, the fact, the aggregate.
    assert 5 <= crashes < 30
    assert star(early) == star(always)
    restated = [tuple(row) for row in early.rows("restatements") if row.reference == "party_sk"]
    assert len(set(restated)) == len(restated) > 0
    assert early.promote().remade == ()


def test_an_attribute_that_goes_takes_its_column_and_versions_are_one(spark: SparkSession) -> None:
    log = packed_log(74, keys=40, truncates=0)
    lake = PartyLake(spark, CLOSE)
    lake.stage(with_tolerance(log, CLOSE.tolerance))
    lake.promote()
    (dimension,) = lake.pipeline.dimensions.values()
    fewer = replace(dimension, attributes=tuple(item for item in dimension.attributes if item.name != "region"))
    lake.follow(replace(lake.pipeline, dimensions={fewer.name: fewer}))
    assert lake.promote().remade == ("dim_0",)
    expected = model(log, replace(CLOSE, type2=("segment",)))
    rows = lake.rows()
    assert "region" not in rows[0]
    found = sorted(row.version_identity for row in rows if row.party_sk != -1)
    assert found == sorted(version.identity for version in expected)
