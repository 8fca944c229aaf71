"""Identity of a change: records of equal identity are one change, emitted again."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from schemas import columns as c

SNAPSHOT_OP = "r"


def identity(schema: T.StructType) -> Column:
    """128 bits as 32 hex digits, over landing rows: of content for a streamed change, of its place for a snapshot row.

    Content is (epoch, key, position, position id, op, before, after) as landed; times, flags and Kafka coordinates are
    no part of it. Each value goes in with its name, in the order of names, and a NULL not at all: so values cannot be
    taken for one another, and a re-emission by a newer writer schema, with its columns in another order or with a new
    one that is NULL, is the same change. A snapshot row's place is (epoch, topic, partition, offset).

    Args:
        schema: of the landing rows.
    """
    leaves = [(name, F.col(name)) for name in (c.EPOCH, c.POSITION, c.POSITION_ID, c.OP)]
    for part in ("key", "before", "after"):
        found = schema[part].dataType if part in schema.names else None
        for field in sorted(found.fields, key=lambda item: item.name) if isinstance(found, T.StructType) else ():
            leaves.append((f"{part}.{field.name}", _leaf(F.col(part)[field.name], field.dataType)))
        if found is not None:
            # A record whose values are all NULL is not the same as none.
            leaves.append((part, F.col(part).isNotNull()))
    place = [(name, F.col(name)) for name in (c.EPOCH, c.TOPIC, c.PARTITION, c.OFFSET)]
    return F.when(F.col(c.OP) == SNAPSHOT_OP, _digest(place)).otherwise(_digest(leaves))


def _leaf(value: Column, kind: T.DataType) -> Column:
    """A value that Spark's hash takes whole: it passes over NULLs inside arrays and records, and takes no maps."""
    return F.to_json(value) if isinstance(kind, (T.ArrayType, T.MapType, T.StructType)) else value


def _digest(leaves: Sequence[tuple[str, Column]]) -> Column:
    """Two 64-bit hashes over one sequence, each from a start of its own."""
    parts = [part for name, value in leaves for part in (F.when(value.isNotNull(), F.lit(name)), value)]
    halves = (F.lpad(F.hex(F.xxhash64(F.lit(start), *parts)), 16, "0") for start in (1, 2))
    return F.lower(F.concat(*halves))


def collapse(changes: DataFrame) -> DataFrame:
    """A change log in which rows of one `_identity` are one, at their earliest `(_kafka_partition, _offset)`.

    Returns:
        the columns of `changes`.
    """
    same = Window.partitionBy(c.IDENTITY).orderBy(c.PARTITION, c.OFFSET)
    return changes.withColumn("_place", F.row_number().over(same)).where(F.col("_place") == 1).drop("_place")
