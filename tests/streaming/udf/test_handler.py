"""The batch interface: one result per record, in order, whatever a record holds; only the registry's silence fails it."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from schemas.streamed import (
    BATCH_ROWS,
    ENCODED_BYTES,
    PAYLOAD_BYTES,
    RECORD_BYTES,
    RESPONSE_BYTES,
    VARCHAR_BYTES,
    StreamedContract,
)
from streaming import framing as columns
from streaming.registry import RegistryUnavailableError
from streaming.udf import framing
from streaming.udf.avro import writer
from streaming.udf.faults import FaultError
from streaming.udf.handler import Decoder, answer, load_contracts
from streaming.udf.schema_cache import FORGET_SECONDS, SchemaCache
from tests.glue_jobs.items import SOURCE, contract, row
from tests.support.decode_function import request
from tests.support.envelopes import avro_bytes, framed, framed_glue, pg_change
from tests.support.landing import FixedRegistry

GLUE_ID = "b1b2b3b4-0000-4000-8000-000000000007"
TEXTS = {"7": json.dumps(SOURCE.envelope), "1007": json.dumps(SOURCE.key_schema), GLUE_ID: json.dumps(SOURCE.envelope)}
KEY = framed(1007, avro_bytes(SOURCE.key_schema, {"item_id": 1}))
PAYLOAD = avro_bytes(SOURCE.envelope, pg_change("u", "item", lsn=5, ts_us=1_700_000_000_000_000, after=row(1)))
GOOD = framed(7, PAYLOAD)


def decoder(texts: dict[str, str] | None = None) -> Decoder:
    return Decoder(
        {"item": StreamedContract.of(contract())}, SchemaCache(FixedRegistry(TEXTS if texts is None else texts))
    )


def results(
    *values: bytes | None, key: bytes | None = KEY, table: str = "item", made: Decoder | None = None
) -> list[Any]:
    response = answer(request(table, [(key, value) for value in values]), lambda: made or decoder())
    assert response["success"], response
    assert response["num_records"] == len(values)
    return [json.loads(text) for text in response["results"]]


def test_a_change_has_its_coordinates_and_its_row_in_contract_types() -> None:
    (found,) = results(GOOD)
    assert found == {
        "contract": StreamedContract.of(contract()).checksum,
        "op": "u",
        "position": "00000000000000000005",
        "identity": found["identity"],
        "source_ts": "2023-11-14 22:13:20.000000",
        "schema_id": "7",
        "image": {
            "item_id": "1",
            "label": "apple",
            "price": "1.50",
            "made_on": "2024-01-01",
            "changed_at": "2024-01-01 00:00:00.000000",
        },
    }


@pytest.mark.parametrize("value", [framed_glue(GLUE_ID, PAYLOAD), framed_glue(GLUE_ID, PAYLOAD, compressed=True)])
def test_glue_framing_gives_the_same_change(value: bytes) -> None:
    (plain,), (glue,) = results(GOOD), results(value)
    assert glue == plain | {"schema_id": GLUE_ID}


def test_a_re_emission_shares_its_identity_and_another_change_does_not() -> None:
    later = pg_change("u", "item", lsn=5, ts_us=1_800_000_000_000_000, after=row(1))
    other = pg_change("u", "item", lsn=5, ts_us=1_700_000_000_000_000, after=row(1, label="pear"))
    first, again, third = results(GOOD, *(framed(7, avro_bytes(SOURCE.envelope, item)) for item in (later, other)))
    assert first["identity"] == again["identity"] != third["identity"]


def test_a_bad_record_has_its_reason_and_the_others_are_decoded() -> None:
    bomb = framed_glue(GLUE_ID, b"", compressed=False)[:1] + b"\x05" + framed_glue(GLUE_ID, b"")[2:]
    bad: dict[str, bytes] = {
        "short_header": b"\x00\x01",
        "unknown_magic": b"{}abcdef",
        "unknown_schema_id": framed(99, PAYLOAD),
        "undecodable_value": framed(7, PAYLOAD[: len(PAYLOAD) // 2]),
        "payload_too_long": bomb + zlib.compress(b"\0" * (PAYLOAD_BYTES + 1)),
    }
    found = results(GOOD, *bad.values(), GOOD, None)
    assert [item["fault"]["reason"] for item in found[1:-2]] == list(bad)
    assert found[0] == found[-2]
    assert found[-1]["op"] == "x"
    assert results(None, key=None)[0]["fault"]["reason"] == "empty_record"
    assert results(GOOD, table="other")[0]["fault"]["reason"] == "unknown_table"
    assert results(GOOD, key=framed(1007, b""))[0]["fault"]["reason"] == "undecodable_key"
    assert results(framed_glue(GLUE_ID, PAYLOAD, compressed=True)[:-4])[0]["fault"]["reason"] == "undecodable_value"


def test_a_result_that_no_varchar_holds_is_a_reason_with_the_changes_place() -> None:
    for long in ("x" * 66_000, "ä" * 32_000, '"' * 40_000):
        value = framed(7, avro_bytes(SOURCE.envelope, pg_change("u", "item", lsn=5, ts_us=1, after=row(1, note=long))))
        (found,) = results(value)
        reason = found["fault"]["reason"]
        assert reason == ("rejected" if len(long.encode()) > VARCHAR_BYTES else "result_too_long")
        assert found["position"] == "00000000000000000005"


def test_a_schema_that_could_exhaust_memory_or_stack_is_refused() -> None:
    def text(part: object) -> str:
        return json.dumps({"type": "record", "name": "a.E", "fields": [{"name": "x", "type": part}]})

    nothing = {"type": "record", "name": "N", "fields": []}
    refused: list[object] = [
        {"type": "array", "items": "null"},
        {"type": "map", "values": "null"},
        {"type": "array", "items": nothing},
        {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}},
        ["null", "a.E"],
        "null",
    ]
    for part in refused:
        with pytest.raises(FaultError, match="schema_unusable"):
            writer(text(part))
    for broken in ("", "[]", '"string"', '{"type": "record"}', text("no.such.type"), "[" * 100_000):
        with pytest.raises(FaultError, match="schema_unusable"):
            writer(broken)
    assert writer(text({"type": "array", "items": "int"})).row["x"][0] == "x"


def test_records_that_double_at_each_level_are_refused_at_once() -> None:
    inner: object = {"type": "record", "name": "L0", "fields": [{"name": "x", "type": "int"}]}
    for level in range(1, 28):
        fields = [{"name": "a", "type": inner}, {"name": "b", "type": f"L{level - 1}"}]
        inner = {"type": "record", "name": f"L{level}", "fields": fields}
    with pytest.raises(FaultError, match="schema_unusable"):
        writer(json.dumps(inner))


def test_a_length_that_the_bytes_do_not_hold_costs_nothing() -> None:
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
    for at in range(0, len(PAYLOAD), 3):
        (found,) = results(framed(7, PAYLOAD[:at] + huge + PAYLOAD[at:]))
        assert "fault" in found or found["op"]


@given(st.binary(max_size=200))
def test_no_bytes_fail_a_batch(data: bytes) -> None:
    found = results(data, framed(7, data), framed_glue(GLUE_ID, data), b"\x03\x05" + data, key=data)
    assert len(found) == 4


@given(st.binary(max_size=20), st.integers(0, 60))
def test_no_bytes_in_a_record_fail_a_batch(data: bytes, at: int) -> None:
    (found,) = results(framed(7, PAYLOAD[:at] + data + PAYLOAD[at:]))
    assert found.get("fault", {}).get("reason") != "internal"


def test_a_registry_that_does_not_answer_fails_the_batch_and_an_answer_is_kept() -> None:
    class Down(FixedRegistry):
        down = True

        def schema(self, schema_id: str) -> str | None:
            if self.down:
                raise RegistryUnavailableError("does not answer", where="registry")
            return super().schema(schema_id)

    registry = Down(TEXTS)
    made = Decoder({"item": StreamedContract.of(contract())}, SchemaCache(registry))
    response = answer(request("item", [(KEY, GOOD)]), lambda: made)
    assert response == {"success": False, "error_msg": "registry: does not answer"}
    registry.down = False
    assert results(GOOD, GOOD, made=made)[0]["op"] == "u"
    registry.down = True
    assert results(GOOD, made=made)[0]["op"] == "u"
    assert registry.asked == ["1007", "7"]


def test_the_cache_is_bounded_and_forgets_that_there_was_none() -> None:
    now = 0.0
    registry = FixedRegistry(dict.fromkeys(map(str, range(10)), TEXTS["7"]))
    cache = SchemaCache(registry, most=3, clock=lambda: now)
    for schema_id in ("0", "1", "2", "0", "3", "0"):
        cache.writer(schema_id)
    assert registry.asked == ["0", "1", "2", "3"]
    for _ in range(2):
        with pytest.raises(FaultError, match="unknown_schema_id"):
            cache.writer("99")
    now = FORGET_SECONDS
    with pytest.raises(FaultError, match="unknown_schema_id"):
        cache.writer("99")
    assert registry.asked.count("99") == 2


def test_a_fault_of_ours_is_a_reason_and_no_value_reaches_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("apple")

    monkeypatch.setattr("streaming.udf.handler.change", broken)
    (found,) = results(GOOD)
    assert found["fault"] == {"reason": "internal", "detail": "RuntimeError"}
    assert "RuntimeError at broken" in caplog.text
    assert "apple" not in caplog.text


def test_a_request_that_is_none_fails_the_batch() -> None:
    for event in ({}, {"arguments": [], "num_records": 1}, {"arguments": "x"}):
        assert answer(event, decoder)["success"] is False
    response = answer(
        {"arguments": [None, ["item"], ["item", "é", None], ["item", None, "AA\nAA"]], "num_records": 4}, decoder
    )
    reasons = [json.loads(text)["fault"]["reason"] for text in response["results"]]
    assert reasons == ["arguments", "arguments", "arguments", "short_header"]


def test_a_batch_of_the_longest_results_fits_in_a_response() -> None:
    assert BATCH_ROWS * (ENCODED_BYTES + 16) + 1000 < RESPONSE_BYTES
    base64 = -(-RECORD_BYTES // 3) * 4
    assert base64 + base64 // 76 <= VARCHAR_BYTES
    note = "x" * 60_000
    value = framed(7, avro_bytes(SOURCE.envelope, pg_change("u", "item", lsn=5, ts_us=1, after=row(1, note=note))))
    assert len(results(*[value] * BATCH_ROWS)) == BATCH_ROWS
    response = answer(request("item", [(KEY, value)] * 110), decoder)
    assert response["success"] is False
    assert "MAX_BATCH_ROWS" in response["error_msg"]


def test_headers_are_told_apart_as_hop_1_tells_them(spark: SparkSession) -> None:
    heads = [
        b"",
        b"\0",
        b"\0\0\0\0\x07",
        b"\x03",
        b"\x03\0" + b"\x01" * 16,
        b"\x03\x05" + b"\x01" * 15,
        b"{}abcdef",
        b"\x03\x01" + b"\x01" * 16,
    ]

    def ours(data: bytes) -> tuple[str | None, str | None]:
        try:
            return framing.opened(data).schema_id, None
        except FaultError as error:
            return None, error.reason

    frame = spark.createDataFrame([(bytearray(head),) for head in heads], "data binary")
    found = frame.select(columns.schema_id(F.col("data")), columns.header_fault(F.col("data"))).collect()
    assert [ours(head) for head in heads] == [tuple(item) for item in found]


def test_contracts_come_back_from_the_package() -> None:
    packed = StreamedContract.of(contract())
    assert load_contracts(json.dumps([packed.to_json()])) == {"item": packed}
    assert packed.checksum != StreamedContract.of(contract(columns=contract().columns[:-1])).checksum
