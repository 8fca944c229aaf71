"""Roles and column grants where they are real: on PostgreSQL, each tried as the role itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from lake.warehouse.access import apply_access
from lake.warehouse.load import ensure_tables
from lake.warehouse.postgres import PostgresWarehouse
from lake.warehouse.run import run_plan
from redshift_sql.people import ROLES
from redshift_sql.plan import load_plan
from schemas import load_pipeline
from tests.support import engines

RETAIL = load_pipeline("retail")
PERSONAL = ["full_name", "email", "phone", "address_line", "city", "postal_code", "birth_date", "gender"]


@pytest.fixture(scope="module")
def warehouse(postgres_engine: engines.Postgres) -> Iterator[PostgresWarehouse]:
    """A warehouse with one customer, and the roles; the roles, which belong to the server, go with it."""
    made = postgres_engine.empty()
    ensure_tables(RETAIL, made)
    postgres_engine.run(
        made,
        "INSERT INTO analytics.dim_customer (customer_sk, customer_id, full_name, email, city, segment, effective_from, "
        "is_current, is_deleted, is_inferred, is_incomplete, version_identity) VALUES "
        "(5, 1, 'Somebody', 's@example.org', 'Ulm', 'vip', '2020-01-01', true, false, false, false, 'x')",
    )
    postgres_engine.run(made, "CREATE SCHEMA IF NOT EXISTS payroll")
    postgres_engine.run(made, "CREATE TABLE IF NOT EXISTS payroll.wages (amount integer)")
    apply_access(RETAIL, made, masking=False)
    yield made
    postgres_engine.run(made, "DROP SCHEMA payroll CASCADE")
    for role in ROLES:
        postgres_engine.run(made, f"DROP OWNED BY {role}")
        postgres_engine.run(made, f"DROP ROLE {role}")
    made.close()


@contextmanager
def acting(warehouse: PostgresWarehouse, role: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    warehouse.connection.execute(f"SET ROLE {role}".encode())
    try:
        yield warehouse.connection
    finally:
        warehouse.connection.execute("RESET ROLE")


def refused(warehouse: PostgresWarehouse, role: str, sql: str) -> bool:
    with acting(warehouse, role) as session:
        try:
            session.execute(sql.encode())
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


@pytest.mark.parametrize("column", PERSONAL)
def test_an_analyst_reads_no_personal_column_and_a_steward_does(warehouse: PostgresWarehouse, column: str) -> None:
    sql = f"SELECT {column} FROM analytics.dim_customer"
    assert refused(warehouse, "lake_analyst", sql)
    assert refused(warehouse, "lake_analyst", f"SELECT count(*) FROM analytics.dim_customer WHERE {column} IS NULL")
    assert not refused(warehouse, "lake_steward", sql)


def test_an_analyst_reads_the_rest_of_the_star(warehouse: PostgresWarehouse) -> None:
    with acting(warehouse, "lake_analyst") as session:
        rows = session.execute(
            "SELECT customer_id, segment FROM analytics.dim_customer WHERE customer_sk = 5"
        ).fetchall()
        assert rows == [(1, "vip")]
        session.execute("SELECT * FROM analytics.fact_sales")
        session.execute("SELECT * FROM ops.loads")
        session.execute("SELECT * FROM ops.versions")


@pytest.mark.parametrize("role", ["lake_analyst", "lake_steward"])
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO analytics.dim_date (date_sk) VALUES (1)",
        "DELETE FROM analytics.dim_customer",
        "UPDATE analytics.fact_sales SET quantity = 0",
        "CREATE TABLE analytics.mine (a integer)",
        "DELETE FROM staging.load_ledger",
    ],
)
def test_who_reads_writes_nothing(warehouse: PostgresWarehouse, role: str, sql: str) -> None:
    assert refused(warehouse, role, sql)


def test_change_logs_are_the_stewards_and_the_loaders(warehouse: PostgresWarehouse) -> None:
    sql = "SELECT email FROM staging.dim_customer_log"
    assert refused(warehouse, "lake_analyst", sql)
    assert not refused(warehouse, "lake_steward", sql)
    assert not refused(warehouse, "lake_loader", sql)
    assert refused(warehouse, "lake_steward", "SELECT * FROM staging.dim_customer_load")


def test_the_loader_loads_and_reads_nothing_beside(warehouse: PostgresWarehouse) -> None:
    with acting(warehouse, "lake_loader"), warehouse.transaction():
        tables = [*RETAIL.dimensions, *RETAIL.facts, *RETAIL.calendars]
        run_plan(warehouse, load_plan(RETAIL, tables), {"load_seq": 1, "loaded_at": None})
    assert refused(warehouse, "lake_loader", "SELECT * FROM payroll.wages")
    assert refused(warehouse, "lake_loader", "SELECT rolpassword FROM pg_authid")
    assert refused(warehouse, "lake_loader", "GRANT SELECT ON analytics.dim_customer TO lake_analyst") or refused(
        warehouse, "lake_analyst", "SELECT email FROM analytics.dim_customer"
    )


def test_a_grant_that_became_too_wide_is_withdrawn(warehouse: PostgresWarehouse) -> None:
    warehouse.connection.execute("GRANT SELECT ON analytics.dim_customer TO lake_analyst")
    warehouse.connection.execute("GRANT SELECT (email) ON analytics.dim_customer TO lake_analyst")
    assert not refused(warehouse, "lake_analyst", "SELECT email FROM analytics.dim_customer")
    apply_access(RETAIL, warehouse, masking=False)
    assert refused(warehouse, "lake_analyst", "SELECT email FROM analytics.dim_customer")
