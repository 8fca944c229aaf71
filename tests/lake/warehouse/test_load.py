"""Loads: each wholly or not at all, once, in sequence, and every failure named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from lake.warehouse.connect import connect, duckdb_uri
from lake.warehouse.load import LoadSummary, load_pending
from lake.warehouse.port import Warehouse, WarehouseError
from lake.warehouse.run import CheckFailedError
from redshift_sql.statements import Statement
from tests.reference.history import Change, Policies, history
from tests.support.engines import Engine, Postgres
from tests.support.loads import write_load
from tests.support.party import expected_rows, load_rows
from tests.support.visits import Visit, visit_pipeline, visit_rows

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)
PIPELINE = visit_pipeline(POLICIES)
ROOT = Path(__file__).parents[3]


def party(offset: int, key: int, segment: str) -> Change:
    attributes = (("segment", segment), ("region", "n"), ("address", "x"))
    return Change(offset, "u", (key,), f"{offset:020d}", 100 * offset, attributes, 100 * offset)


CHANGES = [party(number, number % 3, "ABC"[number % 2]) for number in range(1, 13)]


def rows_of(changes: list[Change]) -> pa.Table:
    return load_rows(changes, POLICIES)


@pytest.fixture
def duck_lake(tmp_path: Path) -> Path:
    """A lake whose warehouse is a DuckDB file."""
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"


@pytest.fixture
def lake(duck_lake: Path, engine: Engine) -> Path:
    """A lake whose warehouse is empty, on each engine in turn."""
    if isinstance(engine, Postgres):
        engine.empty().close()
        (duck_lake.parent / "warehouse_uri").write_text(engine.server.uri(engine.database))
    return duck_lake


def opened(lake: Path, *, read_only: bool = False) -> Warehouse:
    named = lake.parent / "warehouse_uri"
    uri = named.read_text() if named.exists() else duckdb_uri(lake.parent / "warehouse.duckdb")
    return connect(uri, str(lake), read_only=read_only)


def loaded(lake: Path) -> LoadSummary:
    warehouse = opened(lake)
    try:
        return load_pending(PIPELINE, str(lake), warehouse)
    finally:
        warehouse.close()


def asked(lake: Path, sql: str) -> list[tuple[object, ...]]:
    warehouse = opened(lake, read_only=True)
    try:
        return list(warehouse.query(sql).rows)
    finally:
        warehouse.close()


def versions(lake: Path) -> list[tuple[object, ...]]:
    return sorted(asked(lake, "SELECT * FROM analytics.dim_party WHERE party_sk <> -1"), key=repr)


def test_pending_loads_are_applied_in_sequence_and_once(lake: Path) -> None:
    write_load(lake, 1, {"dim_party": rows_of(CHANGES[:7])})
    write_load(lake, 2, {"dim_party": rows_of(CHANGES[5:]), "fact_visits": visit_rows([Visit(1, 500, 1, 2, 3)])})
    first = loaded(lake)
    assert [(batch.seq, dict(batch.rows)) for batch in first.batches] == [
        (1, {"dim_party": 7}),
        (2, {"dim_party": 7, "fact_visits": 1}),
    ]
    assert versions(lake) == expected_rows(history(CHANGES, POLICIES))
    assert loaded(lake) == LoadSummary(2)
    ledger = asked(lake, "SELECT load_seq, attempt, progress, row_counts FROM staging.load_ledger ORDER BY 1")
    assert ledger[1] == (2, "a1", json.dumps({"party": 2}), json.dumps({"dim_party": 7, "fact_visits": 1}))


def test_an_empty_load_moves_the_ledger_on(lake: Path) -> None:
    write_load(lake, 1, {})
    assert loaded(lake).last_seq == 1


def test_the_lake_being_empty_is_no_error(lake: Path) -> None:
    assert loaded(lake) == LoadSummary(0)


def test_a_missing_manifest_stops_the_loads_behind_it(lake: Path) -> None:
    write_load(lake, 1, {"dim_party": rows_of(CHANGES[:2])})
    write_load(lake, 3, {"dim_party": rows_of(CHANGES[2:])})
    with pytest.raises(WarehouseError, match="load 2 is missing"):
        loaded(lake)
    assert asked(lake, "SELECT max(load_seq) FROM staging.load_ledger") == [(1,)]


def test_a_file_cut_short_is_named_and_nothing_is_written(lake: Path) -> None:
    manifest = write_load(lake, 1, {"dim_party": rows_of(CHANGES)})
    path = lake / manifest.tables["dim_party"].files[1].path
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WarehouseError, match=r"part-1\.parquet: the file has \d+ bytes, its manifest says"):
        loaded(lake)
    assert versions(lake) == []
    path.unlink()
    with pytest.raises(WarehouseError, match="a load file is missing"):
        loaded(lake)


def test_files_of_another_shape_are_refused(lake: Path) -> None:
    write_load(lake, 1, {"dim_party": rows_of(CHANGES).drop_columns(["address"])})
    with pytest.raises(
        WarehouseError, match=r"part-0\.parquet: the file has 14 columns, staging\.dim_party_load has 15"
    ):
        loaded(lake)
    table = rows_of(CHANGES)
    number = table.schema.get_field_index("kafka_offset")
    write_load(
        lake.parent / "other",
        1,
        {"dim_party": table.set_column(number, "kafka_offset", table["kafka_offset"].cast(pa.int32()))},
    )
    with pytest.raises(WarehouseError, match="column kafka_offset is INTEGER"):
        loaded(lake.parent / "other")


def test_rows_that_the_manifest_does_not_count_are_refused(lake: Path) -> None:
    manifest = write_load(lake, 1, {"dim_party": rows_of(CHANGES)})
    text = manifest.to_json().replace('"rows": 12', '"rows": 13').replace('"rows": 6', '"rows": 7', 1)
    (lake / "load/_manifests/000000000001.json").write_text(text)
    with pytest.raises(WarehouseError, match="12 rows were copied, the load manifest says 13"):
        loaded(lake)
    assert versions(lake) == []


def test_a_broken_rule_rolls_the_load_back_and_is_named(lake: Path) -> None:
    write_load(lake, 1, {"dim_party": rows_of(CHANGES)})
    write_load(lake, 2, {"fact_visits": visit_rows([Visit(1, 1, 1, 1, 1), Visit(1, 2, 2, 2, 2)])})
    with pytest.raises(CheckFailedError, match="a load of fact_visits states a fact at most once"):
        loaded(lake)
    assert asked(
        lake, "SELECT max(load_seq), (SELECT count(*) FROM analytics.fact_visits) FROM staging.load_ledger"
    ) == [(1, 0)]


def test_another_contract_than_the_tables_were_made_with_is_named(lake: Path, engine: Engine) -> None:
    loaded(lake)
    warehouse = opened(lake)
    engine.run(warehouse, "ALTER TABLE analytics.dim_party DROP COLUMN address")
    warehouse.close()
    with pytest.raises(
        WarehouseError, match=r"analytics\.dim_party: its columns are not those of its contract: address"
    ):
        loaded(lake)


def test_a_file_in_use_is_named_with_its_holder(duck_lake: Path) -> None:
    loaded(duck_lake)
    file = str(duck_lake.parent / "warehouse.duckdb")
    hold = f"import duckdb, time; c = duckdb.connect({file!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(
            WarehouseError,
            match=rf"warehouse\.duckdb: the warehouse file is in use by process {holder.pid}\n  remedy: wait",
        ):
            loaded(duck_lake)
        holder.kill()


def test_a_file_that_is_no_warehouse_is_named(duck_lake: Path) -> None:
    (duck_lake.parent / "warehouse.duckdb").write_text("something else" * 1000)
    with pytest.raises(WarehouseError, match="cannot be opened"):
        loaded(duck_lake)


def test_a_warehouse_that_is_not_there_cannot_be_asked(duck_lake: Path) -> None:
    with pytest.raises(WarehouseError, match="there is no warehouse yet"):
        opened(duck_lake, read_only=True)


@pytest.mark.parametrize(
    "sql", ["DELETE FROM analytics.dim_party", "SELECT 1; SELECT 2", "SELECT * FROM nowhere", "SELEC 1"]
)
def test_only_one_query_that_reads_is_answered(lake: Path, sql: str) -> None:
    loaded(lake)
    with pytest.raises(WarehouseError, match="lake sql"):
        asked(lake, sql)


_KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from lake.warehouse import load
from tests.lake.warehouse.test_load import PIPELINE, opened
lake = Path({lake!r})
warehouse = opened(lake)
whole = load.run_plan
def stopping(warehouse, plan, parameters):
    plan = tuple(plan)
    if {when!r} == "before" and plan == load.end_plan():
        os.kill(os.getpid(), 9)
    return whole(warehouse, plan, parameters)
load.run_plan = stopping
load.load_pending(PIPELINE, str(lake), warehouse, progress=lambda batch: os.kill(os.getpid(), 9))
"""


@pytest.mark.parametrize(("when", "seq"), [("before", 0), ("after", 1)])
def test_a_load_killed_around_its_commit_is_there_wholly_or_not_at_all(lake: Path, when: str, seq: int) -> None:
    write_load(lake, 1, {"dim_party": rows_of(CHANGES)})
    loaded_nothing = _KILLED.format(root=str(ROOT), lake=str(lake), when=when)
    done = subprocess.run(
        [sys.executable, "-c", loaded_nothing], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert asked(lake, "SELECT coalesce(max(load_seq), 0) FROM staging.load_ledger") == [(seq,)]
    assert loaded(lake).last_seq == 1
    assert versions(lake) == expected_rows(history(CHANGES, POLICIES))


_LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from schemas.errors import LakeError
from tests.lake.warehouse.test_load import loaded
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
try:
    loaded(Path({lake!r}))
except LakeError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_is_named_and_leaves_the_warehouse_as_it_was(duck_lake: Path) -> None:
    write_load(duck_lake, 1, {"dim_party": rows_of(CHANGES)})
    loaded(duck_lake)
    more = [party(number, number, "ABC"[number % 3] * 20) for number in range(100, 20_100)]
    write_load(duck_lake, 2, {"dim_party": rows_of(more)})
    size = (duck_lake.parent / "warehouse.duckdb").stat().st_size
    script = _LIMITED.format(root=str(ROOT), lake=str(duck_lake), size=size)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "remedy" in done.stderr
    assert "Traceback" not in done.stderr
    assert versions(duck_lake) == expected_rows(history(CHANGES, POLICIES))
    assert loaded(duck_lake).last_seq == 2
    assert versions(duck_lake) == expected_rows(history(CHANGES + more, POLICIES))


def test_an_error_names_the_statement_and_shows_no_value(lake: Path) -> None:
    warehouse = opened(lake)
    failing = Statement(
        "select cast(name as integer) from (select 'someone@example.org' as name) as t", "fact/x.sql", 3, "t"
    )
    with pytest.raises(
        WarehouseError, match=r"redshift_sql/fact/x\.sql, statement 3 \(t\): the statement failed"
    ) as caught:
        warehouse.execute(failing, {})
    assert "someone" not in str(caught.value)
    warehouse.close()
