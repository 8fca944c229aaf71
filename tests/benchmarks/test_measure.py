"""Ratios, verdicts and reports, without running anything long."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.bench import MARKER, Bench, HomeError, own_home, remove_home
from benchmarks.machine import facts, resident_bytes
from benchmarks.measure import (
    Bound,
    Comparison,
    ResultsDifferError,
    Side,
    Target,
    interleaved,
    require_equal,
)
from benchmarks.report import Report, markdown, show


def comparison(
    ours: tuple[float, ...], peer: tuple[float, ...], target: Target | None, *, speed: bool = False
) -> Comparison:
    return Comparison("1", "a ÷ b", Side("a", ours), Side("b", peer), target, 1000, speed=speed)


def test_a_ratio_of_times_is_of_the_medians() -> None:
    found = comparison((2.0, 9.0, 3.0), (2.0, 1.0, 4.0), Target(Bound.AT_MOST, 1.5))
    assert found.ratio == 1.5
    assert found.spread == (0.75, 9.0)
    assert found.verdict == "met"


def test_a_ratio_of_speeds_is_above_one_where_ours_is_faster() -> None:
    found = comparison((1.0,), (2.0,), Target(Bound.AT_LEAST, 2.1), speed=True)
    assert found.ratio == 2.0
    assert found.verdict == "missed"


def test_without_a_target_there_is_no_verdict() -> None:
    assert comparison((1.0,), (2.0,), None).verdict == "reported"


def test_contestants_run_in_turn_and_the_order_turns_with_every_round() -> None:
    order: list[str] = []

    def noted(name: str) -> float:
        order.append(name)
        return float(len(order))

    times = interleaved(2, {"a": lambda _: noted("a"), "b": lambda _: noted("b")}, warm_up=1)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert times == {"a": (4.0, 5.0), "b": (3.0, 6.0)}


def test_times_do_not_count_where_results_differ() -> None:
    require_equal((3, 7), (3, 7), "anything")
    with pytest.raises(ResultsDifferError, match=r"ours \(3, 7\), the peer's \(3, 8\)"):
        require_equal((3, 7), (3, 8), "anything")


def test_the_report_holds_every_value_and_no_machine_name() -> None:
    found = Report([comparison((1.0, 2.0), (2.0, 2.0), Target(Bound.AT_MOST, 1.0))], facts(), {"rows": 1000})
    body = json.loads(found.to_json())
    assert body["comparisons"][0]["ours"]["values"] == [1.0, 2.0]
    assert body["comparisons"][0]["verdict"] == "met"
    console = Console(width=160, record=True, file=io.StringIO())
    show(found, console)
    assert "≤ 1.00" in console.export_text()
    assert markdown(found.comparisons).count("\n") == 3


def test_only_a_folder_that_a_run_made_is_removed(tmp_path: Path) -> None:
    home = own_home(tmp_path)
    bench = Bench(1, 1, home)
    (bench.folder("part") / "file").touch()
    assert not any(bench.folder("part").iterdir())
    for name in ("", ".", "..", "a/b", "/tmp"):
        with pytest.raises(HomeError):
            bench.folder(name)
    (home / MARKER).unlink()
    with pytest.raises(HomeError):
        remove_home(home)
    with pytest.raises(HomeError):
        Bench(1, 1, Path()).folder("part")
    assert home.exists()


def test_resident_memory_of_this_process_is_more_than_nothing() -> None:
    assert resident_bytes(os.getpid()) > 1_000_000
