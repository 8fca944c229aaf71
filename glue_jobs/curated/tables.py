"""The tables of the star in Iceberg: their names and shapes, from contracts."""

from __future__ import annotations

from typing import Final

from glue_jobs.iceberg import Column, TableShape, table_name
from glue_jobs.transforms.facts import fact_columns, reference_types
from glue_jobs.transforms.tip import state_columns
from schemas import columns as c
from schemas.model import Aggregate, Calendar, Dimension, Fact, Pipeline, SourceContract

# Deletes are written as positions beside the data, so that a change costs what it changes.
_ROW_LEVEL: Final = {
    "write.delete.mode": "merge-on-read",
    "write.update.mode": "merge-on-read",
    "write.merge.mode": "merge-on-read",
    "write.delete.distribution-mode": "none",
    "write.delete.granularity": "file",
}
RESTATEMENTS: Final = "restatements"


def curated(pipeline: Pipeline, table: str) -> str:
    """Quoted name of a table of the star."""
    return table_name(pipeline.curated_namespace, table)


def staging(pipeline: Pipeline, source: str) -> str:
    """Quoted name of a source's change log."""
    return table_name(pipeline.staging_namespace, source)


def state_name(source: str) -> str:
    """Name of a source's state table."""
    return f"{source}_state"


def state_shape(pipeline: Pipeline, source: SourceContract) -> TableShape:
    """A source's state: the present row of each key, and where its log stands."""
    columns = tuple(Column(name, kind) for name, kind in state_columns(source).items())
    return _shape(pipeline, state_name(source.table), columns, (), f"Present rows of {source.table}")


def dimension_shape(pipeline: Pipeline, dimension: Dimension) -> TableShape:
    """A dimension; current versions lie apart from closed ones, so that a batch leaves history unread."""
    columns = (
        Column(dimension.surrogate_key, "bigint"),
        *(Column(key.name, key.type.spark) for key in dimension.business_key),
        *(Column(item.name, item.type.spark, item.description) for item in dimension.attributes),
        Column(c.EFFECTIVE_FROM, "timestamp"),
        Column(c.EFFECTIVE_TO, "timestamp", "NULL while open"),
        Column(c.IS_CURRENT, "boolean"),
        Column(c.IS_DELETED, "boolean"),
        Column(c.IS_INFERRED, "boolean"),
        Column(c.IS_INCOMPLETE, "boolean", "true while it shows a NULL for a value that no change gave"),
        Column(c.VERSION_IDENTITY, "string", "identity of the change that opened the version"),
    )
    return _shape(pipeline, dimension.name, columns, (c.IS_CURRENT,), dimension.description)


def calendar_shape(pipeline: Pipeline, calendar: Calendar) -> TableShape:
    """A calendar."""
    columns = (
        Column(calendar.surrogate_key, "int"),
        Column("date", "date"),
        *(Column(item.name, item.type.spark) for item in calendar.columns),
    )
    return _shape(pipeline, calendar.name, columns, (), calendar.description)


def fact_shape(pipeline: Pipeline, fact: Fact) -> TableShape:
    """A fact, partitioned by month of its event time."""
    kinds = {
        **{item.name: item.type.spark for item in fact.columns},
        **reference_types(fact, pipeline.dimensions),
        fact.event_time.name: "timestamp",
        **{reference.name: "int" for reference in fact.calendars},
        **{reference.name: "bigint" for reference in fact.dimensions},
        **{item.name: item.type.spark for item in fact.business_key},
    }
    columns = tuple(Column(name, kinds[name]) for name in fact_columns(fact))
    return _shape(pipeline, fact.name, columns, (f"months({fact.event_time.name})",), fact.description)


def aggregate_shape(pipeline: Pipeline, aggregate: Aggregate) -> TableShape:
    """An aggregate."""
    columns = (
        Column(aggregate.date, "date"),
        *(Column(item.name, item.type.spark) for item in aggregate.group_by),
        *(Column(item.name, item.type.spark) for item in aggregate.measures),
    )
    return _shape(pipeline, aggregate.name, columns, (), aggregate.description)


def restatements_shape(pipeline: Pipeline) -> TableShape:
    """Which facts were given another version, why, and at which progress."""
    columns = (
        Column("fact", "string"),
        Column("reference", "string", "surrogate-key column of the fact"),
        Column("business_key", "string", "key of the fact, columns joined by the unit separator"),
        Column("event_time", "timestamp"),
        Column("old_sk", "bigint"),
        Column("new_sk", "bigint"),
        Column("reason", "string"),
        Column("source", "string", "source table whose change moved the versions"),
        Column(c.INGEST_SEQ, "bigint", "progress of that source when the fact was restated"),
    )
    return _shape(pipeline, RESTATEMENTS, columns, (), "Facts that were given another version of a dimension")


def _shape(
    pipeline: Pipeline, table: str, columns: tuple[Column, ...], partitioned_by: tuple[str, ...], comment: str
) -> TableShape:
    # Iceberg's smallest integer is int; a narrower contract type is kept in the load files alone.
    stored = tuple(Column(item.name, "int" if item.type == "smallint" else item.type, item.comment) for item in columns)
    return TableShape(pipeline.curated_namespace, table, stored, partitioned_by, _ROW_LEVEL, comment)
