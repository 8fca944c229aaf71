"""Facts: what a contract's expression costs."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs.transforms.facts import LIVE, fact_rows
from schemas.model import FactColumn
from schemas.types import ColumnType
from tests.glue_jobs.curated.shop import shop


def test_a_columns_expression_is_computed_once_though_its_value_is_judged_too(spark: SparkSession) -> None:
    pipeline = shop("once")
    column = FactColumn("note", ColumnType("varchar(5)"), "concat('only once ', line.amount)")
    fact = replace(pipeline.facts["fact_lines"], joins=(), columns=(column,), calendars=())
    fact = replace(fact, event_time=replace(fact.event_time, source="line.made_at"))
    lines = spark.range(2).select(
        F.col("id").alias("line_id"), F.col("id").alias("party_id"), F.current_timestamp().alias("made_at"),
        F.col("id").cast("int").alias("amount"), F.lit(True).alias(LIVE),
    )  # fmt: skip
    rows = fact_rows(lines, {}, fact, {}, pipeline.dimensions)
    assert {tuple(row["_misfits"]) for row in rows.collect()} == {("note",)}
    plan = rows._jdf.queryExecution().optimizedPlan().toString()
    assert plan.count("only once") == 1
