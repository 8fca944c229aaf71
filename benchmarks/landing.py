"""Ratios 1, 2 and 3: rows per second of hop 1 against bare Spark, reading alone, and itself without commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import events, landing_peers
from benchmarks.bench import Bench
from benchmarks.landed import Source, filled_topic, fingerprint, land, landed_files
from benchmarks.landing_peers import Topic
from benchmarks.measure import Attempt, Bound, Comparison, Side, Target, interleaved, require_equal, seconds
from schemas import columns as c
from streaming.decoding import writer_schema
from streaming.envelope import Group
from streaming.job import MAX_OFFSETS
from streaming.kafka_to_landing import SESSION


def measure(bench: Bench) -> list[Comparison]:
    """The three ratios, all sides in turn on one topic, in one session with the settings of the job."""
    with filled_topic(bench, bench.rows) as source:
        spark = bench.spark()
        for name, value in SESSION.items():
            spark.conf.set(name, value)
        times = interleaved(bench.repeats, _contestants(bench, spark, source), warm_up=bench.warm_up)
    (bench.home / "ours").rename(bench.home / "landed")

    def compared(number: str, title: str, peer: str, target: float, note: str) -> Comparison:
        goal = Target(Bound.AT_LEAST, target)
        ours, other = Side("landing", times["landing"]), Side(peer, times[peer])
        return Comparison(number, title, ours, other, goal, bench.rows, speed=True, note=note)

    return [
        compared(
            "1", "landing ÷ bare foreachBatch with from_avro to partitioned Parquet", "bare", 0.90, "zstd on both sides"
        ),
        compared("2", "landing ÷ Spark reading Kafka to nowhere", "nowhere", 0.35, ""),
        compared(
            "3",
            "landing with commit protocol ÷ without",
            "no protocol",
            0.95,
            "the peer decodes and writes as hop 1 does, without manifest, counts and set-aside files",
        ),
    ]


def _contestants(bench: Bench, spark: SparkSession, source: Source) -> dict[str, Attempt]:
    topic = Topic(source.bootstrap_servers, events.TOPIC, MAX_OFFSETS)
    texts = events.schemas()
    key, value = texts[events.KEY_SCHEMA_ID], texts[events.VALUE_SCHEMA_ID]
    group = Group(
        writer_schema(spark, str(events.KEY_SCHEMA_ID), key), writer_schema(spark, str(events.VALUE_SCHEMA_ID), value)
    )
    expected: list[tuple[int, int]] = []

    def check(attempt: int, what: str, found: Callable[[], tuple[int, int]]) -> None:
        if attempt == 0:
            expected.append(found())
            require_equal(expected[-1], expected[0], what)

    def timed(what: str, rows: Callable[[], int]) -> float:
        counted: list[int] = []
        took = seconds(lambda: counted.append(rows()))
        require_equal(counted[0], bench.rows, f"{what} (number of rows)")
        return took

    def ours(attempt: int) -> float:
        lake = bench.folder("ours")
        took = timed("landing", lambda: land(spark, source, lake))
        read = spark.read.option("mergeSchema", "true")
        rows = read.parquet(*landed_files(lake))
        check(attempt, "landing", lambda: fingerprint(rows, c.PARTITION, c.OFFSET, c.OP))
        return took

    def bare(attempt: int) -> float:
        target = bench.folder("bare")
        took = timed("bare", lambda: landing_peers.bare(spark, topic, key, value, target, bench.folder("checkpoint")))
        check(attempt, "bare", lambda: _written(spark, target, "partition", "offset", "op"))
        return took

    def no_protocol(attempt: int) -> float:
        target = bench.folder("no-protocol")
        took = timed(
            "no protocol",
            lambda: landing_peers.without_protocol(spark, topic, group, target, bench.folder("checkpoint")),
        )
        check(attempt, "no protocol", lambda: _written(spark, target, c.PARTITION, c.OFFSET, c.OP))
        return took

    def nowhere(attempt: int) -> float:  # noqa: ARG001 - every attempt is the same
        return timed("nowhere", lambda: landing_peers.to_nowhere(spark, topic, bench.folder("checkpoint")))

    return {"landing": ours, "bare": bare, "no protocol": no_protocol, "nowhere": nowhere}


def _written(spark: SparkSession, target: Path, partition: str, offset: str, op: str) -> tuple[int, int]:
    return fingerprint(spark.read.parquet(str(target)), partition, offset, op)
