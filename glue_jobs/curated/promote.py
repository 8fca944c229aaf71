"""The route of hop 3: sources into states and dimensions, then facts, aggregates, and the load files of hop 4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.aggregate import promote_aggregate
from glue_jobs.curated.calendars import ensure_calendar
from glue_jobs.curated.fact import FactOutcome, fact_work, promote_fact
from glue_jobs.curated.load_files import newest_load, write_load
from glue_jobs.curated.redrives import REDRIVES, Redrives
from glue_jobs.curated.remake import remake_source
from glue_jobs.curated.source import SourceOutcome, promote_source, source_progress, unknown_member
from glue_jobs.watching import Told
from lake.metrics import Hop
from lake.store import store_for
from lake.watch import OFF, Watch
from schemas.manifests import LoadManifest, instant_text
from schemas.model import Pipeline


@dataclass(frozen=True)
class CuratedSummary:
    """What a promotion did, table by table.

    `remade` names dimensions and states that another contract had made; `load` is None if there was nothing to load.
    """

    sources: tuple[SourceOutcome, ...] = ()
    remade: tuple[str, ...] = ()
    facts: tuple[FactOutcome, ...] = ()
    aggregates: Mapping[str, int] = field(default_factory=dict)
    load: LoadManifest | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "sources": [asdict(outcome) for outcome in self.sources],
            "remade": list(self.remade),
            "facts": [
                {"fact": o.fact, "written": o.written, "removed": o.removed, "restated": o.restated} for o in self.facts
            ],
            "aggregates": dict(self.aggregates),
            "load": None if self.load is None else {"seq": self.load.seq, "rows": _load_rows(self.load)},
        }


def promote_curated(
    spark: SparkSession, pipeline: Pipeline, lake_uri: str, *, load: bool = True, watch: Watch = OFF
) -> CuratedSummary:
    """Takes everything staged so far into the star, and writes its load files.

    What another contract made is made again, then what a run that died left unfinished is finished, at the progress
    that it had reached.

    Args:
        spark: session with the catalog `lake`.
        pipeline: contracts.
        lake_uri: root of the pipeline's lake.
        load: whether to write load files too.
        watch: told of the run and of each of its steps.

    Raises:
        LakeError: a table does not fit its contract, or another writer got in between.
    """
    store = store_for(lake_uri)
    told = Told(watch, store.uri)
    with watch.run(Hop.CURATED):
        ensure_star(spark, pipeline)
        last = newest_load(store)
        redrives = Redrives(spark, store, 0 if last is None else last.progress.get(REDRIVES, 0))
        remade = tuple(name for source in pipeline.sources.values() for name in remake_source(spark, pipeline, source))
        settled = tuple(_settle(spark, pipeline, told))
        # Before anything was promoted there is nothing to finish.
        begun = any(source_progress(spark, pipeline, name) for name in pipeline.sources)
        before = _promote_facts(redrives, pipeline, told)[0] if begun else ()
        sources = (*settled, *_advance(spark, pipeline, told))
        facts, aggregates = _promote_facts(redrives, pipeline, told)
        manifest = write_load(redrives, pipeline, newest=_newest(sources), watch=watch) if load else None
    if begun:
        facts = tuple(outcome.after(first) for first, outcome in zip(before, facts, strict=True))
    return CuratedSummary(sources, remade, facts, aggregates, manifest)


def _newest(sources: Iterable[SourceOutcome]) -> dict[str, str]:
    """By source, the latest instant of a change that was promoted now."""
    found: dict[str, int] = {}
    for outcome in sources:
        if outcome.newest_change is not None:
            found[outcome.source] = max(outcome.newest_change, found.get(outcome.source, outcome.newest_change))
    return {name: instant_text(datetime.fromtimestamp(ms / 1000, UTC)) for name, ms in found.items()}


def ensure_star(spark: SparkSession, pipeline: Pipeline) -> None:
    """Every table of the star is there and fits its contract; calendars are generated, unknown members in place."""
    for source in pipeline.sources.values():
        iceberg.ensure_table(spark, tables.state_shape(pipeline, source), exact=True)
    for dimension in pipeline.dimensions.values():
        shape = tables.dimension_shape(pipeline, dimension)
        iceberg.ensure_table(spark, shape, exact=True)
        if spark.table(shape.name).where(F.col(dimension.surrogate_key) == -1).isEmpty():
            iceberg.append(unknown_member(spark, dimension), shape.name, iceberg.progress(spark, shape.name))
    for calendar in pipeline.calendars.values():
        ensure_calendar(spark, pipeline, calendar)
    for fact in pipeline.facts.values():
        iceberg.ensure_table(spark, tables.fact_shape(pipeline, fact), exact=True)
    for aggregate in pipeline.aggregates.values():
        iceberg.ensure_table(spark, tables.aggregate_shape(pipeline, aggregate), exact=True)
    iceberg.ensure_table(spark, tables.restatements_shape(pipeline))


def _settle(spark: SparkSession, pipeline: Pipeline, told: Told) -> Iterator[SourceOutcome]:
    """Sources whose dimensions are further than their state: the run died in between."""
    for source in pipeline.sources.values():
        done = [
            iceberg.progress(spark, tables.curated(pipeline, dimension.name)).get(source.table, 0)
            for dimension in pipeline.dimensions_of(source.table)
        ]
        reached = max(done, default=0)
        if reached > source_progress(spark, pipeline, source.table):
            yield promote_source(spark, pipeline, source, reached, told)


def _advance(spark: SparkSession, pipeline: Pipeline, told: Told) -> Iterator[SourceOutcome]:
    for source in pipeline.sources.values():
        staged = iceberg.progress(spark, tables.staging(pipeline, source.table)).get(source.table, 0)
        yield promote_source(spark, pipeline, source, staged, told)


def _promote_facts(
    redrives: Redrives, pipeline: Pipeline, told: Told
) -> tuple[tuple[FactOutcome, ...], dict[str, int]]:
    """Facts, then the aggregates made from them."""
    outcomes = []
    aggregates = {}
    for fact in pipeline.facts.values():
        work = fact_work(redrives, pipeline, fact)
        outcome = promote_fact(work, told)
        outcomes.append(outcome)
        for aggregate in pipeline.aggregates.values():
            if aggregate.fact == fact.name:
                aggregates[aggregate.name] = promote_aggregate(work, aggregate, outcome, told)
    return tuple(outcomes), aggregates


def _load_rows(manifest: LoadManifest) -> dict[str, int]:
    return {name: table.rows for name, table in manifest.tables.items()}
