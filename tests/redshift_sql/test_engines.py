"""Every SQL file runs on DuckDB and on PostgreSQL, and gives the same rows, but for a closed, written list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from lake.reconcile.star import history_questions, key_questions
from lake.warehouse.amazon import refuse_writing
from lake.warehouse.port import Value, Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.catalogue import ONLY_REDSHIFT
from redshift_sql.plan import begin_plan, copy_plan, end_plan, load_plan, rows_plan, schema_plan
from redshift_sql.shapes import columns_of
from redshift_sql.statements import Plan, flat
from schemas.model import Calendar, CalendarColumn, Pipeline
from schemas.types import ColumnType
from tests.lake.warehouse.test_facts import POLICIES
from tests.reference.history import Change
from tests.reference.logs import arrival_batches, packed_log
from tests.support.engines import DUCK, Engine, Postgres
from tests.support.party import instant, load_rows
from tests.support.visits import Visit, random_visits, visit_pipeline, visit_rows

ROOT: Final = Path(__file__).parents[2]
RUN_BY: Final = {
    "migrations/": "tests/lake/warehouse/test_migrate.py",
    "dimension/122_whole.sql": "tests/lake/warehouse/test_migrate.py",
    **dict.fromkeys(
        (
            *("dimension/105_replaced.sql", "dimension/123_every.sql", "load/031_early.sql"),
            *("load/032_taken_over.sql", "load/033_unavailable.sql", "load/034_unknown.sql"),
        ),
        "tests/lake/warehouse/test_grown_loads.py",
    ),
    "ops/": "tests/lake/warehouse/test_operations.py",
    "queries/": "tests/lake/warehouse/test_operations.py",
    "mirror/": "tests/lake/warehouse/test_mirror.py",
    "load/894_newest.sql": "tests/lake/warehouse/test_mirror.py",
    "upkeep/91": "tests/lake/warehouse/test_upkeep.py",
}
"""Files, or folders, whose tests on both engines stand elsewhere."""

CALENDAR: Final = Calendar(
    "dim_day", "day_sk", "2020-01-01", "2020-01-02", (CalendarColumn("year", ColumnType("int"), ""),)
)
DAYS: Final = pa.table(
    {"day_sk": pa.array([20200101], pa.int32()), "date": [date(2020, 1, 1)], "year": pa.array([2020], pa.int32())}
)


def pipeline() -> Pipeline:
    """Visits, with a calendar."""
    return replace(visit_pipeline(POLICIES), calendars={CALENDAR.name: CALENDAR})


def files() -> list[str]:
    """Every SQL file; fragments are parts of other statements."""
    folder = ROOT / "redshift_sql"
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.sql"))
    return sorted(name for name in found if ".fragment." not in name)


def loaded(
    engine: Engine, warehouse: Warehouse, seq: int, changes: Sequence[Change], visits: Sequence[Visit]
) -> set[str]:
    """One load of every table; the files whose statements ran."""
    tables = {"dim_party": load_rows(changes, POLICIES), "fact_visits": visit_rows(visits), "dim_day": DAYS}
    for name, rows in tables.items():
        engine.fill(warehouse, f"staging.{name}_load", rows)
    parameters: dict[str, Value] = {
        "load_seq": seq,
        "loaded_at": instant(0),
        "finished_at": instant(1),
        "attempt": "a",
        "progress": "{}",
        "row_counts": "{}",
        "table_name": "fact_visits",
        "rows_loaded": 1,
    }
    plan: Plan = (*begin_plan(), *load_plan(pipeline(), tables), *rows_plan(), *end_plan())
    with warehouse.transaction():
        run_plan(warehouse, plan, parameters)
    return {statement.source for statement in flat(plan)}


def contents(warehouse: Warehouse) -> dict[str, list[str]]:
    """Every table's rows, in no order."""
    names = (*columns_of(pipeline()), "staging.load_ledger", "analytics.restatements")
    return {name: sorted(map(repr, warehouse.query(f"SELECT * FROM {name}").rows)) for name in names}


def assert_reconciled(warehouse: Warehouse) -> None:
    """What `lake reconcile` asks of a warehouse is answered, and is a query that Redshift may be sent."""
    star = pipeline()
    questions = [*history_questions(star.dimensions["dim_party"]), *key_questions(star.facts["fact_visits"], star)]
    for question in questions:
        refuse_writing(question.broken)
        assert warehouse.query(question.broken).rows == ((0,),), question.rule
        assert warehouse.query(question.compared).rows > ((0,),)


def test_every_file_runs_on_both_engines_and_every_table_is_equal_after_each_load(postgres_engine: Postgres) -> None:
    changes = arrival_batches(3, packed_log(3, keys=40))
    visits = random_visits(3, 40, rounds=len(changes), each=30)
    both: list[tuple[Engine, Warehouse]] = [(DUCK, DUCK.empty()), (postgres_engine, postgres_engine.empty())]
    plan = schema_plan(pipeline())
    ran = {statement.source for statement in flat(plan)}
    for _, warehouse in both:
        run_plan(warehouse, plan, {})
    for seq, (part, facts) in enumerate(zip(changes, visits, strict=True), 1):
        for engine, warehouse in both:
            ran |= loaded(engine, warehouse, seq, part, facts)
        duck, server = (contents(warehouse) for _, warehouse in both)
        assert duck == server
        assert all(duck[f"analytics.{name}"] for name in ("dim_party", "fact_visits", "agg_visits", "dim_day"))
    for _, warehouse in both:
        assert_reconciled(warehouse)
        empty, _ = copy_plan("dim_party")
        assert warehouse.execute(empty, {}) == len(changes[-1])
        ran |= {empty.source}
        warehouse.close()
    elsewhere = (*ONLY_REDSHIFT, *RUN_BY)
    assert [name for name in files() if name not in ran and not name.startswith(elsewhere)] == []
    assert [name for name in ONLY_REDSHIFT if name in ran] == []


@pytest.mark.parametrize(("place", "module"), RUN_BY.items())
def test_what_runs_elsewhere_is_there_and_its_tests_take_both_engines(place: str, module: str) -> None:
    assert [name for name in files() if name.startswith(place)]
    assert "engine: Engine" in (ROOT / module).read_text()


def test_the_list_of_what_only_redshift_runs_names_files_that_are_there() -> None:
    assert all(any(name.startswith(place) for name in files()) for place in ONLY_REDSHIFT)
