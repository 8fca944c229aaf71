"""Undecodable records sent through again: once, at their own place, whatever else is committed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.reconcile.landing import Account, account, landing_manifests
from lake.store import LocalStore
from schemas.errors import CommitConflictError
from schemas.manifests import LandingManifest
from schemas.settlements import Hop, Verb
from streaming import manifest_log
from streaming.registry import RegistryUnavailableError
from streaming.settle import Letters, Settled, Settler
from tests.streaming.test_landing import TEXTS, V1, V2, batch, dead, insert, landed, resume, value_record
from tests.support.envelopes import schema_text
from tests.support.landing import FixedRegistry, land

KNOWN = {schema_id: text for schema_id, text in TEXTS.items() if schema_id != "3"}
POISON = value_record(b"\x07no header", 2)


def settler(spark: SparkSession, root: Path, schemas: dict[str, str] = TEXTS) -> Settler:
    registry = FixedRegistry(schemas)
    return Settler(LocalStore(root), Verb.REDRIVE, "ada", "registered now", lambda: spark, lambda: registry)


class Down(FixedRegistry):
    """A registry that does not answer."""

    def schema(self, schema_id: str) -> str | None:
        """See `Registry.schema`."""
        raise RegistryUnavailableError(f"no answer about {schema_id}")


def letters(*offsets: int, seq: int = 1, epoch: int = 0) -> Letters:
    return Letters("customer", Hop.LANDING, epoch, {(0, offset): seq for offset in offsets})


def told(root: Path) -> Account:
    store = LocalStore(root)
    return account(store, landing_manifests(store, "customer"))


def manifest_of(done: Settled) -> LandingManifest:
    assert done.manifest is not None
    return done.manifest


def test_a_mended_record_lands_at_its_own_place_and_a_bad_one_gets_its_new_reason(
    spark: SparkSession, tmp_path: Path
) -> None:
    first = land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2), POISON], KNOWN)
    assert first.dead_letter_rows == 2
    done = settler(spark, tmp_path).settle(letters(1, 2))
    manifest = manifest_of(done)
    assert (done.count, done.failed) == (2, 1)
    (row,) = landed(spark, tmp_path, manifest)
    assert (row["_kafka_partition"], row["_offset"], row["_schema_id"], row["after"].city) == (0, 1, "3", "c")
    assert f"/batch=2-{manifest.attempt}/" in manifest.files[0].path
    assert dead(spark, tmp_path, manifest)[2].reason == "unknown_magic"
    assert manifest.ranges == {0: (3, 3)}
    assert manifest.settles is not None
    assert (manifest.settles.by, manifest.settles.reason) == ("ada", "registered now")
    assert told(tmp_path) == Account(open=1, redriven=1, discarded=0, broken=0)

    again = settler(spark, tmp_path).settle(letters(1, 2))
    assert again.manifest is None
    third = manifest_of(settler(spark, tmp_path).settle(letters(2, seq=2)))
    assert (third.seq, third.rows, third.dead_letter_rows) == (3, 0, 1)
    gone = Settler(LocalStore(tmp_path), Verb.DISCARD, "ada", "test data").settle(letters(2, seq=3))
    assert (gone.count, manifest_of(gone).files, manifest_of(gone).dead_letters) == (1, (), ())
    assert told(tmp_path) == Account(open=0, redriven=1, discarded=1, broken=0)


def test_the_stream_goes_on_beside_it_and_needs_no_registry_afterwards(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2), POISON], KNOWN)
    running = resume(spark, tmp_path)
    manifest_of(settler(spark, tmp_path).settle(letters(1)))
    manifest = batch(spark, running, [insert(3)])
    assert manifest is not None
    assert (manifest.seq, manifest.ranges, manifest.rows) == (3, {0: (3, 4)}, 1)
    manifest_of(Settler(LocalStore(tmp_path), Verb.DISCARD, "ada", "test data").settle(letters(2)))
    later = batch(spark, resume(spark, tmp_path, Down({})), [insert(4)])
    assert later is not None
    assert (later.seq, later.rows) == (5, 1)
    assert told(tmp_path) == Account(open=0, redriven=1, discarded=1, broken=0)


def test_a_batch_that_comes_first_only_delays_it(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2)], KNOWN)
    commit: Callable[..., None] = manifest_log.commit

    def overtaken(store: LocalStore, previous: LandingManifest, manifest: LandingManifest) -> None:
        monkeypatch.setattr(manifest_log, "commit", commit)
        batch(spark, resume(spark, tmp_path), [insert(2)])
        commit(store, previous, manifest)

    monkeypatch.setattr(manifest_log, "commit", overtaken)
    manifest = manifest_of(settler(spark, tmp_path).settle(letters(1)))
    assert (manifest.seq, manifest.rows, manifest.ranges) == (3, 1, {0: (3, 3)})
    assert told(tmp_path).redriven == 1


def test_another_job_that_lands_the_table_is_a_conflict_still(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, tmp_path.as_uri(), [insert(0)], TEXTS)
    one, other = resume(spark, tmp_path), resume(spark, tmp_path)
    batch(spark, one, [insert(1)])
    with pytest.raises(CommitConflictError):
        batch(spark, other, [insert(1)])


class KilledError(Exception):
    """The process dies here."""


def test_failed_or_killed_at_each_step_and_run_again_is_once(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2), POISON], KNOWN)
    monkeypatch.setattr("streaming.settle.PATIENCE_SECONDS", 0.0)
    with pytest.raises(RegistryUnavailableError):
        replace(settler(spark, tmp_path), registry=lambda: Down({})).settle(letters(1, 2))

    def die(*_: Any) -> None:
        raise KilledError

    for step in ("streaming.write.dead_letter_files", "streaming.manifest_log.commit"):
        with monkeypatch.context() as patch:
            patch.setattr(step, die)
            with pytest.raises(KilledError):
                settler(spark, tmp_path).settle(letters(1, 2))
        assert told(tmp_path) == Account(open=2, redriven=0, discarded=0, broken=0)
    assert manifest_of(settler(spark, tmp_path).settle(letters(1, 2))).seq == 2
    assert told(tmp_path) == Account(open=1, redriven=1, discarded=0, broken=0)


def test_a_letter_of_an_epoch_left_behind_is_read_by_the_schemas_of_then(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2)], KNOWN)
    # After the restore the registry gives id 2 to another schema, which cannot read what was written by the old one.
    anew = {**TEXTS, "2": schema_text(V2.value_schema)}
    land(spark, tmp_path.as_uri(), [insert(0, replace(V2, value_id=2))], anew, epoch=1)
    manifest = manifest_of(settler(spark, tmp_path, anew).settle(letters(1)))
    assert (manifest.epoch, manifest.rows) == (1, 1)
    (row,) = landed(spark, tmp_path, manifest)
    assert row["_epoch"] == 0
    assert V1.value_id == 2
    assert manifest.schemas["3"] == "landing/_schemas/customer/3.avsc"
    assert told(tmp_path) == Account(open=0, redriven=0, discarded=0, broken=0)
