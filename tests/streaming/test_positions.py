"""Positions of PostgreSQL, SQL Server and MySQL sort as text as they do in the source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from streaming.decoding import writer_schema
from streaming.positions import is_supported, position, position_id, source_time
from tests.support.envelopes import schema_text, source_block, source_schema

TS_US = 1_714_564_800_123_456


def placed(spark: SparkSession, connector: str, blocks: list[dict[str, Any]]) -> list[Row]:
    kind = writer_schema(spark, "1", schema_text(source_schema(connector))).type
    rows = [(tuple(block[name] for name in kind.names),) for block in blocks]
    frame = spark.createDataFrame(rows, T.StructType([T.StructField("source", kind)]))
    block = F.col("source")
    assert is_supported(kind)
    columns = [position(kind, block), position_id(kind, block), source_time(kind, block).cast("string")]
    return frame.select(*(c.alias(n) for c, n in zip(columns, ("position", "id", "time"), strict=True))).collect()


def test_postgresql_is_the_padded_lsn(spark: SparkSession) -> None:
    blocks = [source_block("t", ts_us=TS_US, lsn=lsn) for lsn in (9, 26_056_912, 2**62, None)]
    rows = placed(spark, "postgresql", blocks)
    assert [row.position for row in rows] == [
        "00000000000000000009",
        "00000000000026056912",
        "04611686018427387904",
        None,
    ]
    assert {row.id for row in rows} == {None}
    assert {row.time for row in rows} == {"2024-05-01 12:00:00.123456"}


def test_sql_server_is_the_commit_lsn_told_apart_by_change_and_serial(spark: SparkSession) -> None:
    lsn: dict[str, Any] = {"commit_lsn": "00000027:00000758:0005", "change_lsn": "00000027:00000758:0003"}
    blocks = [
        source_block("t", connector="sqlserver", ts_us=TS_US, **lsn, event_serial_no=2),
        source_block("t", connector="sqlserver", ts_us=TS_US, **lsn, event_serial_no=None),
        source_block("t", connector="sqlserver", ts_us=TS_US, snapshot=True, commit_lsn="00000027:00000758:0005"),
    ]
    rows = placed(spark, "sqlserver", blocks)
    assert {row.position for row in rows} == {"00000027:00000758:0005"}
    assert [row.id for row in rows] == ["00000027:00000758:0003/2", "00000027:00000758:0003/", None]


def test_mysql_and_mariadb_are_file_number_and_place(spark: SparkSession) -> None:
    places = [("mysql-bin.000009", 4), ("mysql-bin.000010", 4), ("mariadb-bin.1000000", 157), ("nofile", 3)]
    blocks = [source_block("t", connector="mysql", ts_us=TS_US, file=f, pos=p, row=1) for f, p in places]
    rows = placed(spark, "mysql", blocks)
    found = [row.position for row in rows]
    assert found == [
        "00000000000000000009:00000000000000000004",
        "00000000000000000010:00000000000000000004",
        "00000000000001000000:00000000000000000157",
        None,
    ]
    assert {row.id for row in rows} == {"1"}


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1), min_size=20, max_size=40))
def test_text_order_is_position_order(spark: SparkSession, lsns: list[int]) -> None:
    rows = placed(spark, "postgresql", [source_block("t", ts_us=TS_US, lsn=lsn) for lsn in lsns])
    assert sorted(row.position for row in rows) == [f"{lsn:020d}" for lsn in sorted(lsns)]


@pytest.mark.parametrize(
    ("ts_us", "ts_ms", "expected"),
    [
        (TS_US, 1, "2024-05-01 12:00:00.123456"),
        (None, TS_US // 1000, "2024-05-01 12:00:00.123"),
        (0, 0, None),
        (None, 2**62, None),
        (2**63 - 1, TS_US // 1000, "2024-05-01 12:00:00.123"),
    ],
)
def test_source_time_is_microseconds_else_milliseconds_else_nothing(
    spark: SparkSession, ts_us: int | None, ts_ms: int, expected: str | None
) -> None:
    block = source_block("t", ts_us=TS_US, lsn=1) | {"ts_us": ts_us, "ts_ms": ts_ms}
    (row,) = placed(spark, "postgresql", [block])
    assert row.time == expected


def test_an_unknown_source_has_no_position(spark: SparkSession) -> None:
    kind = T.StructType([T.StructField("scn", T.StringType())])
    frame = spark.createDataFrame([(("1",),)], T.StructType([T.StructField("source", kind)]))
    block = F.col("source")
    row = frame.select(position(kind, block), position_id(kind, block), source_time(kind, block)).first()
    assert not is_supported(kind)
    assert row is not None
    assert list(row) == [None, None, None]
