"""The full path against the cases and against the model."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import SparkSession

from glue_jobs.transforms.history import history
from tests.glue_jobs.changes import SCHEMA, as_model_rows, dimension_for, staging_frame, staging_row
from tests.glue_jobs.packing import Pack, case_rows, packs
from tests.reference.history import Change, Policies
from tests.reference.history import history as model
from tests.reference.logs import packed_log
from tests.reference.vectors import cases

PACKS = packs(cases())


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.cases[0].name)
def test_every_case_gives_its_versions(spark: SparkSession, pack: Pack) -> None:
    rows = [staging_row(change, tolerance) for change, tolerance in pack.changes]
    random.Random(7).shuffle(rows)
    found = history(spark.createDataFrame(rows, SCHEMA), dimension_for(pack.policies)).collect()
    assert case_rows(as_model_rows(found)) == sorted(pack.expected, key=lambda version: (version[0], version[4]))


@pytest.mark.parametrize(
    ("policies", "seed"),
    [
        (Policies(("address",), ("segment", "region"), 1000), 1),
        (Policies(("address",), ("segment", "region"), 1000, "new_record"), 2),
        (Policies(("address",), ("segment", "region"), 1000, "ignore"), 3),
        (Policies(("address",), ("segment", "region"), 1000, truncate="ignore", first_snapshot_at_origin=False), 4),
    ],
    ids=["close", "new_record", "ignore", "truncate ignored, no origin"],
)
def test_generated_logs_give_the_models_history(spark: SparkSession, policies: Policies, seed: int) -> None:
    log: list[Change] = packed_log(seed, keys=400, truncates=2)
    log += random.Random(seed).sample(log, len(log) // 10)
    expected = [version.as_row() for version in model(log, policies)]
    found = history(staging_frame(spark, log, policies.tolerance), dimension_for(policies)).collect()
    assert as_model_rows(found) == expected
