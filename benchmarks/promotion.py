"""Ratio 10: landing → staging with all row checks, and with Great Expectations too, against a plain read and write.

The peer reads the same landed files and appends the same columns, cast to the contract's types, to an Iceberg table of
the same shape: no identity, no checks, no quarantine, no progress.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import events
from benchmarks.bench import Bench
from benchmarks.landed import landed_files, landed_topic
from benchmarks.measure import Bound, Comparison, Side, Target, interleaved, require_equal, seconds
from glue_jobs import iceberg, staging_tables
from glue_jobs.iceberg import TableShape
from glue_jobs.staging import promote_staging
from schemas import columns as c
from schemas import load_pipeline
from schemas.model import Pipeline, SourceContract

_LANDED = (c.KAFKA_TS, c.SCHEMA_ID, c.EPOCH, c.OP, c.POSITION, c.SOURCE_TS)


def measure(bench: Bench) -> list[Comparison]:
    """Both rows of ratio 10."""
    spark = bench.spark()
    landed = landed_topic(bench)
    contract = load_pipeline("retail").sources[events.TABLE]
    run = _Run(spark, landed, contract)
    contestants = {"checked": run.checked, "expected": run.expected, "plain": run.plain}
    times = interleaved(bench.repeats, contestants, warm_up=bench.warm_up)

    def compared(number: str, name: str, title: str, target: float, note: str) -> Comparison:
        ours, peer = Side("promotion", times[name]), Side("read and write", times["plain"])
        title = f"promotion with {title} ÷ plain Spark read and write"
        return Comparison(number, title, ours, peer, Target(Bound.AT_MOST, target), bench.rows, note=note)

    docs = f"{len(contract.expectations)} expectations of the contract on each batch, Data Docs rendered"
    return [
        compared("10", "checked", "all row checks", 1.3, ""),
        compared("10 GE", "expected", "row checks and Great Expectations", 2.0, docs),
    ]


class _Run:
    """Attempts on one landed topic, each into tables of its own; what each made is held against the first."""

    def __init__(self, spark: SparkSession, landed: Path, contract: SourceContract) -> None:
        self.spark = spark
        self.landed = landed
        self.contract = contract
        self.expected_result: object = None

    def checked(self, attempt: int) -> float:
        """Hop 2 with the contract's row checks."""
        return self._promoted(attempt, "checked", replace(self.contract, expectations=()))

    def expected(self, attempt: int) -> float:
        """Hop 2 as it runs: row checks and the contract's expectations."""
        return self._promoted(attempt, "expected", self.contract)

    def plain(self, attempt: int) -> float:
        """The peer."""
        shape = staging_tables.change_log(replace(self.contract, pipeline=f"plain{attempt}"))
        kept = {*_LANDED, c.PARTITION, c.OFFSET, c.INGEST_SEQ, *(column.name for column in self.contract.columns)}
        shape = replace(shape, columns=tuple(item for item in shape.columns if item.name in kept))
        iceberg.ensure_table(self.spark, shape)
        files = landed_files(self.landed)
        took = seconds(lambda: read_and_write(self.spark, files, self.contract, shape))
        self._compare(shape.name, "plain read and write")
        self.spark.sql(f"DROP TABLE {shape.name} PURGE")
        return took

    def _promoted(self, attempt: int, name: str, contract: SourceContract) -> float:
        contract = replace(contract, pipeline=f"{name}{attempt}")
        full = load_pipeline("retail")
        pipeline: Pipeline = replace(full, name=contract.pipeline, sources={contract.table: contract})
        log, quarantine = staging_tables.change_log(contract), staging_tables.quarantine(contract)
        for shape in (log, quarantine):
            iceberg.ensure_table(self.spark, shape)
        outcomes: list[object] = []
        took = seconds(lambda: outcomes.extend(promote_staging(self.spark, pipeline, self.landed.as_uri())))
        require_equal([getattr(outcome, "error", None) for outcome in outcomes], [None], f"promotion ({name})")
        self._compare(log.name, f"promotion ({name})")
        for shape in (log, quarantine):
            self.spark.sql(f"DROP TABLE {shape.name} PURGE")
        return took

    def _compare(self, table: str, what: str) -> None:
        found = contents(self.spark.table(table), self.contract)
        if self.expected_result is None:
            self.expected_result = found
        require_equal(found, self.expected_result, what)


def read_and_write(spark: SparkSession, files: list[str], contract: SourceContract, shape: TableShape) -> None:
    """What one would write by hand: the row image of each change, its columns cast, appended."""
    rows = spark.read.parquet(*files).where(F.col(c.OP) != "x")
    image = F.when(F.col(c.OP) == "d", F.col("before")).otherwise(F.col("after"))
    values: dict[str, Column] = {
        c.INGEST_SEQ: F.lit(1).cast("bigint"),
        c.PARTITION: F.col(c.PARTITION),
        c.OFFSET: F.col(c.OFFSET),
        **{name: F.col(name) for name in _LANDED},
        **{column.name: F.col("_image")[column.name].cast(column.type.spark) for column in contract.columns},
    }
    chosen = rows.withColumn("_image", image).select(*(values[item.name].alias(item.name) for item in shape.columns))
    chosen.writeTo(shape.name).append()


def contents(table: DataFrame, contract: SourceContract) -> tuple[int, int]:
    """Number of rows, and the order-independent hash of coordinates, operation and contract columns."""
    names = [c.PARTITION, c.OFFSET, c.OP, c.POSITION, *(column.name for column in contract.columns)]
    hashed = F.sum(F.xxhash64(*names).cast("decimal(38,0)"))
    row = table.agg(F.count(F.lit(1)).alias("rows"), hashed.alias("hash")).first()
    assert row is not None
    return int(row["rows"]), int(row["hash"])
