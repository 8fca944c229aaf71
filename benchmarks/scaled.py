"""A lake and a warehouse at one size of history, and a batch of changes taken through both, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import changelog
from benchmarks.changelog import Batch, Sizes
from benchmarks.database import Database
from benchmarks.measure import seconds
from glue_jobs.curated import tables
from glue_jobs.curated.load_files import MANIFESTS, write_load
from glue_jobs.curated.promote import promote_curated
from glue_jobs.curated.redrives import Redrives
from lake.store import Store, store_for
from lake.warehouse.duck import DuckWarehouse
from lake.warehouse.load import ensure_tables, load_one
from lake.warehouse.port import Warehouse
from schemas.manifests import LoadManifest, seq_name
from schemas.model import Pipeline

Counted = tuple[tuple[str, ...], ...]


class Engine(StrEnum):
    """What a warehouse runs on."""

    DUCKDB = "warehouse"
    POSTGRESQL = "postgresql"


_VERSIONS: Final = """
    SELECT segment, split_part(email, '.', 1) AS mark, CAST(effective_from AS {text}) AS starts,
        CAST(effective_to AS {text}) AS ends, is_current, count(*) AS keys
    FROM {dimension} WHERE customer_id % {stride} = 0 AND customer_id <= {last}
    GROUP BY 1, 2, 3, 4, 5
"""
_FACTS: Final = """
    SELECT d.segment, CAST(d.effective_from AS {text}) AS starts, count(*) AS facts
    FROM {fact} AS f JOIN {dimension} AS d ON f.customer_sk = d.customer_sk
    WHERE f.customer_id % {stride} = 0 AND f.customer_id <= {last}
    GROUP BY 1, 2
"""


@dataclass
class Scaled:
    """One size of history. Batches go in one after the other; `seq` is the newest one staged, and the newest load."""

    spark: SparkSession
    name: str
    sizes: Sizes
    folder: Path
    threads: int
    database: Database | None = None
    seq: int = 0
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        """The pipeline under the size's own name, so that its tables are its own."""
        self.pipeline = changelog.sub_pipeline(self.name)

    @cached_property
    def store(self) -> Store:
        """The store of the load files."""
        return store_for(self.folder.as_uri())

    def build(self, op: str = "r", *, with_orders: bool = True) -> None:
        """The history: all customers and their orders, staged, promoted, as load 1 (not in the warehouse yet)."""
        customer, order = self.pipeline.sources["customer"], self.pipeline.sources["order"]
        changelog.append(self.spark, customer, changelog.customer_rows(self.spark, customer, self.sizes, op), 1)
        orders = changelog.order_rows(self.spark, order, self.sizes)
        changelog.append(self.spark, order, orders if with_orders else orders.limit(0), 1)
        self.seq = 1
        self.promote()

    def stage(self, batch: Batch) -> None:
        """Appends a batch to the change log."""
        contract = self.pipeline.sources["customer"]
        self.seq += 1
        rows = changelog.customer_changes(self.spark, contract, self.sizes, batch, self.seq)
        changelog.append(self.spark, contract, rows, self.seq)

    def stage_versions(self, key: int, versions: int) -> None:
        """Appends so many changes of one customer to the change log."""
        contract = self.pipeline.sources["customer"]
        self.seq += 1
        rows = changelog.versions_of_one(self.spark, contract, key, versions, self.seq)
        changelog.append(self.spark, contract, rows, self.seq)

    def promote(self) -> float:
        """Takes what is staged into the star; the seconds of that. The load files are written after, untimed."""
        took = seconds(lambda: promote_curated(self.spark, self.pipeline, self.store.uri, load=False))
        write_load(Redrives(self.spark, self.store), self.pipeline)
        return took

    @contextmanager
    def warehouse(self, engine: Engine = Engine.DUCKDB) -> Iterator[Warehouse]:
        """A session with this size's warehouse on an engine."""
        with closing(self._opened(engine)) as warehouse:
            yield warehouse

    def load(self, seq: int, engine: Engine = Engine.DUCKDB) -> float:
        """Takes one load into the warehouse; the seconds from its first statement to its commit."""
        key = f"{MANIFESTS}/{seq_name(seq)}"
        manifest = LoadManifest.from_json(self.store.read(key), key)
        if seq == 1 and engine is Engine.POSTGRESQL:
            assert self.database is not None
            self.database.make(self.name)
        with self.warehouse(engine) as warehouse:
            if seq == 1:
                ensure_tables(self.pipeline, warehouse)
            return seconds(lambda: load_one(self.pipeline, manifest, warehouse))

    def _opened(self, engine: Engine) -> Warehouse:
        if engine is Engine.POSTGRESQL:
            assert self.database is not None
            return self.database.warehouse(self.name, self.store)
        warehouse = DuckWarehouse.open(self.folder / "warehouse.duckdb", self.store)
        warehouse.connection.execute(f"SET threads = {self.threads}")
        return warehouse

    def in_lake(self) -> tuple[Counted, Counted]:
        """Versions of the touched keys, and the versions their facts refer to, counted; without key or size."""
        dimension, fact = (tables.curated(self.pipeline, name) for name in ("dim_customer", "fact_orders"))
        versions, facts = self._queries(dimension, fact, "string")
        return _counted(self.spark.sql(versions)), _counted(self.spark.sql(facts))

    def in_warehouse(self, engine: Engine = Engine.DUCKDB) -> tuple[Counted, Counted]:
        """As `in_lake`, of the warehouse on an engine."""
        versions, facts = self._queries("analytics.dim_customer", "analytics.fact_orders", "varchar")
        with self.warehouse(engine) as warehouse:
            return _texts(warehouse.query(versions).rows), _texts(warehouse.query(facts).rows)

    def _queries(self, dimension: str, fact: str, text: str) -> tuple[str, str]:
        names = {"dimension": dimension, "fact": fact, "text": text}
        sizes = {"stride": self.sizes.stride, "last": self.sizes.touched * self.sizes.stride}
        return _VERSIONS.format(**names, **sizes), _FACTS.format(**names, **sizes)


def _counted(rows: DataFrame) -> Counted:
    return _texts([tuple(row) for row in rows.select(*(F.col(name) for name in rows.columns)).collect()])


def _texts(rows: object) -> Counted:
    assert isinstance(rows, list | tuple)
    return tuple(sorted(tuple(str(value) for value in row) for row in rows))
