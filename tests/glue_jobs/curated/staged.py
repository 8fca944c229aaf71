"""Hand-made staging tables: batches of changes appended as hop 2 does, each with its ingest sequence."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pyspark.sql import Row, SparkSession

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.promote import CuratedSummary, promote_curated
from glue_jobs.staging_tables import change_log
from schemas.model import Dimension, Pipeline
from tests.glue_jobs.changes import SCHEMA, pipeline_of, staging_row
from tests.reference.history import Change



class PartyLake:
    """A pipeline of one table `party` and its dimension, in namespaces of its own."""

    def __init__(self, spark: SparkSession, dimension: Dimension) -> None:
        self.spark = spark
        self.dimension = dimension
        self.pipeline: Pipeline = pipeline_of(f"party_{uuid.uuid4().hex[:8]}", dimension)
        source = self.pipeline.sources["party"]
        # The log's namespace is the pipeline's, whatever the contract says.
        shape = change_log(source)
        self.log = iceberg.TableShape(
            self.pipeline.staging_namespace, shape.table, shape.columns, shape.partitioned_by, shape.properties
        )
        iceberg.ensure_table(spark, self.log)
        self.seq = 0

    def stage(self, changes: Iterable[tuple[Change, int]]) -> None:
        """Appends a batch; each change comes with its clock tolerance."""
        self.seq += 1
        rows = [staging_row(change, tolerance, self.seq) for change, tolerance in changes]
        columns = ", ".join(f"`{column.name}` {column.type}" for column in self.log.columns)
        frame = self.spark.createDataFrame(rows, SCHEMA)
        missing = [column for column in self.log.columns if column.name not in frame.columns]
        frame = frame.selectExpr("*", *(f"CAST(NULL AS {column.type}) AS `{column.name}`" for column in missing))
        assert columns
        iceberg.append(frame.select(*(column.name for column in self.log.columns)), self.log.name, {"party": self.seq})

    def promote(self) -> CuratedSummary:
        """Runs the promotion, without load files."""
        return promote_curated(self.spark, self.pipeline, "", load=False)

    def rows(self) -> list[Row]:
        """All rows of the dimension."""
        return self.spark.table(tables.curated(self.pipeline, self.dimension.name)).collect()

    def state(self) -> list[Row]:
        """The state of the source."""
        return self.spark.table(tables.curated(self.pipeline, "party_state")).collect()


def with_tolerance(changes: Sequence[Change], tolerance: int) -> list[tuple[Change, int]]:
    """Changes as `stage` takes them."""
    return [(change, tolerance) for change in changes]


def plain(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Rows that can be compared and sorted."""
    return sorted((tuple(row) for row in rows), key=repr)
