"""The job in batches gives what the model gives for the whole log: tips and logs, one answer."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from tests.glue_jobs.changes import as_model_rows, dimension_for
from tests.glue_jobs.curated.staged import PartyLake, with_tolerance
from tests.reference.history import Policies
from tests.reference.history import history as model
from tests.reference.logs import arrival_batches, batches, packed_log

POLICIES = Policies(("address",), ("segment", "region"), 1000)


@pytest.mark.parametrize(
    ("policies", "seed", "truncates", "in_order"),
    [
        (POLICIES, 11, 0, True),
        (POLICIES, 12, 0, False),
        (POLICIES, 13, 1, True),
        (Policies(("address",), ("segment", "region"), 1000, "new_record"), 14, 0, True),
        (Policies(("address",), ("segment", "region"), 1000, "ignore", "ignore"), 15, 1, True),
    ],
)
def test_any_batching_gives_the_models_history(
    spark: SparkSession, policies: Policies, seed: int, truncates: int, in_order: bool
) -> None:
    log = packed_log(seed, keys=250, truncates=truncates)
    lake = PartyLake(spark, dimension_for(policies))
    for batch in arrival_batches(seed, log) if in_order else batches(seed, log):
        lake.stage(with_tolerance(batch, policies.tolerance))
        print(lake.promote().to_json()["sources"])
    assert as_model_rows(lake.rows()) == [version.as_row() for version in model(log, policies)]
