"""A source's change log as readers take it: a column that was added later has no value in the rows before."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.transforms.order import is_upsert
from schemas import columns as c
from schemas.model import Pipeline, SourceContract


def read_log(spark: SparkSession, pipeline: Pipeline, source: SourceContract) -> DataFrame:
    """Rows of the change log, columns of the contract that the table does not have yet among them.

    A row that was staged before the table had a column of the contract names it in `_unavailable`, like a value that
    the source did not send: no change gave it. That it is NULL tells it from a value that was filled in afterwards.

    Args:
        spark: a session with the Iceberg catalog.
        pipeline: the contracts.
        source: a source table whose change log is there.
    """
    name = iceberg.table_name(pipeline.staging_namespace, source.table)
    rows = spark.table(name)
    absent = [column for column in source.value_columns if column.name not in rows.columns]
    rows = rows.withColumns({column.name: F.lit(None).cast(column.type.spark) for column in absent})
    later = {column.name: F.lit(True) for column in absent}
    for column, progress in iceberg.added(spark, name).items():
        reached = progress.get(source.table, 0)
        if reached and column not in later and column in source.by_name:
            later[column] = (F.col(c.INGEST_SEQ) <= reached) & F.col(column).isNull()
    return rows.withColumn(c.UNAVAILABLE, _with(later)) if later else rows


def _with(later: dict[str, Column]) -> Column:
    """`_unavailable`, and the names of columns whose condition holds."""
    names = F.array_compact(F.array(*(F.when(lacks, F.lit(column)) for column, lacks in later.items())))
    said = F.coalesce(F.col(c.UNAVAILABLE), F.array().cast("array<string>"))
    return F.when(is_upsert(), F.array_union(said, names)).otherwise(F.col(c.UNAVAILABLE))
