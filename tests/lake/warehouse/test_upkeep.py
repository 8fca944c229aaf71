"""Upkeep: what is forgotten and what is never, and limits of use as the API takes them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from lake.warehouse.load import ensure_tables
from lake.warehouse.upkeep import keep_up
from redshift_sql.upkeep import USAGE_LIMITS, Retention, UpkeepError, storage_plan
from schemas import load_pipeline
from tests.reference.history import Policies
from tests.support.engines import Engine
from tests.support.party import load_rows
from tests.support.visits import visit_pipeline

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)
PIPELINE = visit_pipeline(POLICIES)
NOW = datetime(2026, 6, 1)  # noqa: DTZ001 - the warehouse holds UTC without a zone


@pytest.mark.parametrize(("ages", "kept"), [([100, 50, 1], [2, 3]), ([300, 200, 100], [3]), ([9, 8, 7], [1, 2, 3])])
def test_old_loads_are_forgotten_and_the_newest_stays(engine: Engine, ages: list[int], kept: list[int]) -> None:
    warehouse = engine.empty()
    ensure_tables(PIPELINE, warehouse)
    for seq, age in enumerate(ages, start=1):
        at = NOW - timedelta(days=age)
        engine.run(warehouse, f"INSERT INTO staging.load_ledger VALUES ({seq}, 'a', '{{}}', '{{}}', '{at}')")
        engine.run(warehouse, f"INSERT INTO ops.load_run VALUES ({seq}, 'a', '{at}', '{at}')")
        engine.run(
            warehouse,
            f"INSERT INTO analytics.restatements VALUES ({seq}, 'f', 'r', '1', '{at}', 1, 2, 'why', '{at}')",
        )
    engine.fill(warehouse, "staging.dim_party_load", load_rows([], POLICIES))
    engine.run(warehouse, "INSERT INTO staging.dim_party_log (id, change_identity) VALUES (1, 'x')")
    engine.run(warehouse, "INSERT INTO staging.dim_party_load (id, change_identity) VALUES (1, 'x')")
    forgotten = keep_up(PIPELINE, warehouse, Retention(60, 60), NOW)
    seqs = [row[0] for row in warehouse.query("SELECT load_seq FROM staging.load_ledger ORDER BY 1").rows]
    assert seqs == kept
    assert [row[0] for row in warehouse.query("SELECT load_seq FROM ops.loads ORDER BY 1").rows] == kept
    old = sum(age > 60 for age in ages)
    assert forgotten == {"staging.load_ledger": 3 - len(kept), "analytics.restatements": old}
    assert warehouse.query("SELECT count(*) FROM staging.dim_party_log").rows == ((1,),), "history needs it"
    assert warehouse.query("SELECT count(*) FROM staging.dim_party_load").rows == ((0,),)
    assert keep_up(PIPELINE, warehouse, Retention(60, 60), NOW) == dict.fromkeys(forgotten, 0)
    warehouse.close()


def test_a_retention_that_is_too_short_is_refused() -> None:
    with pytest.raises(UpkeepError, match="6 days is too short"):
        Retention(ledger_days=6)


def test_vacuum_and_analyze_go_over_every_table_that_keeps_rows() -> None:
    retail = load_pipeline("retail")
    texts = [item.sql.split("\n")[-1] for item in storage_plan(retail)]
    assert 'vacuum delete only staging."order"' in texts
    assert "analyze analytics.fact_sales predicate columns" in texts
    assert not [text for text in texts if re.search(r"_load\b", text)]


def test_limits_of_use_are_ones_that_the_api_knows() -> None:
    model = pytest.importorskip("botocore.session").get_session()
    serverless = model.get_service_model("redshift-serverless").shape_for("CreateUsageLimitRequest").members
    provisioned = model.get_service_model("redshift").shape_for("CreateUsageLimitMessage").members
    for limit in USAGE_LIMITS:
        shape = serverless if limit.feature.startswith("serverless") else provisioned
        feature = shape["usageType"] if "usageType" in shape else shape["FeatureType"]
        action, period = (shape.get(name) or shape[name[0].upper() + name[1:]] for name in ("breachAction", "period"))
        assert limit.feature in feature.enum
        assert limit.action in action.enum
        assert limit.period in period.enum
