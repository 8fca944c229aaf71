"""What only a server has: passwords, text orders, rights, COPY through a session."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.store import store_for
from lake.warehouse import postgres
from lake.warehouse.connect import connect
from lake.warehouse.dialect import transpiled
from lake.warehouse.port import WarehouseError
from lake.warehouse.postgres import PostgresWarehouse
from redshift_sql.statements import Kind, Statement
from tests.support.loads import write_files
from tests.support.postgres import Server

TYPES = {
    "a": ("bigint", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "b": ("integer", pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "c": ("smallint", pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "d": ("boolean", pa.bool_(), st.booleans()),
    "e": ("varchar(65535)", pa.string(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    "f": ("decimal(38,9)", pa.decimal128(38, 9), st.decimals(-(10**28), 10**28, places=9)),
    "g": ("double precision", pa.float64(), st.floats(allow_nan=False)),
    "h": ("real", pa.float32(), st.floats(allow_nan=False, width=32)),
    "i": ("date", pa.date32(), st.dates()),
    "j": ("timestamp", pa.timestamp("us"), st.datetimes()),
    "k": ("varbyte(65535)", pa.binary(), st.binary()),
    "l": ("timestamp", pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
}
ROWS = st.lists(st.tuples(*(st.none() | values for _, _, values in TYPES.values())), max_size=20)


def statement(sql: str, kind: Kind = Kind.EXECUTE, table: str = "", parameters: tuple[str, ...] = ()) -> Statement:
    return Statement(sql, "x/y.sql", 1, "t", kind, parameters, table)


COPY = statement("", Kind.COPY, "t")


@pytest.fixture(scope="module")
def uri(postgres_server: Server) -> str:
    return postgres_server.uri(postgres_server.database())


@pytest.fixture
def warehouse(uri: str, tmp_path: Path) -> Iterator[PostgresWarehouse]:
    session = connect(uri, tmp_path.as_uri())
    assert isinstance(session, PostgresWarehouse)
    yield session
    session.close()


@given(rows=ROWS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_copy_brings_every_value_as_it_is(
    rows: list[tuple[Any, ...]], warehouse: PostgresWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lake = tmp_path_factory.mktemp("lake")
    warehouse.store = store_for(lake.as_uri())
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in TYPES.items())
    warehouse.execute(statement("drop table if exists t"), {})
    warehouse.execute(statement(f"create temp table t ({columns})"), {})
    schema = pa.schema([(name, kind) for name, (_, kind, _) in TYPES.items()])
    files = write_files(lake, "t", [pa.Table.from_pylist([dict(zip(TYPES, row, strict=True)) for row in rows], schema)])
    assert warehouse.copy(COPY, files.manifest) == len(rows)
    expected = [(*row[:-1], row[-1] and row[-1].replace(tzinfo=None)) for row in rows]
    shown = ", ".join("cast(h as double precision)" if name == "h" else name for name in TYPES)
    assert sorted(warehouse.query(f"SELECT {shown} FROM t").rows, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "multiple commands"),
        ("CREATE TABLE x (a int)", "read-only"),
        ("SELECT * FROM nowhere", "does not exist"),
        ("SELEC 1", "syntax error"),
        ("SET TIME ZONE 'UTC'", "no query"),
    ],
)
def test_only_one_query_that_reads_is_answered(warehouse: PostgresWarehouse, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        warehouse.query(sql)
    assert warehouse.query("SELECT 1 AS a, '5%'::text").rows == ((1, "5%"),)


def test_an_error_shows_names_and_no_value(warehouse: PostgresWarehouse) -> None:
    failing = statement("select cast(name as integer) from (select 'someone@example.org' as name) as t")
    with pytest.raises(WarehouseError, match=r"redshift_sql/x/y\.sql, statement 1 \(t\): .* type integer: …") as caught:
        warehouse.execute(failing, {})
    assert "someone" not in str(caught.value)
    with pytest.raises(WarehouseError, match=r'relation "analytics\.nothing" does not exist'):
        warehouse.execute(statement("delete from analytics.nothing"), {})


def test_a_driver_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, package, uri, extra in (
        ("postgres", "psycopg", "postgresql://a@db/lake", "medallion-lake[postgres]"),
        ("redshift", "redshift_connector", "redshift://a@db/lake", "medallion-lake[redshift]"),
    ):
        monkeypatch.delitem(sys.modules, f"lake.warehouse.{module}", raising=False)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(WarehouseError, match=re.escape(extra)):
            connect(uri, tmp_path.as_uri())


def test_a_password_in_an_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    for uri in ("postgresql://a:hidden@db.example/lake", "postgresql://a@db.example/lake?password=hidden"):
        with pytest.raises(WarehouseError, match="PGPASSWORD") as caught:
            connect(uri, tmp_path.as_uri())
        assert "hidden" not in str(caught.value)


def test_a_wrong_password_a_missing_database_and_a_closed_port_are_named(
    postgres_server: Server, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WarehouseError, match="there is no such database"):
        connect(postgres_server.uri("nothing"), tmp_path.as_uri())
    with pytest.raises(WarehouseError, match="does not answer"):
        connect("postgresql://postgres@127.0.0.1:1/lake", tmp_path.as_uri())
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(WarehouseError, match=r"127\.0\.0\.1:\d+/d\d+: the server refuses user and password"):
        connect(uri, tmp_path.as_uri())


def test_a_database_that_orders_text_otherwise_than_by_bytes_is_refused(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests' server has no other order, so its own is taken from the list."""
    monkeypatch.setattr(postgres, "_BYTEWISE", frozenset())
    with pytest.raises(WarehouseError, match="by the rules of a language"):
        connect(uri, tmp_path.as_uri())


def test_a_session_that_only_reads_cannot_write(uri: str, tmp_path: Path) -> None:
    session = connect(uri, tmp_path.as_uri(), read_only=True)
    with pytest.raises(WarehouseError, match="read-only"), session.transaction():
        session.execute(statement("create table x (a int)"), {})
    session.close()


def test_names_that_postgresql_would_cut_stay_apart_and_short_ones_as_they_are() -> None:
    stem = "fact_" + "long_" * 12
    made = [
        transpiled(f"create temp table {stem}{end} as select 1 as one", "postgres") for end in ("rekeyed", "bounds")
    ]
    names = [re.search(r"TABLE (\w+)", sql)[1] for sql in made]  # type: ignore[index]
    assert len({name[:63] for name in names}) == 2
    assert {len(name) for name in names} == {63}
    assert names[0] in transpiled(f"select one from {stem}rekeyed", "postgres")
    assert stem in transpiled(f"create temp table {stem}rekeyed as select 1 as one", "duckdb")
