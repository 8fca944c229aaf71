"""What is built is what runs: the wheel holds contracts, SQL and schemas, and its entries run from it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Final

import duckdb
import pytest

from glue_jobs.entries import ENTRIES
from tests.support.wheel import ROOT, SCRIPT, Installed

MODULES: Final = tuple(entry.module for entry in ENTRIES.values())


RUN_EACH: Final = """
import contextlib, io, json, runpy, sys

modules, told = sys.argv[1:], {}
sys.argv = ["job", "--JOB_NAME", "job"]
for module in modules:
    with contextlib.redirect_stderr(io.StringIO()) as shown:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code = 0
        except SystemExit as ended:
            code = ended.code
    told[module] = code, shown.getvalue()
print(json.dumps(told))
"""
"""Runs modules as `python -m` does, in one process: what they import takes longer than they do."""


@pytest.fixture(scope="module")
def told(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and error output of each entry that is given no argument of its own."""
    done = installed.run("-c", RUN_EACH, *MODULES, cwd=tmp_path_factory.mktemp("told"))
    assert done.returncode == 0, done.stderr
    return {module: (code, shown) for module, (code, shown) in json.loads(done.stdout).items()}


def test_the_wheel_holds_every_contract_statement_and_schema(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for room, pattern in (
        ("schemas", "*.yaml"),
        ("schemas", "*.avsc"),
        ("redshift_sql", "*.sql"),
        ("streaming", "*.json"),
    ):
        wanted = {str(path.relative_to(ROOT)) for path in (ROOT / room).rglob(pattern)}
        assert wanted, f"no {pattern} in {room}"
        assert wanted <= names


def test_contracts_are_read_from_the_wheel(installed: Installed, tmp_path: Path) -> None:
    code = "import schemas; print(schemas.__file__); print(*schemas.load_pipeline('retail').sources)"
    result = installed.run("-c", code, cwd=tmp_path)
    where, tables = result.stdout.splitlines()
    assert where.startswith(str(installed.site))
    assert set(tables.split()) == {"customer", "order", "order_item", "product"}


@pytest.mark.parametrize("entry", MODULES)
def test_an_entry_of_the_wheel_names_a_missing_argument(told: dict[str, tuple[int, str]], entry: str) -> None:
    code, shown = told[entry]
    assert code == 1
    assert "--pipeline" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--entry", "landing_to_staging"], "--pipeline, --lake-uri: required arguments are missing"),
        (["--entry=curated_to_warehous"], "did you mean curated_to_warehouse?"),
        ([], "give --entry NAME: kafka_to_landing, landing_to_staging"),
    ],
)
def test_glues_script_tells_a_failure_at_the_end(
    installed: Installed, tmp_path: Path, words: list[str], shown: str
) -> None:
    script = shutil.copy(SCRIPT, tmp_path / "job.py")
    result = installed.run(str(script), "--JOB_NAME", "job", *words, cwd=tmp_path)
    assert result.returncode != 0
    assert shown in "".join(result.stderr.splitlines()[-2:])


def test_a_job_of_the_wheel_makes_the_warehouse_of_its_contracts(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    database = tmp_path / "star.duckdb"
    words = {"--lake-uri": (tmp_path / "lake").as_uri(), "--warehouse-uri": f"duckdb://{database}"}
    installed.run_job("curated_to_warehouse", {"--pipeline": "retail", **words}, tmp_path)
    with duckdb.connect(str(database), read_only=True) as warehouse:
        made = warehouse.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'analytics'")
        tables = {row[0] for row in made.fetchall()}
    assert {"dim_customer", "dim_product", "dim_date", "fact_sales", "fact_orders"} <= tables


def test_a_job_of_the_wheel_starts_a_session_of_its_own(installed: Installed, tmp_path: Path) -> None:
    words = {"--pipeline": "retail", "--lake-uri": (tmp_path / "lake").as_uri()}
    catalog = {"--catalog-uri": f"jdbc:sqlite:{tmp_path}/catalog.db"}
    assert installed.run_job("maintenance", {**words, **catalog}, tmp_path) == ""
    assert all(path.is_relative_to(installed.site) for path in installed.origins(*MODULES, cwd=tmp_path))
