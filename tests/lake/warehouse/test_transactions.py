"""Transactions on a server: killed sessions, lost answers, conflicts, two loaders at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import pytest

from lake.store import store_for
from lake.warehouse.again import LONGEST_PAUSE, MOST_RUNS, pause_before, run_again
from lake.warehouse.load import LoadSummary, load_one, load_pending
from lake.warehouse.port import ConflictError, ConnectionLostError, Parameters, Value, Warehouse
from lake.warehouse.postgres import PostgresWarehouse
from lake.warehouse.run import run_plan
from redshift_sql.plan import end_plan
from redshift_sql.statements import Statement, Step
from schemas.manifests import LoadManifest
from tests.lake.warehouse.test_load import CHANGES, PIPELINE, POLICIES, rows_of
from tests.reference.history import history
from tests.support.engines import Postgres
from tests.support.loads import write_load
from tests.support.party import expected_rows
from tests.support.postgres import Server
from tests.support.relay import relayed

COMMIT = b"Q\0\0\0\x0bCOMMIT\0"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two loads."""
    write_load(tmp_path / "lake", 1, {"dim_party": rows_of(CHANGES[:7])})
    write_load(tmp_path / "lake", 2, {"dim_party": rows_of(CHANGES[5:])})
    return tmp_path / "lake"


@pytest.fixture
def uri(postgres_engine: Postgres) -> str:
    """The address of an empty database."""
    postgres_engine.empty().close()
    return postgres_engine.server.uri(postgres_engine.database)


@contextmanager
def opened(uri: str, lake: Path) -> Iterator[PostgresWarehouse]:
    warehouse = PostgresWarehouse.open(uri, store_for(str(lake)))
    try:
        yield warehouse
    finally:
        warehouse.close()


def loaded(uri: str, lake: Path) -> LoadSummary:
    with opened(uri, lake) as warehouse:
        return load_pending(PIPELINE, str(lake), warehouse)


def asked(uri: str, lake: Path, sql: str) -> list[tuple[object, ...]]:
    with opened(uri, lake) as warehouse:
        return list(warehouse.query(sql).rows)


def assert_exact(uri: str, lake: Path) -> None:
    """Each load once, the star of both."""
    assert asked(uri, lake, "SELECT load_seq FROM staging.load_ledger ORDER BY 1") == [(1,), (2,)]
    versions = asked(uri, lake, "SELECT * FROM analytics.dim_party WHERE party_sk <> -1")
    assert sorted(versions, key=repr) == expected_rows(history(CHANGES, POLICIES))
    assert asked(uri, lake, "SELECT count(*) FROM analytics.dim_party WHERE party_sk = -1") == [(1,)]


def with_hook(monkeypatch: pytest.MonkeyPatch, before: Callable[[Warehouse, tuple[Step, ...]], None]) -> None:
    """Calls `before` ahead of each plan that a load runs."""

    def run(warehouse: Warehouse, plan: Iterable[Step], parameters: Parameters) -> dict[str, Value]:
        before(warehouse, tuple(plan))
        return run_plan(warehouse, plan, parameters)

    monkeypatch.setattr("lake.warehouse.load.run_plan", run)


@pytest.mark.parametrize("moment", ["before the ledger's row", "before COMMIT"])
def test_a_session_killed_before_its_commit_leaves_no_trace_and_the_next_run_is_exact(
    uri: str, lake: Path, postgres_server: Server, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    loaded(uri, lake.parent / "empty")
    command = PostgresWarehouse._command

    def kill(warehouse: Warehouse) -> None:
        assert isinstance(warehouse, PostgresWarehouse)
        with postgres_server.admin() as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [warehouse.connection.info.backend_pid])

    def in_plan(warehouse: Warehouse, plan: tuple[Step, ...]) -> None:
        if plan == end_plan():
            kill(warehouse)

    def at_commit(self: PostgresWarehouse, sql: LiteralString, where: str = "") -> None:
        if sql == "COMMIT" and self.connection.execute("SELECT count(*) FROM staging.load_ledger").fetchone() == (1,):
            kill(self)
        command(self, sql, where)

    with monkeypatch.context() as patch:
        if moment == "before COMMIT":
            patch.setattr(PostgresWarehouse, "_command", at_commit)
        else:
            with_hook(patch, in_plan)
        with pytest.raises(ConnectionLostError, match="the session with the server ended"):
            loaded(uri, lake)
    assert asked(uri, lake, "SELECT count(*) FROM staging.load_ledger") == [(0,)]
    assert asked(uri, lake, "SELECT count(*) FROM staging.dim_party_log") == [(0,)]
    assert [batch.seq for batch in loaded(uri, lake).batches] == [1, 2]
    assert_exact(uri, lake)


def test_a_commit_whose_answer_is_lost_is_found_in_the_ledger_and_not_repeated(
    uri: str, lake: Path, postgres_engine: Postgres
) -> None:
    loaded(uri, lake.parent / "empty")
    server = postgres_engine.server
    with relayed(server.port, lose_answer_to=COMMIT) as relay:
        through = uri.replace(f":{server.port}/", f":{relay.port}/")
        with opened(through, lake) as warehouse:
            manifest = LoadManifest.from_json(warehouse.store.read("load/_manifests/000000000001.json"), where="load 1")
            with pytest.raises(ConnectionLostError, match="run it again: the ledger tells"):
                load_one(PIPELINE, manifest, warehouse)
        assert relay.lost.is_set()
    assert asked(uri, lake, "SELECT load_seq FROM staging.load_ledger") == [(1,)]
    assert [batch.seq for batch in loaded(uri, lake).batches] == [2]
    assert_exact(uri, lake)


def test_a_load_that_another_transaction_got_in_the_way_of_runs_again_as_a_whole(
    uri: str, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one deletes, after the load's snapshot was taken, rows that the load deletes too."""
    loaded(uri, lake)
    write_load(lake, 3, {"dim_party": rows_of(CHANGES[:3])})
    execute = PostgresWarehouse.execute
    met: list[type[Exception]] = []

    def crossed(self: PostgresWarehouse, statement: Statement, parameters: Parameters) -> int:
        if statement.source == "load/020_empty.sql" and not met:
            with opened(uri, lake) as other:
                other.connection.execute("DELETE FROM staging.dim_party_load")
        try:
            return execute(self, statement, parameters)
        except ConflictError as error:
            met.append(type(error))
            raise

    monkeypatch.setattr(PostgresWarehouse, "execute", crossed)
    assert [batch.seq for batch in loaded(uri, lake).batches] == [3]
    assert met == [ConflictError]
    assert asked(uri, lake, "SELECT count(*) FROM staging.load_ledger") == [(3,)]


@pytest.mark.parametrize("repetition", range(3))
def test_two_loaders_at_once_both_run_to_the_end_and_every_load_is_there_once(
    uri: str, lake: Path, repetition: int
) -> None:
    """On a database without schemas, so that both create them too."""
    start = threading.Barrier(2)
    done: list[LoadSummary | Exception] = []

    def loader() -> None:
        with opened(uri, lake) as warehouse:
            start.wait()
            try:
                done.append(load_pending(PIPELINE, str(lake), warehouse))
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                done.append(error)

    threads = [threading.Thread(target=loader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [item.last_seq for item in done if isinstance(item, LoadSummary)] == [2, 2], done
    applied = [batch.seq for item in done if isinstance(item, LoadSummary) for batch in item.batches]
    assert sorted(applied) == [1, 2]
    assert_exact(uri, lake)


def test_conflicts_are_bounded_and_pauses_grow_with_a_draw() -> None:
    runs: list[int] = []
    pauses: list[float] = []

    def never() -> None:
        runs.append(1)
        raise ConflictError("another transaction got in the way")

    with pytest.raises(ConflictError):
        run_again(never, pauses.append)
    assert len(runs) == MOST_RUNS
    assert len(pauses) == MOST_RUNS - 1
    bounds = [pause_before(run, lambda: 1.0) for run in range(2, 20)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == pause_before(10_000, lambda: 1.0) == LONGEST_PAUSE
    assert pause_before(5, lambda: 0.0) == 0
