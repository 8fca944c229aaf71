"""The peers of hop 1: what one would write with Spark alone, as streaming jobs that read what is there and end.

None of them has manifests, dead letters, a look at headers or counts; a crash between two of their steps loses or
doubles rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.streaming.readwriter import DataStreamWriter

from schemas import columns as c
from streaming.envelope import Group, landing_rows

_FRAMING_BYTES: Final = 5


@dataclass(frozen=True)
class Topic:
    """A topic to read, at most `per_batch` records at once."""

    bootstrap_servers: str
    name: str
    per_batch: int


def to_nowhere(spark: SparkSession, topic: Topic, checkpoint: Path) -> int:
    """Reads the whole topic and throws it away; how many records there were."""
    return _finished(_records(spark, topic).writeStream.format("noop"), checkpoint)


def bare(spark: SparkSession, topic: Topic, key_schema: str, value_schema: str, target: Path, checkpoint: Path) -> int:
    """`foreachBatch` with `from_avro`, appended to Parquet partitioned by hour; how many records there were.

    Columns: topic, partition, offset, timestamp, key, and the envelope's fields.
    """

    def decoded(batch: DataFrame) -> DataFrame:
        return batch.select(
            "topic",
            "partition",
            "offset",
            "timestamp",
            _avro("key", key_schema).alias("key"),
            _avro("value", value_schema).alias("value"),
        ).select("topic", "partition", "offset", "timestamp", "key", "value.*")

    return _appended(spark, topic, decoded, "timestamp", target, checkpoint)


def without_protocol(spark: SparkSession, topic: Topic, group: Group, target: Path, checkpoint: Path) -> int:
    """Hop 1's own decoding and columns, appended as they are: no manifest, counts, set-aside files, stored schemas.

    Rejected rows are not filtered out: Spark would push the filter below the decoding, and decode twice.
    """

    def decoded(batch: DataFrame) -> DataFrame:
        return landing_rows(batch, group, 0)

    return _appended(spark, topic, decoded, c.KAFKA_TS, target, checkpoint)


def _records(spark: SparkSession, topic: Topic) -> DataFrame:
    options = {
        "kafka.bootstrap.servers": topic.bootstrap_servers,
        "kafka.isolation.level": "read_committed",
        "subscribe": topic.name,
        "startingOffsets": "earliest",
        "includeHeaders": "true",
        "maxOffsetsPerTrigger": str(topic.per_batch),
    }
    return spark.readStream.format("kafka").options(**options).load()


def _avro(part: str, schema: str) -> Column:
    payload = F.expr(f"substring({part}, {_FRAMING_BYTES + 1}, length({part}) - {_FRAMING_BYTES})")
    return from_avro(payload, schema, {"mode": "PERMISSIVE"})


def _appended(
    spark: SparkSession,
    topic: Topic,
    decoded: Callable[[DataFrame], DataFrame],
    instant: str,
    target: Path,
    checkpoint: Path,
) -> int:
    parts = {"year": F.year, "month": F.month, "day": F.dayofmonth, "hour": F.hour}
    hours = [part(instant).alias(name) for name, part in parts.items()]

    def write(batch: DataFrame, _batch_id: int) -> None:
        rows = decoded(batch).select("*", *hours)
        rows.write.mode("append").partitionBy(*parts).parquet(str(target))

    return _finished(_records(spark, topic).writeStream.foreachBatch(write), checkpoint)


def _finished(writer: DataStreamWriter, checkpoint: Path) -> int:
    query = writer.option("checkpointLocation", str(checkpoint)).trigger(availableNow=True).start()
    query.awaitTermination()
    return sum(int(progress["numInputRows"]) for progress in query.recentProgress)
