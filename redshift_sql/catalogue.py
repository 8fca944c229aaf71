"""Every statement that a pipeline can send, in one place: what snapshots, linting and tests of the grammar go over."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

from redshift_sql.arn import EXAMPLE_ROLE
from redshift_sql.load_contract import early_plan, file_columns, may_lack
from redshift_sql.operations import views_plan
from redshift_sql.plan import begin_plan, copy_plan, end_plan, load_plan, newest_plan, rows_plan, schema_plan
from redshift_sql.rules import record_plan
from redshift_sql.spectrum import spectrum_plan
from redshift_sql.statements import Statement, flat
from redshift_sql.stream import EXAMPLE, stream_plan
from redshift_sql.upkeep import ledger_plan, load_tables_plan, restatement_plan
from schemas.model import Pipeline

ONLY_REDSHIFT: Final[Mapping[str, str]] = {
    "load/030_copy.sql": "COPY reads from S3; DuckDB and PostgreSQL answer it from the same manifest",
    "access/": "roles, grants and masks: DuckDB has none, PostgreSQL no masks; grants are tried there as each role",
    "upkeep/92": "VACUUM is Redshift's own",
    "upkeep/93": "ANALYZE of predicate columns is Redshift's own",
    "spectrum/": "an external schema reads the Glue Data Catalog",
    "athena/": "queries in Athena's SQL, which tests run over the same Iceberg tables and compare with the warehouse",
    "streaming/": "topics, SUPER, a Lambda function and system views; tests play them on DuckDB, what is now on both",
}
"""Files, or folders/, that only Redshift runs, and why: all others run on DuckDB and PostgreSQL."""


def every_statement(pipeline: Pipeline) -> tuple[Statement, ...]:
    """The statements of a pipeline in running order: of one load that holds every table, and of the streaming path."""
    tables = (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts, *pipeline.mirrors)
    plans = (
        schema_plan(pipeline),
        begin_plan(),
        tuple(chain.from_iterable(copy_plan(table) for table in tables)),
        tuple(chain.from_iterable(_early(pipeline, table) for table in tables)),
        load_plan(pipeline, tables, whole=pipeline.dimensions, replaced=pipeline.dimensions),
        *(newest_plan(source) for source in pipeline.sources.values()),
        rows_plan(),
        end_plan(),
        views_plan(pipeline),
        record_plan(),
        ledger_plan(),
        restatement_plan(),
        load_tables_plan(pipeline),
        spectrum_plan(pipeline, EXAMPLE_ROLE),
        stream_plan(pipeline, EXAMPLE),
    )
    return tuple(statement for plan in plans for statement in flat(plan))


def _early(pipeline: Pipeline, table: str) -> tuple[Statement, ...]:
    """A load of files that lack all that a contract may add."""
    lacking = may_lack(pipeline, table)
    found = tuple((name, kind) for name, kind in file_columns(pipeline, table) if name not in lacking)
    before, copy, after = early_plan(pipeline, table, found)
    return (*before[1:], copy, *after)
