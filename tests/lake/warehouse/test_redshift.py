"""redshift-connector, unmodified, against PostgreSQL: the same wire protocol, but for what only Redshift knows.

A relay leaves out the startup parameters that PostgreSQL does not know, and statements are transpiled on the way. COPY runs on
Redshift alone: here its text and its failure are seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.store import store_for
from lake.warehouse.connect import connect
from lake.warehouse.dialect import transpiled
from lake.warehouse.port import ConnectionLostError, Parameters, Warehouse, WarehouseError
from lake.warehouse.postgres import PostgresWarehouse
from lake.warehouse.redshift import RedshiftWarehouse, options_of
from redshift_sql.plan import copy_plan
from redshift_sql.statements import Statement
from tests.reference.history import history
from tests.reference.vectors import Case, cases
from tests.support.engines import NO_STORE, Postgres
from tests.support.party import expected_rows
from tests.support.postgres import PLAIN_USER, Server
from tests.support.redshift_data.database import SETUP
from tests.support.relay import relayed, without_startup_parameters
from tests.support.warehouse import history_in_sql, packed

OURS_ALONE = frozenset({"client_protocol_version", "driver_version", "os_version", "driver_discovery_version"})


class OnPostgres(RedshiftWarehouse):
    """Sends PostgreSQL's words for Redshift's statements."""

    def _run(self, sql: str, values: Parameters, where: str, *, is_copy: bool = False) -> Any:
        if not is_copy and not sql.startswith(("begin", "commit", "rollback")):
            sql = re.sub(r"%\((\w+)\)s", r":\1", transpiled(sql, "postgres"))
        return super()._run(sql, values, where, is_copy=is_copy)


@dataclass(frozen=True)
class Connector:
    """Warehouses on PostgreSQL that the driver talks to; rows come in past it."""

    behind: Postgres
    uri: str

    def empty(self) -> OnPostgres:
        """See `Engine`."""
        self.behind.empty().close()
        return OnPostgres.open(self.uri, store_for("s3://lake"))

    def fill(self, warehouse: Warehouse, table: str, rows: pa.Table) -> None:
        """See `Engine`."""
        assert isinstance(warehouse, OnPostgres)
        with closing(PostgresWarehouse.open(self.behind.server.uri(self.behind.database), NO_STORE)) as beside:
            self.behind.fill(beside, table, rows)

    def run(self, warehouse: Warehouse, sql: str) -> None:
        """See `Engine`."""
        warehouse.execute(statement(sql), {})


@pytest.fixture(scope="module")
def port(postgres_engine: Postgres) -> Iterator[int]:
    with relayed(postgres_engine.server.port, first=without_startup_parameters(OURS_ALONE)) as relay:
        yield relay.port


@pytest.fixture
def uri(postgres_engine: Postgres, port: int) -> str:
    postgres_engine.empty().close()
    return f"redshift://{PLAIN_USER}@127.0.0.1:{port}/{postgres_engine.database}?sslmode=disable"


@pytest.fixture
def warehouse(uri: str) -> Iterator[OnPostgres]:
    opened = OnPostgres.open(uri, store_for("s3://lake"), copy_role="default")
    yield opened
    opened.close()


def statement(sql: str, *parameters: str) -> Statement:
    return Statement(sql, "x/y.sql", 1, "t", parameters=parameters)


@pytest.mark.parametrize("case", cases()[::6], ids=lambda case: case.name)
def test_a_case_gives_its_versions_by_the_driver_too(case: Case, uri: str, postgres_engine: Postgres) -> None:
    engine = Connector(postgres_engine, uri)
    rounds, everything = packed(case)
    assert history_in_sql(rounds, case.policies, engine=engine) == expected_rows(history(everything, case.policies))


def test_values_come_back_as_the_other_engines_give_them(warehouse: OnPostgres) -> None:
    sql = (
        "SELECT cast(1 as bigint) AS a, true AS b, cast(1.50 as decimal(10,2)) AS c, date '2024-02-29' AS d, "
        "timestamp '2024-02-29 01:02:03.4' AS e, 'x' AS f, cast(NULL as integer) AS g, cast(0.5 as double precision) AS h"
    )
    at = datetime.fromisoformat("2024-02-29 01:02:03.4")
    result = warehouse.query(sql)
    assert result.columns == tuple("abcdefgh")
    assert result.rows == ((1, True, Decimal("1.50"), date(2024, 2, 29), at, "x", None, 0.5),)


def test_parameters_are_bound_by_name_and_rows_counted(warehouse: OnPostgres) -> None:
    at = datetime.fromisoformat("2024-01-02 03:04:05.000006")
    warehouse.execute(statement("create temp table t (n bigint, s varchar(20), at timestamp)"), {})
    insert = statement("insert into t (n, s, at) values (:n, :s, :at)", "n", "s", "at")
    assert warehouse.execute(insert, {"n": 7, "s": "it's 5%", "at": at}) == 1
    assert warehouse.execute(insert, {"n": 8, "s": None, "at": at}) == 1
    assert warehouse.query("SELECT * FROM t ORDER BY n").rows == ((7, "it's 5%", at), (8, None, at))


def test_what_fails_in_a_transaction_leaves_no_trace(warehouse: OnPostgres) -> None:
    warehouse.execute(statement("create temp table t (n bigint)"), {})

    def half() -> None:
        with warehouse.transaction():
            warehouse.execute(statement("insert into t values (1)"), {})
            warehouse.execute(statement("insert into nowhere values (1)"), {})

    with pytest.raises(WarehouseError, match="relation nowhere does not exist"):
        half()
    assert warehouse.query("SELECT count(*) FROM t").rows == ((0,),)


def test_a_query_inside_a_transaction_sees_it_and_does_not_end_it(warehouse: OnPostgres) -> None:
    warehouse.execute(statement("create temp table t (n bigint)"), {})
    with warehouse.transaction():
        warehouse.execute(statement("insert into t values (1)"), {})
        assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)
    assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)


def test_a_killed_session_is_named(warehouse: OnPostgres, postgres_server: Server) -> None:
    def killed() -> None:
        with warehouse.transaction():
            with postgres_server.admin() as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", [warehouse.pid])
            warehouse.execute(statement("select 1"), {})

    with pytest.raises(ConnectionLostError, match="the session with the warehouse ended"):
        killed()


def test_copy_is_sent_with_manifest_and_role_and_its_failure_explained_without_values(
    warehouse: OnPostgres, postgres_server: Server
) -> None:
    """PostgreSQL knows no such COPY; the row of the system view is written by the test."""
    found = (
        1,
        warehouse.pid,
        "s3://lake/load/1/part-0.parquet",
        "segment",
        "varchar",
        "16",
        "Value 'someone' too long",
    )
    with postgres_server.admin(warehouse.options["database"]) as admin:
        admin.execute(SETUP.encode())
        admin.execute(
            "INSERT INTO sys_load_error_detail VALUES (%s, %s, now(), %s, 7, %s, %s, %s, 1204, %s)", list(found)
        )
    _, copy = copy_plan("dim_party")
    with pytest.raises(WarehouseError) as caught:
        warehouse.copy(copy, "load/1/dim_party.manifest")
    assert "part-0.parquet, row 7, column segment varchar(16): Value … too long (code 1204)" in str(caught.value)
    assert "someone" not in str(caught.value)


@pytest.mark.parametrize("sql", ["DELETE FROM t", "SELECT 1; SELECT 2", "SELEC 1"])
def test_only_one_query_that_reads_is_sent(warehouse: OnPostgres, sql: str) -> None:
    with pytest.raises(WarehouseError, match="only one query at a time"):
        warehouse.query(sql)


def test_a_session_that_reads_cannot_write(warehouse: OnPostgres) -> None:
    warehouse._run("begin read only", {}, "x")
    with pytest.raises(WarehouseError, match="read-only transaction"):
        warehouse.execute(statement("create table x (n bigint)"), {})
    warehouse._rollback()


def test_a_wrong_password_and_a_closed_port_are_named(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WarehouseError, match="does not answer"):
        connect("redshift://me@127.0.0.1:1/dev?sslmode=disable", "s3://lake")
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(WarehouseError, match="the warehouse refuses user and password") as caught:
        connect(uri, "s3://lake")
    assert "wrong" not in str(caught.value)


def test_addresses_become_the_drivers_options() -> None:
    known = {"PGPASSWORD": "hidden"}
    by_password = options_of("redshift://me@db.example/dev", known)
    assert by_password["password"] == "hidden"
    assert (by_password["host"], by_password["port"], by_password["ssl"]) == ("db.example", 5439, True)
    cluster = options_of("redshift://loader@/dev?iam=cluster/main&region=eu-west-1", known)
    assert (cluster["iam"], cluster["cluster_identifier"], cluster["db_user"]) == (True, "main", "loader")
    workgroup = options_of("redshift:///dev?iam=workgroup/retail&region=eu-west-1", known)
    assert (workgroup["is_serverless"], workgroup["serverless_work_group"]) == (True, "retail")
    assert not {"password", "user"} & (cluster.keys() | workgroup.keys())


@pytest.mark.parametrize(
    "uri",
    [
        "redshift://db.example",
        "redshift:///dev",
        "redshift:///dev?iam=x",
        "redshift://h/dev?mode=1",
        "redshift://a:b@h/dev",
    ],
)
def test_an_address_of_another_form_is_refused(uri: str) -> None:
    with pytest.raises(WarehouseError, match="redshift://"):
        options_of(uri, {})
