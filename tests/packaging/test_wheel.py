"""What is built is what runs: the wheel holds contracts, SQL and schemas, and its entries run from it."""

from __future__ import annotations

import json
import shutil
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from pyspark.sql import SparkSession

from glue_jobs.entries import ENTRIES
from tests.support import retail
from tests.support.wheel import ROOT, SCRIPT, Installed, build

MODULES: Final = tuple(entry.module for entry in ENTRIES.values())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel's content, in front of everything else on the path."""
    return Installed.of(wheel, tmp_path_factory.mktemp("site"))


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
def test_an_entry_of_the_wheel_names_a_missing_argument(installed: Installed, tmp_path: Path, entry: str) -> None:
    result = installed.run("-m", entry, "--JOB_NAME", "job", cwd=tmp_path)
    assert result.returncode != 0
    assert "--pipeline" in result.stderr
    assert "Traceback" not in result.stderr


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


ROWS: Final[dict[str, list[dict[str, Any]]]] = {
    "customer": [retail.customer(1), retail.customer(2, email="nobody")],
    "product": [retail.product(1)],
    "order": [retail.order(7)],
    "order_item": [retail.order_item(7, 1), retail.order_item(7, 2, quantity=1)],
}
SALES: Final = """
SELECT f.line_no, c.full_name, p.sku, f.net_amount
FROM analytics.fact_sales AS f
JOIN analytics.dim_customer AS c ON c.customer_sk = f.customer_sk
JOIN analytics.dim_product AS p ON p.product_sk = f.product_sk
ORDER BY f.line_no
"""


@pytest.mark.slow
def test_the_wheels_jobs_take_a_landing_zone_to_the_warehouse(
    spark: SparkSession, installed: Installed, tmp_path: Path
) -> None:
    lake, database, work = tmp_path / "lake", tmp_path / "star.duckdb", tmp_path / "work"
    work.mkdir()
    retail.land_retail(spark, lake.as_uri(), ROWS)
    assert all(path.is_relative_to(installed.site) for path in installed.origins(*MODULES, cwd=work))

    known = {"--pipeline": "retail", "--lake-uri": lake.as_uri()}
    catalog = {"--catalog-uri": f"jdbc:sqlite:{tmp_path}/catalog.db"}
    shown = installed.run_job("landing_to_staging", {**known, **catalog}, work)
    staged = {line["table"]: line for line in map(json.loads, shown.splitlines())}
    assert {name: (line["accepted"], line["quarantined"], line["error"]) for name, line in staged.items()} == {
        "customer": (1, 1, None),
        "product": (1, 0, None),
        "order": (1, 0, None),
        "order_item": (2, 0, None),
    }

    shown = installed.run_job("staging_to_curated", {**known, **catalog, "--load-files": "true"}, work)
    curated = json.loads(shown)
    assert {item["fact"]: item["written"] for item in curated["facts"]} == {"fact_sales": 2, "fact_orders": 1}
    assert curated["load"]["seq"] == 1
    assert curated["load"]["rows"]["fact_sales"] == 2

    shown = installed.run_job("curated_to_warehouse", {**known, "--warehouse-uri": f"duckdb://{database}"}, work)
    assert [json.loads(line)["seq"] for line in shown.splitlines()] == [1]
    with duckdb.connect(str(database), read_only=True) as warehouse:
        sales = warehouse.execute(SALES).fetchall()
    assert sales == [(1, "N1", "S1", Decimal("18.00")), (2, "N1", "S1", Decimal("8.50"))]
