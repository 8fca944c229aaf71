"""Writer schemas made safe for Spark, and the JVM's `from_avro` over them.

`from_avro` is no validator: in PERMISSIVE mode bad bytes give a struct of NULLs. `streaming.envelope` therefore counts
a record only with its mandatory fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StructType

from schemas.writer import WriterSchemaError, record_schema

MAX_DECIMAL_DIGITS: Final = 38


@dataclass(frozen=True)
class WriterSchema:
    """A schema a record was written by.

    `text` is what the registry holds; `readable` what `from_avro` is given; `type` the Spark type it gives; `mandatory`
    the top-level fields that cannot be null.
    """

    id: str
    text: str
    readable: str
    type: StructType
    mandatory: tuple[str, ...]


class UnusableSchemaError(ValueError):
    """Spark cannot read records of this schema; the text says why."""


def writer_schema(spark: SparkSession, schema_id: str, text: str) -> WriterSchema:
    """Analyses a registry's schema.

    Raises:
        UnusableSchemaError: not Avro, not a record, recursive, beyond bounds, or with a part that Parquet cannot hold.
    """
    try:
        parsed = record_schema(text)
    except WriterSchemaError as error:
        raise UnusableSchemaError(error.what) from error
    readable = json.dumps(sanitised(parsed))
    found = _spark_type(spark, readable)
    fault = parquet_fault(found)
    if fault:
        raise UnusableSchemaError(fault)
    mandatory = tuple(field["name"] for field in parsed["fields"] if not _optional(field["type"]))
    return WriterSchema(schema_id, text, readable, found, mandatory)


def decoded(payload: Column, schema: WriterSchema) -> Column:
    """The record as a struct; a struct of NULLs where the bytes do not follow the schema."""
    return from_avro(payload, schema.readable, {"mode": "PERMISSIVE"})


def sanitised(node: Any) -> Any:
    """The schema without the logical types that Spark refuses: a decimal it cannot hold stays its raw bytes."""
    if isinstance(node, list):
        return [sanitised(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {name: value if name in _VERBATIM else sanitised(value) for name, value in node.items()}
    if result.get("logicalType") == "decimal" and not _holdable(result):
        del result["logicalType"]
    return result


_VERBATIM: Final = frozenset({"default", "doc", "connect.parameters", "connect.default", "symbols", "aliases"})


def parquet_fault(found: DataType, path: str = "") -> str:
    """What Parquet cannot hold of this type, or nothing."""
    if isinstance(found, NullType):
        return f"field {path} can only be null"
    if isinstance(found, ArrayType):
        return parquet_fault(found.elementType, f"{path}[]")
    if isinstance(found, MapType):
        return parquet_fault(found.valueType, f"{path}{{}}")
    if not isinstance(found, StructType):
        return ""
    if not found.fields:
        return f"record {path or 'at the top'} has no fields"
    lowered = [name.lower() for name in found.names]
    twice = sorted({name for name in lowered if lowered.count(name) > 1})
    if twice:
        return f"field names of {path or 'the record'} differ only in case: {', '.join(twice)}"
    faults = (parquet_fault(field.dataType, f"{path}.{field.name}".lstrip(".")) for field in found.fields)
    return next((fault for fault in faults if fault), "")


def _spark_type(spark: SparkSession, readable: str) -> StructType:
    record = from_avro(F.lit(bytearray()), readable, {"mode": "PERMISSIVE"}).alias("record")
    try:
        found = spark.range(0).select(record).schema["record"].dataType
    except (PySparkException, Py4JJavaError) as error:
        raise UnusableSchemaError(_first_line(error)) from error
    if not isinstance(found, StructType):
        raise UnusableSchemaError("it is not an Avro record")
    return found


def _first_line(error: Exception) -> str:
    cause = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else str(error)
    return str(cause).strip().splitlines()[0][:300]


def _holdable(node: dict[str, Any]) -> bool:
    precision, scale = node.get("precision"), node.get("scale", 0)
    if not isinstance(precision, int) or not isinstance(scale, int):
        return False
    return 0 < precision <= MAX_DECIMAL_DIGITS and 0 <= scale <= precision


def _optional(avro: Any) -> bool:
    return avro == "null" or (isinstance(avro, list) and "null" in avro)
