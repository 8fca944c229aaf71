"""Who may see what, as statements: classes of the contracts, grants by column, masks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lake.warehouse.access import attachments
from redshift_sql.operations import VIEWS, views_plan
from redshift_sql.people import ANALYST, LOADER, ROLES, STEWARD, Masks, access_plan, classes, mask, readable
from redshift_sql.statements import flat
from schemas import load_pipeline
from schemas.model import Mirror, PiiClass

RETAIL = load_pipeline("retail")
PERSONAL = {"full_name", "email", "phone", "address_line", "city", "postal_code", "birth_date", "gender"} | {
    "marital_status",
    "income_band",
}


def sql(**options: object) -> list[str]:
    plan = access_plan(RETAIL, **options)  # type: ignore[arg-type]
    return [re.sub(r"--.*\n", "", item.sql).replace("\n", " ").strip() for item in flat(plan)]


def test_classes_come_from_the_source_contracts() -> None:
    found = classes(RETAIL, "analytics.dim_customer")
    assert set(found) == PERSONAL
    assert found["email"] is PiiClass.DIRECT
    assert found["city"] is PiiClass.QUASI
    assert {table for table in readable(RETAIL) if classes(RETAIL, table)} == {
        *("analytics.dim_customer", "staging.customer", "staging.order")
    }


def test_direct_columns_are_granted_to_no_analyst_and_quasi_ones_only_where_there_are_masks() -> None:
    for masks, hidden in ((Masks(), {"full_name", "email", "phone", "address_line"}), (None, PERSONAL)):
        (granted,) = [
            text for text in sql(masks=masks) if text.startswith("grant select (") and "analytics.dim_customer" in text
        ]
        columns = set(re.findall(r"\w+", granted.partition("(")[2].partition(")")[0]))
        assert columns == {item.name for item in readable(RETAIL)["analytics.dim_customer"]} - hidden


def test_every_personal_column_is_masked_for_the_public_and_shown_to_steward_and_loader() -> None:
    every = [text for text in sql() if text.startswith("attach")]
    attached = [text for text in every if " analytics.dim_customer " in text]
    for column in PERSONAL:
        mine = [text for text in attached if f"({column})" in text]
        assert [re.sub(r".* to ", "", text) for text in mine] == [
            "public priority 10",
            f"role {STEWARD} priority 20",
            f"role {LOADER} priority 30",
        ]
        assert "mask_" in mine[0]
        assert all("show_" in text for text in mine[1:])
    assert len(attached) == 3 * len(PERSONAL)
    assert len(every) == 3 * sum(len(classes(RETAIL, table)) for table in readable(RETAIL))


def test_what_is_there_is_not_made_again() -> None:
    made = sql()
    policies = frozenset(text.split()[3] for text in made if text.startswith("create masking"))
    attached = frozenset(
        (match[1], match[2].replace('"', ""), match[3], match[4].removeprefix("role "))
        for text in made
        if (match := re.match(r"attach masking policy (\w+) on (\S+) \((\w+)\) to (.+) priority", text))
    )
    again = sql(roles=ROLES, masks=Masks(policies, attached))
    assert {text.split()[0] for text in again} == {"grant", "revoke"}
    fewer = sql(roles=ROLES, masks=Masks(policies, frozenset(list(attached)[1:])))
    assert len([text for text in fewer if text.startswith("attach")]) == 1


def test_attachments_are_read_as_redshift_lists_them() -> None:
    rows = [
        ("mask_a", "analytics", "dim_x", '["email"]', "public"),
        ("show_a", "analytics", "dim_x", '["email"]', STEWARD),
    ]
    assert set(attachments(rows)) == {
        ("mask_a", "analytics.dim_x", "email", "public"),
        ("show_a", "analytics.dim_x", "email", STEWARD),
    }


@pytest.mark.parametrize(
    ("pii", "kind", "shown"),
    [
        (PiiClass.DIRECT, "varchar(320)", "cast('***' as varchar(320))"),
        (PiiClass.DIRECT, "varchar(2)", "cast('**' as varchar(2))"),
        (PiiClass.QUASI, "varchar(200)", "cast(left(sha2(value, 256), 64) as varchar(200))"),
        (PiiClass.QUASI, "varchar(32)", "cast(left(sha2(value, 256), 32) as varchar(32))"),
        (PiiClass.QUASI, "date", "cast(date_trunc('year', value) as date)"),
        (PiiClass.DIRECT, "date", "cast(null as date)"),
        (PiiClass.QUASI, "bigint", "cast(null as bigint)"),
    ],
)
def test_a_mask_has_the_columns_own_type(pii: PiiClass, kind: str, shown: str) -> None:
    assert mask(pii, kind) == shown


def test_an_analyst_is_given_nothing_that_writes_and_no_change_log() -> None:
    mine = [text for text in sql() if text.endswith(f"to role {ANALYST}")]
    assert {text.split()[1].strip("(") for text in mine} == {"usage", "select"}
    assert not [text for text in mine if re.search(r"staging\.\w+_(log|tip|load|truncate)\b", text)]


def test_views_that_a_pipeline_has_not_are_granted_to_nobody() -> None:
    bare = {name: replace(item, mirror=Mirror.NONE) for name, item in RETAIL.sources.items()}
    empty = replace(RETAIL, sources=bare, dimensions={}, calendars={}, facts={}, aggregates={})
    for pipeline, wanted in ((RETAIL, set(VIEWS)), (empty, set(VIEWS) - {"row_counts", "versions"})):
        granted = {found[1] for item in flat(access_plan(pipeline)) if (found := re.search(r"on ops\.(\w+)", item.sql))}
        assert granted & set(VIEWS) == wanted
        made = {found[1] for item in flat(views_plan(pipeline)) if (found := re.search(r"view ops\.(\w+)", item.sql))}
        assert made == wanted
