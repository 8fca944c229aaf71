"""What hops 2 and 3 tell of a step: outcomes as metrics and lineage, and what each step reads and writes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from glue_jobs import staging_tables
from glue_jobs.curated import tables
from glue_jobs.iceberg import TableShape
from lake.watch import OFF, Flow, Step, Watch, flows
from lake.watch.events import Assertion, Field
from lake.watch.names import Names
from schemas.manifests import LoadManifest
from schemas.model import Aggregate, Fact, Pipeline, Severity, SourceContract

if TYPE_CHECKING:
    from glue_jobs.curated.fact import FactOutcome
    from glue_jobs.curated.source import SourceOutcome
    from glue_jobs.expectations import Verdict
    from glue_jobs.iceberg import Published
    from glue_jobs.staging import TableOutcome


@dataclass(frozen=True)
class Told:
    """Who is told of the steps of a promotion, and where the lake lies."""

    watch: Watch
    lake_uri: str


NOBODY: Final = Told(OFF, "")


def staging_flow(contract: SourceContract, lake_uri: str) -> Flow:
    """A batch of hop 2."""
    log, quarantine = staging_tables.change_log(contract), staging_tables.quarantine(contract)
    return flows.staging_flow(contract, Names(contract.pipeline, lake_uri), _fields((log, quarantine)))


def source_flow(pipeline: Pipeline, source: SourceContract, lake_uri: str) -> Flow:
    """A source's part of a promotion."""
    shapes = [staging_tables.change_log(source), tables.state_shape(pipeline, source)]
    shapes += [tables.dimension_shape(pipeline, dimension) for dimension in pipeline.dimensions_of(source.table)]
    return flows.source_flow(pipeline, source, Names(pipeline.name, lake_uri), _fields(shapes))


def fact_flow(pipeline: Pipeline, fact: Fact, lake_uri: str) -> Flow:
    """A fact's part of a promotion."""
    shapes = [tables.state_shape(pipeline, pipeline.sources[source]) for source in fact.sources]
    shapes += [tables.dimension_shape(pipeline, pipeline.dimensions[item.dimension]) for item in fact.dimensions]
    shapes.append(tables.fact_shape(pipeline, fact))
    return flows.fact_flow(pipeline, fact, Names(pipeline.name, lake_uri), _fields(shapes))


def aggregate_flow(pipeline: Pipeline, aggregate: Aggregate, lake_uri: str) -> Flow:
    """An aggregate's part of a promotion."""
    fact = pipeline.facts[aggregate.fact]
    shapes = [tables.dimension_shape(pipeline, pipeline.dimensions[item.dimension]) for item in fact.dimensions]
    shapes += [tables.fact_shape(pipeline, fact), tables.aggregate_shape(pipeline, aggregate)]
    return flows.aggregate_flow(pipeline, aggregate, Names(pipeline.name, lake_uri), _fields(shapes))


def load_files_flow(pipeline: Pipeline, lake_uri: str) -> Flow:
    """The load files of a promotion."""
    shapes = [staging_tables.change_log(source) for source in pipeline.sources.values()]
    shapes += [tables.state_shape(pipeline, source) for source in pipeline.sources.values()]
    return flows.load_files_flow(pipeline, Names(pipeline.name, lake_uri), _fields(shapes))


def tell_verdict(step: Step, verdict: Verdict) -> None:
    """What the expectations say of a batch."""
    step.measured(ChecksFailed=len(verdict.rejected) + len(verdict.warned))
    stated = [
        Assertion(item.type, item.success, item.severity is Severity.REJECT, item.column) for item in verdict.results
    ]
    step.moved("landing", assertions=stated)


def tell_staged(step: Step, contract: SourceContract, outcome: TableOutcome, published: Published | None) -> None:
    """What a batch of hop 2 did."""
    failed = {**outcome.reasons, **outcome.warned}
    checks = [
        Assertion(item.name, item.name not in failed, item.severity is Severity.REJECT) for item in contract.checks
    ]
    found = step.facts.get("landing", {}).get("assertions", [])
    step.moved("landing", rows=outcome.rows, assertions=[*found, *checks])
    step.moved(contract.table, rows=outcome.accepted)
    step.moved(f"{contract.table}_quarantine", rows=outcome.quarantined)
    step.measured(
        RowsIn=outcome.rows,
        RowsOut=outcome.accepted,
        DeadLetters=outcome.quarantined,
        RowsWarned=sum(outcome.warned.values()),
        ChecksFailed=len(outcome.failed_expectations),
        FilesWritten=published.files if published else 0,
    )
    step.fresh(outcome.newest_change)
    if published:
        step.knows(snapshot=published.snapshot)


def tell_source(step: Step, outcome: SourceOutcome) -> None:
    """What a promotion did to a source."""
    step.measured(
        RowsIn=outcome.changes,
        RowsOut=outcome.versions_written,
        KeysRecomputed=outcome.keys_from_log,
    )
    step.fresh(outcome.newest_change)
    step.moved(outcome.source, rows=outcome.changes)


def tell_fact(step: Step, outcome: FactOutcome) -> None:
    """What a promotion did to a fact."""
    step.measured(RowsOut=outcome.written, FactsRestated=outcome.restated)
    step.moved(outcome.fact, rows=outcome.written)


def tell_load(step: Step, pipeline: Pipeline, manifest: LoadManifest) -> None:
    """The ids of a load, and what lineage says of its files."""
    reached = {name: seq for name, seq in manifest.progress.items() if name in pipeline.sources}
    step.knows(load_seq=manifest.seq, attempt=manifest.attempt, landing_seqs=seqs_text(reached))
    for name, table in manifest.tables.items():
        size = sum(file.bytes for file in table.files)
        step.moved(name, rows=table.rows, files=len(table.files), bytes=size)


def load_metrics(manifest: LoadManifest) -> dict[str, dict[str, float]]:
    """Metrics of a load's files, by star table."""
    return {
        name: {
            "DeadLetters": sum(file.rows for file in table.dead_letters),
            "FilesWritten": len(table.files) + len(table.dead_letters),
            "BytesWritten": sum(file.bytes for file in table.files),
        }
        for name, table in manifest.tables.items()
    }


def seqs_text(progress: Mapping[str, int]) -> str:
    """The newest landing sequence of each source, as `a=1 b=2`: what ties a commit to landed batches."""
    return " ".join(f"{name}={seq}" for name, seq in sorted(progress.items()))


def _fields(shapes: Iterable[TableShape]) -> dict[str, tuple[Field, ...]]:
    return {
        shape.table: tuple(Field(column.name, column.type, column.comment) for column in shape.columns)
        for shape in shapes
    }
