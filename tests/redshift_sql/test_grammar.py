"""Redshift's grammar and limits, over every statement of every pipeline: real ones, and ones with awkward names.

Each limit is from the Amazon Redshift Database Developer Guide (SQL reference; "Quotas and limits"; "Unsupported
PostgreSQL features") or, for the Data API, from its own guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from sqlglot import exp

from lake.warehouse.port import Value
from lake.warehouse.run import run_plan
from redshift_sql.catalogue import every_statement
from redshift_sql.plan import begin_plan, end_plan, load_plan, schema_plan
from redshift_sql.statements import Kind, Statement
from schemas import load_pipeline
from schemas.model import Pipeline
from tests.reference.history import Policies
from tests.support.awkward import awkward_pipelines
from tests.support.engines import Duck, Engine, Postgres
from tests.support.party import party_pipeline
from tests.support.visits import visit_pipeline

POLICIES: Final = Policies(("address",), ("segment", "region"), 1000)
DATA_API_BYTES: Final = 100 * 1024
IDENTIFIER_BYTES: Final = 127
FUNCTIONS: Final = {
    "CASE", "CAST", "COALESCE", "COUNT", "CURRENT_TIMESTAMP", "TS_OR_DS_DIFF", "EXISTS", "LAG", "LEAD", "LOWER_HEX", "MAX", "MIN", "PAD", "ROW_NUMBER",
    "STR_POSITION", "SUM", "from_hex",
}  # fmt: skip
"""What statements call, each in Redshift's function reference under this name or as LPAD, STRPOS, TO_HEX, FROM_HEX, DATEDIFF,
GETDATE."""
STREAM_FUNCTIONS: Final = FUNCTIONS | {
    "LENGTH", "PARSE_JSON", "REPLACE", "SPLIT_PART", "TRIM",
    "can_json_parse", "f_decode_change", "from_varbyte", "octet_length", "to_varbyte",
}  # fmt: skip
"""What the streaming path calls besides: OCTET_LENGTH, LEN, JSON_PARSE and its own function too."""
OPAQUE: Final = {"streaming/800_schema.sql", "streaming/801_function.sql", "streaming/820_refresh.sql"}
"""Forms that no parser here knows; `test_stream.py` has their words."""
COPY_OPTIONS: Final = {"from", "iam_role", "format", "as", "parquet", "manifest", "statupdate", "off"}
SPECTRUM: Final = (
    r"create external schema if not exists \w+\s+from data catalog\s+database\s+iam_role",
    r"grant usage on schema \w+ to role \w+",
)
ALLOWED_KINDS: Final = (exp.Create, exp.Drop, exp.Insert, exp.Select, exp.Delete, exp.Update, exp.Union, exp.Set)
PARAMETERS: Final[dict[str, Value]] = {
    "load_seq": 1, "attempt": "a", "progress": "{}", "row_counts": "{}", "loaded_at": "2024-01-01", "finished_at": "2024-01-01", "moved_from": None,
    "moved_to": None, "first_at": None, "last_before": None, "manifest": "", "iam_role": "",
}  # fmt: skip


def real_pipelines() -> Iterator[Pipeline]:
    folder = Path(__file__).parents[1] / "pipelines"
    yield from (load_pipeline(name, (folder,)) for name in ("retail", "clinic"))
    yield party_pipeline(POLICIES)
    yield visit_pipeline(POLICIES)


@cache
def parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read="redshift", error_level=sqlglot.ErrorLevel.RAISE)


def code(statement: Statement) -> str:
    """The statement in lower case without comments and texts."""
    return re.sub(r"--.*|'[^']*'", "", statement.sql).lower()


def check(statement: Statement) -> None:
    """Every limit that holds for one statement."""
    assert len(statement.sql.encode()) <= DATA_API_BYTES
    assert not re.search(r"[{}#@~]", code(statement)), "a place of the template is left"
    if statement.kind is Kind.COPY:
        assert set(re.findall(r"[a-z_]+", re.sub(r"copy \S+|:\w+", "", code(statement)))) <= COPY_OPTIONS
        return
    if statement.source.startswith("spectrum/"):
        assert any(re.fullmatch(form, code(statement).strip()) for form in SPECTRUM), code(statement)
        return
    if statement.source.startswith("access/"):
        assert re.fullmatch(r"grant select on [a-z_]+\.[a-z0-9_\"]+ to role \w+", code(statement).strip())
        return
    if statement.kind is Kind.LOCK:
        assert re.fullmatch(r"lock [a-z_.]+", code(statement).strip())
        return
    if statement.source in OPAQUE:
        return
    tree = parsed(statement.sql)
    assert isinstance(tree, ALLOWED_KINDS), type(tree)
    called = {f.name if isinstance(f, exp.Anonymous) else f.sql_name() for f in tree.find_all(exp.Func)}
    known = STREAM_FUNCTIONS if statement.source.startswith("streaming/") else FUNCTIONS
    assert called - {"AND", "OR", "IF"} <= known, called
    for name in tree.find_all(exp.Identifier):
        assert len(name.name.encode()) <= IDENTIFIER_BYTES, "Redshift cuts longer names"
        assert name.name == name.name.lower()
    for window in tree.find_all(exp.Window):
        check_window(window)
    for query in tree.find_all(exp.Select):
        assert not query.args.get("qualify")
        assert not query.args.get("distinct") or not query.args["distinct"].args.get("on"), "DISTINCT ON is not there"
    unknown = (exp.Lateral, exp.ILike, exp.RegexpLike, exp.Filter, exp.IgnoreNulls, exp.Array)
    assert not [type(node) for node in tree.find_all(*unknown)]


def check_window(window: exp.Window) -> None:
    """An ordered aggregate must name its frame, in rows; a ranking or offset function must not have one."""
    frame = window.args.get("spec")
    if isinstance(window.this, exp.RowNumber | exp.Lead | exp.Lag):
        assert frame is None
        assert not window.this.args.get("default"), "LAG and LEAD take a value and an offset only"
    elif window.args.get("order"):
        assert frame is not None, "an ordered aggregate needs a frame"
        assert frame.args["kind"].upper() == "ROWS", "RANGE is not there"


def check_tables(statements: tuple[Statement, ...]) -> None:
    """Distribution and sort keys are columns of their tables, and no table has more than it may have."""
    for statement in statements:
        other = statement.kind in {Kind.COPY, Kind.LOCK} or statement.source.startswith("spectrum/")
        tree = None if other or statement.source in OPAQUE else parsed(statement.sql)
        if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
            continue
        columns = {item.name: item.args["kind"] for item in tree.this.expressions}
        assert len(columns) == len(tree.this.expressions) <= 1600
        keys = [
            n.name
            for key in tree.find_all(exp.DistKeyProperty, exp.SortKeyProperty)
            for n in key.find_all(exp.Identifier)
        ]
        assert set(keys) <= set(columns), statement.where
        assert not [name for name in keys if columns[name].sql().upper() == "SUPER"]
        assert len(list(tree.find_all(exp.DistKeyProperty))) <= 1


@pytest.mark.parametrize("pipeline", list(real_pipelines()), ids=lambda pipeline: pipeline.name)
def test_every_statement_keeps_to_redshifts_grammar(pipeline: Pipeline) -> None:
    statements = every_statement(pipeline)
    for statement in statements:
        check(statement)
    check_tables(statements)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(awkward_pipelines())
def test_no_name_a_contract_may_use_breaks_a_statement(pipeline: Pipeline) -> None:
    statements = every_statement(pipeline)
    for statement in statements:
        check(statement)
    check_tables(statements)
    run_on(Duck(), pipeline)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(awkward_pipelines())
def test_no_name_a_contract_may_use_breaks_a_statement_on_postgresql(
    postgres_engine: Postgres, pipeline: Pipeline
) -> None:
    run_on(postgres_engine, pipeline)


def run_on(engine: Engine, pipeline: Pipeline) -> None:
    """A load of no rows runs: every statement is one that a real engine takes."""
    tables = (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts)
    warehouse = engine.empty()
    try:
        run_plan(warehouse, schema_plan(pipeline), {})
        with warehouse.transaction():
            run_plan(warehouse, (*begin_plan(), *load_plan(pipeline, tables), *end_plan()), PARAMETERS)
        assert warehouse.query("SELECT count(*) FROM staging.load_ledger").rows == ((1,),)
    finally:
        warehouse.close()


def test_a_limit_that_is_broken_is_found() -> None:
    broken = {
        "select sum(a) over (partition by b order by c) from t": "needs a frame",
        "select sum(a) over (order by c range between unbounded preceding and current row) from t": "RANGE",
        "select lag(a, 1, 0) over (order by c) from t": "a value and an offset only",
        "select md5(a) from t": "",
        "select distinct on (a) b from t": "DISTINCT ON",
        f"select {'x' * 128} from t": "cuts longer names",
        "merge into t using s on t.a = s.a when matched then delete": "",
        "truncate table t": "",
    }
    for sql, why in broken.items():
        with pytest.raises(AssertionError, match=why or None):
            check(Statement(sql, "x.sql", 1, "t"))
