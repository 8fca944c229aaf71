"""A row changed in a real database reaches the star through every hop; so does a pipeline made only of files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
import sqlglot
from pyspark.sql import SparkSession

from glue_jobs import reconcile
from lake.catalog import find_table
from lake.demo.live import wait_until_captured
from lake.home import Home
from lake.reconcile.rows import canonical
from lake.warehouse.connect import connect, duckdb_uri
from redshift_sql.questions import athena_questions, questions
from schemas import load_pipeline
from schemas.model import PiiClass, Pipeline
from tests.integration.conftest import LiveStack
from tests.integration.here import Here
from tests.support import pages
from tests.support.openlineage import validate

PIPELINES: Final = Path(__file__).parent.parent / "pipelines"
PATIENCE: Final = 60.0


def lake(stack: LiveStack, *arguments: str, expect: int = 0) -> Any:
    """The JSON answer of a `lake` command on the running stack."""
    command = [sys.executable, "-m", "lake.cli", *arguments, "--json"]
    environment = environment_of(stack)
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert result.returncode == expect, result.stderr[-3000:] + result.stdout[-3000:]
    return json.loads(result.stdout)


def environment_of(stack: LiveStack) -> dict[str, str]:
    """Variables under which commands run on the stack: they know these tests' pipelines, and tell lineage and logs to files."""
    environment = pages.environment_of(stack.home.root) | {"LAKE_PIPELINES": str(PIPELINES)}
    return environment | {"LAKE_LINEAGE_URI": lineage_of(stack).as_uri(), "LAKE_LOG_FORMAT": "json"}


def lineage_of(stack: LiveStack) -> Path:
    """Where the commands' lineage goes."""
    return stack.home.logs / "lineage.jsonl"


def rounds(stack: LiveStack) -> list[Any]:
    """The rounds of a run that goes on, ended by SIGTERM once two are done; with exit code 0."""
    lake(stack, "source", "wait")
    stack.home.last_run.touch()  # of an earlier run: gone when this one begins
    command = [sys.executable, "-m", "lake.cli", "run", "--every", "1", "--json"]
    environment = environment_of(stack)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        ended = stack.home.last_run.stat().st_mtime_ns
        for _ in range(2):
            ended = _next_round(stack, process, ended)
        process.terminate()
        said, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained[-3000:]
    return [json.loads(line) for line in said.splitlines()]


def _next_round(stack: LiveStack, process: subprocess.Popen[str], before: int) -> int:
    """When the round after `before` ended, in nanoseconds; `before` where the process ended or five minutes went by."""
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            ended = stack.home.last_run.stat().st_mtime_ns
            if ended > before:
                return ended
        time.sleep(0.2)
    return before


@pytest.fixture
def here(
    stack: LiveStack, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    for name, value in environment_of(stack).items():
        monkeypatch.setenv(name, value)
    return Here(stack.home, spark, monkeypatch, capsys)


def ask(stack: LiveStack, pipeline: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the warehouse."""
    answer = lake(stack, "sql", "--pipeline", pipeline, query)
    rows = answer["rows"] if isinstance(answer, dict) else answer
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


@dataclass(frozen=True)
class Retail(LiveStack):
    """The stack with the retail route taken, and what its last rounds said."""

    rounds: tuple[Any, ...] = ()


@pytest.fixture(scope="module")
def retail(stack: LiveStack) -> Retail:
    """The retail source filled, changed and run by README's commands, tended by those of docs/operations.md, then changed and run again."""
    environment = environment_of(stack)
    _up, *route, _down = pages.commands(pages.README)
    for line in (*route, *pages.commands(pages.OPERATIONS)):
        pages.run(line, environment)
    assert lake(stack, "dlq", "list", "--state", "redriven")
    lake(stack, "source", "churn", "--changes", "150", "--seed", "6")
    return Retail(stack.home, stack.stack, stack.endpoints, tuple(rounds(stack)))


@pytest.mark.slow
def test_every_oracle_holds_after_seed_and_workload(retail: Retail, here: Here) -> None:
    verdict = here.lake("reconcile")
    assert verdict["passed"], [finding for finding in verdict["findings"] if not finding["passed"]]
    assert {finding["oracle"] for finding in verdict["findings"]} == {
        "landing", "staging", "source", "mirrors", "history", "keys", "replay", "twins",
    }  # fmt: skip
    assert verdict["verified_through"]["retail.customer.cdc"]
    told = lake(retail, "status")["metrics"]["reconcile"]
    assert told[""]["ReconciliationFailed"]["value"] == told["dim_customer"]["ReconciliationDifferences"]["value"] == 0


@pytest.mark.slow
def test_every_hop_of_a_route_tells_its_steps_under_one_run(retail: Retail) -> None:
    lines = [json.loads(line) for line in (retail.home.logs / "lake.log").read_text().splitlines()]
    steps = [line for line in lines if line["logger"] == "lake.watch.steps" and line["pipeline"] == "retail"]
    loads = {line["run"]: line["load_seq"] for line in steps if line["hop"] == "warehouse"}
    assert sorted(loads.values()) == list(range(1, len(loads) + 1))
    first = [line for line in steps if loads.get(line["run"]) == 1]
    assert {line["hop"] for line in first} == {"landing", "staging", "curated", "warehouse"}
    landed = {line["table"]: line["landing_seq"] for line in first if line["hop"] == "landing"}
    (files,) = [line for line in first if line["table"] == "load_files"]
    assert dict(pair.split("=") for pair in files["landing_seqs"].split()) == {t: str(n) for t, n in landed.items()}


@pytest.mark.slow
def test_lineage_and_metrics_come_from_inside_the_streams_batches_too(retail: Retail) -> None:
    events = [json.loads(line) for line in lineage_of(retail).read_text().splitlines()]
    for event in events:
        validate(event)
    ours = [event for event in events if event["job"]["name"].startswith("retail.landing.")]
    assert {event["job"]["name"] for event in ours if event["eventType"] == "COMPLETE"} == {
        f"retail.landing.{table}" for table in load_pipeline("retail").sources
    }
    assert {read["namespace"] for event in ours for read in event["inputs"]} == {
        f"kafka://{retail.bootstrap_servers.split(',')[0]}"
    }
    metrics = lake(retail, "status")["metrics"]
    assert metrics["landing"][""].keys() == {"RunSeconds", "Failures"}
    for table in load_pipeline("retail").sources:
        assert metrics["landing"][table]["LagRecords"]["value"] == 0
        assert metrics["landing"][table]["RowsIn"]["value"] > 0
        assert metrics["warehouse"][table]["FreshnessSeconds"]["value"] < 86_400


@pytest.mark.slow
def test_nothing_that_the_hops_tell_is_personal_or_secret(retail: Retail) -> None:
    told = "\n".join(path.read_text() for path in retail.home.logs.glob("*.jsonl*"))
    told += (retail.home.logs / "lake.log").read_text()
    values = set(retail.endpoints.context.secrets.values())
    with retail.source() as source:
        for contract in load_pipeline("retail").sources.values():
            for column in contract.columns:
                if column.pii is not PiiClass.NONE:
                    table = f'{contract.source_schema}."{contract.table}"'
                    values |= {str(row[0]) for row in source.execute(f'SELECT "{column.name}" FROM {table}'.encode())}
    known = {value for value in values if len(value) > 7}
    assert len(known) > 60
    assert [value for value in known if value in told] == []


@pytest.mark.slow
def test_a_second_run_of_every_hop_does_nothing(retail: Retail) -> None:
    first, *more = retail.rounds
    assert first["warehouse"]["rows"] > 0
    assert more
    for again in more:
        assert all(table["rows"] == 0 for table in again["landing"].values())
        assert all(table["rows"] == 0 for table in again["staging"])
        assert again["warehouse"]["rows"] == 0
    loads = ask(retail, "retail", "SELECT count(*), max(load_seq) FROM staging.load_ledger")
    assert loads == [(first["warehouse"]["last_seq"], first["warehouse"]["last_seq"])]


@pytest.mark.slow
def test_bad_rows_of_the_workload_are_dead_letters_with_their_reasons(retail: Retail) -> None:
    letters = lake(retail, "dlq", "list")
    reasons = json.dumps(letters)
    assert "email_has_at" in reasons
    assert "quantity_positive" in reasons
    # The first ones were redriven: bad as they still are, they are open anew, each once.
    again = lake(retail, "dlq", "list", "--state", "redriven")
    assert {letter["id"] for letter in again} < {letter["id"] for letter in letters}
    assert len({letter["id"] for letter in letters}) == len(letters)


@pytest.mark.slow
def test_all_behind_landing_is_lost_and_made_again_from_it(retail: Retail, here: Here) -> None:
    """The restore that docs/operations.md tells of: the same star, key by key, with the same surrogate keys."""
    star, home = load_pipeline("retail"), retail.home
    before = {table: contents(home, table) for table in star_tables(star)}
    assert all(before.values())
    lose_all_behind_landing(home, star.name)
    again = here.lake("run")
    assert all(table["rows"] == 0 for table in again["landing"].values())
    assert again["failures"] == []
    for table, rows in before.items():
        assert contents(home, table) == rows, table
    verdict, metrics = reconciled_by_the_job(here, retail.bootstrap_servers)
    assert verdict["passed"], [finding for finding in verdict["findings"] if not finding["passed"]]
    assert {finding["oracle"] for finding in verdict["findings"]} == {
        "landing", "staging", "history", "keys", "replay", "twins",
    }  # fmt: skip
    assert [line["ReconciliationFailed"] for line in metrics if "ReconciliationFailed" in line] == [0]


def reconciled_by_the_job(here: Here, bootstrap: str) -> tuple[Any, list[Any]]:
    """The verdict and the metrics of the entry that runs on a schedule on Glue; it leaves out the source."""
    home, name = here.home, "retail"
    arguments = {
        "pipeline": name,
        "lake-uri": home.lake_uri(name),
        "catalog-uri": home.catalog_uri(name),
        "warehouse-uri": duckdb_uri(home.warehouse(name)),
        "bootstrap": bootstrap,
        "metrics": "stdout",
    }
    words = [word for key, value in arguments.items() for word in (f"--{key}", value)]
    *metrics, verdict = here.job(reconcile.main, name, words)
    return verdict, metrics


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
def test_athenas_queries_over_the_lake_answer_as_the_warehouse_does(retail: Retail) -> None:
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
def test_a_pipeline_made_only_of_files_reaches_its_star(stack: LiveStack, here: Here) -> None:
    stack.capture("clinic", PIPELINES)
    with stack.source("clinic") as source:
        source.execute("INSERT INTO clinic.ward VALUES (1, 'A', 'Alpha', 'surgery', 10), (2, 'A', 'Other', NULL, 4)")
        source.execute("INSERT INTO clinic.stay VALUES (1, 1, 'A', now(), 3, 99.50), (1, 2, 'gone', now(), 1, 10)")
        source.execute("UPDATE clinic.ward SET speciality = 'eyes' WHERE clinic_id = 1")
        source.execute("UPDATE clinic.ward SET title = 'Omega' WHERE clinic_id = 1")
        source.execute("INSERT INTO clinic.stay VALUES (1, 3, 'A', now(), 2, 20)")
    wait_until_captured(stack.endpoints.source_dsn("clinic"), "clinic", PATIENCE)
    here.lake("run", pipeline="clinic")
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
    assert here.lake("reconcile", pipeline="clinic")["passed"]
