"""Load rows are held against what COPY takes: places, types, bytes; no value is told."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from glue_jobs.curated.copying import counted
from glue_jobs.curated.load_files import FILE_BYTES, ROWS_PER_FILE, files_for
from redshift_sql.copy_contract import CopyContractError, compiled
from redshift_sql.render import Item
from schemas.manifests import LoadTable, WrittenFile

CONTRACT = compiled("staging.t_load", [Item("id", "bigint"), Item("name", "varchar(4)"), Item("at", "timestamp")])


def test_rows_that_fit_are_counted(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 1L AS id, 'éé' AS name, timestamp '2024-01-01' AS at UNION ALL SELECT 2L, NULL, NULL")
    assert counted(rows, CONTRACT) == 2


def test_a_text_too_long_in_bytes_is_told_without_its_value(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 1L AS id, explode(array('ééé', 'abcdefg', 'ab')) AS name, now() AS at")
    with pytest.raises(CopyContractError) as caught:
        counted(rows, CONTRACT)
    assert caught.value.where == "staging.t_load.name"
    assert caught.value.what == "2 rows hold up to 7 bytes, the column holds 4"
    assert "abcdefg" not in str(caught.value)


@pytest.mark.parametrize(
    ("select", "where", "says"),
    [
        ("1L AS id, 'a' AS name", "staging.t_load", "the files have 2 columns, the table has 3: at"),
        ("1 AS id, 'a' AS name, now() AS at", "staging.t_load.id", "the files hold int, bigint takes bigint only"),
        ("'a' AS name, 1L AS id, now() AS at", "staging.t_load.id", "column 1 of the files is name"),
        ("1L AS id, 'a' AS name, current_date() AS at", "staging.t_load.at", "the files hold date"),
    ],
)
def test_other_columns_than_the_table_s_are_told(spark: SparkSession, select: str, where: str, says: str) -> None:
    with pytest.raises(CopyContractError) as caught:
        counted(spark.sql(f"SELECT {select}"), CONTRACT)
    assert caught.value.where == where
    assert says in caught.value.what


def test_timestamps_of_another_unit_are_refused(spark: SparkSession) -> None:
    rows = spark.newSession().sql("SELECT 1L AS id, 'a' AS name, now() AS at")
    rows.sparkSession.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    with pytest.raises(CopyContractError, match="written as INT96"):
        counted(rows, CONTRACT)


def test_a_row_wider_than_copy_reads_is_refused(spark: SparkSession) -> None:
    wide = compiled("staging.t_load", [Item(f"c{n}", "varchar(65535)") for n in range(70)])
    rows = spark.range(1).selectExpr(*(f"repeat('x', 65535) AS c{n}" for n in range(70)))
    with pytest.raises(CopyContractError, match=r"a row has 4,587,450 bytes, COPY reads rows of 4,194,304 at most"):
        counted(rows, wide)


def test_files_are_as_large_as_copy_reads_in_parts() -> None:
    seen = LoadTable("m", (WrittenFile("f", 1000, 64_000),))
    assert files_for(10, seen) == 1
    assert files_for(10 * FILE_BYTES // 64, seen) == 10
    assert files_for(1, None) == 1
    assert files_for(3 * ROWS_PER_FILE, None) == 3
