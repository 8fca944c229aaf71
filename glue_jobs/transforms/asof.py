"""Which version of a dimension a fact refers to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.surrogate import origin_key
from schemas import columns as c
from schemas.model import Dimension, DimensionReference, Fact


def with_dimension_keys(
    facts: DataFrame, versions: Mapping[str, DataFrame], fact: Fact, dimensions: Mapping[str, Dimension]
) -> DataFrame:
    """Adds each reference's surrogate key.

    Args:
        facts: rows with the fact's event time and dimension business keys.
        versions: rows of each dimension (by its name) that `facts` may refer to; inferred and unknown members do not
            matter.
        fact: the contract.
        dimensions: contracts by name.

    Returns:
        The same rows, with one bigint column per reference: the version that started last at or before the event time,
        else the first one, else the inferred member; -1 where the reference or the event time is NULL.
    """
    for reference in fact.dimensions:
        dimension = dimensions[reference.dimension]
        lines = timelines(versions[dimension.name], dimension)
        facts = _with_key(facts, lines, fact, reference, dimension)
    return facts


def timelines(versions: DataFrame, dimension: Dimension) -> DataFrame:
    """One row per key: `_k0…` key columns, `_line` array<struct<start, sk>> of its versions by start."""
    real = versions.where(~F.col(c.IS_INFERRED) & (F.col(dimension.surrogate_key) != c.UNKNOWN_MEMBER))
    entry = F.struct(F.col(c.EFFECTIVE_FROM).alias("start"), F.col(dimension.surrogate_key).alias("sk"))
    named = [F.col(key.name).alias(f"_k{number}") for number, key in enumerate(dimension.business_key)]
    return real.groupBy(*named).agg(F.sort_array(F.collect_list(entry)).alias("_line"))


def is_unknown(fact: Fact, reference: DimensionReference) -> Column:
    """Whether a reference leads to the unknown member: a key column or the event time is NULL."""
    parts = [F.col(name).isNull() for name, _ in reference.keys]
    return reduce(or_, [*parts, F.col(fact.event_time.name).isNull()])


def inferred_key(reference: DimensionReference, dimension: Dimension) -> Column:
    """The key of the inferred member that a reference needs where its key has no version; -1 for a NULL reference."""
    pairs = zip(reference.keys, dimension.business_key, strict=True)
    parts = [F.col(name).cast(key.type.spark) for (name, _), key in pairs]
    missing = reduce(or_, (part.isNull() for part in parts))
    unknown = F.lit(c.UNKNOWN_MEMBER).cast("bigint")
    return F.when(missing, unknown).otherwise(origin_key(dimension.name, parts))


def _with_key(
    facts: DataFrame, lines: DataFrame, fact: Fact, reference: DimensionReference, dimension: Dimension
) -> DataFrame:
    on = reduce(and_, (F.col(name) == F.col(f"_k{number}") for number, (name, _) in enumerate(reference.keys)))
    event = F.col(fact.event_time.name)
    started = F.filter(F.col("_line"), lambda version: version["start"] <= event)
    first = F.try_element_at(F.col("_line"), F.lit(1))
    found = F.coalesce(F.try_element_at(started, F.lit(-1)), first)["sk"]
    unknown = F.lit(c.UNKNOWN_MEMBER).cast("bigint")
    known = F.coalesce(found, inferred_key(reference, dimension))
    keyed = facts.join(lines, on=on, how="left").withColumn(
        reference.name, F.when(is_unknown(fact, reference), unknown).otherwise(known)
    )
    return keyed.drop("_line", *(f"_k{number}" for number in range(len(dimension.business_key))))
