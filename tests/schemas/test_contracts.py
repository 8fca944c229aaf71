"""A contract that is wrong gives one clear error: the file, the field, the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import schemas
from schemas import load_pipeline
from schemas.errors import ContractError
from schemas.model import Pipeline
from schemas.parse import parse_pipeline

RETAIL = Path(schemas.__file__).parent / "retail"
Body = dict[str, Any]
Mend = Callable[[Body], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in RETAIL.rglob("*.yaml"):
        copy = tmp_path / "retail" / file.relative_to(RETAIL)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    return tmp_path / "retail"


def changed(folder: Path, file: str, change: Mend) -> None:
    path = folder / file
    body = yaml.safe_load(path.read_text())
    change(body)
    path.write_text(yaml.safe_dump(body, sort_keys=False))


def put(*path: str, value: object) -> Mend:
    """Sets a value deep in a document."""

    def apply(body: Body) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = value

    return apply


def gone(*path: str) -> Mend:
    """Removes a field deep in a document."""

    def apply(body: Body) -> None:
        for step in path[:-1]:
            body = body[step]
        del body[path[-1]]

    return apply


def test_the_project_s_own_contracts_load() -> None:
    retail = load_pipeline("retail")
    assert set(retail.sources) == {"customer", "order", "order_item", "product"}
    assert set(retail.dimensions) == {"dim_customer", "dim_product"}
    assert isinstance(retail, Pipeline)


CUSTOMER, PRODUCT, ITEM = "sources/customer.yaml", "sources/product.yaml", "sources/order_item.yaml"
DIM, SALES, AGGREGATE, DATES = (
    "star/dim_customer.yaml",
    "star/fact_sales.yaml",
    "star/agg_daily_sales_by_category.yaml",
    "star/dim_date.yaml",
)
WRONG: list[tuple[str, Mend, str, str, str]] = [
    # file, change, field named, what is said, remedy
    (CUSTOMER, put("columns", "email", "type", value="varchar(0)"), "columns.email.type", "holds 1 to", ""),
    (CUSTOMER, put("columns", "email", "type", value="text"), "columns.email.type", "unknown type 'text'", ""),
    (
        CUSTOMER,
        put("columns", "email", "type", value="decimal(50,2)"),
        "columns.email.type",
        "precision is 1 to 38",
        "",
    ),
    (CUSTOMER, put("columns", "email", "type", value=7), "columns.email.type", "", ""),
    (CUSTOMER, put("columns", "email", "nulable", value=True), "columns.email.nulable", "unknown field", "nullable"),
    (CUSTOMER, put("colums", value={}), "colums", "unknown field", "did you mean 'columns'?"),
    (CUSTOMER, gone("topic"), "topic", "a required field is missing", "add 'topic'"),
    (CUSTOMER, gone("key"), "key", "a required field is missing", "add 'key'"),
    (CUSTOMER, put("key", value=[]), "key", "", ""),
    (
        CUSTOMER,
        put("key", value=["customer"]),
        "key.customer",
        "a column that is not there",
        "add 'customer' to columns",
    ),
    (CUSTOMER, put("key", value=["phone"]), "columns.phone.nullable", "nullable", "nullable: false"),
    (CUSTOMER, put("evolution", value="sometimes"), "evolution", "evolve", ""),
    (CUSTOMER, put("mirror", value="some"), "mirror", "full", ""),
    (
        CUSTOMER,
        lambda body: body.update(mirror="none", mirror_misfit="dead_letter"),
        "mirror_misfit",
        "the source has none",
        "mirror: full",
    ),
    (CUSTOMER, put("lateness", value="soon"), "lateness", "a duration such as", ""),
    (CUSTOMER, put("columns", "email", "pii", value="very"), "columns.email.pii", "direct", ""),
    (CUSTOMER, put("columns", 'e"; DROP TABLE x; --', value={"type": "int"}), "columns", "", ""),
    (CUSTOMER, put("columns", "Email", value={"type": "int"}), "columns", "", ""),
    (CUSTOMER, put("columns", "_op", value={"type": "int"}), "columns", "", ""),
    (CUSTOMER, put("table", value="kunde"), "table", "in a file of another name", "name it kunde.yaml"),
    (CUSTOMER, put("table", value="../../etc"), "table", "", ""),
    (CUSTOMER, put("topic", value="a topic"), "topic", "", ""),
    (CUSTOMER, put("checks", value=[{"name": "x"}]), "checks.0.expr", "a required field is missing", "add 'expr'"),
    (CUSTOMER, put("checks", value=[{"name": "a,b", "expr": "true"}]), "checks.0.name", "", ""),
    (CUSTOMER, put("expectations", value=[{"type": "drop"}]), "expectations.0.type", "", ""),
    (PRODUCT, gone("columns", "name"), "attributes.product_name", "has no column 'name'", "use one of"),
    (DIM, put("source", value="client"), "source", "no source table 'client'", "use one of"),
    (DIM, put("attributes", "segment", "scd", value=3), "attributes.segment.scd", "", ""),
    (DIM, put("attributes", "segment", "type", value="int"), "attributes.segment", "differs", "varchar(32)"),
    (
        DIM,
        put("attributes", "colour", value={"type": "int", "scd": 1}),
        "attributes.colour",
        "no column 'colour'",
        "use",
    ),
    (
        DIM,
        put("attributes", "is_current", value={"type": "int", "scd": 1}),
        "attributes.is_current",
        "taken",
        "another",
    ),
    (DIM, put("business_key", value={"email": {"type": "varchar(320)"}}), "business_key", "not the key", "customer_id"),
    (DIM, put("policies", "hard_delete", value="forget"), "policies.hard_delete", "close", ""),
    (DIM, put("kind", value="dimensions"), "kind", "unknown kind 'dimensions'", "use one of dimension"),
    (DIM, gone("kind"), "kind", "unknown kind None", "use one of dimension"),
    (SALES, put("base", value="orders"), "base", "no source table 'orders'", "use one of"),
    (SALES, put("joins", value={"order": {"order_id": "status"}}), "joins.order", "whole key", "name order_id"),
    (SALES, put("event_time", "from", value="order.when"), "event_time", "no column 'when'", "use one of"),
    (
        SALES,
        put("columns", "channel", "expr", value="customer.city"),
        "columns.channel.expr",
        "neither the base",
        "use",
    ),
    (
        SALES,
        put("dimensions", "customer_sk", "dimension", value="dim_client"),
        "customer_sk.dimension",
        "no dimension",
        "",
    ),
    (
        SALES,
        put("calendars", "date_sk", "calendar", value="dim_day"),
        "calendars.date_sk.calendar",
        "no calendar",
        "use",
    ),
    (
        "star/dim_product.yaml",
        put("attributes", "product_name", "type", value="varchar(399)"),
        "attributes.product_name",
        "narrower than the source's varchar(400)",
        "say varchar(400)",
    ),
    (SALES, put("business_key", "order_id", "type", value="int"), "business_key.order_id", "differs", "say bigint"),
    (SALES, put("storage", "distkey", value="shop"), "storage.distkey", "'shop' is no column", "use one of"),
    (SALES, put("storage", "sortkey", value=["sold_at"]), "storage.sortkey", "'sold_at' is no column", "use one of"),
    (SALES, put("storage", "diststyle", value="even"), "storage.distkey", "go together", "both or neither"),
    (SALES, put("misfit", value="drop"), "misfit", "'fail' or 'dead_letter'", ""),
    (SALES, gone("business_key", "line_no"), "business_key", "not the key", "order_id, line_no"),
    (AGGREGATE, put("fact", value="fact_sale"), "fact", "no fact 'fact_sale'", "use one of"),
    (
        AGGREGATE,
        put("measures", "units", "column", value="pieces"),
        "measures.units.column",
        "not in fact_sales",
        "use",
    ),
    (AGGREGATE, put("measures", "units", "function", value="median"), "measures.units.function", "", ""),
    (
        AGGREGATE,
        put("group_by", "category", "from", value="product_sk.colour"),
        "group_by.category",
        "is not there",
        "use",
    ),
    (DATES, put("end", value="2000-01-01"), "end", "ends before it starts", "put start before end"),
]


@pytest.mark.parametrize(("file", "change", "field", "says", "remedy"), WRONG)
def test_a_wrong_contract_names_file_field_and_remedy(
    folder: Path, file: str, change: Mend, field: str, says: str, remedy: str
) -> None:
    changed(folder, file, change)
    with pytest.raises(ContractError) as caught:
        parse_pipeline(folder)
    error = caught.value
    assert error.where.startswith(str(folder))
    assert field in error.where
    assert says in error.what
    assert remedy in error.remedy
    assert error.remedy
    assert "\n" not in error.what


def test_the_field_may_be_in_another_file_than_the_change(folder: Path) -> None:
    """A column that goes breaks the star table that uses it, so that file is named."""
    changed(folder, PRODUCT, gone("columns", "name"))
    with pytest.raises(ContractError) as caught:
        parse_pipeline(folder)
    assert "dim_product.yaml" in caught.value.where


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("table: [customer\n", "the file is not YAML"),
        ("- a\n- b\n", "the file is not a mapping"),
        ("", "the file is not a mapping"),
        ("table: !!python/object/apply:os.system ['true']\n", "the file is not YAML"),
        ("a: &a [*a]\n", ""),
    ],
)
def test_a_file_that_is_no_contract_is_named(folder: Path, text: str, says: str) -> None:
    (folder / CUSTOMER).write_text(text)
    with pytest.raises(ContractError) as caught:
        parse_pipeline(folder)
    assert "customer.yaml" in caught.value.where
    assert says in caught.value.what


def test_a_file_that_is_not_utf8_is_named(folder: Path) -> None:
    (folder / CUSTOMER).write_bytes(b"table: \xff\xfe\n")
    with pytest.raises(ContractError, match="the file is not YAML"):
        parse_pipeline(folder)


def test_the_line_of_a_syntax_error_is_named(folder: Path) -> None:
    (folder / CUSTOMER).write_text("table: customer\ntopic: x\nkey: [a\ncolumns: {}\n")
    with pytest.raises(ContractError) as caught:
        parse_pipeline(folder)
    assert ", line " in caught.value.where


def test_an_unknown_pipeline_names_those_there_are() -> None:
    with pytest.raises(ContractError, match="no pipeline 'retial'") as caught:
        load_pipeline("retial")
    assert "retail" in caught.value.remedy


@pytest.mark.parametrize("name", ["../retail", "retail/../retail", "/etc", "", ".", "retail/sources"])
def test_a_pipeline_s_name_cannot_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(ContractError):
        load_pipeline(name)


def test_a_pipeline_without_sources_is_named(folder: Path) -> None:
    for file in (*(folder / "sources").glob("*.yaml"), *(folder / "star").glob("*.yaml")):
        file.unlink()
    with pytest.raises(ContractError, match="no source contract") as caught:
        parse_pipeline(folder)
    assert "lake contract new" in caught.value.remedy


def test_a_value_of_the_file_is_not_repeated_where_it_may_be_personal(folder: Path) -> None:
    changed(folder, CUSTOMER, put("columns", "email", "nullable", value="ann@example.org"))
    with pytest.raises(ContractError) as caught:
        parse_pipeline(folder)
    assert "ann@example.org" not in str(caught.value)


def test_a_source_and_a_star_table_of_one_name_are_refused(folder: Path) -> None:
    for wanted in ("customer", "rule_ledger", "dim_customer_log"):
        source = folder / f"sources/{wanted}.yaml"
        source.write_text((folder / CUSTOMER).read_text().replace("table: customer", f"table: {wanted}"))
    with pytest.raises(ContractError, match="'dim_customer_log' is the name of another table of the warehouse"):
        parse_pipeline(folder)


@pytest.mark.parametrize("kind", ["load", "stream", "now"])
def test_a_source_named_as_another_ones_load_table_or_view_is_refused(folder: Path, kind: str) -> None:
    wanted = f"customer_{kind}"
    text = (folder / CUSTOMER).read_text()
    (folder / f"sources/{wanted}.yaml").write_text(text.replace("table: customer", f"table: {wanted}"))
    with pytest.raises(ContractError, match=f"'{wanted}' is the name of another table of the warehouse"):
        parse_pipeline(folder)
