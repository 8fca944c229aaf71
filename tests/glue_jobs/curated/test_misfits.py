"""Facts with values that their columns cannot hold: refused with names and counts, or set aside and taken out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from glue_jobs.curated.misfits import MisfitError
from glue_jobs.curated.promote import promote_curated
from glue_jobs.curated.redrives import REDRIVES
from lake.deadletters.letters import LoadLetter
from lake.deadletters.reading import Stores, Wanted, dead_letters, shown
from lake.deadletters.settling import chosen, settled
from lake.reconcile.quarantine import mirror_misfit_keys, misfit_keys
from lake.reconcile.rows import canonical, row_hash
from lake.store import store_for
from redshift_sql.copy_contract import CopyContractError
from schemas.manifests import LoadManifest
from schemas.model import FactColumn, MisfitPolicy
from schemas.settlements import Hop, Verb
from schemas.types import ColumnType
from streaming.settle import Settler
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


OF_LOADS = Wanted(hops=(Hop.CURATED,))
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
    letters = list(dead_letters(stores, OF_LOADS))
    assert [(item.id, item.hop, item.reasons) for item in letters] == [
        ("fact_lines/1/1", "curated", ("misfit:amount",)),
        ("fact_lines/2/1", "curated", ("misfit:amount",)),
    ]
    assert isinstance(letters[0], LoadLetter)
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


def test_a_redriven_fact_comes_back_once_it_fits_and_one_that_does_not_has_its_new_reason(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = narrow(spark, MisfitPolicy.DEAD_LETTER)
    shop.stage("order", [SALE])
    shop.stage("line", [line(1, 3), line(2, 7), line(3, 10)])
    promoted(shop, tmp_path)
    stores = Stores(shop.pipeline, store_for(tmp_path.as_uri()), "")
    fact = shop.pipeline.facts["fact_lines"]
    letters = chosen(stores, OF_LOADS)
    assert [letter.reasons for letter in letters] == [("misfit:amount",), ("misfit:amount", "misfit:note")]

    # The measure was given a wider type; the note is as narrow as before.
    wider = replace(fact, columns=(replace(NARROW[0], type=ColumnType("int")), NARROW[1]))
    shop.pipeline = replace(shop.pipeline, facts={"fact_lines": wider})
    (outcome,) = settled(letters, Settler(stores.store, Verb.REDRIVE, "ada", "widened"))
    assert (outcome.settled, outcome.seq) == (2, 1)
    assert [item.settled for item in settled(letters, Settler(stores.store, Verb.REDRIVE))] == [0]
    assert misfit_keys(stores.store, shop.pipeline, fact) == {row_hash([canonical(key)]) for key in (2, 3)}

    with monkeypatch.context() as patch:
        patch.setattr("glue_jobs.curated.promote.write_load", killed)
        with pytest.raises(KilledError):
            promoted(shop, tmp_path)
    load = promoted(shop, tmp_path)
    assert {(row.line_id, row.amount) for row in shop.rows("fact_lines")} == {(1, 15000), (2, 35000)}
    assert [row.amount for row in shop.rows("agg_lines")] == [50000]
    assert load.tables.keys() == {"fact_lines"}
    # Its contract has changed, so the load has the fact whole.
    assert (load.tables["fact_lines"].rows, set_aside(load)) == (3, 1)
    assert load.progress[REDRIVES] == 1
    (again,) = chosen(stores, OF_LOADS)
    assert (again.id, again.reasons) == ("fact_lines/2/1", ("misfit:note",))
    assert misfit_keys(stores.store, shop.pipeline, fact) == {row_hash([canonical(3)])}
    assert promote_curated(shop.spark, shop.pipeline, tmp_path.as_uri()).load is None

    (gone,) = settled([again], Settler(stores.store, Verb.DISCARD, "ada", "a test"))
    assert (gone.settled, gone.seq) == (1, 2)
    assert chosen(stores, OF_LOADS) == []
    assert misfit_keys(stores.store, shop.pipeline, fact) == {row_hash([canonical(3)])}


class KilledError(Exception):
    """The process dies here."""


def killed(*_: object, **__: object) -> None:
    raise KilledError


def test_a_mirrors_row_that_copy_would_refuse_stops_the_load_or_is_set_aside(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark)
    parties = [
        Change(key, "c", (key,), f"{key:020d}", 50, (("segment", "s"), ("region", text), ("address", "a")), 50)
        for key, text in ((1, "short"), (2, "é" * 40_000))
    ]
    # The dimension does not show the long text, so the mirror alone cannot hold it.
    dimension = shop.pipeline.dimensions["dim_party"]
    fitting = tuple(item for item in dimension.attributes if item.name != "region")
    shop.pipeline = replace(shop.pipeline, dimensions={"dim_party": replace(dimension, attributes=fitting)})
    shop.stage("party", parties)
    with pytest.raises(CopyContractError, match="80,000 bytes"):
        promoted(shop, tmp_path)

    policy = replace(shop.pipeline.sources["party"], mirror_misfit=MisfitPolicy.DEAD_LETTER)
    shop.pipeline = replace(shop.pipeline, sources={**shop.pipeline.sources, "party": policy})
    load = promoted(shop, tmp_path)
    rows = {row["id"]: row for row in loaded(spark, tmp_path, load)}
    assert (rows[1]["region"], rows[1]["_is_deleted"]) == ("short", False)
    assert (rows[2]["region"], rows[2]["segment"], rows[2]["_is_deleted"]) == (None, None, True)
    stores = Stores(shop.pipeline, store_for(tmp_path.as_uri()), "")
    (letter,) = chosen(stores, OF_LOADS)
    assert (letter.id, letter.reasons) == ("party/1/1", ("misfit:region",))
    assert json.loads(shown_raw(stores, letter.id))["id"] == 2
    assert mirror_misfit_keys(stores.store, policy) == {row_hash([canonical(2)])}

    list(settled([letter], Settler(stores.store, Verb.REDRIVE, "ada", "again")))
    second = promoted(shop, tmp_path)
    assert second.tables.keys() == {"party"}
    assert [row["id"] for row in loaded(spark, tmp_path, second)] == [2]
    (again,) = chosen(stores, OF_LOADS)
    assert (again.id, again.reasons) == ("party/2/1", ("misfit:region",))


def shown_raw(stores: Stores, identifier: str) -> str:
    return str(shown(stores, identifier, raw=True)["row"])


def loaded(spark: SparkSession, lake: Path, load: LoadManifest) -> list[Row]:
    return spark.read.parquet(*(str(lake / file.path) for file in load.tables["party"].files)).collect()
