"""What a measurement is: two sides timed in turn, a target, and the verdict."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import LakeError

Attempt = Callable[[int], float]
"""Runs once, given the number of the attempt, and returns the seconds (or whatever is measured) that count."""


class ResultsDifferError(LakeError):
    """Both sides ran, and what they made is not the same, so their times cannot be compared."""


class Bound(StrEnum):
    """Which side of the target is good."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True)
class Target:
    """What a ratio should reach."""

    bound: Bound
    value: float

    def met(self, ratio: float) -> bool:
        """Whether the ratio reaches the target, as it is shown: with two decimals."""
        shown = round(ratio, 2)
        return shown >= self.value if self.bound is Bound.AT_LEAST else shown <= self.value

    def __str__(self) -> str:
        return f"{self.bound} {self.value:.2f}"


@dataclass(frozen=True)
class Side:
    """One contestant: its name and what was measured, in `unit`, in order of attempts."""

    name: str
    values: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Comparison:
    """A measured ratio.

    Args:
        number: the ratio's number, with a suffix where it has several rows (`6 lake, type 2`).
        title: what is compared.
        ours, peer: both sides, measured in turn, with equal results.
        target: what the ratio should reach; none where the figure is only reported.
        rows: rows or events that each attempt handled.
        speed: whether the ratio is of speeds (peer's time ÷ ours) instead of times (ours ÷ peer's).
        note: what a reader must know to judge it.
    """

    number: str
    title: str
    ours: Side
    peer: Side
    target: Target | None
    rows: int
    speed: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours ÷ peer, of the medians."""
        return self._of(self.ours.median, self.peer.median)

    @property
    def spread(self) -> tuple[float, float]:
        """Least and greatest ratio of attempts that ran one after the other."""
        ratios = [self._of(ours, peer) for ours, peer in zip(self.ours.values, self.peer.values, strict=False)]
        return min(ratios), max(ratios)

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or `reported`."""
        if self.target is None:
            return "reported"
        return "met" if self.target.met(self.ratio) else "missed"

    def _of(self, ours: float, peer: float) -> float:
        return peer / ours if self.speed else ours / peer


def interleaved(repeats: int, contestants: Mapping[str, Attempt], *, warm_up: int = 1) -> dict[str, tuple[float, ...]]:
    """Runs the contestants in turn, the order reversed in every second round so that a drift hits all alike.

    Args:
        repeats: rounds that count.
        contestants: attempts by name; attempts of the warm-up are numbered too.
        warm_up: rounds before, which do not count (class loading, compilation, caches).

    Returns:
        The values of each contestant, in order of rounds.
    """
    values: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for attempt in range(warm_up + repeats):
        for name in names if attempt % 2 == 0 else reversed(names):
            value = contestants[name](attempt)
            if attempt >= warm_up:
                values[name].append(value)
    return {name: tuple(found) for name, found in values.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def require_equal(ours: object, peer: object, what: str) -> None:
    """Both sides' results (counts, hashes, rows) must be one.

    Raises:
        ResultsDifferError: they are not.
    """
    if ours != peer:
        raise ResultsDifferError(
            f"results differ: ours {_shown(ours)}, the peer's {_shown(peer)}",
            where=f"benchmark of {what}",
            remedy="no time counts until both make the same; compare the two outputs",
        )


def _shown(value: object, limit: int = 200) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
