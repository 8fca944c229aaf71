"""Loads on disk, as hop 3b leaves them: Parquet, COPY manifests, load manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifests import LoadManifest, LoadTable, WrittenFile, seq_name


def write_load(
    lake: Path, seq: int, tables: Mapping[str, pa.Table], *, pipeline: str = "party", attempt: str = "a1"
) -> LoadManifest:
    """Writes one load of the given rows, two files a table, and commits it."""
    written = {}
    for name, rows in tables.items():
        folder = lake / "load" / f"{seq:012d}-{attempt}" / name
        folder.mkdir(parents=True)
        files = []
        half = (rows.num_rows + 1) // 2
        for number, part in enumerate((rows.slice(0, half), rows.slice(half))):
            path = folder / f"part-{number}.parquet"
            pq.write_table(part, path, compression="zstd")
            files.append(WrittenFile(str(path.relative_to(lake)), part.num_rows, path.stat().st_size))
        manifest = folder.with_suffix(".manifest")
        entries = [
            {"url": (lake / file.path).as_uri(), "mandatory": True, "meta": {"content_length": file.bytes}}
            for file in files
        ]
        manifest.write_text(json.dumps({"entries": entries}))
        written[name] = LoadTable(str(manifest.relative_to(lake)), tuple(files))
    load = LoadManifest(pipeline, seq, attempt, {"party": seq}, written, "2024-01-01T00:00:00.000Z")
    target = lake / "load" / "_manifests" / seq_name(seq)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(load.to_json())
    return load
