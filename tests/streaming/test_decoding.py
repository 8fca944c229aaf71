"""Writer schemas that Spark would refuse are made readable or named; analysis never fails."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from schemas.writer import LARGEST_SCHEMA
from streaming.decoding import UnusableSchemaError, parquet_fault, sanitised, writer_schema
from tests.support.envelopes import AVRO, decimal, envelope_schema, key_schema, nullable, schema_text


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


def test_an_envelope_gets_its_spark_type_and_mandatory_fields(spark: SparkSession) -> None:
    columns = {name: nullable(avro) for name, avro in AVRO.items()} | {"price": decimal(12, 2)}
    schema = writer_schema(spark, "2", schema_text(envelope_schema("t", columns)))
    row = schema.type["after"].dataType
    assert isinstance(row, T.StructType)
    assert row["price"].dataType == T.DecimalType(12, 2)
    assert row["timestamptz"].dataType == T.StringType()
    assert schema.mandatory == ("source", "op")
    assert writer_schema(spark, "1", schema_text(key_schema("t", {"id": "long"}))).mandatory == ("id",)


@pytest.mark.parametrize("odd", [decimal(39, 2), decimal(5, 9), {"type": "bytes", "logicalType": "decimal"}])
def test_a_decimal_that_spark_cannot_hold_stays_raw_bytes(spark: SparkSession, odd: dict[str, Any]) -> None:
    text = json.dumps(record({"name": "d", "type": ["null", odd]}))
    assert writer_schema(spark, "1", text).type["d"].dataType == T.BinaryType()


def test_defaults_and_names_are_left_as_they_are() -> None:
    field = {"name": "logicalType", "type": "string", "default": {"logicalType": "decimal", "precision": 99}}
    assert sanitised(record(field)) == record(field)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no json", "not JSON"),
        ('"string"', "not an Avro record"),
        ('{"type": "PROTOBUF"}', "not an Avro record"),
        ('{"type": "record", "name": "R"}', "no fields"),
        ('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "nonsense"}]}', "nonsense"),
        (json.dumps(record()), "has no fields"),
        (json.dumps(record({"name": "a", "type": "null"})), "can only be null"),
        (json.dumps(record({"name": "a", "type": "int"}, {"name": "A", "type": "int"})), "differ only in case"),
        (json.dumps(record({"name": "next", "type": ["null", "R"]})), "recursive"),
    ],
)
def test_a_schema_that_cannot_be_used_says_why(spark: SparkSession, text: str, why: str) -> None:
    with pytest.raises(UnusableSchemaError, match=why):
        writer_schema(spark, "1", text)


def laughing(levels: int) -> str:
    """A few hundred bytes whose record has 2^levels fields, for each record holds the one before twice."""
    inner: Any = record({"name": "x", "type": "int"}) | {"name": "L0"}
    for level in range(1, levels):
        first, again = {"name": "a", "type": inner}, {"name": "b", "type": f"L{level - 1}"}
        inner = record(first, again) | {"name": f"L{level}"}
    return json.dumps(record({"name": "a", "type": inner}, {"name": "b", "type": f"L{levels - 1}"}))


def nested(levels: int) -> str:
    inner: Any = "int"
    for _ in range(levels):
        inner = {"type": "array", "items": inner}
    return json.dumps(record({"name": "a", "type": inner}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "nested too deep"),
        (nested(200), "nested too deep"),
        (laughing(28), "more than 20,000 parts"),
        (json.dumps(record({"name": "a", "type": "int", "doc": "x" * LARGEST_SCHEMA})), "characters"),
    ],
    ids=["brackets", "arrays", "records that double", "a long text"],
)
def test_a_schema_made_to_exhaust_the_job_is_unusable_at_once(spark: SparkSession, text: str, why: str) -> None:
    with pytest.raises(UnusableSchemaError, match=why):
        writer_schema(spark, "1", text)


def test_a_wide_table_is_no_attack(spark: SparkSession) -> None:
    wide = envelope_schema("wide", {f"c{n}": nullable("string") for n in range(1500)})
    assert len(writer_schema(spark, "1", schema_text(wide)).type["after"].dataType.fields) == 1500  # type: ignore[attr-defined]


def test_the_place_of_what_parquet_cannot_hold_is_named() -> None:
    inner = T.StructType([T.StructField("b", T.ArrayType(T.NullType()))])
    assert parquet_fault(T.StructType([T.StructField("a", inner)])) == "field a.b[] can only be null"
    assert parquet_fault(T.MapType(T.StringType(), T.NullType())) == "field {} can only be null"
    assert parquet_fault(T.StringType()) == ""
