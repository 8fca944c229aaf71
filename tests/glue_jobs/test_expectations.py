"""Expectations of a contract: which are judged on measures, which by Great Expectations' engine, and what is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs.expectations import Suite, write_docs
from lake.store import store_for
from schemas.model import Expectation, PiiClass, Severity, SourceContract
from tests.glue_jobs.items import contract

STATED = (
    Expectation("expect_table_row_count_to_be_between", (("max_value", 3), ("min_value", 1))),
    Expectation("expect_column_values_to_not_be_null", (("column", "note"), ("mostly", 0.5)), Severity.REJECT),
    Expectation("expect_column_values_to_not_be_null", (("column", "note"),)),
    Expectation("expect_column_values_to_be_in_set", (("column", "label"), ("value_set", ["a", "b"]))),
    Expectation("expect_column_max_to_be_between", (("column", "item_id"), ("max_value", 10))),
    Expectation("expect_column_values_to_match_regex", (("column", "label"), ("regex", "^[a-z]$"))),
    Expectation("expect_column_values_to_be_unique", (("column", "item_id"),)),
    Expectation(
        "expect_column_values_to_be_between",
        (("column", "item_id"), ("min_value", 2), ("row_condition", "label = 'a'"), ("condition_parser", "spark")),
    ),
)  # fmt: skip


def stated() -> SourceContract:
    return contract(expectations=STATED)


def test_measures_and_engine_give_the_same_verdicts(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [(1, "a", "x"), (1, "c", None), (12, "b", "y")], "item_id bigint, label string, note string"
    )
    suite = Suite(stated())
    assert suite.needs_rows
    measured = rows.agg(*suite.aggregates(F.lit(True))).first()
    assert measured is not None
    verdict = suite.verdict(measured.asDict(), rows, "a batch")
    assert [result.success for result in verdict.results] == [True, True, False, False, False, True, False, False]
    # All by the engine: row conditions that always hold keep an expectation away from the measures.
    always = (("condition_parser", "spark"), ("row_condition", "1 = 1"))
    by_engine = [
        replace(item, arguments=(*item.arguments, *always)) if "column" in dict(item.arguments) else item
        for item in STATED[1:7]
    ]
    other = Suite(contract(expectations=by_engine))
    assert other.aggregates(F.lit(True)) == []
    assert [r.success for r in other.verdict({}, rows, "b").results] == [r.success for r in verdict.results[1:7]]
    assert (verdict.rejected, len(verdict.warned)) == ((), 5)


def test_results_hold_counts_and_no_values(spark: SparkSession, tmp_path: Path) -> None:
    private = replace(stated().columns[0], pii=PiiClass.DIRECT)
    source = replace(stated(), columns=(private, *stated().columns[1:]))
    rows = spark.createDataFrame(
        [(4711, "s3cret", None), (4711, "a", None)], "item_id bigint, label string, note string"
    )
    suite = Suite(source)
    measured = rows.agg(*suite.aggregates(F.lit(True))).first()
    assert measured is not None
    verdict = suite.verdict(measured.asDict(), rows, "a batch")
    everything = json.dumps([dict(result.observed) for result in verdict.results]) + verdict.page
    assert "s3cret" not in everything
    assert "4711" not in everything
    store = store_for(tmp_path.as_uri())
    for number in range(3):
        write_docs(store, "item", f"{number}", verdict, "held")
    write_docs(store, "item", "1", verdict, "accepted")
    runs = json.loads((tmp_path / "item/runs.json").read_text())
    assert [(run["batch"], run["outcome"]) for run in runs] == [("1", "accepted"), ("2", "held"), ("0", "held")]
    assert 'href="2.html"' in (tmp_path / "item/index.html").read_text()


def test_a_suite_is_made_without_spark_and_sends_nothing_home() -> None:
    code = (
        "from schemas import load_pipeline; from glue_jobs.expectations import Suite; import os;"
        "[Suite(source) for source in load_pipeline('retail').sources.values()];"
        "assert os.environ['GX_ANALYTICS_ENABLED'] == 'false'"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GX_ANALYTICS_ENABLED"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
