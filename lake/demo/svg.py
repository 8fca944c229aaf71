"""The page's drawings as inline SVG text: the route, a history's time line, latency bars.

Pure; every colour is a CSS class of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Final

from lake.demo import text
from lake.demo.model import History, Latency, Stop, Version

WIDTH: Final = 1080
_LINE_Y: Final = 84
_CHARACTER: Final = 6.7
"""Width of a character at the drawings' text size, generously."""
_LANE_TOP: Final = 8
_LANE_HEIGHT: Final = 58
_LINEAR_SHARE: Final = 0.3
"""How far a time line is true to scale; the rest is even spacing, so that changes seconds apart stay apart."""
_TICK_WIDTH: Final = 74.0


def route(stops: Sequence[Stop], latency: Sequence[Latency]) -> str:
    """The stops on a line with their rows, the median seconds between them, and what was set aside on the way."""
    if not stops:
        return ""
    places = _spread(len(stops), 92, WIDTH - 92)
    medians = {(leg.start, leg.end): leg.median for leg in latency}
    parts: list[str] = []
    for (x1, before), (x2, after) in pairwise(zip(places, stops, strict=True)):
        middle = (x1 + x2) / 2
        css = f"track {_css(after.name)}"
        parts.append(f'<line class="{css}" x1="{x1:.1f}" y1="{_LINE_Y}" x2="{x2:.1f}" y2="{_LINE_Y}"/>')
        if after.set_aside:
            parts.append(_branch(middle, after))
        if (before.name, after.name) in medians:
            label = text.duration(medians[before.name, after.name])
            parts.append(_label(middle, _LINE_Y - 14, label, "edge"))
    parts += [_station(x, stop) for x, stop in zip(places, stops, strict=True)]
    return _picture("".join(parts), 190, "The route with the rows at each stop")


def _station(x: float, stop: Stop) -> str:
    return (
        f'<circle class="station {_css(stop.name)}" cx="{x:.1f}" cy="{_LINE_Y}" r="12"/>'
        + _label(x, 36, text.count(stop.rows), "figure")
        + _label(x, 55, stop.unit, "unit")
        + _label(x, _LINE_Y + 38, stop.title, "title")
        + _label(x, _LINE_Y + 56, stop.note, "unit")
    )


def _branch(x: float, stop: Stop) -> str:
    bottom = _LINE_Y + 70
    bend = f"C{x:.1f} {_LINE_Y} {x:.1f} {_LINE_Y + 10} {x:.1f} {_LINE_Y + 30}"
    return (
        f'<path class="branch" d="M{x - 16:.1f} {_LINE_Y} {bend} V{bottom}"/>'
        f'<circle class="station aside" cx="{x:.1f}" cy="{bottom}" r="6"/>'
        + _label(x, bottom + 24, f"{text.count(stop.set_aside)} {stop.aside_title}", "aside-text")
    )


@dataclass(frozen=True)
class Scale:
    """Where instants lie on a time line of `[left, right]` pixels; the beginning of time is the left end."""

    left: float
    right: float
    places: tuple[tuple[datetime, float], ...]

    def start(self, version: Version) -> float:
        """Left edge of a version."""
        return self.left if version.from_the_beginning else self._at(version.effective_from)

    def end(self, version: Version) -> float:
        """Right edge of a version; an open one reaches the right end."""
        return self.right if version.effective_to is None else self._at(version.effective_to)

    def _at(self, instant: datetime) -> float:
        return dict(self.places)[instant]


def scale(versions: Sequence[Version], left: float = 0, right: float = WIDTH) -> Scale:
    """Places every start and end of the versions between `left` and `right`, ascending, never two on one spot.

    Time runs left to right and is partly true to scale: the spacing blends real distances with even ones.
    """
    starts = {version.effective_from for version in versions if not version.from_the_beginning}
    instants = sorted(starts | {version.effective_to for version in versions if version.effective_to is not None})
    if not instants:
        return Scale(left, right, ())
    step = (right - left) / (len(instants) + 1)
    first, last = left + step, right - step
    total = (instants[-1] - instants[0]).total_seconds()
    places = []
    for number, instant in enumerate(instants):
        even = number / (len(instants) - 1) if len(instants) > 1 else 0.0
        real = (instant - instants[0]).total_seconds() / total if total else even
        share = _LINEAR_SHARE * real + (1 - _LINEAR_SHARE) * even
        places.append((instant, first + share * (last - first)))
    return Scale(left, right, tuple(places))


def timeline(history: History) -> str:
    """The versions of one key as bars on a time line; gaps, the beginning of time and the open end are told apart."""
    placed = scale(history.versions, 2, WIDTH - 2)
    parts = [_bar(number, version, placed, history) for number, version in enumerate(history.versions, 1)]
    for before, after in pairwise(history.versions):
        if before.effective_to is not None and before.effective_to != after.effective_from:
            parts.append(_gap(placed.end(before), placed.start(after), "deleted"))
    if history.versions and history.versions[-1].effective_to is not None:
        parts.append(_gap(placed.end(history.versions[-1]), placed.right, "deleted"))
    parts.append(_ticks(placed))
    return _picture("".join(parts), _LANE_TOP + _LANE_HEIGHT + 26, f"Versions of {history.key}")


def _bar(number: int, version: Version, placed: Scale, history: History) -> str:
    x1, x2 = placed.start(version), placed.end(version)
    state = "open" if version.is_open else "past"
    kind = "deleted" if version.is_deleted else "inferred" if version.is_inferred else state
    width = max(x2 - x1 - 3, 1)
    told = [value for value in version.values if value.changed]
    told = told or [value for value in version.values if value.name in history.differing]
    lines = [f"{value.name.replace('_', ' ')}: {text.shown(value.value)}" for value in told]
    room = int((width - 16) / _CHARACTER)
    facts = f"{text.count(version.facts)} {history.fact}" if version.facts else ""
    head = f"v{number} · {facts}" if facts else f"v{number}"
    second = lines[0] if lines else ""
    third = f"{lines[1]}{f' +{len(lines) - 2}' if len(lines) > 2 else ''}" if len(lines) > 1 else ""
    title = "; ".join([head, *lines, f"{text.instant(version.effective_from)} to {text.instant(version.effective_to)}"])
    return (
        f'<g><title>{_escaped(title, 400)}</title><rect class="bar {kind}" x="{x1:.1f}" y="{_LANE_TOP}" '
        f'width="{width:.1f}" height="{_LANE_HEIGHT}" rx="5"/>'
        + _label(x1 + 9, _LANE_TOP + 18, _fit(head, room), f"bar-head {kind}", "start")
        + _label(x1 + 9, _LANE_TOP + 34, _fit(second, room), f"bar-text {kind}", "start")
        + _label(x1 + 9, _LANE_TOP + 49, _fit(third, room), f"bar-text {kind}", "start")
        + "</g>"
    )


def _gap(x1: float, x2: float, label: str) -> str:
    shown = label if (x2 - x1) > len(label) * _CHARACTER + 8 else ""
    return (
        f'<rect class="gap" x="{x1 + 1:.1f}" y="{_LANE_TOP + 8}" width="{max(x2 - x1 - 5, 1):.1f}" '
        f'height="{_LANE_HEIGHT - 16}" rx="5"/>' + _label((x1 + x2) / 2 - 1, _LANE_TOP + 34, shown, "gap-text")
    )


def _ticks(placed: Scale) -> str:
    """The instants under the lane; one that would run into the one before it is left to the table."""
    y = _LANE_TOP + _LANE_HEIGHT + 18
    parts: list[str] = []
    free = placed.left
    for instant, x in placed.places:
        parts.append(f'<line class="tick" x1="{x - 1:.1f}" y1="{_LANE_TOP}" x2="{x - 1:.1f}" y2="{y - 12}"/>')
        if x - _TICK_WIDTH / 2 >= free:
            parts.append(_label(x, y, text.clock(instant), "tick-text"))
            free = x + _TICK_WIDTH / 2
    return "".join(parts)


def latency_bars(latency: Sequence[Latency], titles: dict[str, str]) -> str:
    """One bar per leg: as long as its median, a thin line to the 95th percentile, all on one linear scale from zero."""
    if not latency:
        return ""
    longest = max((leg.p95 for leg in latency), default=0) or 1.0
    left, right, step = 232.0, WIDTH - 210.0, 40
    parts: list[str] = []
    for number, leg in enumerate(latency):
        y = 14 + number * step
        width, reach = (right - left) * leg.median / longest, (right - left) * leg.p95 / longest
        end = left + reach
        name = f"{titles.get(leg.start, leg.start)} → {titles.get(leg.end, leg.end)}"
        parts.append(_label(left - 14, y + 13, name, "leg", "end"))
        parts.append(f'<line class="reach" x1="{left:.1f}" y1="{y + 9}" x2="{end:.1f}" y2="{y + 9}"/>')
        parts.append(f'<line class="reach" x1="{end:.1f}" y1="{y + 3}" x2="{end:.1f}" y2="{y + 15}"/>')
        parts.append(
            f'<rect class="leg-bar {_css(leg.end)}" x="{left:.1f}" y="{y}" '
            f'width="{max(width, 2):.1f}" height="18" rx="3"/>'
        )
        figures = f"{text.duration(leg.median)}  ·  p95 {text.duration(leg.p95)}"
        parts.append(_label(end + 12, y + 13, figures, "leg-figure", "start"))
    return _picture("".join(parts), 14 + step * len(latency), "Latency per hop")


def _spread(number: int, left: float, right: float) -> list[float]:
    if number == 1:
        return [(left + right) / 2]
    return [left + (right - left) * i / (number - 1) for i in range(number)]


def _fit(words: str, room: int) -> str:
    if len(words) <= room:
        return words
    return f"{words[: room - 1]}…" if room > 2 else ""


def _label(x: float, y: float, words: str, css: str, anchor: str = "middle") -> str:
    if not words:
        return ""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escaped(words)}</text>'


def _escaped(words: str, limit: int = 160) -> str:
    return escape(text.harmless(words, limit), quote=True)


def _css(name: str) -> str:
    """A class name out of a stop's name: letters only."""
    return "".join(char for char in name if char.isascii() and char.isalpha()) or "stop"


def _picture(content: str, height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{_escaped(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )
