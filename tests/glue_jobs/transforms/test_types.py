"""Each pair of source form and contract type follows its rule: exact values pass, others become NULL, none changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.transforms import digits
from glue_jobs.transforms.types import PLACEHOLDER, CannotConvertError, converted, is_unavailable
from schemas.types import ColumnType
from schemas.writer import CONNECT, DEBEZIUM_DATA, DEBEZIUM_TIME, WriterField

D = Decimal
LONG, INT, TEXT, BYTES = "bigint", "int", "string", "binary"
VARIABLE = "struct<scale: int, value: binary>"


@dataclass(frozen=True)
class Case:
    """A raw value of a Spark type, written with a semantic name, and what it is as the contract's type, or None."""

    semantic: str
    landed: str
    raw: Any
    target: str
    expected: Any
    scale: int = -1

    @property
    def field(self) -> WriterField:
        return WriterField("x", "any", self.semantic, scale=self.scale)


def utc(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - Spark hands out naive UTC times


def signed(value: int) -> bytearray:
    return bytearray(value.to_bytes((value.bit_length() // 8) + 1, "big", signed=True))


TIME, DATA = DEBEZIUM_TIME, DEBEZIUM_DATA
CASES = [
    # dates
    Case(f"{TIME}Date", INT, 19723, "date", date(2024, 1, 1)),
    Case(f"{TIME}Date", INT, -719162, "date", date(1, 1, 1)),
    Case(f"{TIME}Date", INT, -719163, "date", None),
    Case(f"{TIME}Date", INT, 2932896, "date", date(9999, 12, 31)),
    Case(f"{TIME}Date", INT, 2932897, "date", None),
    Case(f"{TIME}Date", INT, 2**31 - 1, "date", None),
    Case(f"{TIME}Date", INT, 19723, "timestamp", utc(2024, 1, 1)),
    Case(f"{TIME}Date", INT, 19723, "varchar(10)", "2024-01-01"),
    Case(f"{TIME}IsoDate", TEXT, "2024-01-01Z", "date", date(2024, 1, 1)),
    Case(f"{TIME}IsoDate", TEXT, "2024-02-30", "date", None),
    Case(f"{CONNECT}Date", "date", date(2024, 1, 1), "date", date(2024, 1, 1)),
    # timestamps
    Case(f"{TIME}Timestamp", LONG, 1704067200123, "timestamp", utc(2024, 1, 1, 0, 0, 0, 123000)),
    Case(f"{TIME}Timestamp", LONG, 2**63 - 1, "timestamp", None),
    Case(f"{TIME}MicroTimestamp", LONG, 1704067200123456, "timestamp", utc(2024, 1, 1, 0, 0, 0, 123456)),
    Case(f"{TIME}MicroTimestamp", LONG, -1, "timestamp", utc(1969, 12, 31, 23, 59, 59, 999999)),
    Case(f"{TIME}MicroTimestamp", LONG, 9223372036825200000, "timestamp", None),
    Case(f"{TIME}NanoTimestamp", LONG, 1704067200123456789, "timestamp", utc(2024, 1, 1, 0, 0, 0, 123456)),
    Case(f"{TIME}NanoTimestamp", LONG, -1, "timestamp", utc(1969, 12, 31, 23, 59, 59, 999999)),
    Case(f"{TIME}NanoTimestamp", LONG, -1000, "timestamp", utc(1969, 12, 31, 23, 59, 59, 999999)),
    Case(f"{TIME}ZonedTimestamp", TEXT, "2024-01-01T10:00:00.123456Z", "timestamp", utc(2024, 1, 1, 10, 0, 0, 123456)),
    Case(f"{TIME}ZonedTimestamp", TEXT, "2024-01-01T10:00:00+02:00", "timestamp", utc(2024, 1, 1, 8)),
    Case(f"{TIME}ZonedTimestamp", TEXT, "2024-01-01T10:00:00.1234567+02:00", "timestamp",
         utc(2024, 1, 1, 8, 0, 0, 123456)),
    Case(f"{TIME}ZonedTimestamp", TEXT, "infinity", "timestamp", None),
    Case(f"{TIME}ZonedTimestamp", TEXT, "2024", "timestamp", None),
    Case(f"{TIME}ZonedTimestamp", TEXT, "10:00:00.12345678Z", "timestamp", None),
    Case(f"{TIME}ZonedTimestamp", TEXT, "Z", "timestamp", None),
    Case(f"{TIME}ZonedTimestamp", TEXT, "no timestamp at all, äöüZ", "timestamp", None),
    Case(f"{TIME}ZonedTimestamp", TEXT, "0000-12-31T23:59:59Z", "timestamp", None),
    Case(f"{TIME}IsoTimestamp", TEXT, "9999-12-31T23:59:59.9999999Z", "timestamp",
         utc(9999, 12, 31, 23, 59, 59, 999999)),
    Case(f"{CONNECT}Timestamp", "timestamp", datetime(2024, 1, 1, tzinfo=UTC), "timestamp", utc(2024, 1, 1)),
    Case("", TEXT, "2024-01-01 10:00", "timestamp", utc(2024, 1, 1, 10)),
    Case("", TEXT, "2024", "timestamp", None),
    # times of day
    Case(f"{TIME}MicroTime", LONG, 3723000001, "varchar(20)", "01:02:03.000001"),
    Case(f"{TIME}MicroTime", LONG, 86400000000, "varchar(20)", "24:00:00"),
    Case(f"{TIME}MicroTime", LONG, -1, "varchar(20)", None),
    Case(f"{TIME}Time", INT, 3723004, "varchar(20)", "01:02:03.004000"),
    Case(f"{TIME}NanoTime", LONG, 3723000000999, "varchar(20)", "01:02:03"),
    Case(f"{TIME}MicroTime", LONG, 3723000001, "bigint", 3723000001),
    Case(f"{CONNECT}Time", INT, 1000, "bigint", 1000000),
    # decimals
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("12.34"), "decimal(12,2)", D("12.34")),
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("12.34"), "decimal(14,4)", D("12.3400")),
    Case(f"{CONNECT}Decimal", "decimal(12,4)", D("12.3400"), "decimal(12,2)", D("12.34")),
    Case(f"{CONNECT}Decimal", "decimal(12,4)", D("12.3456"), "decimal(12,2)", None),
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("1234567890.12"), "decimal(10,2)", None),
    Case(f"{CONNECT}Decimal", "decimal(38,10)", D("1.5"), "decimal(38,0)", None),
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("12.00"), "int", 12),
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("12.50"), "int", None),
    Case(f"{CONNECT}Decimal", "decimal(30,0)", D(2**63), "bigint", None),
    Case(f"{CONNECT}Decimal", "decimal(12,2)", D("12.50"), "varchar(10)", "12.50"),
    Case(f"{CONNECT}Decimal", BYTES, signed(-12345), "decimal(10,3)", D("-12.345"), scale=3),
    Case(f"{CONNECT}Decimal", BYTES, signed(10**40), "decimal(38,0)", None, scale=0),
    Case(f"{CONNECT}Decimal", BYTES, signed(10**38 - 1), "decimal(38,0)", D(10**38 - 1), scale=0),
    Case(f"{CONNECT}Decimal", BYTES, signed(1 - 10**38), "decimal(38,0)", D(1 - 10**38), scale=0),
    Case(f"{CONNECT}Decimal", BYTES, signed(-(10**38)), "decimal(38,0)", None, scale=0),
    Case(f"{CONNECT}Decimal", BYTES, signed(-(2**64)), "decimal(38,0)", D(-(2**64)), scale=0),
    Case(f"{CONNECT}Decimal", BYTES, signed(10**40), "decimal(38,10)", None, scale=10),
    Case(f"{DATA}VariableScaleDecimal", VARIABLE, (2, signed(1234)), "decimal(10,2)", D("12.34")),
    Case(f"{DATA}VariableScaleDecimal", VARIABLE, (0, signed(-7)), "decimal(10,2)", D("-7.00")),
    Case(f"{DATA}VariableScaleDecimal", VARIABLE, (-2, signed(5)), "decimal(10,2)", D("500.00")),
    Case(f"{DATA}VariableScaleDecimal", VARIABLE, (3, signed(1)), "decimal(10,2)", None),
    Case("", TEXT, "12.3400", "decimal(10,2)", D("12.34")),
    Case("", TEXT, "12.345", "decimal(10,2)", None),
    Case("", TEXT, "NaN", "decimal(10,2)", None),
    Case("", TEXT, "1E3", "decimal(10,2)", None),
    # numbers
    Case("", LONG, 2**31 - 1, "int", 2**31 - 1),
    Case("", LONG, 2**31, "int", None),
    Case("", INT, -32769, "smallint", None),
    Case("", INT, 5, "bigint", 5),
    Case("", LONG, 2**53 + 1, "double", None),
    Case("", LONG, 2**53, "double", float(2**53)),
    Case("", INT, 1, "boolean", True),
    Case("", INT, 2, "boolean", None),
    Case("", LONG, 123, "decimal(5,2)", D("123.00")),
    Case("", LONG, 1234, "decimal(5,2)", None),
    Case("", "double", 2.0, "bigint", 2),
    Case("", "double", 2.5, "bigint", None),
    Case("", "double", 2.0**63, "bigint", None),
    Case("", "double", 1e300, "float", None),
    Case("", "double", float("nan"), "int", None),
    Case("", "double", 2.345, "decimal(5,2)", D("2.35")),
    Case("", "double", float("inf"), "decimal(5,2)", None),
    Case("", TEXT, "42", "int", 42),
    Case("", TEXT, "4.2", "int", None),
    Case("", TEXT, "9223372036854775808", "bigint", None),
    Case("", "boolean", True, "smallint", 1),
    Case("", TEXT, "T", "boolean", True),
    Case("", TEXT, "maybe", "boolean", None),
    # text
    Case("", TEXT, "äöü", "varchar(6)", "äöü"),
    Case("", TEXT, "äöü", "varchar(5)", None),
    Case("", TEXT, "x" * 65536, "string", None),
    Case(f"{DATA}Uuid", TEXT, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    Case("", TEXT, "not a uuid", "uuid", None),
    Case(f"{DATA}Uuid", TEXT, "not a uuid, as wrong bytes may decode to", "uuid", None),
    Case(f"{DATA}Json", TEXT, '{"a": 1}', "json", '{"a": 1}'),
    Case("", TEXT, '{"a": ', "json", None),
    Case("", TEXT, "null", "json", "null"),
    Case(f"{DATA}Enum", TEXT, "red", "varchar(10)", "red"),
    Case("", "array<string>", ["a", "b"], "json", '["a","b"]'),
    Case("", "map<string,string>", {"k": "v"}, "string", '{"k":"v"}'),
    # bytes
    Case("", BYTES, bytearray(b"\x00\xff"), "binary", bytearray(b"\x00\xff")),
    Case(f"{DATA}Bits", BYTES, bytearray(b"\x01\x02"), "int", 0x0201),
    Case(f"{DATA}Bits", BYTES, bytearray(b"\xff" * 8), "bigint", None),
    Case(f"{DATA}Bits", BYTES, bytearray(b"\x01\x02"), "binary", bytearray(b"\x01\x02")),
]  # fmt: skip
REFUSED = [
    Case("", BYTES, None, "varchar(10)", None),
    Case("", "boolean", None, "date", None),
    Case(f"{TIME}Date", INT, None, "int", None),
    Case(f"{TIME}Timestamp", LONG, None, "bigint", None),
    Case(f"{TIME}Timestamp", LONG, None, "date", None),
    Case(f"{CONNECT}Decimal", "decimal(12,8)", None, "varchar(20)", None),
    Case("", "array<int>", None, "int", None),
    Case("", LONG, None, "uuid", None),
]


def test_every_rule(spark: SparkSession) -> None:
    shape = ", ".join(f"c{i} {case.landed}" for i, case in enumerate(CASES))
    row = spark.createDataFrame([tuple(case.raw for case in CASES)], shape)
    columns = [
        converted(F.col(f"c{i}"), row.schema[f"c{i}"].dataType, case.field, ColumnType(case.target)).alias(f"c{i}")
        for i, case in enumerate(CASES)
    ]
    found = row.select(*columns).first()
    assert found is not None
    wrong = [(case, value) for case, value in zip(CASES, found, strict=True) if value != case.expected]
    assert wrong == []


@pytest.mark.parametrize("target", ["varchar(80)", "string", "json"])
def test_text_that_no_copy_takes_is_refused(spark: SparkSession, target: str) -> None:
    raws = [b'"a\x00b"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc3"', '"é😀"'.encode()]
    frame = spark.createDataFrame([(bytearray(raw),) for raw in raws], "raw binary")
    frame = frame.select(F.col("raw").cast("string").alias("x"))
    column = converted(F.col("x"), T.StringType(), WriterField("x", "string", ""), ColumnType(target))
    assert [row[0] for row in frame.select(column).collect()] == [None] * 4 + ['"é😀"']


def test_null_stays_null_for_every_rule(spark: SparkSession) -> None:
    shape = ", ".join(f"c{i} {case.landed}" for i, case in enumerate(CASES))
    row = spark.createDataFrame([(None,) * len(CASES)], shape)
    columns = [
        converted(F.col(f"c{i}"), row.schema[f"c{i}"].dataType, case.field, ColumnType(case.target))
        for i, case in enumerate(CASES)
    ]
    assert set(row.select(*columns).first() or ()) == {None}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.semantic or case.landed} to {case.target}")
def test_a_pair_without_a_rule_is_refused(spark: SparkSession, case: Case) -> None:
    kind = spark.range(0).select(F.lit(None).cast(case.landed)).schema.fields[0].dataType
    with pytest.raises(CannotConvertError, match="cannot become"):
        converted(F.lit(None), kind, case.field, ColumnType(case.target))


def test_the_placeholder_is_found_in_every_type_that_can_hold_it(spark: SparkSession) -> None:
    text = PLACEHOLDER
    values: Sequence[tuple[str, Any, Any]] = [
        ("string", text, "other"),
        ("binary", bytearray(text.encode()), bytearray(b"other")),
        ("array<string>", [text], [text, "other"]),
        ("array<binary>", [bytearray(text.encode())], []),
        ("array<int>", list(text.encode()), [1]),
        ("array<bigint>", list(text.encode()), [1]),
        ("map<string,string>", {text: text}, {"a": "b"}),
    ]
    shape = ", ".join(f"c{i} {kind}" for i, (kind, _, _) in enumerate(values))
    rows = spark.createDataFrame([tuple(v[1] for v in values), tuple(v[2] for v in values)], shape)
    flags = [is_unavailable(F.col(field.name), field.dataType) for field in rows.schema.fields]
    found = rows.select(*(flag for flag in flags if flag is not None)).collect()
    assert [tuple(row) for row in found] == [(True,) * len(values), (False,) * len(values)]
    assert is_unavailable(F.lit(1), T.IntegerType()) is None


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-5, 40)), min_size=300, max_size=300))
def test_decimals_of_any_scale_round_trip_or_are_refused(spark: SparkSession, numbers: list[tuple[int, int]]) -> None:
    encoded = [(i, signed(number), scale) for i, (number, scale) in enumerate(numbers)]
    rows = spark.createDataFrame(encoded, "i int, raw binary, scale int")
    target = ColumnType("decimal(38,9)")
    value = digits.exact_decimal(digits.unscaled(F.col("raw")), F.col("scale"), target)
    found = {row["i"]: row["v"] for row in rows.select("i", value.alias("v")).collect()}
    for i, (number, scale) in enumerate(numbers):
        assert found[i] == _exact(number, scale), (number, scale)


def _exact(number: int, scale: int) -> Decimal | None:
    """As decimal(38,9), by integer arithmetic alone; None where a digit is lost."""
    shift = 9 - scale
    scaled, rest = (number * 10**shift, 0) if shift >= 0 else divmod(abs(number), 10**-shift)
    if shift < 0 and number < 0:
        scaled = -scaled
    if rest or abs(scaled) >= 10**38:
        return None
    sign, digits_ = (1 if scaled < 0 else 0), tuple(map(int, str(abs(scaled))))
    return Decimal((sign, digits_, -9))
