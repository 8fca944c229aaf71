"""The SQL as text: reviewed snapshots, Redshift's limits, names and parameters."""

from __future__ import annotations

import re

import pytest

from redshift_sql.catalogue import every_statement
from redshift_sql.plan import load_plan
from redshift_sql.render import Context, Item, RenderError, render
from redshift_sql.statements import Kind, flat
from schemas import load_pipeline
from tests.redshift_sql.remake import FOLDER, rendered

RETAIL = load_pipeline("retail")
TABLES = [*RETAIL.dimensions, *RETAIL.calendars, *RETAIL.facts]


def code() -> dict[str, str]:
    """Statements without comments and texts, by where they stand."""
    return {
        f"{number}: {item.where}": re.sub(r"--.*|'[^']*'", "", item.sql).lower()
        for number, item in enumerate(every_statement(RETAIL))
    }


def test_the_sql_is_what_was_reviewed() -> None:
    found = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.sql")}
    assert found == rendered(RETAIL), "read the difference after: python -m tests.redshift_sql.remake"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\btruncate\s+(table\s+)?\w", "TRUNCATE commits"),
        (r"\balter table\b", "ALTER TABLE APPEND cannot run in a transaction"),
        (r"\bmerge\b", "MERGE closes or opens a key, not both"),
        (r"\bis (not )?distinct from\b", "Redshift has no null-safe comparison"),
        (r"\bignore nulls\b|\bqualify\b|\bfilter \(", "PostgreSQL and Redshift do not share it"),
        (r"\bnot in\b", "NOT IN with a NULL gives nothing"),
        (r"::", "casts are written out"),
        (r"^update \S+ (as )?[a-z]+\s+set", "an updated table has no alias"),
        (r"\b(primary key|unique|references)\b", "keys are not enforced, yet the planner trusts them"),
        (r"\b(md5|farmfingerprint64|fnv_hash|sha2?)\b", "hashes are computed in Spark and carried"),
        (
            r"(?<!newest\.changed_at, )(?<!refreshed_at, )\b(current_timestamp|getdate|now\(|sysdate)\b",
            "the clock comes as a parameter",
        ),
    ],
)
def test_redshifts_limits_hold(pattern: str, why: str) -> None:
    assert [where for where, text in code().items() if re.search(pattern, text, re.MULTILINE)] == [], why


def test_no_template_place_is_left() -> None:
    assert [where for where, text in code().items() if re.search(r"[{}#@~]", text)] == []


def test_only_what_was_loaded_is_planned() -> None:
    subjects = {item.subject for item in flat(load_plan(RETAIL, {"fact_orders"}))}
    assert subjects == {"fact_orders", "dim_customer"}
    assert load_plan(RETAIL, set()) == ()


def test_every_value_is_a_parameter_that_the_load_gives_or_binds() -> None:
    plan = load_plan(RETAIL, TABLES)
    given = {"load_seq", "loaded_at", "moved_from", "moved_to", "first_at", "last_before"}
    assert {name for item in flat(plan) for name in item.parameters} == given
    assert {item.subject for item in flat(plan) if item.kind is Kind.BIND} == {*RETAIL.facts, *RETAIL.aggregates}


def test_lists_words_and_reserved_names_are_rendered() -> None:
    context: Context = {"d": "dim_x", "key": (Item("id", "bigint"), Item("order", "integer", "line", "t"))}
    assert render("from staging.{d}_log as l", context) == "from staging.dim_x_log as l"
    assert render("{key: l.# = r.# | and}", context) == 'l.id = r.id and l."order" = r."order"'
    assert (
        render("select 1{key: , '#' as old_#}", context) == "select 1,\n    'id' as old_id,\n    'order' as old_order"
    )
    assert render("{key: # #type}", context) == 'id bigint, "order" integer'
    assert render("where x = '{d}'", context) == "where x = 'dim_x'"


@pytest.mark.parametrize("name", ["a b", 'x"; drop', "X", "1a", "", "a-b"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(RenderError, match="not a name that SQL may hold"):
        Item(name)


def test_a_template_that_names_what_is_not_there_is_refused() -> None:
    with pytest.raises(RenderError, match="names 'x'"):
        render("select {x}", {})
    with pytest.raises(RenderError, match="lists 'x'"):
        render("select {x: #}", {})
