"""One atomic commit that takes rows away and adds others, carrying the progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from glue_jobs import iceberg

_STALE_VIEW: Final = "curated_stale_rows"


def replace_rows(
    rows: DataFrame,
    table: str,
    progress: Mapping[str, int],
    *,
    stale: DataFrame | None = None,
    on: Sequence[str] = (),
    within: str = "",
) -> None:
    """Deletes the rows of `table` that `stale` names and appends `rows`: readers see both or neither.

    Deleting by a small set of keys and appending needs no shuffle of the table, which a MERGE does: the keys are
    broadcast, and only the key columns are read.

    Args:
        rows: what to append, columns by name.
        table: quoted name.
        progress: cumulative progress after this commit.
        stale: rows whose `on` columns name what to delete; None appends only, in one commit.
        on: key columns, never NULL.
        within: SQL condition on the table's columns that all rows to delete meet, so that other files are not read.
    """
    if stale is None:
        iceberg.append(rows, table, progress)
        return
    spark = rows.sparkSession
    branch = iceberg.open_branch(spark, table)
    _delete(spark, iceberg.on_branch(table, branch), stale, on, within, progress)
    iceberg.append(rows, table, progress, branch=branch)
    iceberg.publish(spark, table, branch)


def delete_sql(table: str, on: Sequence[str], within: str = "") -> str:
    """The DELETE that takes away the rows whose `on` columns are in the view of stale rows."""
    extra = f" AND {within}" if within else ""
    if len(on) == 1:
        return f"DELETE FROM {table} WHERE `{on[0]}` IN (SELECT `{on[0]}` FROM {_STALE_VIEW}){extra}"
    same = " AND ".join(f"s.`{name}` = t.`{name}`" for name in on)
    return f"DELETE FROM {table} AS t WHERE EXISTS (SELECT 1 FROM {_STALE_VIEW} AS s WHERE {same}){extra}"


def _delete(
    spark: SparkSession, table: str, stale: DataFrame, on: Sequence[str], within: str, progress: Mapping[str, int]
) -> None:
    stale.select(*on).createOrReplaceTempView(_STALE_VIEW)
    try:
        iceberg.sql(spark, delete_sql(table, on, within), progress)
    finally:
        spark.catalog.dropTempView(_STALE_VIEW)
