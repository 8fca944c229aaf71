"""Both stores keep one promise: whole objects, ascending names, and one winner per created key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lake.store import LocalStore, S3Store, Store, StoreError, store_for


@pytest.fixture(params=["local", "s3", "s3 with prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "local":
        yield store_for(tmp_path.as_uri())
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="lake")
        yield store_for("s3://lake" if request.param == "s3" else "s3://lake/some/prefix/")


def test_what_is_written_is_read_and_can_be_replaced(store: Store) -> None:
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"three")
    assert (store.read("a/b.json"), store.size("a/b.json"), store.exists("a/b.json")) == (b"three", 5, True)


def test_an_absent_key_is_told_as_such(store: Store) -> None:
    assert not store.exists("none")
    with pytest.raises(FileNotFoundError):
        store.read("none")
    with pytest.raises(FileNotFoundError):
        store.size("none")
    store.delete("none")


def test_the_second_creation_changes_nothing(store: Store) -> None:
    assert store.create_if_absent("m/1.json", b"first")
    assert not store.create_if_absent("m/1.json", b"second")
    assert store.read("m/1.json") == b"first"


def test_keys_come_ascending_after_a_key_and_limited(store: Store) -> None:
    for name in ("m/3", "m/1", "m/2/x", "other/1", "m1/0"):
        store.write(name, b"")
    assert store.list("m") == ["m/1", "m/2/x", "m/3"]
    assert store.list("m", after="m/1") == ["m/2/x", "m/3"]
    assert store.list("m", after="m/1", limit=1) == ["m/2/x"]
    assert store.list("absent") == []
    assert len(store.list("")) == 5


def test_deleted_keys_are_gone(store: Store) -> None:
    store.write("a/b", b"x")
    store.delete("a/b")
    assert store.list("a") == []


def test_of_many_writers_one_creates(tmp_path: Path) -> None:
    store, barrier = LocalStore(tmp_path), threading.Barrier(8)

    def create(number: int) -> bool:
        barrier.wait()
        return store.create_if_absent("m/1", str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(8)))
    assert won.count(True) == 1
    assert store.read("m/1") == str(won.index(True)).encode()
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["1"]


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    for key in ("../x", "a/../../x", "/x"):
        with pytest.raises(StoreError, match="leaves the store"):
            LocalStore(tmp_path / "lake").write(key, b"")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        LocalStore(tmp_path / "file").write("a", b"")
    assert caught.value.remedy


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(StoreError, match="gs is not supported"):
        store_for("gs://bucket")


class FlakyClient:
    """A client whose conditional PUT answers with the given error codes, then succeeds or leaves what it holds."""

    def __init__(self, codes: list[str], held: bytes = b"") -> None:
        self.codes, self.held, self.puts = codes, held, 0

    def put_object(self, **request: Any) -> dict[str, Any]:
        self.puts += 1
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "PutObject")
        self.held = request["Body"]
        return {}

    def get_object(self, **_: Any) -> dict[str, Any]:
        from io import BytesIO

        return {"Body": BytesIO(self.held)}


def s3(client: FlakyClient) -> S3Store:
    return S3Store("s3://lake", "lake", "", client)


def test_colliding_conditional_writes_are_asked_again() -> None:
    client = FlakyClient(["ConditionalRequestConflict", "ConditionalRequestConflict"])
    assert s3(client).create_if_absent("k", b"mine")
    assert client.puts == 3


def test_a_retried_put_recognises_its_own_object() -> None:
    assert s3(FlakyClient(["PreconditionFailed"], held=b"mine")).create_if_absent("k", b"mine")
    assert not s3(FlakyClient(["PreconditionFailed"], held=b"theirs")).create_if_absent("k", b"mine")


def test_a_refused_request_names_object_and_code() -> None:
    with pytest.raises(StoreError, match=r"s3://lake/k: S3 put_object failed \(AccessDenied\)"):
        s3(FlakyClient(["AccessDenied"])).write("k", b"")
