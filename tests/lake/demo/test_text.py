from __future__ import annotations

from decimal import Decimal

import pytest

from lake.demo import text
from lake.demo.model import BEGINNING
from tests.lake.demo.samples import NOW


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.045, "45 ms"),
        (0.41, "0.4 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (-1, "0 ms"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert text.duration(seconds) == said


def test_instants_at_both_ends_of_time_are_words() -> None:
    assert text.instant(BEGINNING) == "the beginning"
    assert text.instant(None) == "now"
    assert text.instant(NOW) == "2025-03-14 09:26:53.589"
    assert text.clock(NOW) == "09:26:53.5"


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\n", "\r", "\u202e", "\u200b", "\u2028", "\ud800", "\ue000"])
def test_characters_that_steer_or_hide_are_replaced(char: str) -> None:
    assert text.harmless(f"a{char}b") == "a\ufffdb"


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert text.harmless("x" * 50, 10) == "x" * 9 + "…"
    assert text.harmless("x" * 10, 10) == "x" * 10


def test_null_is_not_the_empty_text() -> None:
    assert text.shown(None) == "—"
    assert text.shown("") == ""


def test_amounts_are_whole_with_separators() -> None:
    assert text.amount(Decimal("12345.67")) == "12,346"
