from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lake.demo.html import render
from lake.demo.model import Report
from lake.reconcile import Verdict
from tests.lake.demo.samples import FAILED, HOSTILE, NOW, REPORT

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and keeps names, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


@pytest.fixture(scope="module")
def page() -> str:
    return render(REPORT)


def test_page_is_well_formed(page: str) -> None:
    parsed = outline(page)
    assert {tag for tag, _ in parsed.tags} >= {"html", "svg", "table", "h1", "section"}


def test_hostile_text_stays_text(page: str) -> None:
    parsed = outline(page)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "<script>" in "".join(parsed.words)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)


def test_hostile_text_is_harmless_in_every_place_that_strangers_reach() -> None:
    finding = replace(FAILED.findings[-1], oracle=HOSTILE, table=HOSTILE)
    hostile = replace(
        REPORT,
        pipeline=HOSTILE,
        histories=tuple(replace(history, key=HOSTILE, fact=HOSTILE) for history in REPORT.histories),
        route=tuple(
            replace(stop, name=HOSTILE, title=HOSTILE, unit=HOSTILE, note=HOSTILE, aside_title=HOSTILE)
            for stop in REPORT.route
        ),
        dead_letters=tuple(
            replace(item, table=HOSTILE, stage=HOSTILE, examples=(HOSTILE,)) for item in REPORT.dead_letters
        ),
        restatements=tuple(replace(item, fact=HOSTILE, reason=HOSTILE) for item in REPORT.restatements),
        checks=tuple(replace(check, table=HOSTILE, name=HOSTILE, scope=HOSTILE) for check in REPORT.checks),
        verdict=Verdict((finding,)),
        phases=tuple(replace(phase, name=HOSTILE) for phase in REPORT.phases),
        workload=tuple(replace(action, name=HOSTILE) for action in REPORT.workload),
        next_steps=tuple(replace(step, command=HOSTILE, text=HOSTILE) for step in REPORT.next_steps),
    )
    assert "script" not in {tag for tag, _ in outline(render(hostile)).tags}


def test_page_needs_no_network_and_runs_no_script(page: str) -> None:
    parsed = outline(page)
    assert not [tag for tag, _ in parsed.tags if tag in {"script", "link", "iframe", "img", "object"}]
    assert not [name for _, attributes in parsed.tags for name in attributes if name in {"src", "href", "xlink:href"}]
    assert "url(" not in page
    assert "@import" not in page
    addresses = set(re.findall(r"https?://[^\"'\s<]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_page_follows_the_reader_s_colour_scheme(page: str) -> None:
    assert "prefers-color-scheme: dark" in page


def test_every_figure_of_the_route_is_on_the_page(page: str) -> None:
    words = outline(page).words
    for stop in REPORT.route:
        assert f"{stop.rows:,}" in words
    assert "6 dead letters" in words
    assert "5 quarantined" in words


def test_restated_facts_are_told(page: str) -> None:
    assert "late change" in outline(page).words


def test_a_failed_reconciliation_is_said_loudly() -> None:
    words = "".join(outline(render(replace(REPORT, verdict=FAILED))).words)
    assert "Reconciliation failed: 2 differences" in words
    assert "differs" in words
    assert "Reconciliation is exact" not in words


def test_an_empty_report_is_a_page_too() -> None:
    words = "".join(outline(render(Report("retail", NOW, Verdict(())))).words)
    assert "Not reconciled" in words
    assert "Nothing was set aside." in words


def test_dollar_signs_in_the_data_are_not_placeholders() -> None:
    page = render(replace(REPORT, pipeline="$headline ${title} $$"))
    assert "$headline ${title} $$ lake" in "".join(outline(page).words)
