"""Counts come from the pass that writes, and come even where Spark leaves that pass out."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.observe import Observed


def test_counts_are_taken_on_the_way(spark: SparkSession) -> None:
    observed = Observed(spark.range(10), [F.count("id").alias("n"), F.count_if(F.col("id") > 6).alias("high")])
    assert observed.rows.where("id < 3").count() == 3
    assert observed.counts() == {"n": 10, "high": 3}


def test_a_pass_that_spark_leaves_out_is_counted_all_the_same(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1,), (2,)], "id int")
    observed = Observed(rows, [F.count("id").alias("n")])
    observed.rows.where(F.lit(False)).write.format("noop").mode("overwrite").save()
    assert observed.counts(seconds=1) == {"n": 2}
