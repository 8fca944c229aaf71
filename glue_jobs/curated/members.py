"""Inferred members: they are in a dimension exactly as long as a live fact needs them."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.commit import replace_rows
from glue_jobs.curated.reads import matching
from glue_jobs.transforms.asof import inferred_key
from glue_jobs.transforms.history import dimension_columns
from schemas import columns as c
from schemas.model import Dimension, DimensionReference, Fact, Pipeline

INFERRED_IDENTITY = "inferred"


def keep_inferred(
    spark: SparkSession,
    pipeline: Pipeline,
    fact: Fact,
    new: DataFrame,
    old: DataFrame | None,
    *,
    whole: bool = False,
) -> None:
    """Adds the members that a fact's new rows need and takes away those that none needs any more.

    Args:
        spark: session.
        pipeline: contracts.
        fact: the contract.
        new: rows of the fact, with surrogate keys, as they shall be.
        old: rows of the same keys as they are; None when the fact is made for the first time.
        whole: whether these are all rows of the fact.
    """
    for name in dict.fromkeys(reference.dimension for reference in fact.dimensions):
        dimension = pipeline.dimensions[name]
        references = [reference for reference in fact.dimensions if reference.dimension == name]
        table = tables.curated(pipeline, name)
        wanted = _wanted(spark.table(table), references, new, dimension).localCheckpoint()
        stale = None if old is None else _unneeded(spark, pipeline, fact, dimension, new=new, old=old, whole=whole)
        if stale is not None or not wanted.isEmpty():
            progress = iceberg.progress(spark, table)
            on = [dimension.surrogate_key]
            replace_rows(wanted, table, progress, stale=stale, on=on, within=c.IS_CURRENT)


def inferred_member(keys: DataFrame, dimension: Dimension) -> DataFrame:
    """Rows of a dimension for keys that have no version.

    Args:
        keys: the surrogate key and the business key columns.
        dimension: the contract.
    """
    values = {
        c.EFFECTIVE_FROM: F.lit(c.BEGINNING_OF_TIME).cast("timestamp"),
        c.EFFECTIVE_TO: F.lit(None).cast("timestamp"),
        c.IS_CURRENT: F.lit(True),
        c.IS_DELETED: F.lit(False),
        c.IS_INFERRED: F.lit(True),
        c.IS_INCOMPLETE: F.lit(False),
        c.VERSION_IDENTITY: F.lit(INFERRED_IDENTITY),
    }
    values |= {item.name: F.lit(None).cast(item.type.spark) for item in dimension.attributes}
    return keys.select(*(values.get(name, F.col(name)).alias(name) for name in dimension_columns(dimension)))


def _wanted(table: DataFrame, references: list[DimensionReference], new: DataFrame, dimension: Dimension) -> DataFrame:
    """Members that are needed and not there; a version at the beginning of time has the same surrogate key."""
    sk = dimension.surrogate_key
    needed: DataFrame | None = None
    for reference in references:
        pairs = list(zip(reference.keys, dimension.business_key, strict=True))
        at_origin = new.where(F.col(reference.name) == inferred_key(reference, dimension))
        real = at_origin.where(F.col(reference.name) != c.UNKNOWN_MEMBER)
        keys = [F.col(name).cast(key.type.spark).alias(key.name) for (name, _), key in pairs]
        found = real.select(F.col(reference.name).alias(sk), *keys)
        needed = found if needed is None else needed.unionByName(found)
    assert needed is not None
    distinct = needed.distinct().localCheckpoint()
    there = matching(table.select(sk), distinct, [(sk, sk)])
    return inferred_member(distinct.join(there, on=sk, how="left_anti"), dimension)


def _unneeded(
    spark: SparkSession,
    pipeline: Pipeline,
    fact: Fact,
    dimension: Dimension,
    *,
    new: DataFrame,
    old: DataFrame,
    whole: bool,
) -> DataFrame | None:
    """Inferred members that old rows referred to and no live fact refers to any more; None if there are none."""
    sk = dimension.surrogate_key
    references = [reference for reference in fact.dimensions if reference.dimension == dimension.name]
    before = _referred(old, references, sk).distinct().localCheckpoint()
    if before.isEmpty():
        return None
    current = spark.table(tables.curated(pipeline, dimension.name)).where(F.col(c.IS_CURRENT) & F.col(c.IS_INFERRED))
    candidates = matching(current.select(sk), before, [(sk, sk)])
    candidates = candidates.join(_referred(new, references, sk).distinct(), on=sk, how="left_anti").localCheckpoint()
    if candidates.isEmpty():
        return None
    keys = [key.name for key in fact.business_key]
    for other in pipeline.facts.values():
        uses = [reference for reference in other.dimensions if reference.dimension == dimension.name]
        if not uses or (whole and other.name == fact.name):
            continue
        rows = spark.table(tables.curated(pipeline, other.name))
        if other.name == fact.name:
            rows = rows.join(F.broadcast(old.select(*keys)), on=keys, how="left_anti")
        candidates = candidates.join(_referred(rows, uses, sk).distinct(), on=sk, how="left_anti")
    candidates = candidates.localCheckpoint()
    return None if candidates.isEmpty() else candidates


def _referred(rows: DataFrame, references: list[DimensionReference], sk: str) -> DataFrame:
    """Surrogate keys that rows of a fact refer to, in a column named as the dimension's."""
    found = [rows.select(F.col(reference.name).alias(sk)) for reference in references]
    every = found[0]
    for more in found[1:]:
        every = every.unionByName(more)
    return every
