"""Column lineage is compiled from the contracts: every column of the star has its origin."""

from __future__ import annotations

import pytest

from glue_jobs import watching
from glue_jobs.curated import tables
from glue_jobs.staging_tables import change_log
from lake.metrics import Hop
from lake.watch import Flow, Step
from lake.watch.events import Dataset, Name
from lake.watch.flows import landing_flow, load_tables, references, warehouse_flow
from lake.watch.names import Names
from redshift_sql.copy_contract import copy_contract
from schemas import load_pipeline
from schemas.manifests import LoadManifest
from schemas.model import Dimension, Fact

LAKE = "s3://lake/retail"
RETAIL = load_pipeline("retail")
NAMES = Names("retail", LAKE, "broker:9092,other:9092", "redshift-data://workgroup/main/dev", "eu-west-1")


def output(flow: Flow, key: str) -> Dataset:
    (found,) = [item for item in flow.outputs if item.key == key]
    return found


def origins(flow: Flow, key: str, column: str) -> set[tuple[str, str, str]]:
    """(last part of the dataset's name, column, subtype) of each origin."""
    return {
        (origin.dataset.name.rpartition("/")[2].rpartition(".")[2], origin.column, origin.how.value.split(" ")[1])
        for origin in output(flow, key).origins[column]
    }


def test_a_topics_columns_are_landed_as_they_are() -> None:
    flow = landing_flow(RETAIL.sources["customer"], NAMES)
    assert flow.inputs[0].name == Name("kafka://broker:9092", "retail.customer.cdc")
    assert output(flow, "customer").name == Name("s3://lake", "retail/landing/customer")
    assert origins(flow, "customer", "after.email") == {("cdc", "after.email", "IDENTITY")}


def test_a_staged_column_comes_from_both_row_images_and_a_key_from_the_key() -> None:
    flow = watching.staging_flow(RETAIL.sources["customer"], LAKE)
    images = {("customer", "before.email", "TRANSFORMATION"), ("customer", "after.email", "TRANSFORMATION")}
    assert origins(flow, "customer", "email") == images
    assert origins(flow, "customer", "customer_id") == {("customer", "key.customer_id", "TRANSFORMATION")}
    log = output(flow, "customer")
    assert log.also == Name("s3://lake/retail/iceberg", "retail_staging.customer")
    assert [item.name for item in log.fields] == [c.name for c in change_log(RETAIL.sources["customer"]).columns]


@pytest.mark.parametrize("dimension", RETAIL.dimensions.values(), ids=lambda item: item.name)
def test_every_column_of_a_dimension_that_holds_data_has_its_origin(dimension: Dimension) -> None:
    told = output(watching.source_flow(RETAIL, RETAIL.sources[dimension.source], LAKE), dimension.name)
    columns = [column.name for column in tables.dimension_shape(RETAIL, dimension).columns]
    assert [field.name for field in told.fields] == columns
    assert set(columns) - set(told.origins) == {"is_inferred", "is_incomplete"}


def test_a_dimensions_versions_open_by_its_type_2_attributes() -> None:
    flow = watching.source_flow(RETAIL, RETAIL.sources["product"], LAKE)
    opening = {("product", item.source, "CONDITION") for item in RETAIL.dimensions["dim_product"].type2}
    assert opening
    assert origins(flow, "dim_product", "effective_from") == opening | {("product", "_changed_at", "TRANSFORMATION")}
    assert origins(flow, "dim_product", "category") == {("product", "category", "IDENTITY")}


def test_a_measures_columns_are_found_in_its_expression() -> None:
    flow = watching.fact_flow(RETAIL, RETAIL.facts["fact_sales"], LAKE)
    assert origins(flow, "fact_sales", "tax_amount") == {
        ("order_item_state", name, "TRANSFORMATION") for name in ("quantity", "unit_price", "discount", "tax_rate")
    }
    assert origins(flow, "fact_sales", "quantity") == {("order_item_state", "quantity", "IDENTITY")}
    assert origins(flow, "fact_sales", "channel") == {("order_state", "channel", "IDENTITY")}


def test_a_facts_surrogate_key_comes_from_the_version_at_its_event_time() -> None:
    flow = watching.fact_flow(RETAIL, RETAIL.facts["fact_sales"], LAKE)
    assert origins(flow, "fact_sales", "customer_sk") == {
        ("dim_customer", "customer_sk", "IDENTITY"),
        ("order_state", "customer_id", "JOIN"),
        ("order_state", "ordered_at", "JOIN"),
    }


@pytest.mark.parametrize("fact", RETAIL.facts.values(), ids=lambda item: item.name)
def test_every_column_of_a_fact_has_its_origin_among_what_it_reads(fact: Fact) -> None:
    flow = watching.fact_flow(RETAIL, fact, LAKE)
    told, read = output(flow, fact.name), {dataset.name for dataset in flow.inputs}
    columns = [column.name for column in tables.fact_shape(RETAIL, fact).columns]
    assert [field.name for field in told.fields] == columns
    assert set(columns) == set(told.origins)
    assert all(origin.dataset in read for found in told.origins.values() for origin in found)
    assert all(told.origins.values())


def test_an_aggregate_groups_by_the_attribute_as_of_the_event() -> None:
    flow = watching.aggregate_flow(RETAIL, RETAIL.aggregates["agg_daily_sales_by_category"], LAKE)
    assert origins(flow, "agg_daily_sales_by_category", "category") == {("dim_product", "category", "IDENTITY")}
    assert origins(flow, "agg_daily_sales_by_category", "units") == {("fact_sales", "quantity", "AGGREGATION")}
    shaping = {(item.column, item.how.value) for item in output(flow, "agg_daily_sales_by_category").shaped_by}
    assert shaping == {("ordered_at", "INDIRECT GROUP_BY"), ("category", "INDIRECT GROUP_BY")}


@pytest.mark.parametrize("table", load_tables(RETAIL))
def test_a_load_files_columns_with_an_origin_are_those_that_copy_takes(table: str) -> None:
    told = output(watching.load_files_flow(RETAIL, LAKE), table)
    columns = {column.name for column in copy_contract(RETAIL, table).columns}
    assert told.origins.keys() <= columns


@pytest.mark.parametrize("table", load_tables(RETAIL))
def test_the_warehouses_columns_come_from_the_load_files(table: str) -> None:
    flow = warehouse_flow(RETAIL, RETAIL.dimensions.keys() | RETAIL.facts.keys() | {"dim_date", "customer"}, NAMES)
    told = output(flow, table)
    assert told.name == Name("redshift://main.eu-west-1:5439", f"dev.analytics.{table}")
    known = {item.name for item in (*flow.inputs, *flow.outputs)}
    assert all(origin.dataset in known for found in told.origins.values() for origin in found)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("order.channel", (("order", "channel"),)),
        ("order.a + order_item.b * order.a", (("order", "a"), ("order_item", "b"))),
        ("concat('order.note ', line.amount)", (("line", "amount"),)),
        ("case when a.b > 1 then c.d else round(e.f, 2) end", (("a", "b"), ("c", "d"), ("e", "f"))),
        ("1", ()),
    ],
)
def test_references_of_an_expression_are_found_once_and_never_in_a_literal(
    expression: str, wanted: tuple[tuple[str, str], ...]
) -> None:
    assert sorted(references(expression)) == sorted(wanted)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("postgresql://loader:secret@db.example:5433/retail", Name("postgres://db.example:5433", "retail.analytics.t")),
        ("postgresql://loader@db.example/retail", Name("postgres://db.example:5432", "retail.analytics.t")),
        ("duckdb:///lake/retail%20a.duckdb", Name("duckdb:///lake/retail a.duckdb", "analytics.t")),
        ("redshift-data://cluster/main/dev", Name("redshift://main:5439", "dev.analytics.t")),
        (
            "redshift://u@main.c7x.eu-west-1.redshift.amazonaws.com:5439/dev",
            Name("redshift://main.eu-west-1:5439", "dev.analytics.t"),
        ),
        (
            "redshift://u@main.123456789012.eu-west-1.redshift-serverless.amazonaws.com/dev",
            Name("redshift://main.eu-west-1:5439", "dev.analytics.t"),
        ),
    ],
)
def test_a_warehouse_is_named_without_user_or_password(uri: str, name: Name) -> None:
    assert Names("retail", LAKE, warehouse_uri=uri).warehouse("t") == name


def test_a_local_lake_is_named_by_its_path() -> None:
    assert Names("retail", "file:///data/lake").landing("t") == Name("file", "/data/lake/landing/t")
    assert Names("retail", "file:///data/lake").in_catalog("staging", "t").namespace == "file:/data/lake/iceberg"


def test_a_loads_ids_name_the_landed_batches_of_its_sources_and_nothing_else() -> None:
    progress = {"order": 7, "customer": 3, "dim_date": 1795841671, "customer (mirror)": 2}
    step = Step(Hop.CURATED, "load_files")
    watching.tell_load(step, RETAIL, LoadManifest("retail", 4, "a1", progress))
    assert step.ids == {"load_seq": 4, "attempt": "a1", "landing_seqs": "customer=3 order=7"}
