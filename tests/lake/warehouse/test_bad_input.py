"""Bad input to `lake load` on every engine: one clear error with its remedy, exit code 1, nothing half-loaded."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from glue_jobs import curated_to_warehouse
from lake.cli import main
from lake.warehouse.connect import connect
from redshift_sql.shapes import columns_of
from schemas import load_pipeline
from tests.support.engines import Duck, Engine, Postgres
from tests.support.loads import write_load
from tests.support.postgres import Server

SQL = "SELECT (SELECT count(*) FROM staging.load_ledger) + (SELECT count(*) FROM staging.dim_date_load) AS n"
COLUMNS = [item.name for item in columns_of(load_pipeline("retail", ()))["staging.dim_date_load"]]


@pytest.fixture
def lake(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lake of an own LAKE_HOME, whose warehouse is empty, on each engine in turn."""
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    if isinstance(engine, Postgres):
        engine.empty().close()
        monkeypatch.setenv("LAKE_WAREHOUSE_URI", engine.server.uri(engine.database))
    else:
        assert isinstance(engine, Duck)
    return tmp_path / "lake" / "retail"


def dates(columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array([1], pa.int64()) for name in columns})


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command says as it fails."""
    capsys.readouterr()
    assert main(list(words)) == 1
    told = capsys.readouterr().err
    assert "remedy: " in told
    assert "Traceback" not in told
    return told


def assert_nothing_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["sql", "--json", SQL]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [[0]]


def test_a_manifest_that_names_a_missing_file(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = write_load(lake, 1, {"dim_date": dates(COLUMNS)}, pipeline="retail")
    (lake / load.tables["dim_date"].files[0].path).unlink()
    assert "part-0.parquet: a load file is missing" in failure(capsys, "load")
    assert_nothing_loaded(capsys)


def test_a_copy_manifest_that_is_missing(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = write_load(lake, 1, {"dim_date": dates(COLUMNS)}, pipeline="retail")
    (lake / load.tables["dim_date"].manifest).unlink()
    assert "dim_date.manifest: a COPY manifest is missing" in failure(capsys, "load")
    assert_nothing_loaded(capsys)


def test_a_file_with_one_column_more(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_load(lake, 1, {"dim_date": dates([*COLUMNS, "more"])}, pipeline="retail")
    told = failure(capsys, "load")
    assert f"part-0.parquet: the file has {len(COLUMNS) + 1} columns, staging.dim_date_load has {len(COLUMNS)}" in told
    assert_nothing_loaded(capsys)


def test_a_file_that_is_no_parquet(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = write_load(lake, 1, {"dim_date": dates(COLUMNS)}, pipeline="retail")
    file = lake / load.tables["dim_date"].files[0].path
    file.write_bytes(b"x" * file.stat().st_size)
    assert "part-0.parquet: a load file is no Parquet file" in failure(capsys, "load")
    assert_nothing_loaded(capsys)


def test_a_warehouse_without_schemas(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = failure(capsys, "sql", "SELECT count(*) FROM analytics.dim_date")
    assert "lake load" in told


def test_a_role_without_rights(
    tmp_path: Path,
    postgres_engine: Postgres,
    postgres_server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    postgres_engine.empty().close()
    database = postgres_engine.database
    assert main(["load", "--warehouse-uri", postgres_server.uri(database)]) == 0
    with postgres_server.admin() as admin:
        admin.execute("DROP ROLE IF EXISTS passer_by")
        admin.execute("CREATE ROLE passer_by LOGIN PASSWORD 'of-the-tests'")
    told = failure(capsys, "load", "--warehouse-uri", postgres_server.uri(database, "passer_by"))
    assert "permission denied" in told
    assert "connect with the role that loads" in told
    monkeypatch.setenv("LAKE_WAREHOUSE_URI", postgres_server.uri(database, "passer_by"))
    assert "permission denied for schema analytics" in failure(capsys, "sql", "SELECT * FROM analytics.dim_date")


def test_a_role_that_may_write_and_not_create_loads_what_is_pending(
    tmp_path: Path, postgres_engine: Postgres, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    postgres_engine.empty().close()
    database = postgres_engine.database
    assert main(["load", "--warehouse-uri", postgres_server.uri(database)]) == 0
    with postgres_server.admin(database) as admin:
        admin.execute("CREATE ROLE day_by_day LOGIN PASSWORD 'of-the-tests'")
        for schema in (b"staging", b"analytics", b"ops"):
            admin.execute(b"GRANT USAGE ON SCHEMA %b TO day_by_day" % schema)
            admin.execute(b"GRANT ALL ON ALL TABLES IN SCHEMA %b TO day_by_day" % schema)
    write_load(tmp_path / "lake" / "retail", 1, {}, pipeline="retail")
    assert main(["load", "--warehouse-uri", postgres_server.uri(database, "day_by_day")]) == 0
    with postgres_server.admin(database) as admin:
        assert admin.execute("SELECT count(*) FROM staging.load_ledger").fetchone() == (1,)
        admin.execute("DROP OWNED BY day_by_day")
        admin.execute("DROP ROLE day_by_day")


def test_the_job_takes_the_same_addresses(tmp_path: Path, postgres_engine: Postgres) -> None:
    postgres_engine.empty().close()
    uri = postgres_engine.server.uri(postgres_engine.database)
    known = ("--pipeline", "retail", "--lake-uri", tmp_path.as_uri(), "--copy-role", "default")
    assert curated_to_warehouse.main(["job", *known, "--warehouse-uri", uri]) == 0
    with closing(connect(uri, tmp_path.as_uri(), read_only=True)) as warehouse:
        assert warehouse.query("SELECT count(*) FROM analytics.dim_customer").rows == ((1,),)


def test_a_wrong_password_is_no_value_of_an_error(
    tmp_path: Path, postgres_engine: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    monkeypatch.setenv("PGPASSWORD", "not-the-one")
    told = failure(capsys, "load", "--warehouse-uri", postgres_engine.server.uri(postgres_engine.database))
    assert "the server refuses user and password" in told
    assert "not-the-one" not in told


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mysql://root:hidden@db/lake", "mysql://…: not the address of a warehouse"),
        ("postgresql://a:hidden@db/lake", "a password does not belong in an address"),
        ("redshift://a:hidden@db/lake", "a password does not belong in an address"),
        ("redshift-data://cluster/main", "not the address of a warehouse"),
    ],
)
def test_an_address_of_another_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, uri: str, message: str
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    told = failure(capsys, "load", "--warehouse-uri", uri)
    assert message in told
    assert "hidden" not in told
