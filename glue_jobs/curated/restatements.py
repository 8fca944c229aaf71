"""The log of facts that were given another version of a dimension."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated import tables
from schemas import columns as c
from schemas.model import Dimension, DimensionReference, Fact, Pipeline

REASON = "versions moved"


def record_restatements(
    spark: SparkSession, pipeline: Pipeline, fact: Fact, old: DataFrame, new: DataFrame, target: Mapping[str, int]
) -> int:
    """Appends a row for each fact whose reference, unchanged itself, leads to another version now.

    Args:
        spark: session.
        pipeline: contracts.
        fact: the contract.
        old: rows of the fact table, of the keys concerned.
        new: rows of the same keys as they shall be.
        target: progress at which the fact is restated; what is there of this progress is not appended again.

    Returns:
        How many.
    """
    rows: DataFrame | None = None
    for reference in fact.dimensions:
        dimension = pipeline.dimensions[reference.dimension]
        found = restated(fact, reference, dimension, old, new, target[dimension.source])
        rows = found if rows is None else rows.unionByName(found)
    if rows is None:
        return 0
    rows = rows.localCheckpoint()
    count = rows.count()
    table = tables.curated(pipeline, tables.RESTATEMENTS)
    done = iceberg.progress(spark, table)
    reached = {f"{fact.name}.{source}": seq for source, seq in target.items()}
    if count and any(done.get(name) != seq for name, seq in reached.items()):
        iceberg.append(rows, table, done | reached)
    return count


def restated(
    fact: Fact, reference: DimensionReference, dimension: Dimension, old: DataFrame, new: DataFrame, seq: int
) -> DataFrame:
    """Rows of the restatement log for one reference."""
    keys = [key.name for key in fact.business_key]
    event = fact.event_time.name
    same = [event, *(name for name, _ in reference.keys if name not in keys)]
    before = old.select(*keys, F.struct(*same).alias("_same"), F.col(reference.name).alias("old_sk"))
    after = new.select(*keys, *same, F.col(reference.name).alias("new_sk"))
    unchanged = [F.col(f"_same.{name}").eqNullSafe(F.col(name)) for name in same]
    both = before.join(after, on=keys, how="inner").where(
        reduce(and_, unchanged) & (F.col("old_sk") != F.col("new_sk"))
    )
    return both.select(
        F.lit(fact.name).alias("fact"),
        F.lit(reference.name).alias("reference"),
        F.concat_ws(c.KEY_SEPARATOR, *(F.col(key).cast("string") for key in keys)).alias("business_key"),
        F.col(event).alias("event_time"),
        "old_sk",
        "new_sk",
        F.lit(REASON).alias("reason"),
        F.lit(dimension.source).alias("source"),
        F.lit(seq).cast("bigint").alias(c.INGEST_SEQ),
    )
