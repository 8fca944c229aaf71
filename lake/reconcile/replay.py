"""Oracle 4: the history computed again from the whole change log equals the one that the jobs kept batch by batch."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.change_log import read_log
from glue_jobs.transforms.history import dimension_columns, history
from lake.reconcile.verdict import Finding
from schemas import columns as c
from schemas.model import Dimension, Pipeline


def check_replay(spark: SparkSession, pipeline: Pipeline, dimension: Dimension) -> Finding:
    """Every version of the lake's dimension against a replay from empty, up to the dimension's own progress."""
    kept_table = iceberg.table_name(pipeline.curated_namespace, dimension.name)
    if not iceberg.exists(spark, kept_table):
        return Finding("replay", dimension.name, 0, 0, "nothing is promoted")
    through = iceberg.progress(spark, kept_table).get(dimension.source, 0)
    log = read_log(spark, pipeline, pipeline.sources[dimension.source])
    columns = dimension_columns(dimension)
    replayed = history(log.where(F.col(c.INGEST_SEQ) <= through), dimension).select(columns).cache()
    real = ~F.col(c.IS_INFERRED) & (F.col(dimension.surrogate_key) != c.UNKNOWN_MEMBER)
    kept = spark.table(kept_table).where(real).select(columns)
    lost = replayed.exceptAll(kept).count()
    surplus = kept.exceptAll(replayed).count()
    compared = replayed.count()
    replayed.unpersist()
    return Finding("replay", dimension.name, compared, lost + surplus, f"{lost} lost, {surplus} too many")
