"""Writer schemas read for what Debezium says in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.writer import CONNECT, DEBEZIUM_TIME, WriterField, WriterSchemaError, row_fields, suggested_type
from tests.support import envelopes as e

A = e.AVRO


def test_the_row_inside_an_envelope_is_found_through_its_name() -> None:
    columns = {"id": A["bigint"], "day": e.nullable(A["date"]), "price": e.decimal(12, 2)}
    day, price = row_fields(json.dumps(e.envelope_schema("item", columns)))[1:]
    assert (day.avro, day.semantic, day.optional) == ("int", f"{DEBEZIUM_TIME}Date", True)
    assert (price.semantic, price.precision, price.scale, price.optional) == (f"{CONNECT}Decimal", 12, 2, False)


def test_a_key_is_a_plain_record() -> None:
    assert [item.name for item in row_fields(json.dumps(e.key_schema("item", {"a": A["int"], "b": A["text"]})))] == [
        "a",
        "b",
    ]


def test_names_are_resolved_in_their_namespace() -> None:
    colour = {"type": "enum", "name": "Colour", "symbols": ["RED"], "connect.name": "io.debezium.data.Enum"}
    columns: dict[str, Any] = {"one": colour, "two": "Colour", "three": e.nullable("retail.public.item.Colour")}
    found = row_fields(json.dumps(e.envelope_schema("item", columns)))
    assert [(item.avro, item.semantic) for item in found] == [("enum", "io.debezium.data.Enum")] * 3


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (WriterField("x", "int", f"{DEBEZIUM_TIME}Date"), "date"),
        (WriterField("x", "long", f"{DEBEZIUM_TIME}NanoTimestamp"), "timestamp"),
        (WriterField("x", "bytes", f"{CONNECT}Decimal", precision=12, scale=2), "decimal(12,2)"),
        (WriterField("x", "bytes", f"{CONNECT}Decimal", precision=-1, scale=4), "decimal(38,4)"),
        (WriterField("x", "bytes", f"{CONNECT}Decimal", precision=60, scale=50), "decimal(38,10)"),
        (WriterField("x", "record", "io.debezium.data.VariableScaleDecimal"), "decimal(38,10)"),
        (WriterField("x", "int", parameters={"connect.type": "int16"}), "smallint"),
        (WriterField("x", "string", "io.debezium.data.Json"), "json"),
        (WriterField("x", "string", "com.example.Unknown"), "string"),
        (WriterField("x", "array"), "json"),
        (WriterField("x", "record"), "json"),
        (WriterField("x", "bytes"), "binary"),
    ],
)
def test_a_type_that_holds_every_value_is_suggested(field: WriterField, kind: str) -> None:
    assert suggested_type(field).text == kind


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "it is not JSON"),
        ('"string"', "it is not an Avro record"),
        ('{"type": "enum", "name": "x", "symbols": []}', "it is not an Avro record"),
        (
            (
                '{"type": "record", "name": "E", "fields": '
                '[{"name": "op", "type": "string"}, {"name": "after", "type": "int"}]}'
            ),
            "its 'after' is not a record",
        ),
    ],
)
def test_what_is_no_envelope_is_named(text: str, says: str) -> None:
    with pytest.raises(WriterSchemaError, match=says) as caught:
        row_fields(text, where="retail.item.cdc-value")
    assert "retail.item.cdc-value" in str(caught.value)
