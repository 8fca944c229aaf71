"""Maintenance: fewer files, re-emissions gone for good, progress kept, and nothing that a reader could notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glue_jobs import iceberg, maintenance, staging_tables
from glue_jobs.maintenance import collapse_reemissions, compact, expire, maintain
from glue_jobs.staging import promote_staging
from glue_jobs.transforms.identity import collapse
from lake.reconcile.staging import check_staging
from lake.store import store_for
from schemas.errors import CommitConflictError
from tests.glue_jobs.items import SOURCE, contract, create, pipeline_of, row
from tests.support.landed import Event, land

DAY = 86400.0


@pytest.fixture
def newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds the clock a few days after the test data."""
    monkeypatch.setattr(maintenance, "_now", lambda: datetime(2024, 1, 4, tzinfo=UTC))


def promoted(spark: SparkSession, root: Path, name: str, batches: list[list[Event]]) -> str:
    source = contract(name)
    for seq, events in enumerate(batches, start=1):
        land(spark, root, name, seq, [(SOURCE, events)])
        (outcome,) = promote_staging(spark, pipeline_of(source), root.as_uri())
        assert outcome.error is None
    return staging_tables.change_log_name(name, "item")


def seen(spark: SparkSession, log: str) -> list[Any]:
    columns = ("_ingest_seq", "_kafka_partition", "_offset", "_identity", "item_id", "label")
    return sorted(tuple(item) for item in collapse(spark.table(log)).select(*columns).collect())


@pytest.mark.usefixtures("newest")
def test_maintenance_changes_nothing_that_a_reader_sees(spark: SparkSession, tmp_path: Path) -> None:
    first = Event("u", row(1), 1, lsn=10, seconds=1)
    again = replace(first, offset=20, kafka_seconds=DAY + 5)
    later = replace(first, offset=21, kafka_seconds=DAY + 6)
    alone = replace(create(2), kafka_seconds=DAY + 7)
    log = promoted(
        spark, tmp_path, "maintained", [[first, create(3)], [again], [later, alone], [create(4)], [create(5)]]
    )
    before = seen(spark, log)
    (done,) = maintain(spark, pipeline_of(contract("maintained")), keep_days=-10_000, collapse_days=8)
    assert (done.table, done.collapsed) == ("item", 2)
    assert done.files_after < done.files_before
    assert done.snapshots_expired > 0
    assert seen(spark, log) == before
    assert spark.table(log).count() == len(before)
    assert iceberg.progress(spark, log) == {"item": 5}
    assert len(list(iceberg.load(spark, log).snapshots())) == 1
    store, pipeline = store_for(tmp_path.as_uri()), pipeline_of(contract("maintained"))
    (oracle,) = check_staging(spark, store, pipeline)
    assert (oracle.compared, oracle.differences, "2 re-emissions are gone" in oracle.detail) == (7, 0, True)
    spark.sql(f"DELETE FROM {log} WHERE item_id = 2")
    assert [found.differences for found in check_staging(spark, store, pipeline)] == [1], "one is lost, none excused"
    for file in store.list("landing/item"):
        if "/batch=3-" in file or "batch=000000000003-" in file:
            store.delete(file)
    (expired,) = check_staging(spark, store, pipeline)
    assert (expired.compared, expired.differences, expired.detail[-36:]) == (
        5,
        0,
        "; 1 batches are no longer in landing",
    )
    land(spark, tmp_path, "maintained", 6, [(SOURCE, [create(6)])])
    (outcome,) = promote_staging(spark, pipeline_of(contract("maintained")), tmp_path.as_uri())
    assert (outcome.accepted, outcome.progress) == (1, 6)


@pytest.mark.usefixtures("newest")
def test_a_log_without_re_emissions_is_not_rewritten(spark: SparkSession, tmp_path: Path) -> None:
    log = promoted(spark, tmp_path, "single", [[create(1), create(2)]])
    snapshot = iceberg.load(spark, log).currentSnapshot().snapshotId()
    assert collapse_reemissions(spark, contract("single"), 8) == 0
    compact(spark, log)
    assert iceberg.load(spark, log).currentSnapshot().snapshotId() == snapshot


@pytest.mark.usefixtures("newest")
def test_a_promotion_meanwhile_is_not_lost(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Event("u", row(1), 1, lsn=10, seconds=1)
    log = promoted(spark, tmp_path, "meanwhile", [[first, replace(first, offset=9)]])
    real: Callable[..., Any] = iceberg.encode

    def promoting(*args: Any) -> Any:
        monkeypatch.setattr(iceberg, "encode", real)
        land(spark, tmp_path, "meanwhile", 2, [(SOURCE, [create(2)])])
        promote_staging(spark, pipeline_of(contract("meanwhile")), tmp_path.as_uri())
        return real(*args)

    monkeypatch.setattr(iceberg, "encode", promoting)
    with pytest.raises(CommitConflictError):
        collapse_reemissions(spark, contract("meanwhile"), 8)
    assert sorted(item["_offset"] for item in spark.table(log).collect()) == [1, 2, 9]
    assert iceberg.progress(spark, log) == {"item": 2}


def test_expiry_keeps_the_progress_of_an_older_commit(spark: SparkSession, tmp_path: Path) -> None:
    log = promoted(spark, tmp_path, "expiring", [[create(1), create(2)]])
    spark.sql(f"DELETE FROM {log} WHERE item_id = 2")  # by hand: its commit carries none
    assert expire(spark, log, keep_days=-1) > 0
    assert iceberg.progress(spark, log) == {"item": 1}
