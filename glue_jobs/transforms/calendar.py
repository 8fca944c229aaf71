"""Generated date dimensions."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs.transforms.facts import day_number
from schemas import columns as c
from schemas.model import Calendar


def calendar_rows(spark: SparkSession, calendar: Calendar) -> DataFrame:
    """One row per day from start to end, and the unknown member (-1, all else NULL).

    Returns:
        Columns as `calendar_columns` names them.
    """
    bounds = f"sequence(date'{calendar.start}', date'{calendar.end}')"
    days = spark.range(1).select(F.explode(F.expr(bounds)).alias("date"))
    unknown = spark.range(1).select(F.lit(None).cast("date").alias("date"))
    number = F.coalesce(day_number(F.col("date")), F.lit(c.UNKNOWN_MEMBER)).cast("int")
    return days.unionByName(unknown).select(
        number.alias(calendar.surrogate_key),
        F.col("date"),
        *(
            F.when(F.col("date").isNotNull(), F.expr(column.expr)).cast(column.type.spark).alias(column.name)
            for column in calendar.columns
        ),
    )


def calendar_columns(calendar: Calendar) -> list[str]:
    """Column names of a calendar table, in order."""
    return [calendar.surrogate_key, "date", *(column.name for column in calendar.columns)]
