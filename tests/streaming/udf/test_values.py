"""Value by value, the function follows the rules that the batch route follows: the same cases, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.types import ColumnType
from schemas.writer import WriterField
from streaming.udf import instants, jvm_text
from streaming.udf.decimals import Exact, exact
from streaming.udf.values import NoRuleError, Written, held
from tests.glue_jobs.transforms.test_types import CASES, REFUSED, Case

_PLAIN = {"bigint": "long", "int": "int", "string": "string", "binary": "bytes", "boolean": "boolean"}
READ: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "decimal": Decimal,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "binary": bytearray.fromhex,
    **dict.fromkeys(("smallint", "int", "bigint"), int),
    **dict.fromkeys(("float", "double"), float),
}


def read(text: str | None, kind: str) -> Any:
    """A text of the function as the value that SQL makes of it."""
    return None if text is None else READ.get(kind, str)(text)


def written(case: Case) -> tuple[Any, Written]:
    """The case's value as the writer wrote it, before Spark gave it a type."""
    raw, kind = case.raw, case.landed
    if kind.startswith("decimal"):
        precision, scale = (int(part) for part in kind[8:-1].split(","))
        unscaled = 0 if raw is None else int(raw.scaleb(scale))
        item = WriterField("x", "bytes", case.semantic, "decimal", True, {}, precision, scale)
        return unscaled.to_bytes(20, "big", signed=True), Written(item)
    if kind == "date":
        return (raw - date(1970, 1, 1)).days, Written(WriterField("x", "int", case.semantic, "date"))
    if kind == "timestamp":
        micros = int((raw - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
        return micros, Written(WriterField("x", "long", case.semantic, "timestamp-micros"))
    if kind.startswith("struct"):
        return {"scale": raw[0], "value": bytes(raw[1])}, Written(WriterField("x", "record", case.semantic))
    if kind.startswith(("array", "map")):
        shape, _, inner = kind[:-1].partition("<")
        inside = _PLAIN[inner.split(",")[-1]]
        node = {"type": shape, "items": inside, "values": inside}
        return raw, Written(WriterField("x", shape), node)
    item = WriterField("x", _PLAIN.get(kind, kind), case.semantic, scale=case.scale)
    return bytes(raw) if isinstance(raw, bytearray) else raw, Written(item)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_rule_of_the_batch_route(case: Case) -> None:
    raw, how = written(case)
    assert read(held(raw, how, ColumnType(case.target)), ColumnType(case.target).kind) == case.expected


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_pair_without_a_rule_is_refused(case: Case) -> None:
    how = Written(WriterField("x", "bytes", case.semantic, "decimal", True, {}, 12, 8))
    if not case.landed.startswith("decimal"):
        how = Written(WriterField("x", _PLAIN.get(case.landed, "array"), case.semantic))
    with pytest.raises(NoRuleError):
        held(None, how, ColumnType(case.target))


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)))  # noqa: DTZ001
def test_a_timestamp_and_its_text_are_one(instant: datetime) -> None:
    micros = int((instant - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
    text = instant.isoformat(" ", "microseconds")
    found = instants.micros_of(text)
    assert found is not None
    assert abs(found // 1_000_000 - micros) <= 1
    assert instants.timestamp_text(found) == text
    assert instants.micros_of(text.replace(" ", "T") + "+00:00") == found


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 38))
def test_a_decimal_loses_no_digit_or_is_refused(unscaled: int, scale: int) -> None:
    text = Exact(unscaled, scale).text
    assert Decimal(text) == Decimal(unscaled).scaleb(-scale) if abs(unscaled) < 10**27 else True
    again = exact(text)
    assert again is not None
    assert again.held_by(38, scale) == text or unscaled == 0
    assert Exact(unscaled, scale).held_by(10, 2) in (None, *([text] if scale == 2 else []), f"{Decimal(text):.2f}")


@pytest.mark.parametrize("scale", [2**31 - 1, -(2**31)])
def test_an_absurd_scale_costs_nothing(scale: int) -> None:
    assert Exact(1, scale).held_by(38, 2) is None
    assert Exact(0, scale).held_by(38, 2) == "0.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e10, "1.0E10"), (0.001, "0.001"), (1e-4, "1.0E-4"), (1234567.0, "1234567.0"), (12345678.9, "1.23456789E7"),
     (-0.0, "-0.0"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (100.0, "100.0")],
)  # fmt: skip
def test_a_double_reads_as_the_jvm_writes_it(value: float, text: str) -> None:
    assert jvm_text.double_text(value) == text


def test_a_single_is_the_nearest_one_and_has_the_shortest_text() -> None:
    assert jvm_text.float_text(jvm_text.float32(0.1)) == "0.1"
    assert jvm_text.float32(1e300) == float("inf")
    assert jvm_text.float32(3.4028235677973366e38) == float("inf")
    assert jvm_text.float32(0.0) == 0.0
