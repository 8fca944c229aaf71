from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.demo import from_lake
from lake.demo.from_lake import Commit, first_reached
from lake.demo.model import CheckResult, DeadLetters, TableRows
from lake.store import LocalStore
from schemas import columns as c
from schemas import load_pipeline
from schemas.manifests import LandedFile, LandingManifest, WrittenFile
from tests.lake.demo.samples import NOW


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def written(store: LocalStore, path: str, columns: dict[str, Any]) -> int:
    """Writes a Parquet file; its rows."""
    target = store.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    pq.write_table(table, target)
    return int(table.num_rows)


def manifest(seq: int, files: tuple[LandedFile, ...] = (), dead: tuple[WrittenFile, ...] = ()) -> LandingManifest:
    return LandingManifest(
        pipeline="retail",
        table="customer",
        topic="retail.customer.cdc",
        epoch=0,
        seq=seq,
        attempt="a",
        ranges={0: (0, 1000)},
        files=files,
        dead_letters=dead,
        schemas={"1": "landing/_schemas/customer/1.avsc"},
        committed_at="2025-03-14T09:26:53.589Z",
    )


def test_a_row_reached_a_table_with_the_first_commit_that_holds_its_sequence() -> None:
    made = [Commit(NOW + timedelta(seconds=n), progress) for n, progress in enumerate([0, 2, 2, 5])]
    assert first_reached(made, 1) == NOW + timedelta(seconds=1)
    assert first_reached(made, 3) == NOW + timedelta(seconds=3)
    assert first_reached(made, 6) is None
    assert first_reached([], 1) is None


def test_dead_letters_are_counted_by_reason_with_few_coordinates_and_no_content(store: LocalStore) -> None:
    rows = written(
        store,
        "deadletters/a.parquet",
        {
            c.PARTITION: [1, 0, 0, 0, 2],
            c.OFFSET: [7, 9, 3, 12, 1],
            "reason": ["no_op", "no_op", "no_op", "no_op", "short_header"],
            "raw_value": [b"secret"] * 5,
        },
    )
    found = from_lake.dead_letters(
        store, {"customer": [manifest(1, dead=(WrittenFile("deadletters/a.parquet", rows, 1),))]}
    )
    assert found == [
        DeadLetters(
            "landing", "customer", "no_op", 4,
            ("partition 0, offset 3", "partition 0, offset 9", "partition 0, offset 12"),
        ),
        DeadLetters("landing", "customer", "short_header", 1, ("partition 2, offset 1",)),
    ]  # fmt: skip


def test_tombstones_are_counted_in_files_with_and_without_a_schema(store: LocalStore) -> None:
    first = written(store, "landing/a.parquet", {c.OP: ["c", "d", "x"], "after": [1, None, None]})
    second = written(store, "landing/b.parquet", {c.OP: ["x"]})
    files = (LandedFile("landing/a.parquet", first, 1, "1"), LandedFile("landing/b.parquet", second, 1, ""))
    assert from_lake.tombstones(store, {"customer": [manifest(1, files)]}) == 2
    assert from_lake.tombstones(store, {"customer": []}) == 0


def test_landed_rows_are_summed_over_manifests() -> None:
    each = [manifest(1, (LandedFile("a", 3, 1, "1"),)), manifest(2, (LandedFile("b", 4, 1, "1"),))]
    assert from_lake.landed_rows({"customer": each, "order": []}) == (TableRows("customer", 7), TableRows("order", 0))


def test_expectations_are_counted_over_the_batches_they_judged(store: LocalStore) -> None:
    name = "expect_column_values_to_be_in_set(segment)"
    runs = [{"batch": "2", "failed": [name]}, {"batch": "1", "failed": []}]
    store.write("customer/runs.json", json.dumps(runs).encode())
    found = {item.name: item for item in from_lake.expectations(store, load_pipeline("retail"))}
    assert found[name] == CheckResult("customer", name, "dataset", "warn", 2, 1)
    assert found["expect_table_row_count_to_be_between"].passed
    assert {item.table for item in found.values()} == {"customer"}
