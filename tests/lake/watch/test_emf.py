"""Metric lines are what CloudWatch extracts metrics from."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.metrics import METRICS, NAMESPACE, Hop
from lake.watch import Watch
from lake.watch.emf import Place, line
from tests.support.watched import checked

_HOPS = st.sampled_from(list(Hop))


@st.composite
def emitted(draw: st.DrawFn) -> tuple[Place, dict[str, float]]:
    hop, by_table = draw(_HOPS), draw(st.booleans())
    known = [metric.name for metric in METRICS if hop in metric.hops and metric.by_table == by_table]
    if not known:
        hop, by_table, known = Hop.LANDING, True, ["RowsIn"]
    names = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    values = st.one_of(st.integers(0, 2**53), st.floats(0, 1e12, allow_nan=False))
    place = Place(draw(st.text(min_size=1)), "retail", hop, draw(st.text(min_size=1)) if by_table else "")
    return place, {name: draw(values) for name in names}


@given(emitted(), st.integers(0, 2**41))
def test_a_line_holds_every_rule_of_the_format(emission: tuple[Place, dict[str, float]], at: int) -> None:
    place, values = emission
    body = checked(line(place, values, at, {"run": "r"}))
    (directive,) = body["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"]: body[metric["Name"]] for metric in directive["Metrics"]} == values
    assert directive["Namespace"] == NAMESPACE
    assert body["_aws"]["Timestamp"] == at
    assert body["run"] == "r"
    expected = [["environment", "pipeline", "hop", "table"]] * bool(place.table) + [["environment", "pipeline", "hop"]]
    assert directive["Dimensions"] == expected


def test_a_property_never_takes_the_place_of_a_metric_or_dimension() -> None:
    body = checked(line(Place("dev", "retail", Hop.LANDING, "t"), {"RowsIn": 3}, 1, {"RowsIn": "x", "hop": 1}))
    assert (body["RowsIn"], body["hop"]) == (3, "landing")


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (Place("dev", "retail", Hop.LANDING, "t"), {"NoSuch": 1}),
        (Place("dev", "retail", Hop.WAREHOUSE, "t"), {"RowsOut": 1}),
        (Place("dev", "retail", Hop.LANDING), {"RowsIn": 1}),
        (Place("dev", "retail", Hop.WAREHOUSE, "t"), {"LoadSeconds": 1}),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused(place: Place, values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not metrics of"):
        line(place, values, 1)


def test_a_number_that_json_does_not_know_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    watch: Any = Watch("retail", metrics=lines.append)
    watch.emit(Hop.LANDING, {"RowsIn": math.nan}, "t")
    assert lines == []
    assert "metrics cannot be told (ValueError)" in caplog.text
