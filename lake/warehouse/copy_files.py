"""COPY for engines that have none: the files of a COPY manifest, checked as Redshift checks them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlparse

import duckdb

from lake.store import Store
from lake.warehouse.port import WarehouseError

RESTORE: Final = "restore the file, or remove the load manifest and make the load again"
_AGAIN: Final = "make the load files again with the contract in use"


@dataclass(frozen=True)
class Column:
    """A column of a table or of a Parquet file; `kind` is DuckDB's name of its type."""

    name: str
    kind: str


@contextmanager
def manifest_files(store: Store, manifest: str) -> Iterator[list[str]]:
    """The files of a COPY manifest as local paths, for as long as the block runs.

    Args:
        store: where manifest and files lie; only its files are read.
        manifest: the manifest's path in the store.

    Raises:
        WarehouseError: the manifest or a file is missing, lies elsewhere, or has another size than the manifest says.
    """
    with tempfile.TemporaryDirectory(prefix="lake-copy-") as scratch:
        yield [
            str(_local(entry, store, manifest, Path(scratch) / str(number)))
            for number, entry in enumerate(_entries(store, manifest))
        ]


def columns_of_file(file: str, connection: duckdb.DuckDBPyConnection) -> tuple[Column, ...]:
    """The columns of a Parquet file, in order.

    Raises:
        WarehouseError: it is no Parquet file.
    """
    try:
        rows = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [[file]]).fetchall()
    except duckdb.Error:
        raise WarehouseError("a load file is no Parquet file", where=Path(file).name, remedy=RESTORE) from None
    return tuple(Column(str(row[0]), str(row[1])) for row in rows)


def check_columns(found: Mapping[str, Sequence[Column]], table: str, wanted: Sequence[Column], manifest: str) -> None:
    """COPY is positional and strict: each file must have as many columns as the table, of its types.

    Args:
        found: each file's columns, by the file's path.
        table: the target, as errors name it.
        wanted: the target's columns, in order.
        manifest: as errors name it.

    Raises:
        WarehouseError: a file has other columns; names it, the column and both types.
    """
    for file, columns in found.items():
        where = f"{manifest}: {Path(file).name}"
        if len(columns) != len(wanted):
            what = f"the file has {len(columns)} columns, {table} has {len(wanted)}"
            raise WarehouseError(what, where=where, remedy=_AGAIN)
        for source, target in zip(columns, wanted, strict=True):
            if _family(source.kind) != _family(target.kind):
                what = f"column {source.name} is {source.kind}, {table}.{target.name} is {target.kind}"
                raise WarehouseError(what, where=where, remedy=_AGAIN)


def _family(kind: str) -> str:
    """Types that COPY takes for each other: the same, but for timestamps, which a file may mark as UTC, and JSON."""
    upper = kind.upper()
    if upper.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    return "VARCHAR" if upper == "JSON" else upper


def _entries(store: Store, manifest: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(store.read(manifest))["entries"])
    except FileNotFoundError:
        raise WarehouseError("a COPY manifest is missing", where=manifest, remedy=RESTORE) from None
    except (ValueError, KeyError, TypeError):
        raise WarehouseError("it is no COPY manifest", where=manifest, remedy=RESTORE) from None


def _local(entry: Mapping[str, Any], store: Store, manifest: str, folder: Path) -> Path:
    """A manifest's file as a local path (in `folder` if fetched), checked against the size the manifest states."""
    url = str(entry["url"])
    name = f"{manifest}: {url.rsplit('/', 1)[-1]}"
    path = _found(url, store, folder)
    if path is None:
        raise WarehouseError("a load file is missing", where=name, remedy=RESTORE)
    size, wanted = path.stat().st_size, entry.get("meta", {}).get("content_length")
    if wanted is not None and size != wanted:
        raise WarehouseError(f"the file has {size} bytes, its manifest says {wanted}", where=name, remedy=RESTORE)
    return path


def _found(url: str, store: Store, folder: Path) -> Path | None:
    if urlparse(url).scheme == "file":
        path = Path(unquote(urlparse(url).path))
        return path if path.is_file() else None
    root = _as_s3(store.uri.rstrip("/") + "/")
    if not _as_s3(url).startswith(root):
        return None
    try:
        content = store.read(_as_s3(url).removeprefix(root))
    except FileNotFoundError:
        return None
    folder.mkdir()
    path = folder / url.rsplit("/", 1)[-1]
    path.write_bytes(content)
    return path


def _as_s3(uri: str) -> str:
    """Spark writes `s3a:` for what COPY calls `s3:`."""
    return f"s3:{uri.removeprefix('s3a:')}" if uri.startswith("s3a:") else uri
