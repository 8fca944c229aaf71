"""A release: its files are what it says, in the folder and in the bucket; records are numbered and never written over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.deploy import records
from lake.deploy.changes import Change, Changes, Verb
from lake.deploy.errors import ArtefactError, DataLossError, DeployError
from lake.deploy.places import places_of
from lake.deploy.release import Artefact, Release, read_release, upload
from lake.deploy.run import refuse_loss
from lake.store import LocalStore
from tests.support import delivery

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def deployment(seq: int, release: Release, kind: str = "deploy", back_to: int | None = None) -> records.Deployment:
    return records.Deployment(seq, "dev", kind, release, "arn:aws:sts::1:me", AT, "digest", back_to)


def test_what_is_written_is_read_and_named_by_its_bytes(tmp_path: Path) -> None:
    one, two = delivery.release(tmp_path / "one"), delivery.release(tmp_path / "two")
    assert read_release(tmp_path / "one") == one
    assert one.id == two.id != delivery.release(tmp_path / "three", "x").id
    assert set(one.keys()) == {"wheel", "script", "decode_function", "requirements", "jars", "connectors"}


@pytest.mark.parametrize("how", ["changed", "gone", "id", "no json", "name"])
def test_a_release_that_was_tampered_with_is_refused(tmp_path: Path, how: str) -> None:
    made = delivery.release(tmp_path)
    document = tmp_path / "release.json"
    told = json.loads(document.read_text())
    if how == "changed":
        (tmp_path / made.one("wheel").file).write_bytes(b"")
    elif how == "gone":
        (tmp_path / made.one("wheel").file).unlink()
    elif how == "id":
        document.write_text(json.dumps({**told, "id": "0" * 12}))
    elif how == "no json":
        document.write_text("{")
    else:
        told["artefacts"][0]["file"] = "../../etc/passwd"
        document.write_text(json.dumps(told))
    with pytest.raises(ArtefactError):
        read_release(tmp_path)


def test_a_second_upload_writes_nothing(tmp_path: Path) -> None:
    made, store = delivery.release(tmp_path / "files"), LocalStore(tmp_path / "bucket")
    assert sorted(upload(made, tmp_path / "files", store)) == sorted(item.key for item in made.artefacts)
    assert upload(made, tmp_path / "files", store) == []


def test_records_take_the_next_free_number_and_keep_what_is_there(tmp_path: Path) -> None:
    made, store = delivery.release(tmp_path / "files"), LocalStore(tmp_path / "bucket")
    assert records.last(store) is None
    assert records.record(deployment(1, made), store).seq == 1
    assert records.record(replace(deployment(1, made), who="arn:aws:sts::1:you"), store).seq == 2
    assert [(item.seq, item.who[-3:]) for item in records.history(store)] == [(1, ":me"), (2, "you")]
    assert records.last(store) == records.history(store)[-1]


def test_going_back_skips_what_runs_and_what_was_left(tmp_path: Path) -> None:
    a, b, c = (delivery.release(tmp_path / name, name) for name in "abc")
    log = [deployment(1, a), deployment(2, b), deployment(3, c), deployment(4, c)]
    assert records.before(log).seq == 2
    log.append(deployment(5, b, "rollback", 2))
    assert records.before(log).seq == 1
    assert records.before(log, to=4).release == c
    for wrong in ([], log[:1]):
        with pytest.raises(DeployError):
            records.before(wrong)
    with pytest.raises(DeployError, match="no deployment 9"):
        records.before(log, to=9)


def test_what_holds_data_is_destroyed_only_by_its_address() -> None:
    bucket = Change('aws_s3_bucket.this["lake"]', "aws_s3_bucket", Verb.DESTROY)
    job = Change("aws_glue_job.this", "aws_glue_job", Verb.DESTROY)
    refuse_loss(Changes((job,), ""), ())
    refuse_loss(Changes((bucket, job), ""), (bucket.address,))
    with pytest.raises(DataLossError) as caught:
        refuse_loss(Changes((bucket, job), ""), ("aws_s3_bucket.other",))
    assert caught.value.where == bucket.address
    assert f"--allow-destroy '{bucket.address}'" in caught.value.remedy


@pytest.mark.parametrize("missing", ["name", "artifacts_bucket", "kafka", "topics", "warehouse", "job_names"])
def test_an_output_that_is_not_there_is_named(missing: str) -> None:
    outputs = {
        "name": "n",
        "lake_bucket": "l",
        "artifacts_bucket": {"name": "a", "arn": "arn"},
        "logs_bucket": "g",
        "database_names": {},
        "job_names": {},
        "topics": {},
        "kafka": {"kind": "kafka", "cluster_arn": None, "bootstrap_brokers": "b:9092"},
        "warehouse": {"uri": "duckdb:///x", "copy_role_arn": ""},
    }
    assert places_of(outputs).artifacts_uri == "s3://a"
    with pytest.raises(DeployError) as caught:
        places_of({name: value for name, value in outputs.items() if name != missing})
    assert caught.value.where == f"output {missing}"


def test_an_artefact_has_a_role_and_a_plain_name() -> None:
    for role, name in (("poster", "a.zip"), ("wheel", "a/b.whl"), ("wheel", "")):
        with pytest.raises(ArtefactError):
            Artefact(role, name, "0" * 64, 1)
