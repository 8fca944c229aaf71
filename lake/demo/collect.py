"""The report of a finished run: every part read where it lies, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from lake.demo import from_lake, from_warehouse
from lake.demo.from_warehouse import Query
from lake.demo.model import Action, DeadLetters, NextStep, Phase, Report, Stop, TableRows
from lake.reconcile import Verdict
from lake.reconcile.landing import landing_manifests
from lake.reconcile.run import Parties
from lake.store import store_for
from schemas import Pipeline
from schemas.manifests import LandingManifest

Manifests = Mapping[str, Sequence[LandingManifest]]


@dataclass(frozen=True)
class Told:
    """What the run itself knows; `live_since` (UTC) is when the workload began, `quality_uri` where Data Docs lie."""

    verdict: Verdict
    phases: tuple[Phase, ...]
    workload: tuple[Action, ...]
    live_since: datetime
    quality_uri: str
    next_steps: tuple[NextStep, ...]


def collect(parties: Parties, told: Told) -> Report:
    """Reads every part of the report.

    Args:
        parties: the lake, the warehouse and the source, as reconciliation reads them.
        told: what only the run knows.

    Raises:
        LakeError: a landing manifest is damaged, the lake's progress is lost, or a party does not answer.
    """
    spark, pipeline, query = parties.spark, parties.pipeline, query_of(parties)
    manifests = {table: landing_manifests(parties.store, table) for table in pipeline.sources}
    undecodable = from_lake.dead_letters(parties.store, manifests)
    rejected = from_lake.quarantined(spark, pipeline)
    loads = from_warehouse.loads(query)
    return Report(
        pipeline=pipeline.name,
        made_at=datetime.now(UTC).replace(tzinfo=None),
        verdict=told.verdict,
        phases=told.phases,
        workload=told.workload,
        route=route(parties, manifests, told.verdict, (*undecodable, *rejected), len(loads)),
        latency=from_lake.latency(spark, pipeline, manifests, loads, told.live_since),
        histories=from_warehouse.histories(query, pipeline),
        sales=from_warehouse.sales(query, pipeline),
        restatements=from_warehouse.restatements(query),
        dead_letters=(*undecodable, *rejected),
        checks=(
            *from_lake.checks(spark, pipeline, rejected),
            *from_lake.expectations(store_for(told.quality_uri), pipeline),
        ),
        tombstones=from_lake.tombstones(parties.store, manifests),
        next_steps=told.next_steps,
    )


def query_of(parties: Parties) -> Query:
    """Runs a query in the warehouse."""
    return lambda statement: parties.warehouse.query(statement).rows


def route(
    parties: Parties, manifests: Manifests, verdict: Verdict, letters: Sequence[DeadLetters], loads: int
) -> tuple[Stop, ...]:
    """The stops with their rows; Kafka's are those that the landing oracle's own consumer saw."""
    pipeline = parties.pipeline
    batches = sum(len(each) for each in manifests.values())
    in_source = source_rows(parties.source_dsn, pipeline) if parties.source_dsn else ()
    in_lake = from_lake.star_rows(parties.spark, pipeline)
    in_warehouse = from_warehouse.star_rows(query_of(parties), pipeline)
    landed, staged = from_lake.landed_rows(manifests), from_lake.staged_rows(parties.spark, pipeline)
    dead, rejected = by_table(letters, "landing"), by_table(letters, "staging")
    return (
        Stop("source", "PostgreSQL", "rows now", in_source, note=f"database {pipeline.name}"),
        Stop("kafka", "Kafka", "records", _consumed(verdict), note=f"{len(pipeline.sources)} topics"),
        Stop("landing", "Landing", "records", landed, dead, "dead letters", f"{batches} batches"),
        Stop("staging", "Staging", "changes", staged, rejected, "quarantined", "Iceberg"),
        Stop("curated", "Curated", "star rows", in_lake, note="Iceberg"),
        Stop("warehouse", "Warehouse", "star rows", in_warehouse, note=f"{loads} load{'' if loads == 1 else 's'}"),
    )


def source_rows(dsn: str, pipeline: Pipeline) -> tuple[TableRows, ...]:
    """Rows of the source tables now."""
    found = []
    with psycopg.connect(dsn) as connection:
        for name, contract in pipeline.sources.items():
            table = sql.Identifier(contract.source_schema, contract.table)
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()
            found.append(TableRows(name, int(row[0]) if row else 0))
    return tuple(found)


def by_table(letters: Sequence[DeadLetters], stage: str) -> tuple[TableRows, ...]:
    """Rows set aside on the way into a stage, by table."""
    counted: Counter[str] = Counter()
    for item in letters:
        if item.stage == stage:
            counted[item.table] += item.rows
    return tuple(TableRows(table, rows) for table, rows in counted.items())


def _consumed(verdict: Verdict) -> tuple[TableRows, ...]:
    return tuple(TableRows(item.table, item.compared) for item in verdict.findings if item.oracle == "landing")
