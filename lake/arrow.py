"""Arrow's own way to the lake's files, by the same region and endpoint as boto3's and Spark's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lake.session import endpoint_of, on_s3, region_of

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


def arrow_files(lake_uri: str) -> tuple[FileSystem, str]:
    """The file system of a lake, and the lake's root in it."""
    from pyarrow.fs import FileSystem, S3FileSystem

    if not on_s3(lake_uri):
        filesystem, root = FileSystem.from_uri(lake_uri)
        return filesystem, str(root)
    region, endpoint = region_of(os.environ), endpoint_of("S3", os.environ)
    return S3FileSystem(region=region, endpoint_override=endpoint), lake_uri.partition("://")[2].rstrip("/")


def iceberg_properties(location: str) -> dict[str, str]:
    """What pyiceberg needs to know of S3 for a table's metadata file there; nothing for one elsewhere."""
    if not on_s3(location):
        return {}
    told = {"s3.region": region_of(os.environ), "s3.endpoint": endpoint_of("S3", os.environ)}
    return {name: value for name, value in told.items() if value}
