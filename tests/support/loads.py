"""Loads on disk, as hop 3b leaves them: Parquet, COPY manifests, load manifests."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lake.store import store_for
from redshift_sql.load_contract import file_columns
from schemas.manifests import LoadManifest, LoadTable, WrittenFile, seq_name
from schemas.model import Pipeline


def write_load(
    lake: Path,
    seq: int,
    tables: Mapping[str, pa.Table],
    *,
    pipeline: str = "party",
    attempt: str = "a1",
    contracts: Pipeline | None = None,
    whole: Collection[str] = (),
) -> LoadManifest:
    """Writes one load of the given rows, two files a table, and commits it.

    `contracts` are those that the rows were made by (None: as a release that did not say); `whole` the tables of which
    it holds everything.
    """
    written = {}
    for name, rows in tables.items():
        half = (rows.num_rows + 1) // 2
        folder = f"load/{seq:012d}-{attempt}/{name}"
        files = write_files(lake, folder, [rows.slice(0, half), rows.slice(half)])
        columns = () if contracts is None else file_columns(contracts, name)
        assert not columns or [column for column, _ in columns] == rows.column_names
        written[name] = replace(files, columns=columns, whole=name in whole)
    load = LoadManifest(pipeline, seq, attempt, {"party": seq}, written, "2024-01-01T00:00:00.000Z")
    target = lake / "load" / "_manifests" / seq_name(seq)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(load.to_json())
    return load


def write_files(lake: Path, folder: str, parts: Sequence[pa.Table]) -> LoadTable:
    """Writes one Parquet file a part, and the COPY manifest beside the folder."""
    (lake / folder).mkdir(parents=True)
    files = []
    for number, part in enumerate(parts):
        path = lake / folder / f"part-{number}.parquet"
        pq.write_table(part, path, compression="zstd")
        files.append(WrittenFile(str(path.relative_to(lake)), part.num_rows, path.stat().st_size))
    entries = [
        {"url": (lake / file.path).as_uri(), "mandatory": True, "meta": {"content_length": file.bytes}}
        for file in files
    ]
    manifest = f"{folder}.manifest"
    (lake / manifest).write_text(json.dumps({"entries": entries}))
    return LoadTable(manifest, tuple(files))


def uploaded(lake: Path, bucket: str) -> str:
    """The same lake in a bucket, its COPY manifests naming the objects; its address."""
    store = store_for(f"s3://{bucket}")
    for path in sorted(lake.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".manifest":
                content = content.replace(lake.as_uri().encode(), store.uri.encode())
            store.write(str(path.relative_to(lake)), content)
    return store.uri
