"""The same Kafka bytes through the function and through Spark's landing and conform: one change, value by value."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from glue_jobs.transforms.conform import conform
from glue_jobs.transforms.quality import judged
from schemas.model import Evolution, SourceColumn, SourceContract
from schemas.streamed import StreamedContract
from schemas.types import ColumnType
from schemas.writer import row_fields
from streaming.decoding import writer_schema
from streaming.envelope import REJECTED, Group, landing_rows
from streaming.udf.handler import Decoder, answer
from streaming.udf.schema_cache import SchemaCache
from tests.streaming.udf.test_values import read
from tests.support import envelopes as e
from tests.support.landed import Event, Table, _record, records
from tests.support.landing import FixedRegistry

A, PLACEHOLDER = e.AVRO, "__debezium_unavailable_value"
VARIABLE = {
    "type": "record",
    "name": "VariableScaleDecimal",
    "namespace": "io.debezium.data",
    "connect.name": "io.debezium.data.VariableScaleDecimal",
    "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}],
}
TEXTS = ["", "abc", "äöü", "42", "-7.50", "1e3", "true", "2024-02-29", "2024-02-29T10:00:00.1234567+02:00", "NaN",
         "{}", '{"a": [1, null]}', "\0", "x" * 40, PLACEHOLDER, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]  # fmt: skip
DOUBLES = [0.0, -0.0, 1.5, 2.345, 1e300, -1e-300, float("nan"), float("inf"), 2.0**53, 1e-5, 123456789.125]
LONGS = [0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 1704067200123456, 86_400_000_000]
INTS = [0, 1, -1, 2**31 - 1, -(2**31), 19723, -719163, 32768]
BYTES = [b"", b"\x00\xff", b"\x01\x02", b"\xff" * 8, PLACEHOLDER.encode()]
ZONED = ["2024-01-01T10:00:00.123456Z", "2024-01-01T10:00:00+02:00", "infinity", "0000-12-31T23:59:59Z", "2024",
         "9999-12-31T23:59:59.9999999Z", "2024-02-30T00:00:00Z", PLACEHOLDER]  # fmt: skip
POOLS: Mapping[str, tuple[e.AvroType, Sequence[Any]]] = {
    "long": ("long", LONGS),
    "int": ("int", INTS),
    "double": ("double", DOUBLES),
    "float": ("float", [0.0, 0.1, 1.5, -3.25, 1e30, float("inf")]),
    "boolean": ("boolean", [True, False]),
    "text": ("string", TEXTS),
    "bytes": ("bytes", BYTES),
    "decimal": (e.decimal(20, 4), [Decimal(0), Decimal("1.5000"), Decimal("-12.3456"), Decimal(2**53), Decimal(10**15)]),
    "wide": (e.decimal(45, 2), [Decimal("1.50"), Decimal(10**40), Decimal("-0.01")]),
    "variable": (VARIABLE, [{"scale": 2, "value": b"\x04\xd2"}, {"scale": -2, "value": b"\x05"}]),
    "date": (A["date"], INTS),
    "micro_time": (A["micro_time"], [0, 3723000001, 86_400_000_000, -1]),
    "timestamp_ms": (A["timestamp_ms"], [*LONGS, 1704067200123]),
    "timestamp_us": (A["timestamp_us"], LONGS),
    "timestamp_ns": (A["timestamp_ns"], LONGS),
    "timestamptz": (A["timestamptz"], ZONED),
    "uuid": (A["uuid"], [TEXTS[-1], "no uuid", PLACEHOLDER]),
    "json": (A["json"], ['{"a": 1}', "[]", PLACEHOLDER]),
    "array": ({"type": "array", "items": ["null", "string"]}, [["a", None, 'q"\n\x01'], [], [PLACEHOLDER]]),
    "map": ({"type": "map", "values": "double"}, [{"k": 1e10}, {}]),
    "connect_ts": ({"type": "long", "logicalType": "timestamp-millis",
                    "connect.name": "org.apache.kafka.connect.data.Timestamp"}, [0, 1704067200123]),
}  # fmt: skip
PAIRS = [
    *(("long", kind) for kind in ("bigint", "int", "smallint", "decimal(12,2)", "double", "float", "boolean", "string")),
    *(("int", kind) for kind in ("bigint", "smallint", "boolean", "decimal(5,0)")),
    *(("double", kind) for kind in ("double", "float", "decimal(12,2)", "bigint", "string")),
    *(("float", kind) for kind in ("float", "double", "decimal(12,3)", "varchar(20)")),
    *(("boolean", kind) for kind in ("boolean", "int", "varchar(5)")),
    *(("text", kind) for kind in ("varchar(10)", "string", "json", "uuid", "int", "decimal(10,2)", "double", "float",
                                  "boolean", "date", "timestamp")),
    ("bytes", "binary"),
    *(("decimal", kind) for kind in ("decimal(20,4)", "decimal(12,2)", "bigint", "double", "varchar(30)")),
    ("wide", "decimal(38,2)"), ("variable", "decimal(10,2)"),
    *(("date", kind) for kind in ("date", "timestamp", "varchar(10)")),
    *(("micro_time", kind) for kind in ("varchar(20)", "bigint")),
    *((name, kind) for name in ("timestamp_ms", "timestamp_us", "timestamp_ns", "timestamptz", "connect_ts")
      for kind in ("timestamp", "varchar(40)")),
    ("uuid", "uuid"), ("json", "json"), ("array", "json"), ("array", "string"), ("map", "json"),
]  # fmt: skip
NAMES = [f"c{number}" for number in range(len(PAIRS))]
COLUMNS: dict[str, e.AvroType] = {"item_id": "long"}
for NAME, (POOL, _) in zip(NAMES, PAIRS, strict=True):
    COLUMNS[NAME] = e.nullable(POOLS[POOL][0])
SOURCE = Table("item", ("item_id",), COLUMNS)
CONTRACT = SourceContract(
    pipeline="shop",
    table="item",
    topic="shop.item.cdc",
    key=("item_id",),
    columns=(
        SourceColumn("item_id", ColumnType("bigint"), nullable=False),
        *(SourceColumn(name, ColumnType(kind)) for name, (_, kind) in zip(NAMES, PAIRS, strict=True)),
    ),
)
VALUE_ID, KEY_ID = str(SOURCE.schema_id), str(SOURCE.schema_id + 1000)


def decoder(table: Table = SOURCE, contract: SourceContract = CONTRACT) -> Decoder:
    texts = {VALUE_ID: json.dumps(table.envelope), KEY_ID: json.dumps(table.key_schema)}
    return Decoder({contract.table: StreamedContract.of(contract)}, SchemaCache(FixedRegistry(texts)))


def by_function(
    events: Sequence[Event], table: Table = SOURCE, contract: SourceContract = CONTRACT
) -> dict[int, dict[str, Any]]:
    """Results of the function by offset."""
    raw = [_record(table, event) for event in events]
    arguments = [
        [contract.table, *(None if part is None else b64encode(part).decode() for part in item[:2])] for item in raw
    ]
    response = answer({"num_records": len(raw), "arguments": arguments}, lambda: decoder(table, contract))
    assert response["success"], response
    return {event.offset: json.loads(text) for event, text in zip(events, response["results"], strict=True)}


def by_spark(
    spark: SparkSession, events: Sequence[Event], table: Table = SOURCE, contract: SourceContract = CONTRACT
) -> dict[int, Row]:
    """Judged rows of the batch route by offset."""
    key, value = (
        writer_schema(spark, KEY_ID, json.dumps(table.key_schema)),
        writer_schema(spark, VALUE_ID, json.dumps(table.envelope)),
    )
    landed: DataFrame = landing_rows(records(spark, table, events), Group(key, value), 0).where(
        F.col(REJECTED).isNull()
    )
    rows = conform(
        landed.select(F.lit(1).cast("bigint").alias("_ingest_seq"), "*"),
        row_fields(json.dumps(table.envelope)),
        contract,
    )
    return {row["_offset"]: row for row in judged(rows, contract).drop("_envelope").collect()}


def events_of(seed: int, first: int, count: int) -> list[Event]:
    """Rows with a value of every pool, NULLs among them; each with few bad values, so that good ones are compared too."""
    chance = random.Random(seed)
    found = []
    for offset in range(first, first + count):
        row: dict[str, Any] = {"item_id": offset}
        for name, (pool, _) in zip(NAMES, PAIRS, strict=True):
            row[name] = None if chance.random() < 0.1 else chance.choice(POOLS[pool][1])
        op = chance.choice("cccurd")
        position = None if op == "r" else 100 + offset
        if op == "d":
            found.append(Event(op, None, offset, lsn=position, before=row))
        else:
            found.append(Event(op, row, offset, lsn=position))
    return found


def test_whole_rows_have_the_places_and_faults_of_the_batch_route(spark: SparkSession, both: Both) -> None:
    seen: set[str] = set()
    for event in both.mixed:
        result, row = both.found[event.offset], both.wanted[event.offset]
        faults = {part for part in (row["_faults"] or "").split(",") if part}
        rejected = set(filter(None, result.get("fault", {}).get("detail", "").split(",")))
        if event.op != "d":
            assert rejected == faults, event.offset
        assert result.get("position") == row["_position"]
        seen |= faults
    assert len(seen) > len(PAIRS) / 3, "the pools hold what rules refuse"


@pytest.mark.parametrize("name", NAMES)
def test_values_are_equal_column_by_column(name: str, both: Both) -> None:
    pairs = [both.pair(event, name) for event in both.single if (event.row or {})[name] is not None]
    assert len(pairs) > 1
    assert [pair for pair in pairs if not same(*pair)] == []


@dataclass(frozen=True)
class Both:
    """Both routes' answers by offset: to rows with one value each, and to mixed rows."""

    single: Sequence[Event]
    mixed: Sequence[Event]
    found: Mapping[int, dict[str, Any]]
    wanted: Mapping[int, Row]

    def pair(self, event: Event, name: str) -> tuple[Any, Any]:
        """The function's answer and Spark's: a value, or what is wrong with it."""
        result, row = self.found[event.offset], self.wanted[event.offset]
        if "fault" in result:
            ours: Any = result["fault"]["detail"]
        else:
            ours = result.get("unavailable") or read(result["image"].get(name), CONTRACT.by_name[name].type.kind)
        unavailable = f",{','.join(row['_unavailable'])}," if row["_unavailable"] else None
        return ours, row["_faults"] or unavailable or row[name]


@pytest.fixture(scope="module")
def both(spark: SparkSession) -> Both:
    single: list[Event] = []
    for name, (pool, _) in zip(NAMES, PAIRS, strict=True):
        for value in POOLS[pool][1]:
            image: dict[str, Any] = {"item_id": len(single)} | dict.fromkeys(NAMES) | {name: value}
            single.append(Event("c", image, len(single), lsn=100 + len(single)))
    mixed = events_of(7, len(single), 120)
    every = [*single, *mixed]
    return Both(single, mixed, by_function(every), by_spark(spark, every))


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return repr(ours) == repr(theirs) or ours == theirs
    return bool(ours == theirs)


def test_ops_keys_nulls_and_new_columns_are_judged_as_the_batch_judges_them(spark: SparkSession) -> None:
    table = Table("item", ("item_id",), {"item_id": "long", "label": e.nullable("string"), "more": e.nullable("long")})
    columns = (SourceColumn("item_id", ColumnType("bigint"), False), SourceColumn("label", ColumnType("string"), False))
    row = {"item_id": 1, "label": "a", "more": None}
    events = [
        Event("c", row, 0, lsn=1),
        Event("u", {**row, "label": None}, 1, lsn=2),
        Event("u", {**row, "label": PLACEHOLDER}, 2, lsn=3),
        Event("u", {**row, "more": 5}, 3, lsn=4),
        Event("d", None, 4, lsn=5, before={**row, "label": None}),
        Event("t", None, 5, lsn=6),
        Event("u", None, 6, lsn=7, key={"item_id": 1}),
        Event("r", row, 7),
    ]
    for mode in (Evolution.EVOLVE, Evolution.DISCARD):
        contract = replace(CONTRACT, columns=columns, evolution=mode)
        found, wanted = by_function(events, table, contract), by_spark(spark, events, table, contract)
        for offset, staged in wanted.items():
            result = found[offset]
            reasons = set(filter(None, result.get("fault", {}).get("detail", "").split(",")))
            assert reasons == set(filter(None, (staged["_reason"] or "").split(","))), (mode, offset)
            assert result["op"] == staged["_op"]
            if not reasons and staged["_op"] not in "td":
                assert result["image"].get("label") == staged["label"]
    assert by_function(events, table, replace(CONTRACT, columns=columns))[3]["added"] == {"more": "5"}
