"""The views of the schema `ops`: what an operator or a BI tool asks about loads, rows and freshness."""

from __future__ import annotations

import hashlib
from typing import Final

from redshift_sql import contexts
from redshift_sql.render import Context, fragment, quoted, statements
from redshift_sql.statements import Plan, flat
from schemas.model import Pipeline

VIEWS: Final = ("loads", "row_counts", "freshness", "restated", "versions", "definition")
"""Every view there may be; a pipeline without a table to count or a dimension lacks one (`views`)."""


def views(pipeline: Pipeline) -> tuple[str, ...]:
    """The views that a pipeline has."""
    without = {"row_counts": not counted_tables(pipeline), "versions": not pipeline.dimensions}
    return tuple(name for name in VIEWS if not without.get(name))


def views_plan(pipeline: Pipeline) -> Plan:
    """Every view, made anew; `ops.definition` says from which text."""
    made = _views(pipeline)
    return (*made, *statements("ops/860_definition.sql", "ops", {"checksum": definition(pipeline)}))


def definition(pipeline: Pipeline) -> str:
    """The checksum of the views' text: equal for equal views."""
    return hashlib.sha256("\n".join(item.sql for item in flat(_views(pipeline))).encode()).hexdigest()


def drop_plan() -> Plan:
    """The views gone, so that nothing keeps a table from being made anew on engines that bind views at once."""
    return tuple(
        statement for name in VIEWS for statement in statements("ops/800_drop.sql", "ops", {"v": contexts.word(name)})
    )


def _views(pipeline: Pipeline) -> Plan:
    context: Context = {
        "counts": "\nunion all\n".join(_counted(table) for table in counted_tables(pipeline)),
        "wanted": "\n    union all\n    ".join(
            f"select '{contexts.word(source.table)}' as source_table, {max(1, source.freshness_seconds // 60)} as "
            "minutes_allowed"
            for source in pipeline.sources.values()
        ),
        "versions": "\nunion all\n".join(
            fragment("ops/851_of.fragment.sql", contexts.dimension_context(item))
            for item in pipeline.dimensions.values()
        ),
    }
    files = {
        "loads": "ops/810_loads.sql",
        "row_counts": "ops/820_row_counts.sql",
        "freshness": "ops/830_freshness.sql",
        "restated": "ops/840_restated.sql",
        "versions": "ops/850_versions.sql",
    }
    made = (files[name] for name in views(pipeline) if name in files)
    return tuple(statement for file in made for statement in statements(file, "ops", context))


def counted_tables(pipeline: Pipeline) -> tuple[str, ...]:
    """Qualified names of the tables that `ops.row_counts` counts."""
    star = (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts, *pipeline.aggregates)
    logs = (f"staging.{name}_log" for name in pipeline.dimensions)
    mirrors = (f"staging.{name}" for name in pipeline.mirrors)
    return (*(f"analytics.{name}" for name in star), *mirrors, *logs)


def _counted(table: str) -> str:
    schema, name = (contexts.word(part) for part in table.split("."))
    return (
        f"select '{schema}' as schema_name, '{name}' as table_name, count(*) as row_count from {schema}.{quoted(name)}"
    )
