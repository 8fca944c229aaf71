"""Object store port: one small set of verbs over local files and S3, with an atomic create-if-absent.

Keys are relative, `/`-separated paths under the store's root. Every commit of the lake rests on `create_if_absent`:
exactly one of several writers succeeds, and a reader sees the whole object or none.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import unquote, urlparse

from schemas.errors import LakeError


class StoreError(LakeError):
    """The object store refused or failed an operation."""


class ConditionalConflictError(StoreError):
    """S3 could not decide between two conditional writes of one key; asking again settles it."""


_CONFLICT_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)


class Store(Protocol):
    """What the lake asks of an object store."""

    @property
    def uri(self) -> str:
        """Root of the store as Spark takes it, without a slash at the end."""

    def read(self, key: str) -> bytes:
        """Whole content.

        Raises:
            FileNotFoundError: no such object.
            StoreError: the store failed.
        """

    def write(self, key: str, data: bytes) -> None:
        """Creates or replaces, atomically and durably."""

    def create_if_absent(self, key: str, data: bytes) -> bool:
        """Creates atomically and durably; false, and nothing changed, when the key is there already."""

    def list(self, prefix: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """Keys under the folder `prefix` (recursive), ascending.

        Args:
            prefix: folder, without a slash at the end; the empty text is the whole store.
            after: only keys greater than this one.
            limit: at most so many.
        """

    def exists(self, key: str) -> bool:
        """Whether there is an object with this key."""

    def size(self, key: str) -> int:
        """Bytes of the object.

        Raises:
            FileNotFoundError: no such object.
        """

    def delete(self, key: str) -> None:
        """Removes the object; no error when there is none."""


def store_for(uri: str) -> Store:
    """The store whose root is `uri`: `s3://bucket[/prefix]`, `s3a://…`, `file:///folder`, or a plain path.

    Raises:
        StoreError: the scheme is not one of these.
    """
    parsed = urlparse(uri)
    if parsed.scheme in ("s3", "s3a"):
        return S3Store(uri.rstrip("/"), parsed.netloc, parsed.path.strip("/"))
    if parsed.scheme == "file":
        return LocalStore(Path(unquote(parsed.path)))
    if parsed.scheme == "":
        return LocalStore(Path(uri).absolute())
    raise StoreError(f"scheme {parsed.scheme} is not supported", where=uri, remedy="use s3://… or file:///…")


@dataclass(frozen=True)
class LocalStore:
    """Files under a folder; POSIX hard links give create-if-absent, fsync durability."""

    root: Path

    @property
    def uri(self) -> str:
        """`file://` URI of the folder."""
        return self.root.as_uri()

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        return self._path(key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        """See `Store.write`."""
        with self._staged(key, data) as staged:
            staged.path.replace(self._path(key))
        _sync_folder(self._path(key).parent)

    def create_if_absent(self, key: str, data: bytes) -> bool:
        """See `Store.create_if_absent`."""
        with self._staged(key, data) as staged:
            try:
                os.link(staged.path, self._path(key))
            except FileExistsError:
                return False
        _sync_folder(self._path(key).parent)
        return True

    def list(self, prefix: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See `Store.list`."""
        keys = sorted(key for key in self._walk(prefix) if key > after)
        return keys[:limit]

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return self._path(key).stat().st_size

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = self.root / key
        if ".." in Path(key).parts or key.startswith("/"):
            raise StoreError("the key leaves the store", where=key, remedy="use a relative path without ..")
        return path

    def _walk(self, prefix: str) -> Iterator[str]:
        top = self._path(prefix)
        for folder, _, names in os.walk(top):
            relative = Path(folder).relative_to(self.root).as_posix()
            parent = "" if relative == "." else f"{relative}/"
            yield from (f"{parent}{name}" for name in names if not name.startswith("."))

    def _staged(self, key: str, data: bytes) -> _StagedFile:
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            return _StagedFile.written(target.parent / f".{target.name}.{uuid.uuid4().hex}", data)
        except OSError as error:
            remedy = "free some space, or check the folder's permissions, and run again"
            raise StoreError(f"cannot be written ({error.strerror})", where=str(target), remedy=remedy) from error


@dataclass(frozen=True)
class _StagedFile:
    """A hidden file beside its target, whole on disk, gone when the block ends."""

    path: Path

    @classmethod
    def written(cls, path: Path, data: bytes) -> _StagedFile:
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return cls(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class S3Store:
    """Objects of a bucket; conditional PUT (`If-None-Match: *`) gives create-if-absent."""

    uri: str
    bucket: str
    prefix: str
    client: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.client is None:
            object.__setattr__(self, "client", _s3_client())

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        body: bytes = self._call("get_object", key)["Body"].read()
        return body

    def write(self, key: str, data: bytes) -> None:
        """See `Store.write`."""
        self._call("put_object", key, Body=data)

    def create_if_absent(self, key: str, data: bytes) -> bool:
        """See `Store.create_if_absent`."""
        for pause in _CONFLICT_PAUSES:
            try:
                self._call("put_object", key, Body=data, IfNoneMatch="*")
            except FileExistsError:
                # A retried PUT may meet the object its own first try created: the content tells.
                return self.read(key) == data
            except ConditionalConflictError:
                time.sleep(pause)
                continue
            return True
        remedy = "see who else writes this key, then run again"
        raise StoreError("conditional writes keep colliding", where=f"{self.uri}/{key}", remedy=remedy)

    def list(self, prefix: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See `Store.list`."""
        folder = self._key(prefix).rstrip("/")
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": f"{folder}/" if folder else ""}
        if after:
            request["StartAfter"] = self._key(after)
        keys: list[str] = []
        while limit is None or len(keys) < limit:
            if limit is not None:
                request["MaxKeys"] = min(1000, limit - len(keys))
            page = self._request("list_objects_v2", prefix, request)
            keys += [self._relative(item["Key"]) for item in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                break
            request["ContinuationToken"] = page["NextContinuationToken"]
        return keys

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        try:
            self._call("head_object", key)
        except FileNotFoundError:
            return False
        return True

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return int(self._call("head_object", key)["ContentLength"])

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._call("delete_object", key)

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _relative(self, key: str) -> str:
        return key[len(self.prefix) + 1 :] if self.prefix else key

    def _call(self, operation: str, key: str, **arguments: Any) -> dict[str, Any]:
        return self._request(operation, key, {"Bucket": self.bucket, "Key": self._key(key), **arguments})

    def _request(self, operation: str, key: str, request: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"{self.uri}/{key}"
        try:
            response: dict[str, Any] = getattr(self.client, operation)(**request)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("NoSuchKey", "404", "NotFound"):
                raise FileNotFoundError(where) from error
            if code in ("PreconditionFailed", "412"):
                raise FileExistsError(where) from error
            if code == "ConditionalRequestConflict":
                raise ConditionalConflictError("two conditional writes at once", where=where) from error
            remedy = "check the bucket's name, region and policy, then run again"
            raise StoreError(f"S3 {operation} failed ({code})", where=where, remedy=remedy) from error
        except BotoCoreError as error:
            remedy = "check network and credentials, then run again"
            raise StoreError(f"S3 {operation} failed ({type(error).__name__})", where=where, remedy=remedy) from error
        return response


def _s3_client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}))
