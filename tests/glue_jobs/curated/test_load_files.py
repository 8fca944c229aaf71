"""Load files: what COPY reads, only what is new, committed once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glue_jobs.curated import load_files
from glue_jobs.curated.load_files import newest_load
from glue_jobs.curated.promote import CuratedSummary, promote_curated
from glue_jobs.transforms.load_rows import dimension_load_rows
from lake.store import Store, store_for
from schemas.errors import CommitConflictError
from schemas.manifests import LoadManifest
from schemas.model import Mirror
from tests.glue_jobs.changes import dimension, staging_frame
from tests.glue_jobs.curated.shop import POLICIES, Shop, line_log, sale_log
from tests.reference.history import UNAVAILABLE, Change, history
from tests.reference.logs import batches, packed_log
from tests.support.party import ATTRIBUTES

PARTY_COLUMNS = [
    "party_id", "change_identity", "change_op", "epoch", "position", "kafka_partition", "kafka_offset", "changed_at",
    "unavailable", "old_party_id", "change_sk", "origin_sk", "segment", "region", "address",
]  # fmt: skip
LINE_COLUMNS = ["line_id", "happened_at", "party_id", "amount", "note", "party_sk_origin_sk", "day_sk", "is_deleted"]


def promoted(shop: Shop, lake: Path) -> CuratedSummary:
    return promote_curated(shop.spark, shop.pipeline, lake.as_uri())


def rows_of(spark: SparkSession, lake: Path, manifest: LoadManifest, table: str) -> list[Any]:
    """Rows of one table, by way of its COPY manifest."""
    copy = json.loads((lake / manifest.tables[table].manifest).read_text())
    for entry in copy["entries"]:
        path = Path(entry["url"].removeprefix("file://"))
        assert entry["mandatory"] is True
        assert entry["meta"]["content_length"] == path.stat().st_size
    found = spark.read.parquet(*(entry["url"] for entry in copy["entries"])).collect()
    assert len(found) == manifest.tables[table].rows
    return found


def test_a_load_holds_changes_and_present_facts_and_the_next_only_what_is_new(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark)
    parties, lines, sales = packed_log(41, 8, truncates=1), line_log(41, 20, 10, 8), sale_log(41, 12)
    for table, log in (("party", parties), ("line", lines), ("order", sales)):
        shop.stage(table, log)
    first = promoted(shop, tmp_path).load
    assert first is not None
    assert list(first.tables) == ["dim_day", "dim_party", "fact_lines", "party", "order", "line"]
    assert first.progress.items() >= {"party": 1, "line": 1, "order": 1}.items()
    changes = rows_of(spark, tmp_path, first, "dim_party")
    assert changes[0].__fields__ == PARTY_COLUMNS
    assert len(changes) == len(parties)
    facts = rows_of(spark, tmp_path, first, "fact_lines")
    assert facts[0].__fields__ == LINE_COLUMNS
    assert len({row.line_id for row in facts}) == len(facts) == len({change.key for change in lines})
    assert {row.line_id for row in facts if not row.is_deleted} == {row.line_id for row in shop.rows("fact_lines")}
    assert rows_of(spark, tmp_path, first, "dim_day")[0].__fields__ == ["day_sk", "date", "day"]

    assert promoted(shop, tmp_path).load is None

    moved = Change(9 * 10**7, "u", (1,), f"{900:020d}", 950, (("happened_at", "777"),), 951, 1)
    shop.stage("order", [moved])
    second = promoted(shop, tmp_path).load
    assert second is not None
    assert (second.seq, list(second.tables)) == (2, ["fact_lines", "order"])
    on_it = {row.line_id for row in rows_of(spark, tmp_path, second, "fact_lines") if not row.is_deleted}
    assert on_it <= {row.line_id for row in facts}
    assert newest_load(store_for(tmp_path.as_uri())) == second


def test_mirror_rows_of_any_batching_fold_to_the_rows_that_the_source_has(spark: SparkSession, tmp_path: Path) -> None:
    for seed, truncates in ((50, 0), (44, 1)):
        shop, lake = Shop(spark), tmp_path / str(seed)
        log = packed_log(seed, 15, truncates=truncates)
        mirror: dict[int, tuple[object, ...]] = {}
        for batch in batches(seed, log, most=3):
            shop.stage("party", batch)
            load = promoted(shop, lake).load
            assert load is not None
            for row in rows_of(spark, lake, load, "party") if "party" in load.tables else []:
                mirror.pop(row.id, None)
                if not row._is_deleted:
                    mirror[row.id] = (row.segment, row.region, row.address)
        current = [v for v in history(log, POLICIES) if v.effective_to is None and not v.deleted]
        assert mirror == {v.key[0]: tuple(dict(v.attributes)[name] for name in ATTRIBUTES) for v in current}


def test_a_mirror_that_the_loads_before_did_not_have_is_written_whole(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark)
    shop.stage("party", packed_log(45, 5, truncates=0))
    first = promoted(shop, tmp_path).load
    assert first is not None
    path = tmp_path / "load/_manifests/000000000001.json"
    path.write_text(path.read_text().replace("(mirror)", "(before)"))
    second = promoted(shop, tmp_path).load
    assert second is not None
    assert list(second.tables) == ["party"]
    assert second.tables["party"].rows == first.tables["party"].rows
    with_mirrors = shop.pipeline
    parties = replace(with_mirrors.sources["party"], mirror=Mirror.NONE)
    shop.follow(replace(with_mirrors, sources={**with_mirrors.sources, "party": parties}))
    shop.stage("party", [Change(9 * 10**7, "u", (1,), f"{900:020d}", 950, (("segment", "Z"),), 951, 1)])
    third = promoted(shop, tmp_path).load
    assert third is not None
    assert list(third.tables) == ["dim_party"]
    assert third.newest.keys() == {"party"}
    shop.follow(with_mirrors)
    fourth = promoted(shop, tmp_path).load
    assert fourth is not None
    assert (list(fourth.tables), fourth.tables["party"].whole) == (["party"], True)
    assert fourth.tables["party"].rows >= first.tables["party"].rows, "a mirror that comes back is written whole"


def test_a_load_that_another_run_committed_first_is_refused(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(spark)
    shop.stage("party", packed_log(42, 3, truncates=0))
    store = store_for(tmp_path.as_uri())

    def overtaken(_: Store) -> None:
        store.create_if_absent("load/_manifests/000000000001.json", b"{}")

    monkeypatch.setattr(load_files, "newest_load", overtaken)
    with pytest.raises(CommitConflictError, match="load 1 was committed by another run"):
        promoted(shop, tmp_path)


def test_unavailable_attributes_and_old_keys_are_carried(spark: SparkSession) -> None:
    values = (("segment", UNAVAILABLE), ("region", "n"), ("address", UNAVAILABLE))
    log = [
        Change(1, "c", (2,), f"{10:020d}", 100, values, 100, 0, old_key=(1,)),
        Change(2, "t", None, f"{11:020d}", 200, (), 200),
        Change(3, "r", (3,), None, 300, (("segment", "A"), ("region", None), ("address", "x")), 300),
    ]
    rows = {row.change_op: row for row in dimension_load_rows(staging_frame(spark, log, 10), dimension()).collect()}
    assert (rows["c"].unavailable, rows["c"].old_party_id, rows["c"].party_id) == (",segment,address,", 1, 2)
    assert (rows["t"].party_id, rows["t"].change_sk, rows["t"].unavailable) == (None, None, "")
    assert (rows["r"].position, rows["r"].region) == (None, None)
    assert rows["r"].change_sk != rows["r"].origin_sk
