"""Tables as found against contracts: the steps between, and the migration they are written as."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from redshift_sql.evolve import Change, EvolutionError, Found, Step, evolution, fits, widens
from redshift_sql.migration import Migration, MigrationError, migrations_in, written
from redshift_sql.plan import schema_plan
from redshift_sql.shapes import columns_of
from redshift_sql.statements import flat
from schemas import load_pipeline
from schemas.model import Pipeline

RETAIL = load_pipeline("retail")


def as_made(pipeline: Pipeline = RETAIL) -> dict[str, dict[str, str]]:
    return {table: {item.name: item.type for item in columns} for table, columns in columns_of(pipeline).items()}


def with_type(found: Found, table: str, column: str, kind: str) -> Found:
    return {**found, table: {**found[table], column: kind}}


def without(found: Found, column: str, *tables: str) -> Found:
    return {
        table: {name: kind for name, kind in columns.items() if table not in tables or name != column}
        for table, columns in found.items()
    }


def only(steps: tuple[Step, ...]) -> Step:
    (step,) = steps
    return step


def test_tables_as_their_contracts_want_them_need_no_step() -> None:
    assert evolution(RETAIL, as_made()) == ()


def test_what_is_not_there_is_made_by_a_load() -> None:
    steps = evolution(RETAIL, {})
    assert {step.change for step in steps} == {Change.CREATE}
    assert {step.table for step in steps} == set(columns_of(RETAIL))


def test_an_added_attribute_is_added_everywhere_and_is_unknown() -> None:
    tables = [f"staging.dim_product_{kind}" for kind in ("load", "log", "truncate", "tip")]
    steps = evolution(RETAIL, without(as_made(), "brand", *tables, "analytics.dim_product"))
    assert {(step.table, step.change) for step in steps} == {
        ("staging.dim_product_load", Change.RENEW),
        ("staging.dim_product_log", Change.ADD),
        ("staging.dim_product_truncate", Change.ADD),
        ("staging.dim_product_tip", Change.ADD),
        ("analytics.dim_product", Change.ADD),
    }
    sql = written(1, steps).text
    assert "alter table analytics.dim_product add column brand varchar(100);" in sql
    assert "set unavailable = case when unavailable = '' then ',' else unavailable end || 'brand,'" in sql
    assert not any(step.destructive for step in steps)


def test_a_longer_varchar_grows_in_place_outside_a_transaction() -> None:
    step = only(evolution(RETAIL, with_type(as_made(), "analytics.fact_orders", "status", "varchar(8)")))
    assert (step.change, step.what) == (Change.WIDEN, "status grows from varchar(8) to varchar(32)")
    made = written(4, [step])
    assert made.name == "0004_fact_orders_status"
    assert [item.sql.split("\n")[-1] for item in made.outside] == [
        "alter table analytics.fact_orders alter column status type varchar(32)"
    ]
    assert made.inside == ()


@pytest.mark.parametrize(
    ("column", "found", "destructive"),
    [
        ("quantity", "smallint", False),
        ("unit_price", "decimal(10,2)", False),
        ("unit_price", "decimal(12,4)", True),
        ("quantity", "bigint", True),
        ("channel", "varchar(64)", True),
        ("channel", "integer", True),
    ],
)
def test_other_types_make_the_table_anew(column: str, found: str, destructive: bool) -> None:
    step = only(evolution(RETAIL, with_type(as_made(), "analytics.fact_sales", column, found)))
    assert (step.change, step.destructive) == (Change.REBUILD, destructive)
    made = written(1, [step])
    assert made.destructive is destructive
    (create,) = [item for item in flat(schema_plan(RETAIL)) if "exists analytics.fact_sales (" in item.sql]
    assert made.inside[0].sql.endswith("rename to fact_sales_replaced")
    assert made.inside[1].sql == create.sql.strip(), "distribution and sort keys are the contract's"
    assert made.inside[-1].sql == "drop table analytics.fact_sales_replaced"


def test_a_column_that_a_contract_lost_is_destructive_and_history_is_computed_again() -> None:
    found = as_made()
    found["analytics.dim_customer"]["fax"] = "varchar(20)"
    step = only(evolution(RETAIL, found))
    assert (step.change, step.destructive, step.what) == (Change.REBUILD, True, "loses fax")
    assert written(1, [step]).owed == (("recompute", "dim_customer"),)


def test_a_load_table_is_made_again_also_where_only_the_order_differs() -> None:
    found = as_made()
    columns = found["staging.fact_orders_load"]
    found["staging.fact_orders_load"] = dict(reversed(columns.items()))
    assert only(evolution(RETAIL, found)).change is Change.RENEW
    found = as_made()
    found["analytics.fact_orders"] = dict(reversed(found["analytics.fact_orders"].items()))
    assert evolution(RETAIL, found) == (), "elsewhere columns are named, so their order does not matter"


def test_an_aggregate_is_grouped_again() -> None:
    step = only(evolution(RETAIL, without(as_made(), "units", "analytics.agg_daily_sales_by_category")))
    assert (step.change, step.destructive) == (Change.RENEW, False)
    assert written(1, [step]).owed == (("refill", "agg_daily_sales_by_category"),)


def test_a_reference_that_a_fact_gets_leads_to_the_unknown_member() -> None:
    steps = evolution(RETAIL, without(as_made(), "ship_date_sk", "analytics.fact_orders"))
    assert only(steps).statements[-1].sql.endswith("set ship_date_sk = -1")


@pytest.mark.parametrize(
    ("column", "table"), [("customer_id", "staging.dim_customer_tip"), ("is_incomplete", "analytics.dim_customer")]
)
def test_keys_and_technical_columns_are_not_added(column: str, table: str) -> None:
    step = only(evolution(RETAIL, without(as_made(), column, table)))
    assert step.change is Change.IMPOSSIBLE
    with pytest.raises(EvolutionError, match=f"{table}: lacks {column}, which no contract adds"):
        written(1, [step])


def test_columns_without_a_bound_fit_any() -> None:
    assert fits("varchar", "varchar(20)")
    assert fits("varbyte", "varbyte(65535)")
    assert not fits("varchar(10)", "varchar(20)")
    assert not fits("integer", "bigint")
    assert widens("real", "double precision")
    assert not widens("bigint", "decimal(38,0)")


def test_a_file_is_read_as_it_was_written() -> None:
    found = with_type(as_made(), "analytics.fact_orders", "status", "varchar(8)")
    found = without(found, "brand", "analytics.dim_product", "staging.dim_product_log")
    steps = evolution(RETAIL, found)
    made = written(1, steps)
    again = Migration(1, made.name, made.text.replace("\n", "\r\n"))
    assert again.checksum == made.checksum
    planned = [item.sql.strip() for step in steps for item in step.statements]
    assert sorted(item.sql.split("\n")[-1] for item in (*made.outside, *made.inside)) == sorted(
        sql.split("\n")[-1] for sql in planned
    )


def test_a_word_that_no_release_knows_is_refused() -> None:
    with pytest.raises(MigrationError, match=r"0001_x\.sql: does not know '-- lake: then vacuum'"):
        Migration(1, "0001_x", "-- lake: then vacuum\nselect 1;\n")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001_a.sql", "0003_b.sql"], "its number is 3, the next one is 2"),
        (["0001_a.sql", "0001_b.sql"], "its number is 1, the next one is 2"),
        (["1_a.sql"], "not the name of a migration"),
    ],
)
def test_files_are_numbered_one_by_one(tmp_path: Path, names: list[str], message: str) -> None:
    (tmp_path / "migrations").mkdir()
    for name in names:
        (tmp_path / "migrations" / name).write_text("select 1;\n")
    with pytest.raises(MigrationError, match=message):
        migrations_in(tmp_path)


def test_a_pipeline_without_migrations_has_none(tmp_path: Path) -> None:
    assert migrations_in(tmp_path) == ()


def test_names_stay_names() -> None:
    hostile = replace(RETAIL.dimensions["dim_product"].attributes[0], name='x"; drop table y')
    dimension = replace(RETAIL.dimensions["dim_product"], attributes=(hostile,))
    with pytest.raises(Exception, match="not a name that SQL may hold"):
        evolution(replace(RETAIL, dimensions={"dim_product": dimension}, facts={}, aggregates={}), as_made())
