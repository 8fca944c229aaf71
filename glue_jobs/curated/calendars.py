"""Calendars: generated once, and again when their contract changes."""

from __future__ import annotations

from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.transforms.calendar import calendar_rows
from schemas.checksum import checksum
from schemas.model import Calendar, Pipeline

CONTRACT: Final = "contract"
"""Progress of a calendar: the checksum of the contract it was generated from."""


def ensure_calendar(spark: SparkSession, pipeline: Pipeline, calendar: Calendar) -> None:
    """The calendar's table is there and holds the rows of its contract."""
    shape = tables.calendar_shape(pipeline, calendar)
    iceberg.ensure_table(spark, shape)
    wanted = {CONTRACT: contract_checksum(calendar)}
    if iceberg.progress(spark, shape.name) != wanted:
        iceberg.overwrite(calendar_rows(spark, calendar).coalesce(1), shape.name, F.lit(True), wanted)


def contract_checksum(calendar: Calendar) -> int:
    """Changes when the calendar's rows may."""
    columns = [(column.name, column.type.text, column.expr) for column in calendar.columns]
    return checksum(calendar.surrogate_key, calendar.start, calendar.end, columns)
