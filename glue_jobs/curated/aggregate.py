"""One aggregate: the dates that its fact's rows were written or removed on, grouped again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs import iceberg, watching
from glue_jobs.curated import tables
from glue_jobs.curated.commit import replace_rows
from glue_jobs.curated.fact import FactOutcome, FactWork
from glue_jobs.curated.made import GROUPED, aggregate_checksum
from glue_jobs.curated.reads import matching
from glue_jobs.transforms.aggregates import aggregate_rows, group_references, overwritten_groups, referenced_dimension
from glue_jobs.watching import NOBODY, Told
from lake.metrics import Hop
from schemas.model import Aggregate


def promote_aggregate(work: FactWork, aggregate: Aggregate, outcome: FactOutcome, told: Told = NOBODY) -> int:
    """Brings an aggregate to its fact; one that was not at the progress the fact came from is grouped whole.

    Returns:
        Rows written.
    """
    table = tables.curated(work.pipeline, aggregate.name)
    done = iceberg.progress(work.spark, table)
    contract = {GROUPED: aggregate_checksum(aggregate, work.pipeline)}
    if done == {**outcome.progress, **contract}:
        return 0
    flow = partial(watching.aggregate_flow, work.pipeline, aggregate, told.lake_uri)
    with told.watch.step(Hop.CURATED, aggregate.name, flow, landing_seqs=watching.seqs_text(work.target)) as step:
        written = _promoted(work, aggregate, outcome, contract, whole=done != {**outcome.since, **contract})
        step.measured(RowsOut=written)
        step.moved(aggregate.name, rows=written)
    return written


def _promoted(
    work: FactWork, aggregate: Aggregate, outcome: FactOutcome, contract: Mapping[str, int], *, whole: bool
) -> int:
    table = tables.curated(work.pipeline, aggregate.name)
    progress = {**outcome.progress, **contract}
    facts = work.spark.table(work.table)
    dates = None if whole else _dates(work, aggregate, outcome)
    if dates is None:
        rows = _grouped(work, aggregate, facts).localCheckpoint()
        iceberg.overwrite(rows, table, F.lit(True), progress)
        return int(rows.count())
    if dates.isEmpty():
        iceberg.commit_progress(work.spark, table, progress)
        return 0
    rows = _grouped(work, aggregate, _of_dates(work, facts, dates)).localCheckpoint()
    stale = dates.select(F.col("date").alias(aggregate.date))
    replace_rows(rows, table, progress, stale=stale, on=[aggregate.date])
    return int(rows.count())


def _grouped(work: FactWork, aggregate: Aggregate, facts: DataFrame) -> DataFrame:
    fact, dimensions = work.fact, work.pipeline.dimensions
    names = (referenced_dimension(fact, reference) for reference in group_references(aggregate, fact))
    versions = {name: work.spark.table(tables.curated(work.pipeline, name)) for name in names}
    return aggregate_rows(facts, versions, aggregate, fact, dimensions)


def _dates(work: FactWork, aggregate: Aggregate, outcome: FactOutcome) -> DataFrame | None:
    """Dates to group again, column `date`; None for all of them."""
    if outcome.dates is None:
        return None
    dates = outcome.dates
    for name in overwritten_groups(aggregate, work.fact, work.pipeline.dimensions):
        dates = dates.unionByName(_dates_of_overwritten(work, name, outcome.since))
    return dates.distinct().localCheckpoint()


def _dates_of_overwritten(work: FactWork, name: str, since: Mapping[str, int]) -> DataFrame:
    """Dates of the facts that refer to a dimension key written since: its type-1 attributes may have changed."""
    reference = next(item for item in work.fact.dimensions if item.name == name)
    dimension = work.pipeline.dimensions[reference.dimension]
    keys = work.touched(dimension.source, since).select(*(key.source for key in dimension.business_key))
    pairs = [(column, key.source) for (column, _), key in zip(reference.keys, dimension.business_key, strict=True)]
    facts = matching(work.spark.table(work.table), keys.localCheckpoint(), pairs)
    day = F.col(work.fact.event_time.name).cast("date").alias("date")
    return facts.select(day).where(F.col("date").isNotNull()).distinct()


def _of_dates(work: FactWork, facts: DataFrame, dates: DataFrame) -> DataFrame:
    """Facts of some dates; their range is pushed down, so that other months are not read."""
    bounds = dates.agg(F.min("date").alias("low"), F.date_add(F.max("date"), 1).alias("high")).first()
    assert bounds is not None
    event = F.col(work.fact.event_time.name)
    low, high = (F.lit(bounds[name]).cast("timestamp") for name in ("low", "high"))
    near = facts.where((event >= low) & (event < high)).withColumn("date", event.cast("date"))
    return near.join(F.broadcast(dates), on="date", how="left_semi").drop("date")
