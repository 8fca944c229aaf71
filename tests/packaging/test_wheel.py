"""What is built is what runs: the wheel holds contracts, SQL and schemas, and its entries run from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import duckdb
import pytest

ROOT: Final = Path(__file__).parents[2]
ENTRIES: Final = (
    "streaming.kafka_to_landing",
    "glue_jobs.landing_to_staging",
    "glue_jobs.staging_to_curated",
    "glue_jobs.curated_to_warehouse",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["uv", "build", "--wheel", "--no-build-isolation", "--out-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content alone, in front of everything else on the path."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Python with the wheel's content first on its path, away from the checkout."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed), "HOME": str(cwd)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


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


def test_contracts_are_read_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import schemas; print(schemas.__file__); print(*schemas.load_pipeline('retail').sources)"
    result = run(installed, "-c", code, cwd=tmp_path)
    where, tables = result.stdout.splitlines()
    assert where.startswith(str(installed))
    assert set(tables.split()) == {"customer", "order", "order_item", "product"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_of_the_wheel_names_a_missing_argument(installed: Path, tmp_path: Path, entry: str) -> None:
    result = run(installed, "-m", entry, "--JOB_NAME", "job", cwd=tmp_path)
    assert result.returncode != 0
    assert "pipeline" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_job_of_the_wheel_makes_the_warehouse_of_its_contracts(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    database = tmp_path / "star.duckdb"
    words = [
        "--pipeline",
        "retail",
        "--lake-uri",
        (tmp_path / "lake").as_uri(),
        "--warehouse-uri",
        f"duckdb://{database}",
    ]
    result = run(installed, "-m", "glue_jobs.curated_to_warehouse", "--JOB_NAME", "load", *words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with duckdb.connect(str(database), read_only=True) as warehouse:
        made = warehouse.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'analytics'")
        tables = {row[0] for row in made.fetchall()}
    assert {"dim_customer", "dim_product", "dim_date", "fact_sales", "fact_orders"} <= tables
