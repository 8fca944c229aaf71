from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from lake.demo.console import show
from lake.demo.model import Report
from lake.reconcile import Verdict
from tests.lake.demo.samples import FAILED, NOW, REPORT


def printed(report: Report, width: int = 80) -> str:
    target = io.StringIO()
    show(report, Console(file=target, width=width))
    return target.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert all(cell_len(line) <= width for line in printed(REPORT, width).splitlines())


def test_output_that_is_no_terminal_holds_no_control_characters() -> None:
    assert not [char for char in printed(REPORT) if ord(char) < 32 and char != "\n"]


def test_hostile_text_neither_styles_nor_steers_the_terminal() -> None:
    target = io.StringIO()
    show(REPORT, Console(file=target, width=120, force_terminal=True))
    assert "\x1b[31m\u202e" not in target.getvalue()
    assert "\u202e" not in target.getvalue()


@pytest.mark.parametrize(
    "expected",
    ["3,748", "customer 17", "vip", "unknown_schema_id", "price_not_negative", "every oracle holds", "lake dlq list"],
)
def test_the_story_is_whole(expected: str) -> None:
    assert expected in printed(REPORT, 100)


def test_a_failed_reconciliation_is_not_exact() -> None:
    text = printed(replace(REPORT, verdict=FAILED))
    assert "Not exact." in text
    assert "differs" in text


def test_an_empty_report_prints() -> None:
    text = printed(Report("retail", NOW, Verdict(())))
    assert "Nothing was reconciled." in text
    assert "Nothing was set aside." in text
