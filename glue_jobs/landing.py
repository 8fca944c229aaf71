"""Reads landing by its manifests: which batches wait, and their rows by writer schema."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.store import Store
from schemas import columns as c
from schemas.errors import GapError, LakeError
from schemas.manifests import LandingManifest, seq_name
from schemas.writer import WriterField, row_fields

MANIFESTS: Final = "landing/_manifests"


class LandingError(LakeError):
    """A file that a manifest names is not there or is damaged."""


@dataclass(frozen=True)
class LandedGroup:
    """Rows of one writer schema: landing columns and `_ingest_seq`; `fields` is the row as it was written."""

    schema_id: str
    fields: tuple[WriterField, ...]
    rows: DataFrame


def pending(store: Store, table: str, after: int, limit: int) -> tuple[LandingManifest, ...]:
    """Landing manifests of a table after a sequence, oldest first.

    Args:
        store: the lake.
        table: contract name of the source table.
        after: the newest sequence that is promoted already; 0 for none.
        limit: at most so many.

    Raises:
        GapError: a manifest between is missing.
        ManifestError: one is damaged.
    """
    folder = f"{MANIFESTS}/{table}"
    keys = store.list(folder, after=f"{folder}/{seq_name(after)}", limit=limit)
    manifests = tuple(LandingManifest.from_json(store.read(key), where=f"{store.uri}/{key}") for key in keys)
    for expected, manifest in enumerate(manifests, start=after + 1):
        if manifest.seq != expected:
            raise GapError(
                f"landing manifest {expected} is missing, {manifest.seq} is the next one there",
                where=f"{store.uri}/{folder}",
                remedy="restore the file from the object store's versions, then promote again",
            )
    return manifests


def waiting(store: Store, table: str, after: int) -> int:
    """How many landing manifests of a table there are after a sequence."""
    folder = f"{MANIFESTS}/{table}"
    return len(store.list(folder, after=f"{folder}/{seq_name(after)}"))


def groups(spark: SparkSession, store: Store, manifests: Sequence[LandingManifest]) -> tuple[LandedGroup, ...]:
    """The change rows of some manifests, by writer schema. Files that hold nothing but tombstones are left out.

    Raises:
        LandingError: a file is not there.
    """
    # By the stored schema, not by its id: an epoch left behind may have given the id to another one.
    files: dict[tuple[str, str], list[str]] = defaultdict(list)
    for manifest in manifests:
        for file in manifest.files:
            if file.schema_id:
                group = file.schema_id, manifest.schemas[file.schema_id]
                files[group].append(spark_path(store, file.path))
    base = spark_path(store, f"landing/{manifests[0].table}") if manifests else ""
    return tuple(
        LandedGroup(schema_id, _fields(store, path), _rows(spark, files[schema_id, path], base))
        for schema_id, path in sorted(files)
    )


def spark_path(store: Store, key: str) -> str:
    """Where Spark finds an object of the store; Hadoop's paths are no URIs: nothing in them is percent-encoded."""
    return f"{unquote(store.uri) if store.uri.startswith('file:') else store.uri}/{key}"


def _fields(store: Store, key: str) -> tuple[WriterField, ...]:
    try:
        text = store.read(key).decode("utf-8")
    except FileNotFoundError:
        raise _lost(f"{store.uri}/{key}") from None
    return row_fields(text, where=f"{store.uri}/{key}")


def _rows(spark: SparkSession, paths: Sequence[str], base: str) -> DataFrame:
    """Files of one value schema may differ in their key's schema, so their own schemas are merged.

    The sequence is in the name of a file's folder (`batch=<seq>-<attempt>`), which Spark hands out as a constant.
    """
    reader = spark.read.option("basePath", base)
    reader = reader.option("mergeSchema", "true") if len(paths) > 1 else reader
    try:
        rows = reader.parquet(*paths)
    except AnalysisException as error:
        if error.getErrorClass() == "PATH_NOT_FOUND":
            raise _lost((error.getMessageParameters() or {}).get("path", paths[0])) from None
        raise
    batch = F.substring_index(F.col("batch").cast("string"), "-", 1)
    return rows.select(batch.cast("bigint").alias(c.INGEST_SEQ), "*")


def _lost(where: str) -> LandingError:
    return LandingError(
        "a manifest names the file, and it is not there",
        where=where,
        remedy="restore it from the object store's versions, then promote again",
    )
