"""Tables follow their shapes; every commit carries the progress, and it is read back through any commit."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.iceberg import Column, ProgressLostError, TableShape, TableShapeError
from schemas.errors import CommitConflictError


def shape(table: str, *columns: Column) -> TableShape:
    given = columns or (Column("a", "bigint", 'it\'s "a" \\ key'), Column("ts", "timestamp"))
    return TableShape("iceberg_tests", table, given, ("days(ts)",) if not columns else ())


def rows(spark: SparkSession, *values: int) -> DataFrame:
    return spark.createDataFrame([(value,) for value in values], "a bigint").withColumn(
        "ts", F.lit("2024-01-01 00:00:00").cast("timestamp")
    )


def values(spark: SparkSession, table: str) -> list[int]:
    return sorted(row["a"] for row in spark.table(table).collect())


def test_progress_is_read_back_through_every_kind_of_commit(spark: SparkSession) -> None:
    log = shape("order")  # a word that SQL keeps for itself
    assert iceberg.progress(spark, log.name) == {}
    iceberg.ensure_table(spark, log)
    iceberg.ensure_table(spark, log)
    assert iceberg.progress(spark, log.name) == {}
    iceberg.append(rows(spark, 1), log.name, {"order": 3, "b": 1})
    assert iceberg.progress(spark, log.name) == {"order": 3, "b": 1}
    iceberg.append(rows(spark), log.name, {"order": 4})
    iceberg.commit_progress(spark, log.name, {"order": 5})
    assert (iceberg.progress(spark, log.name), values(spark, log.name)) == ({"order": 5}, [1])
    merge = f"MERGE INTO {log.name} t USING (SELECT 9L AS a) s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (a)"
    iceberg.sql(spark, merge, {"order": 6})
    assert iceberg.progress(spark, log.name) == {"order": 6}
    spark.sql(f"DELETE FROM {log.name} WHERE a = 9")  # a commit by hand, without progress
    assert iceberg.progress(spark, log.name) == {"order": 6}
    iceberg.overwrite(rows(spark, 2), log.name, F.col("a") == 1, {"order": 7})
    assert (iceberg.progress(spark, log.name), values(spark, log.name)) == ({"order": 7}, [2])


def test_lost_progress_halts(spark: SparkSession) -> None:
    log = shape("lost")
    iceberg.ensure_table(spark, log)
    rows(spark, 1).writeTo(log.name).append()
    with pytest.raises(ProgressLostError, match="no snapshot says"):
        iceberg.progress(spark, log.name)
    rows(spark, 1).writeTo(log.name).option(f"snapshot-property.{iceberg.PROGRESS}", "{").append()
    with pytest.raises(ProgressLostError, match="damaged"):
        iceberg.progress(spark, log.name)


def test_a_branch_is_seen_by_nobody_until_it_is_published(spark: SparkSession) -> None:
    log = shape("branches")
    iceberg.ensure_table(spark, log)
    left = iceberg.open_branch(spark, log.name)
    iceberg.append(rows(spark, 1), log.name, {"b": 1}, branch=left)
    branch = iceberg.open_branch(spark, log.name)
    iceberg.append(rows(spark, 2), log.name, {"b": 1}, branch=branch)
    assert (iceberg.progress(spark, log.name), values(spark, log.name)) == ({}, [])
    iceberg.publish(spark, log.name, branch)
    assert (iceberg.progress(spark, log.name), values(spark, log.name)) == ({"b": 1}, [2])
    with pytest.raises(CommitConflictError):
        iceberg.publish(spark, log.name, left)
    overtaken = iceberg.open_branch(spark, log.name)
    iceberg.append(rows(spark, 3), log.name, {"b": 2}, branch=overtaken)
    iceberg.append(rows(spark, 4), log.name, {"b": 2})
    with pytest.raises(CommitConflictError, match="another writer"):
        iceberg.publish(spark, log.name, overtaken)
    iceberg.discard(spark, log.name)
    iceberg.discard(spark, log.name)
    assert values(spark, log.name) == [2, 4]
    assert iceberg.load(spark, log.name).refs().size() == 1


def test_files_of_a_crashed_attempt_are_deleted_whole(spark: SparkSession) -> None:
    log = shape("crashed")
    iceberg.ensure_table(spark, log)
    iceberg.append(rows(spark, 1, 2), log.name, {"b": 1})
    iceberg.append(rows(spark, 5, 6), log.name, {"b": 1})
    before = iceberg.load(spark, log.name).currentSnapshot().snapshotId()
    iceberg.delete_rows_above(spark, log.name, "a", 6)
    assert iceberg.load(spark, log.name).currentSnapshot().snapshotId() == before
    iceberg.delete_rows_above(spark, log.name, "a", 2)
    assert (values(spark, log.name), iceberg.progress(spark, log.name)) == ([1, 2], {"b": 1})


def test_a_table_follows_its_shape(spark: SparkSession) -> None:
    old = shape("shapes", Column("i", "int"), Column("f", "float"), Column("d", "decimal(5,2)"), Column("s", "string"))
    iceberg.ensure_table(spark, old)
    new = shape(
        "shapes", Column("i", "bigint"), Column("f", "double"), Column("d", "decimal(9,2)"), Column("n", "date")
    )
    iceberg.ensure_table(spark, new)
    assert iceberg.columns(spark, new.name) == {
        "i": "bigint",
        "f": "double",
        "d": "decimal(9,2)",
        "s": "string",
        "n": "date",
    }


def test_a_column_that_comes_later_says_since_when_and_one_beyond_the_shape_goes_where_it_shall(
    spark: SparkSession,
) -> None:
    old = shape("later", Column("a", "int"), Column("b", "int"))
    iceberg.ensure_table(spark, old)
    assert iceberg.added(spark, old.name) == {}
    iceberg.commit_progress(spark, old.name, {"order": 7})
    new = shape("later", Column("a", "int"), Column("c", "date"))
    iceberg.ensure_table(spark, new)
    assert iceberg.added(spark, new.name) == {"c": {"order": 7}}
    iceberg.commit_progress(spark, new.name, {"order": 9})
    iceberg.ensure_table(spark, new)
    assert iceberg.added(spark, new.name) == {"c": {"order": 7}}
    assert list(iceberg.columns(spark, new.name)) == ["a", "b", "c"]
    iceberg.ensure_table(spark, new, exact=True)
    assert list(iceberg.columns(spark, new.name)) == ["a", "c"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("bigint", "int"), ("string", "int"), ("decimal(9,2)", "decimal(9,3)"), ("decimal(9,2)", "decimal(5,2)")],
)
def test_a_type_that_cannot_follow_is_named(old: str, new: str) -> None:
    with pytest.raises(TableShapeError) as caught:
        iceberg.evolution_sql(shape("x", Column("a", new)), {"a": old})
    assert f"column a is {old} and cannot become {new}" in str(caught.value)


def test_names_and_comments_are_quoted() -> None:
    assert iceberg.table_name("a`b", "c.d") == "lake.`a``b`.`c.d`"
    statements = iceberg.evolution_sql(shape("x", Column("a`b", "int", "it's\\")), {})
    assert statements == [
        "ALTER TABLE lake.`iceberg_tests`.`x` SET TBLPROPERTIES ('lake.added.a`b' = '{}')",
        "ALTER TABLE lake.`iceberg_tests`.`x` ADD COLUMNS (`a``b` int COMMENT 'it\\'s\\\\')",
    ]
