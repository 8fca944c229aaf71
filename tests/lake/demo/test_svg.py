from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.demo import svg
from lake.demo.model import BEGINNING, History, Latency, Value, Version
from tests.lake.demo.samples import HISTORIES, LATENCY, NOW, ROUTE

_NS = "{http://www.w3.org/2000/svg}"


def drawn(picture: str) -> ET.Element:
    return ET.fromstring(picture)


def boxes(picture: str, css: str) -> list[tuple[float, float]]:
    """Left and right edges of the rectangles of a class."""
    found = [item for item in drawn(picture).iter(f"{_NS}rect") if css in item.attrib["class"].split()]
    return [(float(item.attrib["x"]), float(item.attrib["x"]) + float(item.attrib["width"])) for item in found]


def test_bars_stand_in_order_and_do_not_overlap() -> None:
    edges = boxes(svg.timeline(HISTORIES[0]), "bar")
    assert len(edges) == 4
    assert all(before[1] <= after[0] for before, after in pairwise(edges))


def test_a_version_from_the_beginning_starts_at_the_left_edge_and_an_open_one_ends_at_the_right() -> None:
    edges = boxes(svg.timeline(HISTORIES[0]), "bar")
    assert edges[0][0] <= 3
    assert edges[-1][1] >= svg.WIDTH - 8


def test_a_version_that_starts_later_does_not_start_at_the_left_edge() -> None:
    ((left, _),) = boxes(svg.timeline(HISTORIES[3]), "bar")
    assert left > svg.WIDTH / 3


def test_a_gap_lies_between_the_versions_around_it() -> None:
    picture = svg.timeline(HISTORIES[1])
    ((left, right),) = boxes(picture, "gap")
    bars = boxes(picture, "bar")
    assert bars[0][1] <= left < right <= bars[1][0]


def test_a_deleted_key_ends_in_a_gap() -> None:
    ((_, right),) = boxes(svg.timeline(HISTORIES[2]), "gap")
    assert right >= svg.WIDTH - 8


def test_a_history_without_versions_is_an_empty_lane() -> None:
    assert boxes(svg.timeline(History("dim", "nobody", ())), "bar") == []


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40, unique=True))
def test_places_rise_with_time_and_stay_on_the_line(milliseconds: list[int]) -> None:
    instants = [NOW + timedelta(milliseconds=number) for number in sorted(milliseconds)]
    ends: list[datetime | None] = [*instants[1:], None]
    placed = svg.scale([Version(start, end) for start, end in zip(instants, ends, strict=True)], 0, 1000)
    places = [x for _, x in placed.places]
    assert [instant for instant, _ in placed.places] == instants
    assert all(before < after for before, after in pairwise(places))
    assert places[0] > 0
    assert places[-1] < 1000


def test_distances_are_stretched_but_not_forgotten() -> None:
    stops = [BEGINNING, NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=100)]
    placed = svg.scale([Version(a, b) for a, b in pairwise(stops)], 0, 1000)
    first, second, third = (x for _, x in placed.places)
    assert third - second > second - first > 100


def test_text_in_a_bar_fits_it() -> None:
    long = Version(NOW, None, (Value("segment", "x" * 300, changed=True),))
    versions = [Version(NOW - timedelta(seconds=30 - i), NOW - timedelta(seconds=29 - i)) for i in range(30)]
    picture = svg.timeline(History("dim", "key", (*versions, long)))
    ((left, right),) = boxes(picture, "open")
    texts = [item for item in drawn(picture).iter(f"{_NS}text") if "bar-text" in item.attrib["class"]]
    assert all(len(item.text or "") * 6 <= right - left for item in texts)


def test_route_draws_a_station_per_stop_and_a_branch_where_rows_were_set_aside() -> None:
    picture = drawn(svg.route(ROUTE, LATENCY))
    stations = [item for item in picture.iter(f"{_NS}circle") if "aside" not in item.attrib["class"]]
    places = [float(item.attrib["cx"]) for item in stations]
    assert len(stations) == len(ROUTE)
    assert places == sorted(places)
    assert len(list(picture.iter(f"{_NS}path"))) == 2
    assert svg.route((), ()) == ""


def test_latency_bars_are_as_long_as_their_medians() -> None:
    legs = (Latency("a", "b", 1, 1.0, 4.0), Latency("b", "c", 1, 2.0, 2.0))
    bars = [right - left for left, right in boxes(svg.latency_bars(legs, {}), "leg-bar")]
    assert bars[1] == pytest.approx(2 * bars[0], rel=0.01)


def test_latency_of_nothing_and_of_no_time_is_drawn() -> None:
    assert svg.latency_bars((), {}) == ""
    assert boxes(svg.latency_bars((Latency("a", "b", 1, 0.0, 0.0),), {}), "leg-bar")


def test_names_of_stops_cannot_leave_their_attribute() -> None:
    hostile = replace(ROUTE[0], name='"><script>', title='"><script>')
    assert len(list(drawn(svg.route((hostile, ROUTE[1]), ())).iter())) > 1
