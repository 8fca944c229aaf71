from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from lake.demo import from_warehouse
from lake.demo.model import BEGINNING, History, Restatement
from schemas import Pipeline, load_pipeline
from schemas.model import PiiClass
from tests.lake.demo.samples import HISTORIES, at, state, versions

MARCH = datetime.fromisoformat("2025-03-02 10:00:00")


@pytest.fixture(scope="module")
def retail() -> Pipeline:
    return load_pipeline("retail")


@pytest.fixture
def engine(retail: Pipeline) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with the retail star's tables, as far as the report asks them."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA analytics; CREATE SCHEMA staging")
        for dimension in retail.dimensions.values():
            key = ", ".join(f"{item.name} bigint" for item in dimension.business_key)
            attributes = ", ".join(f"{item.name} varchar" for item in dimension.type2)
            connection.execute(
                f"CREATE TABLE analytics.{dimension.name} ({dimension.surrogate_key} bigint, {key}, {attributes}, "
                "effective_from timestamp, effective_to timestamp, is_current boolean, is_deleted boolean, "
                "is_inferred boolean)"
            )
        connection.execute(
            "CREATE TABLE analytics.fact_sales (order_id bigint, line_no int, customer_sk bigint, product_sk bigint, "
            "customer_id bigint, product_id bigint, net_amount decimal(18,2))"
        )
        connection.execute("CREATE TABLE analytics.fact_orders (order_id bigint, customer_sk bigint)")
        connection.execute(
            "CREATE TABLE analytics.agg_daily_sales_by_category "
            "(sales_date date, category varchar, net_amount decimal(38,2))"
        )
        connection.execute(
            "CREATE TABLE staging.load_ledger (load_seq bigint, progress varchar, loaded_at timestamp);"
            "CREATE TABLE analytics.restatements (fact varchar, reference varchar, reason varchar)"
        )
        yield connection


def query_of(engine: duckdb.DuckDBPyConnection) -> from_warehouse.Query:
    return lambda statement: engine.execute(statement).fetchall()


def customer(
    engine: duckdb.DuckDBPyConnection, sk: int, key: int, segment: str, *ends: Any, inferred: bool = False
) -> None:
    start, end = ends
    row = [sk, key, "x", segment, None, None, start, end, end is None, False, inferred]
    engine.execute(f"INSERT INTO analytics.dim_customer VALUES ({', '.join('?' * len(row))})", row)


def product(engine: duckdb.DuckDBPyConnection, sk: int, key: int, category: str, *ends: Any) -> None:
    start, end = ends
    row = [sk, key, category, None, start, end, end is None, False, False]
    engine.execute(f"INSERT INTO analytics.dim_product VALUES ({', '.join('?' * len(row))})", row)


def sale(
    engine: duckdb.DuckDBPyConnection, order: int, customer_sk: int, product_sk: int, product_id: int, net: str
) -> None:
    engine.execute(
        "INSERT INTO analytics.fact_sales VALUES (?, 1, ?, ?, 1, ?, ?)",
        [order, customer_sk, product_sk, product_id, net],
    )


def test_histories_are_of_keys_that_changed_with_the_facts_of_each_version(
    engine: duckdb.DuckDBPyConnection, retail: Pipeline
) -> None:
    customer(engine, -1, 0, "unknown", BEGINNING, None)
    customer(engine, 11, 1, "consumer", BEGINNING, MARCH)
    customer(engine, 12, 1, "vip", MARCH, None)
    customer(engine, 21, 2, "consumer", BEGINNING, None)
    customer(engine, 31, 3, "consumer", BEGINNING, MARCH)
    for order in range(3):
        sale(engine, order, 11, 1, 1, "1.00")
    found = from_warehouse.histories(query_of(engine), retail)
    assert [history.key for history in found] == ["customer 1", "customer 3"]
    assert [version.facts for version in found[0].versions] == [3, 0]
    assert [v.value for v in found[0].versions[1].values if v.changed] == ["vip"]
    assert found[0].fact == "sales"
    assert found[1].ended


def test_inferred_members_alone_are_no_history(engine: duckdb.DuckDBPyConnection, retail: Pipeline) -> None:
    customer(engine, 41, 4, "", BEGINNING, None, inferred=True)
    assert from_warehouse.histories(query_of(engine), retail) == ()


def test_attributes_that_identify_a_person_are_not_shown(retail: Pipeline) -> None:
    dimension = retail.dimensions["dim_customer"]
    told = from_warehouse.shown_attributes(retail, dimension)
    source = retail.sources["customer"]
    hidden = replace(
        source,
        columns=tuple(
            replace(column, pii=PiiClass.DIRECT) if column.name == "segment" else column for column in source.columns
        ),
    )
    fewer = from_warehouse.shown_attributes(replace(retail, sources={**retail.sources, "customer": hidden}), dimension)
    assert {item.name for item in told} - {item.name for item in fewer} == {"segment"}


def test_chosen_histories_differ_in_kind() -> None:
    plain = History(
        "d", "customer 8", versions((BEGINNING, at(1), state("a", "x"), 0), (at(1), None, state("b", "x"), 0))
    )
    many = [replace(plain, key=f"customer {number}") for number in range(100, 120)]
    found = from_warehouse.choose([*many, *HISTORIES], 4)
    assert any(history.gaps for history in found)
    assert any(history.returns for history in found)
    assert any(history.ended for history in found)
    assert len(from_warehouse.choose(many, 4)) == 4
    assert from_warehouse.choose([], 4) == ()


def test_sales_stand_under_the_category_of_their_day_and_are_compared_with_todays(
    engine: duckdb.DuckDBPyConnection, retail: Pipeline
) -> None:
    product(engine, 1, 1, "toys", BEGINNING, MARCH)
    product(engine, 2, 1, "games", MARCH, None)
    sale(engine, 1, 11, 1, 1, "30.00")
    sale(engine, 2, 11, 2, 1, "12.00")
    engine.execute(
        "INSERT INTO analytics.agg_daily_sales_by_category VALUES "
        "('2025-02-01', 'toys', 30), ('2025-03-05', 'games', 12), (NULL, NULL, 1)"
    )
    found = from_warehouse.sales(query_of(engine), retail)
    assert found is not None
    assert found.months == ("earlier", "2025-02", "2025-03")
    rows = {row.group: row for row in found.rows}
    assert rows["toys"].amounts == (Decimal(0), Decimal(30), Decimal(0))
    assert rows["toys"].by_today == 0
    assert rows["games"].by_today == Decimal(42)
    assert rows["—"].total == 1


def test_old_months_are_one_column(engine: duckdb.DuckDBPyConnection, retail: Pipeline) -> None:
    engine.execute(
        "INSERT INTO analytics.agg_daily_sales_by_category "
        "SELECT date '2024-01-15' + interval (i) month, 'toys', 10 FROM range(12) AS t(i)"
    )
    found = from_warehouse.sales(query_of(engine), retail)
    assert found is not None
    assert found.months[0] == "earlier"
    assert found.months[1:] == tuple(f"2024-{month:02d}" for month in range(5, 13))
    assert found.rows[0].amounts[0] == 40


def test_star_rows_leave_the_unknown_member_out(engine: duckdb.DuckDBPyConnection, retail: Pipeline) -> None:
    customer(engine, -1, 0, "unknown", BEGINNING, None)
    customer(engine, 11, 1, "consumer", BEGINNING, None)
    rows = {item.table: item.rows for item in from_warehouse.star_rows(query_of(engine), retail)}
    assert rows["dim_customer"] == 1
    assert set(rows) == {*retail.dimensions, *retail.facts, *retail.aggregates}


def test_loads_and_restatements_are_read(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("INSERT INTO staging.load_ledger VALUES (1, '{\"order\": 3}', ?)", [MARCH])
    engine.execute("INSERT INTO analytics.restatements VALUES ('f', 'r', 'late_change'), ('f', 'r', 'late_change')")
    (load,) = from_warehouse.loads(query_of(engine))
    assert (load.seq, load.progress, load.at) == (1, {"order": 3}, MARCH)
    assert from_warehouse.restatements(query_of(engine)) == (Restatement("f", "r", "late_change", 2),)


def test_a_pipeline_without_aggregate_has_no_sales(engine: duckdb.DuckDBPyConnection, retail: Pipeline) -> None:
    assert from_warehouse.sales(query_of(engine), replace(retail, aggregates={})) is None
