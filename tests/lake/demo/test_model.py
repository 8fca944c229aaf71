from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from lake.demo.model import BEGINNING, Report, headline
from lake.reconcile import Verdict
from tests.lake.demo.samples import FAILED, HISTORIES, NOW, REPORT, SALES, at, state, versions


def test_changed_values_are_those_that_the_version_before_had_otherwise() -> None:
    first, second, *_ = HISTORIES[0].versions
    assert not any(value.changed for value in first.values)
    assert [value.name for value in second.values if value.changed] == ["segment", "marital_status"]


def test_story_tells_of_changes_gaps_returns_and_ends() -> None:
    assert HISTORIES[0].story.startswith("4 versions; segment, income band and marital status changed")
    assert "deleted, then back under the same key" in HISTORIES[1].story
    assert HISTORIES[2].story == "1 version; deleted"
    assert HISTORIES[3].story == "1 version"


def test_a_value_that_comes_back_is_told_and_a_fresh_one_is_not() -> None:
    there_and_back = versions(
        (BEGINNING, at(1), state("a", "x"), 0), (at(1), at(2), state("b", "x"), 0), (at(2), None, state("a", "x"), 0)
    )
    assert "came back" in replace(HISTORIES[0], versions=there_and_back).story
    assert "came back" not in replace(HISTORIES[0], versions=there_and_back[:2]).story


def test_moved_is_half_of_all_shifts_between_groups() -> None:
    shifted = replace(
        SALES,
        rows=(
            replace(SALES.rows[0], amounts=(Decimal(10),), by_today=Decimal(4)),
            replace(SALES.rows[1], amounts=(Decimal(2),), by_today=Decimal(8)),
        ),
    )
    assert shifted.moved == Decimal(6)


def test_headline_counts_records_changes_and_what_was_set_aside() -> None:
    text = headline(REPORT)
    assert "3,748 records: 3,701 changes, 40 tombstones and 7 set aside with a reason." in text
    assert "equals its source" in text


def test_headline_never_claims_a_verdict_that_is_not_there() -> None:
    assert "1 of 7 comparisons found differences" in headline(replace(REPORT, verdict=FAILED))
    assert "Nothing was reconciled" in headline(Report("retail", NOW, Verdict(())))


def test_report_becomes_json_with_instants_and_amounts_as_text() -> None:
    body = json.loads(json.dumps(REPORT.as_dict()))
    assert body["verdict"]["passed"] is True
    assert body["made_at"].startswith("2025-03-14T09:26:53")
    assert body["sales"]["rows"][0]["amounts"][0] == "2400.49"
    assert body["histories"][0]["versions"][0]["effective_to"] == at(3.2).isoformat()
