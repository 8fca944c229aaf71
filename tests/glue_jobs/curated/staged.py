"""Hand-made staging tables: batches of changes appended as hop 2 does, each with its ingest sequence."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from pyspark.sql import Row, SparkSession

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.promote import CuratedSummary, promote_curated
from glue_jobs.staging_tables import change_log
from schemas.model import Pipeline
from tests.glue_jobs.changes import SCHEMA, dimension_for, pipeline_of, staging_row
from tests.reference.history import Change, Policies


class PartyLake:
    """A pipeline of one table `party` and dimensions of it, one per set of policies, in namespaces of its own."""

    def __init__(self, spark: SparkSession, *policies: Policies, lacking: Collection[str] = ()) -> None:
        self.spark = spark
        dimensions = [dimension_for(each, f"dim_{number}") for number, each in enumerate(policies)]
        self.whole = pipeline_of(f"party_{uuid.uuid4().hex[:8]}", dimensions)
        self.seq = 0
        self.follow(without(self.whole, lacking))

    def follow(self, pipeline: Pipeline) -> None:
        """Goes on by these contracts, whose staging tables hop 2 makes or extends."""
        self.pipeline = pipeline
        self.log = change_log(pipeline.sources["party"])
        iceberg.ensure_table(self.spark, self.log)

    def stage(self, changes: Iterable[tuple[Change, int]]) -> None:
        """Appends a batch; each change comes with its clock tolerance."""
        self.seq += 1
        rows = [staging_row(change, tolerance, self.seq) for change, tolerance in changes]
        frame = self.spark.createDataFrame(rows, SCHEMA)
        missing = [column for column in self.log.columns if column.name not in frame.columns]
        frame = frame.selectExpr("*", *(f"CAST(NULL AS {column.type}) AS `{column.name}`" for column in missing))
        iceberg.append(frame.select(*(column.name for column in self.log.columns)), self.log.name, {"party": self.seq})

    def promote(self) -> CuratedSummary:
        """Runs the promotion, without load files."""
        return promote_curated(self.spark, self.pipeline, "", load=False)

    def rows(self, number: int = 0) -> list[Row]:
        """All rows of the dimension of the policies with this number."""
        return self.spark.table(tables.curated(self.pipeline, f"dim_{number}")).collect()

    def state(self) -> list[Row]:
        """The state of the source."""
        return self.spark.table(tables.curated(self.pipeline, "party_state")).collect()


def without(pipeline: Pipeline, names: Collection[str]) -> Pipeline:
    """The pipeline before its table and its dimensions had these columns."""
    party = pipeline.sources["party"]
    columns = tuple(column for column in party.columns if column.name not in names)
    dimensions = {
        name: replace(item, attributes=tuple(a for a in item.attributes if a.source not in names))
        for name, item in pipeline.dimensions.items()
    }
    return replace(
        pipeline, sources={**pipeline.sources, "party": replace(party, columns=columns)}, dimensions=dimensions
    )


def with_tolerance(changes: Sequence[Change], tolerance: int) -> list[tuple[Change, int]]:
    """Changes as `stage` takes them."""
    return [(change, tolerance) for change in changes]
