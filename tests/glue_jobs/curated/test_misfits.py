"""Facts with values that their columns cannot hold: refused with names and counts, or set aside and taken out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glue_jobs.curated.misfits import MisfitError
from glue_jobs.curated.promote import promote_curated
from lake.deadletters import FactLetter, Stores, dead_letters, shown
from lake.reconcile.quarantine import misfit_keys
from lake.reconcile.rows import canonical, row_hash
from lake.store import store_for
from schemas.manifests import LoadManifest
from schemas.model import FactColumn, MisfitPolicy
from schemas.types import ColumnType
from tests.glue_jobs.curated.shop import Shop
from tests.reference.history import Change

NARROW = (
    FactColumn("amount", ColumnType("smallint"), "line.amount * 5000", measure=True),
    FactColumn("note", ColumnType("varchar(5)"), "concat('é', line.amount, 'é')"),
)


def narrow(spark: SparkSession, policy: MisfitPolicy) -> Shop:
    shop = Shop(spark)
    fact = replace(shop.pipeline.facts["fact_lines"], columns=NARROW, misfit=policy)
    shop.pipeline = replace(shop.pipeline, facts={"fact_lines": fact})
    return shop


def line(key: int, amount: int, step: int = 0) -> Change:
    values = (("sale_id", "1"), ("party_id", None), ("amount", str(amount)))
    at = 100 * (step + 1)
    return Change(1000 * step + key, "u" if step else "c", (key,), f"{10 * step + 5:020d}", at, values, at)


SALE = Change(1, "c", (1,), f"{1:020d}", 50, (("happened_at", "60"),), 50)


def test_values_that_do_not_fit_are_told_by_column_and_count(spark: SparkSession) -> None:
    shop = narrow(spark, MisfitPolicy.FAIL)
    shop.stage("order", [SALE])
    shop.stage("line", [line(1, 3), line(2, 7), line(3, 10)])
    with pytest.raises(MisfitError) as first:
        shop.promote()
    assert "amount, 2 rows beyond smallint" in first.value.what
    assert "note, 1 rows beyond varchar(5) (up to 6 bytes)" in first.value.what
    assert "star/fact_lines.yaml" in first.value.remedy
    assert shop.rows("fact_lines") == []


def test_a_later_value_that_does_not_fit_is_told_too(spark: SparkSession) -> None:
    shop = narrow(spark, MisfitPolicy.FAIL)
    shop.stage("order", [SALE])
    shop.stage("line", [line(1, 3)])
    shop.promote()
    shop.stage("line", [line(1, 8, step=1)])
    with pytest.raises(MisfitError, match="amount, 1 rows beyond smallint"):
        shop.promote()
    assert [row.amount for row in shop.rows("fact_lines")] == [15000]


def test_a_fact_set_aside_leaves_the_star_and_comes_back_when_it_fits(spark: SparkSession, tmp_path: Path) -> None:
    shop = narrow(spark, MisfitPolicy.DEAD_LETTER)
    shop.stage("order", [SALE])
    shop.stage("line", [line(1, 3), line(2, 7), line(3, 2)])
    first = promoted(shop, tmp_path)
    assert {row.line_id for row in shop.rows("fact_lines")} == {1, 3}
    assert set_aside(first) == 1

    shop.stage("line", [line(3, 9, step=1), line(2, 1, step=1)])
    second = promoted(shop, tmp_path)
    assert {row.line_id for row in shop.rows("fact_lines")} == {1, 2}
    assert [row.amount for row in shop.rows("agg_lines")] == [20000]
    assert set_aside(second) == 1

    stores = Stores(shop.pipeline, store_for(tmp_path.as_uri()), "")
    letters = list(dead_letters(stores, ("fact_lines",)))
    assert [(item.id, item.hop, item.reasons) for item in letters] == [
        ("fact_lines/1/1", "curated", ("misfit:amount",)),
        ("fact_lines/2/1", "curated", ("misfit:amount",)),
    ]
    assert isinstance(letters[0], FactLetter)
    assert "7" not in json.dumps(letters[0].to_json()["reasons"])
    plain, raw = shown(stores, "fact_lines/1/1", raw=False), shown(stores, "fact_lines/1/1", raw=True)
    assert plain["detail"] == "amount is smallint"
    assert "row" not in plain
    assert json.loads(raw["row"])["amount"] == 7
    fact = shop.pipeline.facts["fact_lines"]
    assert misfit_keys(stores.store, shop.pipeline, fact) == {row_hash([canonical(key)]) for key in (2, 3)}


def promoted(shop: Shop, lake: Path) -> LoadManifest:
    load = promote_curated(shop.spark, shop.pipeline, lake.as_uri()).load
    assert load is not None
    return load


def set_aside(load: LoadManifest) -> int:
    return sum(file.rows for file in load.tables["fact_lines"].dead_letters)
