"""Benchmarks at a tiny size: they run, and the results of both sides are compared before times count.

Ratio 6 and the memory of the job are measured by `make bench` alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks import promotion
from benchmarks.measure import ResultsDifferError, require_equal
from schemas import columns as c
from schemas import load_pipeline

ROOT = Path(__file__).parents[2]
NUMBERS = ["1", "2", "3", "7", "7 postgresql", "10", "10 GE"]


@pytest.mark.integration
@pytest.mark.slow
def test_a_tiny_run_gives_each_ratio_a_value(tmp_path: Path) -> None:
    """In a process of its own: a session with the settings of the jobs cannot live beside the suite's."""
    report = tmp_path / "report.json"
    sizes = ["--rows", "1000", "--repeats", "1", "--warm-up", "0", "--cores", "2", "--quick"]
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--only",
        "1,2,3,7,10",
        *sizes,
        "--json",
        str(report),
        "--home",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(report.read_text(encoding="utf-8"))["comparisons"]
    assert [item["number"] for item in found] == NUMBERS
    assert all(item["ratio"] > 0 for item in found)
    assert not list(tmp_path.glob("run-*")), "the run's folder is removed"


def test_promotions_that_differ_in_one_value_are_told_apart(spark: SparkSession) -> None:
    contract = load_pipeline("retail").sources["order_item"]
    names = ", ".join(f"`{column.name}` {column.type.spark}" for column in contract.columns)
    place = f"{c.PARTITION} int, {c.OFFSET} bigint, {c.OP} string, {c.POSITION} string"
    rows = spark.createDataFrame([], f"{place}, {names}")
    one = spark.sql("SELECT 0, 1L, 'c', '1', 1L, 1, 1L, 1, 1.5, 0.0, 0.0, timestamp '2026-01-01'").toDF(*rows.columns)
    other = one.withColumn("quantity", one["quantity"] + 1)
    assert promotion.contents(one, contract) == promotion.contents(one, contract)
    with pytest.raises(ResultsDifferError):
        require_equal(promotion.contents(one, contract), promotion.contents(other, contract), "promotion")
