"""A deleted object of a bucket that keeps versions comes back as it was; nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from lake.cli import main
from lake.store import S3Store, StoreError
from lake.versions import VersionedBucket

BUCKET = "retail-datalake-test"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 with a versioned bucket."""
    for name, value in (
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield s3


@pytest.fixture
def store(client: Any) -> S3Store:
    """The lake's own store in it."""
    return S3Store(f"s3://{BUCKET}", BUCKET, "")


def test_what_the_store_deleted_comes_back_as_it_was(store: S3Store) -> None:
    store.write("landing/customer/a.parquet", b"one")
    store.write("landing/customer/a.parquet", b"two")
    store.write("landing/order/b.parquet", b"three")
    store.delete("landing/customer/a.parquet")
    bucket = VersionedBucket(store.uri)
    found = bucket.deleted("landing/")
    assert [(item.key, item.size) for item in found] == [("landing/customer/a.parquet", 3)]
    assert bucket.bring_back(found) == 1
    assert store.read("landing/customer/a.parquet") == b"two"
    assert bucket.deleted("landing/") == []
    assert bucket.bring_back(found) == 1
    assert store.read("landing/customer/a.parquet") == b"two"


def test_an_object_deleted_twice_comes_back_too(store: S3Store, client: Any) -> None:
    store.write("landing/a", b"x")
    client.delete_object(Bucket=BUCKET, Key="landing/a")
    client.delete_object(Bucket=BUCKET, Key="landing/a")
    bucket = VersionedBucket(store.uri)
    (found,) = bucket.deleted()
    assert len(found.markers) == 2
    bucket.bring_back([found])
    assert store.read("landing/a") == b"x"


def test_what_was_written_again_or_never_had_a_version_is_left_alone(store: S3Store, client: Any) -> None:
    store.write("landing/again", b"old")
    store.delete("landing/again")
    store.write("landing/again", b"new")
    client.delete_object(Bucket=BUCKET, Key="landing/never")
    assert VersionedBucket(store.uri).deleted() == []
    assert store.read("landing/again") == b"new"


def test_only_what_was_deleted_since_and_only_of_the_folder(store: S3Store) -> None:
    for key in ("lake/landing/a", "other/landing/a"):
        store.write(key, b"x")
        store.delete(key)
    bucket = VersionedBucket(f"{store.uri}/lake")
    assert [item.key for item in bucket.deleted("landing/")] == ["lake/landing/a"]
    assert bucket.deleted("landing/", since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert len(bucket.deleted(since=datetime.now(UTC) - timedelta(hours=1))) == 1


def test_the_command_shows_first_and_brings_back_when_told(store: S3Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.write("landing/a", b"x")
    store.delete("landing/a")
    assert main(["undelete", store.uri, "--prefix", "landing/", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [item["key"] for item in shown["deleted"]] == ["landing/a"]
    assert shown["brought_back"] == 0
    assert not store.exists("landing/a")
    assert main(["undelete", store.uri, "--prefix", "landing/", "--since", "2020-01-01T00:00:00", "--yes"]) == 0
    assert "1 object brought back" in capsys.readouterr().out
    assert store.read("landing/a") == b"x"
    assert main(["undelete", store.uri]) == 0
    assert "Nothing is deleted" in capsys.readouterr().out


def test_a_bucket_without_versions_is_told(client: Any) -> None:
    client.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(StoreError, match="keeps no versions") as caught:
        VersionedBucket("s3://plain").deleted()
    assert "backup" in caught.value.remedy


def test_what_is_no_bucket_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["undelete", "file:///tmp/lake"]) == 1
    assert "only a bucket keeps versions" in capsys.readouterr().err


def test_a_refused_request_names_bucket_and_code() -> None:
    s3 = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(s3) as stub:
        stub.add_client_error("get_bucket_versioning", "AccessDenied")
        with pytest.raises(StoreError, match=r"S3 failed \(AccessDenied\)"):
            VersionedBucket("s3://mine", s3).deleted()
