"""A topic of order lines on a broker of its own, landed by hop 1 as the job runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import events
from benchmarks.bench import Bench
from benchmarks.broker import broker
from benchmarks.registry import registry
from lake.store import store_for
from streaming import manifest_log
from streaming.job import MAX_OFFSETS, StreamSettings, run_once

PIPELINE = "retail"


@dataclass(frozen=True)
class Source:
    """Where the events are: broker and registry."""

    bootstrap_servers: str
    registry: str


@contextmanager
def filled_topic(bench: Bench, count: int, *, repeat: int = 1, name: str = "broker") -> Iterator[Source]:
    """Runs a broker whose topic holds `count` events, each `repeat` times, and a registry, until the block ends.

    `name` is the folder of the broker's state.
    """
    with broker(bench.folder(name)) as address, registry(events.schemas()) as url:
        bench.say(f"producing {count * repeat:,} events")
        events.produce(address, events.TOPIC, count, repeat=repeat)
        yield Source(address, url)


def land(spark: SparkSession, source: Source, lake: Path) -> int:
    """Lands the whole topic; how many rows landed."""
    settings = StreamSettings(
        pipeline=PIPELINE,
        bootstrap=source.bootstrap_servers,
        registry=source.registry,
        lake_uri=lake.as_uri(),
        tables=(events.TABLE,),
        max_offsets_per_trigger=MAX_OFFSETS,
    )
    return run_once(spark, settings, on_manifest=lambda _: None).rows


def landed_topic(bench: Bench) -> Path:
    """A lake whose landing holds `bench.rows` events; made once a run."""
    lake = bench.home / "landed"
    if not lake.exists():
        with filled_topic(bench, bench.rows) as source:
            land(bench.spark(), source, bench.folder(lake.name))
    return lake


def landed_files(lake: Path) -> list[str]:
    """URIs of the files that the manifests name."""
    store = store_for(lake.as_uri())
    manifests = manifest_log.after(store, events.TABLE, 0)
    return [f"{store.uri}/{file.path}" for manifest in manifests for file in manifest.files]


def fingerprint(rows: DataFrame, partition: str, offset: str, op: str) -> tuple[int, int]:
    """Number of rows, and the order-independent hash of coordinates, operation, key, images and source.

    Args:
        rows: landing rows, or the peer's; key, before, after and source as structs.
        partition: name of the column.
        offset: name of the column.
        op: name of the column; the operation of a tombstone is null or `x`.
    """
    known = F.coalesce(F.col(op), F.lit("x"))
    hashed = F.xxhash64(partition, offset, known, "key", "before", "after", "source")
    # Summed as decimals: a sum of longs would overflow.
    row = rows.agg(F.count(F.lit(1)).alias("rows"), F.sum(hashed.cast("decimal(38,0)")).alias("hash")).first()
    assert row is not None
    return int(row["rows"]), int(row["hash"] or 0)
