"""Objects of a versioned bucket that were deleted, and bringing them back.

In a bucket that keeps versions, a delete only puts a marker on top of the object. Taking the marker away brings the
newest version back, as it was. Objects whose versions are gone too come from a backup.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

from lake.store import StoreError


@dataclass(frozen=True)
class Deleted:
    """An object under delete markers: its key, when it was deleted, bytes of the version that comes back."""

    key: str
    deleted_at: datetime
    size: int
    version: str = field(repr=False)
    markers: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class VersionedBucket:
    """A bucket that keeps versions, or a folder of it.

    Args:
        uri: `s3://bucket[/folder]`.
        client: boto3's `s3`; made from the environment when None.
    """

    uri: str
    client: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Checks the address.

        Raises:
            StoreError: it is none of S3's.
        """
        if urlparse(self.uri).scheme not in ("s3", "s3a"):
            what = "only a bucket keeps versions"
            raise StoreError(what, where=self.uri, remedy="give s3://bucket; files come back from a backup")
        if self.client is None:
            import boto3

            object.__setattr__(self, "client", boto3.client("s3"))

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return urlparse(self.uri).netloc

    def deleted(self, prefix: str = "", *, since: datetime | None = None) -> list[Deleted]:
        """Objects that are deleted now and have a version to come back, by key.

        Args:
            prefix: only keys that start so, seen from the root of `uri`.
            since: only what was deleted then or later; with a time zone.

        Raises:
            StoreError: the bucket keeps no versions, or S3 failed.
        """
        root = urlparse(self.uri).path.strip("/")
        full = f"{root}/{prefix}" if root else prefix
        versions: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        markers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for page in self._pages(full):
            for item in page.get("Versions", ()):
                versions[item["Key"]].append(item)
            for item in page.get("DeleteMarkers", ()):
                markers[item["Key"]].append(item)
        found = (_deleted(key, versions[key], markers[key]) for key in sorted(markers) if versions[key])
        return [item for item in found if item is not None and (since is None or item.deleted_at >= since)]

    def bring_back(self, objects: Iterable[Deleted]) -> int:
        """Takes the markers away, so that the version beneath is the object again.

        Doing it again, or going on after a kill, does no harm.

        Returns:
            How many objects are back.

        Raises:
            StoreError: S3 failed; those before are back.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        count = 0
        try:
            for item in objects:
                for marker in item.markers:
                    self.client.delete_object(Bucket=self.bucket, Key=item.key, VersionId=marker)
                count += 1
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error) from error
        return count

    def _pages(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self.client.get_bucket_versioning(Bucket=self.bucket).get("Status") != "Enabled":
                remedy = "switch its versioning on; what was deleted until now comes from a backup"
                raise StoreError("the bucket keeps no versions", where=self.uri, remedy=remedy)
            yield from self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreError:
        from botocore.exceptions import ClientError

        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        remedy = "check the bucket's name, region and policy, then run again"
        return StoreError(f"S3 failed ({code})", where=self.uri, remedy=remedy)


def _deleted(key: str, versions: list[Mapping[str, Any]], markers: list[Mapping[str, Any]]) -> Deleted | None:
    """The object, if a marker is on top; markers newest first."""
    top = next((marker for marker in markers if marker["IsLatest"]), None)
    if top is None:
        return None
    newest = max(versions, key=lambda version: version["LastModified"])
    above = [marker for marker in markers if marker["LastModified"] >= newest["LastModified"]]
    ordered = sorted(above, key=lambda marker: (not marker["IsLatest"], -marker["LastModified"].timestamp()))
    return Deleted(
        key=key,
        deleted_at=top["LastModified"],
        size=int(newest["Size"]),
        version=str(newest["VersionId"]),
        markers=tuple(str(marker["VersionId"]) for marker in ordered),
    )
