"""Contracts that grow, through staging, star, load files and both warehouses: lake and warehouse stay twins."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glue_jobs.curated import tables
from glue_jobs.curated.promote import CuratedSummary, promote_curated
from lake.reconcile.twins import check_twins, lake_rows
from lake.store import store_for
from lake.warehouse.load import load_pending
from lake.warehouse.migrate import found_tables, migrate, unwritten
from lake.warehouse.port import Warehouse
from redshift_sql.evolve import evolution
from redshift_sql.migration import Migration, written
from schemas.model import Attribute, Pipeline
from schemas.types import ColumnType
from tests.glue_jobs.curated.shop import Shop, line_log, sale_log, shop
from tests.glue_jobs.curated.staged import without
from tests.glue_jobs.curated.test_growth import grown
from tests.reference.history import Change
from tests.reference.logs import packed_log
from tests.support.engines import Duck, Postgres

SHORT = ColumnType("varchar(16)")


def sized(pipeline: Pipeline) -> Pipeline:
    """With texts that a warehouse's keys may be made of."""
    party, aggregate = pipeline.dimensions["dim_party"], pipeline.aggregates["agg_lines"]
    attributes = tuple(replace(item, type=SHORT) for item in party.attributes)
    groups = tuple(replace(item, type=SHORT) for item in aggregate.group_by)
    return replace(
        pipeline,
        dimensions={"dim_party": replace(party, attributes=attributes)},
        aggregates={"agg_lines": replace(aggregate, group_by=groups)},
    )


def fewer(pipeline: Pipeline) -> Pipeline:
    """Before the table had a region and the dimension an address (which is in the table all along)."""
    early = without(pipeline, ["region"])
    party, aggregate = early.dimensions["dim_party"], early.aggregates["agg_lines"]
    kept = tuple(item for item in party.attributes if item.name != "address")
    groups = tuple(item for item in aggregate.group_by if item.name != "address")
    return replace(
        early,
        dimensions={"dim_party": replace(party, attributes=kept)},
        aggregates={"agg_lines": replace(aggregate, group_by=groups)},
    )


def grown_whole(pipeline: Pipeline) -> Pipeline:
    """`grown`, and the address opens versions, so that the past splits."""
    larger = grown(pipeline)
    party, place = larger.dimensions["dim_party"], larger.dimensions["dim_place"]
    opening = tuple(replace(item, scd=2) for item in party.attributes)
    region = Attribute("region", SHORT, "region", 2)
    aggregate = larger.aggregates["agg_lines"]
    groups = tuple(replace(item, type=SHORT) for item in aggregate.group_by)
    return replace(
        larger,
        dimensions={"dim_party": replace(party, attributes=opening), "dim_place": replace(place, attributes=(region,))},
        aggregates={"agg_lines": replace(aggregate, group_by=groups)},
    )


class Route:
    """A shop's lake, and warehouses that load from it."""

    def __init__(self, spark: SparkSession, lake: Path, *warehouses: Warehouse) -> None:
        self.whole = sized(shop(f"grown_{uuid.uuid4().hex[:8]}"))
        self.shop, self.uri, self.warehouses = Shop(spark, fewer(self.whole)), lake.as_uri(), warehouses
        self.files: tuple[Migration, ...] = ()

    def promote(self) -> CuratedSummary:
        return promote_curated(self.shop.spark, self.shop.pipeline, self.uri)

    def migrate(self) -> None:
        """As `lake warehouse plan --write` and `migrate`: written once, applied everywhere."""
        first = self.warehouses[0]
        steps = unwritten(evolution(self.shop.pipeline, found_tables(first)))
        self.files = (*self.files, written(len(self.files) + 1, steps))
        for warehouse in self.warehouses:
            migrate(self.shop.pipeline, warehouse, self.files)

    def load(self) -> None:
        for warehouse in self.warehouses:
            load_pending(self.shop.pipeline, self.uri, warehouse, migrations=self.files)

    def differing(self) -> list[str]:
        """Tables of which lake and a warehouse do not hold the same rows."""
        pipeline, found = self.shop.pipeline, []
        for table in (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts, *pipeline.aggregates):
            name = tables.curated(pipeline, table)
            columns = self.shop.spark.table(name).columns
            ours = list(lake_rows(self.shop.spark, name, columns))
            for warehouse in self.warehouses:
                theirs = warehouse.query(f"SELECT {', '.join(columns)} FROM analytics.{table}").rows
                found += [] if check_twins(table, ours, theirs).passed else [table]
        return found


@pytest.fixture
def route(spark: SparkSession, tmp_path: Path, postgres_engine: Postgres) -> Route:
    duck, postgres = Duck().empty(), postgres_engine.empty()
    duck.store = postgres.store = store_for(tmp_path.as_uri())
    return Route(spark, tmp_path, duck, postgres)


def test_lake_and_warehouses_stay_twins_while_contracts_grow(route: Route) -> None:
    logs: dict[str, list[Change]] = {
        "party": packed_log(73, 40, truncates=0),
        "order": sale_log(73, 60),
        "line": line_log(73, 120, 60, 45),
    }
    parts = {name: [log[0::2], log[1::2]] for name, log in logs.items()}

    def stage(number: int) -> None:
        for name, part in parts.items():
            route.shop.stage(name, part[number])

    stage(0)
    route.promote()
    route.load()
    assert route.differing() == []
    stage(1)
    route.promote()
    route.shop.follow(grown_whole(route.whole))
    route.migrate()
    route.load()
    summary = route.promote()
    assert summary.remade == ("dim_party", "dim_place", "party_state")
    assert sum(outcome.restated for outcome in summary.facts) > 0
    assert summary.load is not None
    assert {name: table.whole for name, table in summary.load.tables.items()} == {
        **dict.fromkeys(("dim_party", "dim_place", "fact_lines", "party"), True),
    }
    route.load()
    assert route.differing() == []
    assert route.promote().load is None
