"""A row changed in a real database reaches the star through every hop; so does a pipeline made only of files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
import sqlglot

from lake.catalog import find_table
from lake.demo.live import wait_until_captured
from lake.home import Home
from lake.reconcile.rows import canonical
from lake.warehouse.connect import connect, duckdb_uri
from redshift_sql.questions import athena_questions, questions
from schemas import load_pipeline
from schemas.model import Pipeline
from tests.integration.conftest import LiveStack

PIPELINES: Final = Path(__file__).parent.parent / "pipelines"
PATIENCE: Final = 60.0


def lake(stack: LiveStack, *arguments: str, expect: int = 0) -> Any:
    """The JSON answer of a `lake` command on the running stack."""
    environment = os.environ | {"LAKE_HOME": str(stack.home.root), "LAKE_PIPELINES": str(PIPELINES)}
    command = [sys.executable, "-m", "lake.cli", *arguments, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert result.returncode == expect, result.stderr[-3000:] + result.stdout[-3000:]
    return json.loads(result.stdout)


def run(stack: LiveStack, pipeline: str) -> Any:
    """Everything captured so far, through all hops."""
    wait_until_captured(stack.endpoints.source_dsn(pipeline), pipeline, PATIENCE)
    return lake(stack, "run", "--pipeline", pipeline)


def ask(stack: LiveStack, pipeline: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the warehouse."""
    answer = lake(stack, "sql", "--pipeline", pipeline, query)
    rows = answer["rows"] if isinstance(answer, dict) else answer
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


@pytest.fixture(scope="module")
def retail(stack: LiveStack) -> LiveStack:
    """The retail source seeded, run, changed by the workload, and run again."""
    lake(stack, "source", "seed", "--customers", "60", "--products", "20", "--orders", "120", "--seed", "5")
    run(stack, "retail")
    lake(stack, "source", "churn", "--changes", "150", "--seed", "6")
    run(stack, "retail")
    return stack


@pytest.mark.slow
def test_every_oracle_holds_after_seed_and_workload(retail: LiveStack) -> None:
    verdict = lake(retail, "reconcile")
    assert verdict["passed"], [finding for finding in verdict["findings"] if not finding["passed"]]
    assert {finding["oracle"] for finding in verdict["findings"]} == {
        "landing", "source", "history", "keys", "replay", "twins",
    }  # fmt: skip
    assert verdict["verified_through"]["retail.customer.cdc"]


@pytest.mark.slow
def test_a_second_run_of_every_hop_does_nothing(retail: LiveStack) -> None:
    before = ask(retail, "retail", "SELECT count(*), max(load_seq) FROM staging.load_ledger")
    again = run(retail, "retail")
    assert all(table["rows"] == 0 for table in again["landing"].values())
    assert all(table["rows"] == 0 for table in again["staging"])
    assert again["warehouse"]["rows"] == 0
    assert ask(retail, "retail", "SELECT count(*), max(load_seq) FROM staging.load_ledger") == before


@pytest.mark.slow
def test_bad_rows_of_the_workload_are_dead_letters_with_their_reasons(retail: LiveStack) -> None:
    letters = lake(retail, "dlq", "list")
    reasons = json.dumps(letters)
    assert "email_has_at" in reasons
    assert "quantity_positive" in reasons


@pytest.mark.slow
def test_all_behind_landing_is_lost_and_made_again_from_it(retail: LiveStack) -> None:
    """The restore that docs/operations.md tells of: the same star, key by key, with the same surrogate keys."""
    star, home = load_pipeline("retail"), retail.home
    before = {table: contents(home, table) for table in star_tables(star)}
    assert all(before.values())
    lose_all_behind_landing(home, star.name)
    again = run(retail, "retail")
    assert all(table["rows"] == 0 for table in again["landing"].values())
    assert again["failures"] == []
    for table, rows in before.items():
        assert contents(home, table) == rows, table
    verdict = lake(retail, "reconcile")
    assert verdict["passed"], [finding for finding in verdict["findings"] if not finding["passed"]]


def star_tables(star: Pipeline) -> list[str]:
    return [f"analytics.{table}" for table in (*star.dimensions, *star.facts, *star.aggregates)]


def contents(home: Home, table: str) -> list[tuple[object, ...]]:
    """All rows of a table of the warehouse, in an order of their own."""
    with closing(connect(duckdb_uri(home.warehouse("retail")), home.lake_uri("retail"), read_only=True)) as warehouse:
        return sorted(warehouse.query(f"SELECT * FROM {table}").rows, key=repr)


def lose_all_behind_landing(home: Home, pipeline: str) -> None:
    for folder in ("iceberg", "load", "deadletters/curated"):
        shutil.rmtree(home.lake(pipeline) / folder, ignore_errors=folder.startswith("deadletters"))
    home.catalog(pipeline).unlink()
    home.warehouse(pipeline).unlink()


@pytest.mark.slow
def test_athenas_queries_over_the_lake_answer_as_the_warehouse_does(retail: LiveStack) -> None:
    star, asked, saved = load_pipeline("retail"), athena_questions("retail"), questions("retail")
    assert asked
    home, name = retail.home, star.name
    warehouse = connect(duckdb_uri(home.warehouse(name)), home.lake_uri(name), read_only=True)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for table in (*star.dimensions, *star.facts, *star.aggregates):
            found = find_table(home.catalog_uri(name), star.curated_namespace, table)
            assert found is not None
            engine.register(table, found.scan().to_arrow())
        for title, question in asked.items():
            ours = engine.execute(sqlglot.transpile(question.sql, read="athena", write="duckdb")[0]).fetchall()
            theirs = warehouse.ask(saved[title].statement, {}).rows
            assert [[canonical(v) for v in row] for row in ours] == [[canonical(v) for v in row] for row in theirs], (
                title
            )
            assert question.asks == saved[title].asks
    warehouse.close()


@pytest.mark.slow
def test_a_pipeline_made_only_of_files_reaches_its_star(stack: LiveStack) -> None:
    stack.capture("clinic", PIPELINES)
    with stack.source("clinic") as source:
        source.execute("INSERT INTO clinic.ward VALUES (1, 'A', 'Alpha', 'surgery', 10), (2, 'A', 'Other', NULL, 4)")
        source.execute("INSERT INTO clinic.stay VALUES (1, 1, 'A', now(), 3, 99.50), (1, 2, 'gone', now(), 1, 10)")
        source.execute("UPDATE clinic.ward SET speciality = 'eyes' WHERE clinic_id = 1")
        source.execute("UPDATE clinic.ward SET title = 'Omega' WHERE clinic_id = 1")
        source.execute("INSERT INTO clinic.stay VALUES (1, 3, 'A', now(), 2, 20)")
    run(stack, "clinic")
    versions = ask(
        stack, "clinic",
        "SELECT clinic_id, code, title, speciality, is_current FROM analytics.dim_ward"
        " WHERE ward_sk <> -1 AND NOT is_inferred ORDER BY clinic_id, effective_from",
    )  # fmt: skip
    assert versions == [
        (1, "A", "Omega", "surgery", False),
        (1, "A", "Omega", "eyes", True),
        (2, "A", "Other", None, True),
    ]
    stays = ask(
        stack, "clinic",
        "SELECT f.stay_no, d.speciality, d.is_inferred FROM analytics.fact_stay AS f"
        " JOIN analytics.dim_ward AS d ON d.ward_sk = f.ward_sk ORDER BY f.stay_no",
    )  # fmt: skip
    assert stays == [(1, "surgery", False), (2, None, True), (3, "eyes", False)]
    assert lake(stack, "reconcile", "--pipeline", "clinic")["passed"]
