"""The whole route once: everything committed in Kafka now, through all hops, into the warehouse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from glue_jobs.curated.promote import CuratedSummary, promote_curated
from glue_jobs.staging import TableOutcome, promote_staging
from lake.warehouse.connect import connect
from lake.warehouse.load import LoadSummary, load_pending
from lake.watch import OFF, Watch
from redshift_sql.migration import Migration
from schemas.model import Pipeline
from streaming.job import StreamSettings, Summary, run_once

HOPS = ("landing", "staging", "curated", "warehouse")


@dataclass(frozen=True)
class Route:
    """Where the hops read and write.

    Args:
        pipeline: the contracts.
        stream: what hop 1 needs; its `lake_uri` is everybody's.
        warehouse_uri: as `lake.warehouse.connect` takes it.
        quality_uri: where Data Docs go; none leaves them in the lake.
        copy_role: as `lake.warehouse.connect` takes it.
        migrations: the pipeline's, which the warehouse must have had.
    """

    pipeline: Pipeline
    stream: StreamSettings
    warehouse_uri: str
    quality_uri: str | None = None
    copy_role: str = ""
    migrations: tuple[Migration, ...] = ()


@dataclass(frozen=True)
class RouteSummary:
    """What each hop did, and the seconds it took."""

    landing: Summary
    staging: tuple[TableOutcome, ...]
    curated: CuratedSummary
    warehouse: LoadSummary
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[str, ...]:
        """Tables that stopped at hop 2, each with its error; the others went on."""
        return tuple(f"{outcome.table}: {outcome.error}" for outcome in self.staging if outcome.error)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "landing": {t.table: {"rows": t.rows, "dead_letters": t.dead_letters} for t in self.landing.tables},
            "staging": [outcome.to_json() for outcome in self.staging],
            "curated": self.curated.to_json(),
            "warehouse": {"last_seq": self.warehouse.last_seq, "rows": self.warehouse.rows},
            "seconds": {hop: round(seconds, 3) for hop, seconds in self.seconds.items()},
            "failures": list(self.failures),
        }


def run_route(
    spark: SparkSession, route: Route, said: Callable[[str], None] = lambda _: None, watch: Watch = OFF
) -> RouteSummary:
    """Takes everything committed in Kafka now through all four hops.

    A table that hop 2 refuses (an incompatible schema, a failed expectation) stays where it is; the others go on.

    Args:
        spark: a session with the lake's catalog and the Kafka and Avro connectors.
        route: where to read and write.
        said: told in a line what each hop did, as it ends.
        watch: told of each hop's run and steps.

    Raises:
        LakeError: a hop failed; what was committed before stays, and running again goes on from there.
    """
    seconds: dict[str, float] = {}
    with _timed("landing", seconds):
        landing = run_once(spark, route.stream, watch=watch)
    said(f"landing: {landing.rows:,} rows, {landing.dead_letters:,} dead letters ({seconds['landing']:.1f} s)")
    with _timed("staging", seconds):
        staging = promote_staging(
            spark, route.pipeline, route.stream.lake_uri, quality_uri=route.quality_uri, watch=watch
        )
    accepted, refused = sum(o.accepted for o in staging), sum(o.quarantined for o in staging)
    said(f"staging: {accepted:,} accepted, {refused:,} quarantined ({seconds['staging']:.1f} s)")
    with _timed("curated", seconds):
        curated = promote_curated(spark, route.pipeline, route.stream.lake_uri, watch=watch)
    load = "nothing to load" if curated.load is None else f"load {curated.load.seq}"
    said(f"curated: {load} ({seconds['curated']:.1f} s)")
    with _timed("warehouse", seconds):
        warehouse = _load(route, watch)
    said(f"warehouse: {warehouse.rows:,} rows, at load {warehouse.last_seq} ({seconds['warehouse']:.1f} s)")
    return RouteSummary(landing, staging, curated, warehouse, seconds)


def _load(route: Route, watch: Watch) -> LoadSummary:
    warehouse = connect(route.warehouse_uri, route.stream.lake_uri, copy_role=route.copy_role)
    try:
        return load_pending(
            route.pipeline,
            route.stream.lake_uri,
            warehouse,
            migrations=route.migrations,
            watch=watch,
            warehouse_uri=route.warehouse_uri,
        )
    finally:
        warehouse.close()


@contextmanager
def _timed(hop: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[hop] = time.monotonic() - started
