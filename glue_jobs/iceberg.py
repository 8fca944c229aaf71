"""Iceberg at the edge: tables from shapes, commits that carry progress, and progress read back.

Every commit of a promoted table carries, in its snapshot summary, the cumulative progress of the hop that wrote it:
JSON `{"<source table>": <sequence>}` under `lake.progress`. It is read through the chain of snapshots, from the current
one back, so a commit that brings no progress of its own must copy it forward (`commit_properties` does, for any SQL).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors.exceptions.captured import CapturedException
from pyspark.sql import DataFrame, SparkSession

from lake.session import CATALOG
from schemas.errors import CommitConflictError, LakeError

PROGRESS: Final = "lake.progress"
ADDED: Final = "lake.added."
"""What the name of a table's property starts with that says at which progress one of its columns was added."""
STAGED: Final = "staged"
"""What the name of a branch starts with that holds a batch between its write and its publication."""

_PROPERTIES: Final = {
    "format-version": "2",
    "write.format.default": "parquet",
    "write.parquet.compression-codec": "zstd",
    # A batch is written as it is partitioned: a shuffle for each append costs more than the few small files it saves.
    "write.distribution-mode": "none",
    "write.spark.fanout.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "50",
}
_CONFLICTS: Final = ("Cannot fast-forward", "does not exist", "CommitFailedException", "ValidationException")
_PLAIN: Final = re.compile("[ `]")
_WIDER: Final = {("int", "bigint"), ("float", "double")}


class TableShapeError(LakeError):
    """A table that exists has a column of a type that its contract's cannot follow."""


class ProgressLostError(LakeError):
    """A table holds data but no snapshot in its chain says how far it is promoted."""


@dataclass(frozen=True)
class Column:
    """A column of a table: name, Spark SQL type, comment."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class TableShape:
    """What a table must look like.

    `partitioned_by` holds Iceberg transforms in SQL (`days(_kafka_ts)`, `bucket(16, customer_id)`); `properties` win
    over the module's defaults.
    """

    namespace: str
    table: str
    columns: tuple[Column, ...]
    partitioned_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""

    @property
    def name(self) -> str:
        """The quoted name in Spark SQL."""
        return table_name(self.namespace, self.table)


def table_name(namespace: str, table: str) -> str:
    """``lake.`namespace`.`table` ``, quoted for Spark SQL."""
    return f"{CATALOG}.{_quoted(namespace)}.{_quoted(table)}"


def on_branch(table: str, branch: str) -> str:
    """The name under which a branch of a table is read and written."""
    return f"{table}.{_quoted('branch_' + branch)}"


def exists(spark: SparkSession, table: str) -> bool:
    """Whether a table (quoted name) is in the catalog."""
    return bool(spark.catalog.tableExists(table))


def ensure_table(spark: SparkSession, shape: TableShape, *, exact: bool = False) -> None:
    """Creates namespace and table, or adds the missing columns and widens types, so that the table fits the shape.

    Columns that the table has beyond the shape stay; of a table that is made again from others (`exact`) they go. A new
    table starts with an empty snapshot. Of each column that is added to a table that is there, the table says from then
    on at which progress that was (`added`).

    Raises:
        TableShapeError: a column's type cannot follow (int widens to bigint, float to double, a decimal in precision).
    """
    if not exists(spark, shape.name):
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.{_quoted(shape.namespace)}")
        spark.sql(_create_sql(shape))
    else:
        found = columns(spark, shape.name)
        for statement in evolution_sql(shape, found, encode(progress(spark, shape.name))):
            spark.sql(statement)
        wanted = {column.name for column in shape.columns}
        for name in found if exact else ():
            if name not in wanted:
                spark.sql(f"ALTER TABLE {shape.name} DROP COLUMN {_quoted(name)}")
    table = load(spark, shape.name)
    if table.currentSnapshot() is None:
        table.newAppend().commit()


def columns(spark: SparkSession, table: str) -> dict[str, str]:
    """Spark SQL type of each column, in table order."""
    return {item.name: item.dataType.simpleString() for item in spark.table(table).schema.fields}


def added(spark: SparkSession, table: str) -> dict[str, dict[str, int]]:
    """Columns that were added to a table after it was made: the progress that the table had then, by column."""
    properties = load(spark, table).properties()
    names = [str(name) for name in properties.keySet() if str(name).startswith(ADDED)]
    return {name.removeprefix(ADDED): decode(properties.get(name), table, name) for name in names}


def evolution_sql(shape: TableShape, found: Mapping[str, str], progress: str = "{}") -> list[str]:
    """The statements that bring a table whose columns are `found` to the shape; empty when it fits.

    Args:
        shape: what is wanted.
        found: Spark SQL type by column.
        progress: the table's, as `encode` gives it. It is written before the columns are added, so that a run that died
            in between leaves nothing wrong.

    Raises:
        TableShapeError: a type cannot follow.
    """
    statements = []
    missing = [column for column in shape.columns if column.name not in found]
    if missing:
        said = ", ".join(f"{_text(ADDED + column.name)} = {_text(progress)}" for column in missing)
        statements.append(f"ALTER TABLE {shape.name} SET TBLPROPERTIES ({said})")
        statements.append(f"ALTER TABLE {shape.name} ADD COLUMNS ({', '.join(map(_column_sql, missing))})")
    for column in shape.columns:
        old = found.get(column.name, column.type)
        if _same_type(old, column.type):
            continue
        if not _widens(old, column.type):
            raise TableShapeError(
                f"column {column.name} is {old} and cannot become {column.type}",
                where=shape.name,
                remedy="give the contract's column its old type, or a new name",
            )
        statements.append(f"ALTER TABLE {shape.name} ALTER COLUMN {_quoted(column.name)} TYPE {column.type}")
    return statements


def wider(one: str, other: str) -> str:
    """The Spark SQL type of two that holds both, where Iceberg can widen one to the other; else the second."""
    return one if _widens(other, one) else other


def append(df: DataFrame, table: str, progress: Mapping[str, int], *, branch: str | None = None) -> None:
    """Appends `df` (columns by name) in one commit that carries `progress`; an empty `df` commits the progress alone.

    Args:
        df: the rows.
        table: quoted name.
        progress: cumulative progress after this commit; all of it, not the change.
        branch: a branch to write to instead of the table's main state.
    """
    target = table if branch is None else on_branch(table, branch)
    df.writeTo(target).option(f"snapshot-property.{PROGRESS}", encode(progress)).append()


def commit_progress(spark: SparkSession, table: str, progress: Mapping[str, int]) -> None:
    """A commit that adds no rows and carries `progress`."""
    load(spark, table).newAppend().set(PROGRESS, encode(progress)).commit()


def overwrite(df: DataFrame, table: str, condition: Any, progress: Mapping[str, int]) -> None:
    """Replaces the rows for which `condition` (a Column of the table) holds by `df`; the commit carries `progress`."""
    df.writeTo(table).option(f"snapshot-property.{PROGRESS}", encode(progress)).overwrite(condition)


def sql(spark: SparkSession, statement: str, progress: Mapping[str, int]) -> DataFrame:
    """Runs one writing statement (MERGE, DELETE, UPDATE, CALL) whose commits carry `progress`."""
    with commit_properties(spark, {PROGRESS: encode(progress)}):
        return spark.sql(statement)


def progress(spark: SparkSession, table: str) -> dict[str, int]:
    """Progress of the newest commit that carries one; empty for a table that is not there or was never promoted to.

    Raises:
        ProgressLostError: the table has rows, and its snapshots say nothing.
    """
    if not exists(spark, table):
        return {}
    return progress_of(load(spark, table), table)


def progress_of(table: Any, name: str) -> dict[str, int]:
    """As `progress`, of a loaded Iceberg table (`load`)."""
    snapshot = table.currentSnapshot()
    newest = snapshot
    while snapshot is not None:
        text = snapshot.summary().get(PROGRESS)
        if text is not None:
            return decode(text, name)
        parent = snapshot.parentId()
        snapshot = None if parent is None else table.snapshot(parent)
    if newest is not None and int(newest.summary().get("total-records") or 0) > 0:
        raise ProgressLostError(
            "no snapshot says how far the table is promoted",
            where=name,
            remedy=f"roll it back to a snapshot that has {PROGRESS}; expire snapshots with glue_jobs.maintenance only",
        )
    return {}


def load(spark: SparkSession, table: str) -> Any:
    """The Iceberg table object (`org.apache.iceberg.Table`), fresh from the catalog."""
    return _jvm(spark).org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, table)


def open_branch(spark: SparkSession, table: str) -> str:
    """A new branch at the table's current state, for `append(…, branch=…)`; branches of earlier attempts are dropped.

    Its name is its attempt's alone: an attempt that still runs beside this one finds its own branch gone, and fails.

    Returns:
        The branch's name.
    """
    loaded = load(spark, table)
    branch = f"{STAGED}_{uuid.uuid4().hex[:12]}"
    manage = loaded.manageSnapshots()
    for left in _staged(loaded):
        manage = manage.removeBranch(left)
    manage.createBranch(branch, loaded.currentSnapshot().snapshotId()).commit()
    return branch


@dataclass(frozen=True)
class Published:
    """A commit that readers see: its snapshot, and the data files that the snapshot added."""

    snapshot: int
    files: int


def publish(spark: SparkSession, table: str, branch: str) -> Published:
    """Makes the branch the table's state and ends the branch, in one atomic commit.

    Raises:
        CommitConflictError: the table moved since the branch was opened, or another attempt dropped the branch.
    """
    loaded = load(spark, table)
    with conflicts_named(table):
        snapshot = loaded.snapshot(branch)
        loaded.manageSnapshots().fastForwardBranch("main", branch).removeBranch(branch).commit()
    return Published(int(snapshot.snapshotId()), int(snapshot.summary().get("added-data-files") or 0))


@contextmanager
def conflicts_named(table: str) -> Iterator[None]:
    """Within it, Iceberg's refusal of a commit that another one overtook is a `CommitConflictError`."""
    try:
        yield
    except (Py4JJavaError, CapturedException) as error:
        if not _moved(error):
            raise
        raise CommitConflictError(
            "another writer committed to the table in the meantime",
            where=table,
            remedy="run it again; run one promotion of a pipeline at a time",
        ) from None


def discard(spark: SparkSession, table: str) -> None:
    """Drops every branch that an attempt opened, and with it the rows written there."""
    loaded = load(spark, table)
    left = _staged(loaded)
    if left:
        manage = loaded.manageSnapshots()
        for branch in left:
            manage = manage.removeBranch(branch)
        manage.commit()


def _staged(table: Any) -> list[str]:
    return [str(name) for name in table.refs().keySet() if str(name).startswith(STAGED)]


def delete_rows_above(spark: SparkSession, table: str, column: str, value: int) -> None:
    """Deletes the files whose rows all have `column > value`; a commit only where there are some.

    Meant for what a crashed attempt appended: such files hold nothing else.
    """
    loaded = load(spark, table)
    above = _jvm(spark).org.apache.iceberg.expressions.Expressions.greaterThan(column, value)
    files = loaded.newScan().filter(above).planFiles()
    try:
        any_files = files.iterator().hasNext()
    finally:
        files.close()
    if any_files:
        loaded.newDelete().deleteFromRowFilter(above).commit()


@contextmanager
def commit_properties(spark: SparkSession, properties: Mapping[str, str]) -> Iterator[None]:
    """Within it, every Iceberg commit that SQL of this thread makes carries `properties` in its snapshot summary.

    Iceberg's own `CommitMetadata.withCommitProperties` takes a Java callable, so would need a callback server in the
    driver; the properties are held in the thread, where it holds them.
    """
    jvm = _jvm(spark)
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    metadata = loader.loadClass("org.apache.iceberg.spark.CommitMetadata")
    holder = metadata.getDeclaredField("COMMIT_PROPERTIES")
    holder.setAccessible(True)
    local = holder.get(None)
    values = jvm.java.util.HashMap()
    for name, value in properties.items():
        values.put(name, value)
    before = local.get()
    local.set(values)
    try:
        yield
    finally:
        local.set(before)


def encode(values: Mapping[str, int]) -> str:
    """Progress as it stands in a snapshot summary."""
    return json.dumps(dict(sorted(values.items())), separators=(",", ":"))


def decode(text: str, where: str, name: str = f"{PROGRESS} of the newest snapshot") -> dict[str, int]:
    """Progress from a snapshot summary, or from a property of another name.

    Raises:
        ProgressLostError: it is no object of integers.
    """
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and all(type(value) is int for value in body.values()):
        return body
    raise ProgressLostError(f"{name} is damaged", where=where, remedy="roll the table back one snapshot")


def _create_sql(shape: TableShape) -> str:
    settings = {**_PROPERTIES, **shape.properties}
    properties = ", ".join(f"{_text(name)} = {_text(value)}" for name, value in settings.items())
    partitions = f" PARTITIONED BY ({', '.join(shape.partitioned_by)})" if shape.partitioned_by else ""
    comment = f" COMMENT {_text(shape.comment)}" if shape.comment else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {shape.name} ({', '.join(map(_column_sql, shape.columns))}) "
        f"USING iceberg{partitions}{comment} TBLPROPERTIES ({properties})"
    )


def _column_sql(column: Column) -> str:
    comment = f" COMMENT {_text(column.comment)}" if column.comment else ""
    return f"{_quoted(column.name)} {column.type}{comment}"


def _same_type(found: str, wanted: str) -> bool:
    return _PLAIN.sub("", found).lower() == _PLAIN.sub("", wanted).lower()


def _widens(old: str, new: str) -> bool:
    if (old, new) in _WIDER:
        return True
    sizes = [re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", text) for text in (old, new)]
    if not all(sizes):
        return False
    (precision, scale), (wider_precision, same) = ((int(m[1]), int(m[2])) for m in sizes if m)
    return scale == same and wider_precision > precision


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _jvm(spark: SparkSession) -> Any:
    return spark._jvm


def _moved(error: Py4JJavaError | CapturedException) -> bool:
    """Whether a publication failed because the table is no longer where the branch was opened."""
    text = str(error)
    return any(part in text for part in _CONFLICTS)
