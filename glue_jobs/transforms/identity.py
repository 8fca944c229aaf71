"""Identity of a change: records of equal identity are one change, emitted again."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas import columns as c

SNAPSHOT_OP = "r"


def identity(has_key: bool, has_rows: bool = True) -> Column:
    """md5 hex over landing rows: of content for a streamed change, of Kafka coordinates for a snapshot row.

    Content is (epoch, key, position, position id, op, before, after) as JSON of what was landed; times, flags and Kafka
    coordinates are no part of it. NULL fields are left out, so that a re-emission by a newer writer schema, with a new
    column that is NULL, is the same change.

    Args:
        has_key: whether the rows have the column `key`.
        has_rows: whether they have `before` and `after`.
    """
    content = [c.EPOCH, c.POSITION, c.POSITION_ID, c.OP]
    content += ["key"] if has_key else []
    content += ["before", "after"] if has_rows else []
    streamed = F.to_json(F.struct(*content), {"ignoreNullFields": "true"})
    place = F.concat_ws("/", F.col(c.EPOCH), F.col(c.TOPIC), F.col(c.PARTITION), F.col(c.OFFSET))
    return F.md5(F.when(F.col(c.OP) == SNAPSHOT_OP, place).otherwise(streamed))


def collapse(changes: DataFrame) -> DataFrame:
    """A change log in which rows of one `_identity` are one, at their earliest `(_kafka_partition, _offset)`.

    Returns:
        the columns of `changes`.
    """
    same = Window.partitionBy(c.IDENTITY).orderBy(c.PARTITION, c.OFFSET)
    return changes.withColumn("_place", F.row_number().over(same)).where(F.col("_place") == 1).drop("_place")
