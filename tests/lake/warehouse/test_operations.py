"""The views of `ops` and the saved queries, on each engine, over a star of which every number is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from lake.demo import from_warehouse
from lake.warehouse.load import ensure_tables
from lake.warehouse.port import Value, Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.plan import end_plan, refill_plan, rows_plan
from redshift_sql.questions import questions
from schemas import load_pipeline
from tests.support.engines import Engine

RETAIL = load_pipeline("retail")
START = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - the warehouse holds UTC without a zone
ROWS = """
INSERT INTO analytics.dim_product (product_sk, product_id, category, effective_from, effective_to, is_current,
    is_deleted, is_inferred, is_incomplete, version_identity) VALUES
    (11, 1, 'toys', '1900-01-01', '2026-04-15', false, false, false, false, 'origin'),
    (12, 1, 'games', '2026-04-15', NULL, true, false, false, true, 'x'),
    (21, 2, 'toys', '1900-01-01', NULL, true, false, false, false, 'origin'),
    (31, 3, NULL, '1900-01-01', NULL, true, false, true, false, 'inferred');
INSERT INTO analytics.dim_customer (customer_sk, customer_id, country, segment, effective_from, effective_to,
    is_current, is_deleted, is_inferred, is_incomplete, version_identity) VALUES
    (51, 5, 'NL', 'vip', '1900-01-01', '2026-04-10', false, false, false, false, 'origin'),
    (52, 5, 'NL', 'corporate', '2026-04-10', NULL, true, false, false, false, 'y'),
    (61, 6, 'DE', 'vip', '1900-01-01', NULL, true, false, false, false, 'origin');
INSERT INTO analytics.fact_sales (order_id, line_no, customer_sk, product_sk, ordered_at, customer_id, product_id,
    quantity, net_amount) VALUES
    (1, 1, 51, 11, '2026-04-01 10:00:00', 5, 1, 2, 10.00),
    (1, 2, 51, 21, '2026-04-01 10:00:00', 5, 2, 1, 5.00),
    (2, 1, 52, 12, '2026-05-02 10:00:00', 5, 1, 3, 7.00),
    (3, 1, 61, 31, '2026-05-03 10:00:00', 6, 3, 1, 1.50);
INSERT INTO analytics.fact_orders (order_id, customer_sk, ordered_at, customer_id) VALUES
    (1, 51, '2026-04-01 10:00:00', 5), (2, 52, '2026-05-02 10:00:00', 5), (3, 61, '2026-05-03 10:00:00', 6);
INSERT INTO analytics.restatements VALUES
    (2, 'fact_sales', 'product_sk', '2/1', '2026-05-02 10:00:00', 11, 12, 'versions of the member moved', '2026-05-04'),
    (2, 'fact_sales', 'product_sk', '1/1', '2026-04-01 10:00:00', 12, 11, 'versions of the member moved', '2026-05-04');
"""


@pytest.fixture
def warehouse(engine: Engine) -> Iterator[Warehouse]:
    made = engine.empty()
    ensure_tables(RETAIL, made)
    for text in ROWS.split(";\n"):
        if text.strip():
            engine.run(made, text)
    for seq, seconds in ((1, 90), (2, 30)):
        times = {"loaded_at": START, "finished_at": START + timedelta(seconds=seconds)}
        load: dict[str, Value] = {"load_seq": seq, "attempt": "a", "progress": "{}", "row_counts": "{}", **times}
        for table, rows in (("dim_product", 4 * seq), ("fact_sales", 3)):
            run_plan(made, rows_plan(), {**load, "table_name": table, "rows_loaded": rows})
        run_plan(made, end_plan(), load)
    run_plan(made, refill_plan(RETAIL, "agg_daily_sales_by_category"), {})
    yield made
    made.close()


def rows(warehouse: Warehouse, sql: str) -> list[tuple[object, ...]]:
    return [
        tuple(int(v) if isinstance(v, Decimal) and v == int(v) else v for v in row) for row in warehouse.query(sql).rows
    ]


def pairs(warehouse: Warehouse, sql: str) -> list[tuple[object, object]]:
    return [(name, value) for name, value in rows(warehouse, sql)]


def answer(warehouse: Warehouse, name: str) -> list[tuple[object, ...]]:
    return list(warehouse.ask(questions("retail")[name].statement, {}).rows)


def test_loads_are_told_with_duration_rows_and_restated_facts(warehouse: Warehouse) -> None:
    sql = "SELECT load_seq, seconds, rows_loaded, facts_restated FROM ops.loads ORDER BY 1"
    assert rows(warehouse, sql) == [(1, 90, 7, 0), (2, 30, 11, 2)]


def test_rows_are_counted(warehouse: Warehouse) -> None:
    found: dict[object, object] = dict(
        pairs(warehouse, "SELECT table_name, row_count FROM ops.row_counts WHERE schema_name = 'analytics'")
    )
    assert found["dim_product"] == 5, "the unknown member is a row"
    assert found["fact_sales"] == 4
    sql = "SELECT versions, current_versions, incomplete_versions, inferred_members FROM ops.versions"
    assert rows(warehouse, f"{sql} WHERE dimension = 'dim_product'") == [(4, 3, 1, 1)]


def test_freshness_is_held_against_each_contract(engine: Engine, warehouse: Warehouse) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    for table, minutes in (("customer", 1), ("order", 120)):
        engine.run(
            warehouse,
            f"INSERT INTO ops.newest_change VALUES ('{table}', '{now - timedelta(minutes=minutes)}', 2)",
        )
    found = {row[0]: row[1:] for row in rows(warehouse, "SELECT source_table, is_late, newest_load FROM ops.freshness")}
    assert found == {"customer": (False, 2), "order": (True, 2), "order_item": (True, None), "product": (True, None)}
    (behind,) = rows(warehouse, "SELECT minutes_behind FROM ops.freshness WHERE source_table = 'order'")
    assert 119 <= int(str(behind[0])) <= 130


def test_views_are_made_again_when_their_text_changes(warehouse: Warehouse) -> None:
    made = rows(warehouse, "SELECT checksum FROM ops.definition")
    fewer = load_pipeline("retail")
    del fewer.sources["product"]
    ensure_tables(fewer, warehouse)
    assert rows(warehouse, "SELECT checksum FROM ops.definition") != made
    assert len(rows(warehouse, "SELECT source_table FROM ops.freshness")) == 3


def test_every_saved_query_says_what_it_asks_and_answers(warehouse: Warehouse) -> None:
    for name, question in questions("retail").items():
        assert question.asks.endswith("?"), name
        assert answer(warehouse, name), name


def test_saved_queries_give_what_the_demo_shows(engine: Engine, warehouse: Warehouse) -> None:
    shown = from_warehouse.star_rows(lambda sql: warehouse.query(sql).rows, RETAIL)
    assert [tuple(row) for row in answer(warehouse, "star_rows")] == sorted((item.table, item.rows) for item in shown)
    told = from_warehouse.restatements(lambda sql: warehouse.query(sql).rows)
    assert [(*row[:3], int(str(row[3]))) for row in answer(warehouse, "restatements")] == [
        (item.fact, item.reference, item.reason, item.rows) for item in told
    ]
    months = [(row[0], row[1], Decimal(str(row[3]))) for row in answer(warehouse, "sales_by_category")]
    assert {(month, category): total for month, category, total in months} == {
        ("2026-04", "toys"): Decimal("15.00"),
        ("2026-05", "games"): Decimal("7.00"),
        ("2026-05", None): Decimal("1.50"),
    }
    today = {
        row[0]: Decimal(str(row[1])) for row in answer(warehouse, "sales_by_todays_category") if row[1] is not None
    }
    assert today == {"games": Decimal("17.00"), "toys": Decimal("5.00"), None: Decimal("1.50")}
    if "Duck" in type(engine).__name__:
        sales = from_warehouse.sales(lambda sql: warehouse.query(sql).rows, RETAIL)
        assert sales is not None
        assert {row.group: row.by_today for row in sales.rows} == {name or "—": total for name, total in today.items()}
    history = answer(warehouse, "customer_histories")
    assert [(row[0], row[4], int(str(row[5]))) for row in history] == [(5, "vip", 1), (5, "corporate", 1)]
