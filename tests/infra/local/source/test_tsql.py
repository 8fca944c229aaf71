"""The source's rows and tables for SQL Server: the same rows, in T-SQL that parses, in the columns that are there."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import sqlglot
from sqlglot import expressions as e

from infra.local.source import rows
from infra.local.source.seed import Size
from infra.local.source.tsql import inserts, literal, script

ROOT: Final = Path(__file__).parents[4]
NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETUP: Final = (ROOT / "infra/docker/sqlserver/setup.sql").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "1"),
        (-7, "-7"),
        (Decimal("12.30"), "12.30"),
        (date(2024, 2, 29), "'2024-02-29'"),
        (NOW, "'2026-01-02T03:04:05.000000+00:00'"),
        (rows.without_zone(NOW), "'2026-01-02T03:04:05.000000'"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
        ("O'Brien Weiß", "N'O''Brien Weiß'"),
        ("'; DROP TABLE customer; --", "N'''; DROP TABLE customer; --'"),
    ],
)
def test_a_value_becomes_a_literal(value: Any, text: str) -> None:
    assert literal(value) == text


def test_a_type_without_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        literal(1.5)


def test_statements_parse_and_hold_every_row_with_every_column() -> None:
    statements = [
        sqlglot.parse_one(text, dialect="tsql") for text in script(Size(3, 2, 4), seed=1, now=NOW) if "INSERT" in text
    ]
    made = {s.find(e.Table).name: s for s in statements}  # type: ignore[union-attr]
    assert list(made) == list(rows.COLUMNS)
    for table, statement in made.items():
        assert [column.name for column in statement.this.expressions] == list(rows.COLUMNS[table])
    tuples = {table: statement.expression.expressions for table, statement in made.items()}
    assert {table: len(found) for table, found in tuples.items()} | {"order_item": 0} == {
        "customer": 3,
        "product": 2,
        "order": 4,
        "order_item": 0,
    }


def test_an_insert_stays_below_the_servers_limit_of_rows() -> None:
    made = ({"order_id": n} | dict.fromkeys(rows.COLUMNS["order_item"][1:], 0) for n in range(1201))
    assert [text.count("\n(") for text in inserts("order_item", made)] == [500, 500, 201]


def test_equal_seeds_make_equal_scripts_in_one_transaction() -> None:
    made = list(script(Size(3, 2, 4), seed=1, now=NOW))
    assert made == list(script(Size(3, 2, 4), seed=1, now=NOW))
    assert made != list(script(Size(3, 2, 4), seed=2, now=NOW))
    assert (made[2], made[-1]) == ("BEGIN TRANSACTION;\n", "COMMIT;\n")


def test_a_database_that_holds_customers_is_left_alone() -> None:
    assert "IF EXISTS (SELECT 1 FROM dbo.customer) SET NOEXEC ON;\n" in list(script(Size(1, 1, 1), seed=1, now=NOW))


@pytest.mark.parametrize("table", sorted(rows.COLUMNS))
def test_a_table_has_the_columns_of_the_other_source(table: str) -> None:
    (body,) = re.findall(rf"CREATE TABLE dbo\.\[?{table}\]? \(\n(.*?)\n\);", SETUP, re.DOTALL)
    columns = [line.split()[0] for line in body.splitlines() if not line.strip().startswith("PRIMARY")]
    assert columns == list(rows.COLUMNS[table])


def test_every_captured_table_and_the_database_have_change_data_capture() -> None:
    assert "sp_cdc_enable_db" in SETUP
    for table in (*rows.COLUMNS, "signal", "heartbeat"):
        assert f"'{table}'" in SETUP.split("DECLARE captured CURSOR")[1]
    assert "ALLOW_SNAPSHOT_ISOLATION ON" in SETUP  # the connector's snapshot.isolation.mode
