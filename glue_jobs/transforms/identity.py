"""Identity of a change: records of equal identity are one change, emitted again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from schemas import columns as c

SNAPSHOT_OP = "r"


def identity(schema: T.StructType) -> Column:
    """128 bits as 32 hexadecimal digits: of a streamed change's content, or of a snapshot row's place.

    A streamed change is (epoch, key, position, position id, op) in the first half, before and after in the second, all
    as landed; times, flags and Kafka coordinates are no part of it. Each value goes in with its name, in the order of
    names, and a NULL not at all: so values cannot be taken for one another, and a re-emission by a newer writer schema,
    with its columns in another order or with a new one that is NULL, is the same change. A snapshot row is (epoch,
    topic, partition, offset).

    Args:
        schema: of the landing rows.
    """
    place = _hash([(name, F.col(name)) for name in (c.EPOCH, c.OP, c.POSITION, c.POSITION_ID)] + _leaves(schema, "key"))
    content = _hash(_leaves(schema, "before") + _leaves(schema, "after"))
    topic = _hash([(name, F.col(name)) for name in (c.EPOCH, c.TOPIC, c.PARTITION)])
    snapshot = F.col(c.OP) == SNAPSHOT_OP
    halves = (F.when(snapshot, topic).otherwise(place), F.when(snapshot, F.col(c.OFFSET)).otherwise(content))
    return F.concat(*(F.lpad(F.hex(half), 16, "0") for half in halves))


def _leaves(schema: T.StructType, part: str) -> list[tuple[str, Column]]:
    """The values of a landed record with their names, and whether there is one: it may be all NULL."""
    found = schema[part].dataType if part in schema.names else None
    if not isinstance(found, T.StructType):
        return []
    fields = sorted(found.fields, key=lambda item: item.name)
    values = [(f"{part}.{field.name}", _leaf(F.col(part)[field.name], field.dataType)) for field in fields]
    return [*values, (part, F.when(F.col(part).isNotNull(), F.lit(True)))]


def _leaf(value: Column, kind: T.DataType) -> Column:
    """A value that Spark's hash takes whole: it passes over NULLs inside arrays and records, and takes no maps."""
    return F.to_json(value) if isinstance(kind, (T.ArrayType, T.MapType, T.StructType)) else value


def _hash(leaves: Sequence[tuple[str, Column]]) -> Column:
    """64 bits of a sequence of named values; NULLs leave no trace."""
    parts = [part for name, value in leaves for part in (F.when(value.isNotNull(), F.lit(_number(name))), value)]
    return F.xxhash64(*parts)


def _number(name: str) -> int:
    """A name as 63 bits, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def collapse(changes: DataFrame) -> DataFrame:
    """A change log in which rows of one `_identity` are one, at their earliest `(_kafka_partition, _offset)`.

    Returns:
        the columns of `changes`.
    """
    same = Window.partitionBy(c.IDENTITY).orderBy(c.PARTITION, c.OFFSET)
    return changes.withColumn("_place", F.row_number().over(same)).where(F.col("_place") == 1).drop("_place")
