from __future__ import annotations

import json

import pytest

from infra.local.source.ledger import Entry
from lake.demo.model import Action
from lake.demo.strays import strays
from lake.demo.workload import actions


def line(kind: str, op: str) -> str:
    return Entry("customer", op, {"customer_id": 1}, kind).line(1)


def test_changes_are_counted_by_what_they_were_made_for_and_seeding_is_left_out() -> None:
    lines = [
        line("seed", "c"),
        line("insert", "c"),
        line("order placed", "c"),
        line("type 2", "u"),
        line("re-insert", "c"),
        line("late correction", "u"),
        line("late order", "c"),
        line("bad row", "c"),
        line("delete", "d"),
    ]
    assert actions(lines, strays=4) == (
        Action("inserts", 2),
        Action("updates", 1),
        Action("deletes", 1),
        Action("re-inserts", 1),
        Action("late corrections", 2),
        Action("rows against their contract", 1),
        Action("records that are no change", 4),
    )


def test_no_workload_is_no_action() -> None:
    assert actions([line("seed", "c")]) == ()


@pytest.mark.parametrize("topics", [["a"], ["a", "b"], ["a", "b", "c", "d", "e"]])
def test_strays_go_round_the_topics_and_none_is_a_decodable_record(topics: list[str]) -> None:
    records = strays(topics)
    assert {record.topic for record in records} <= set(topics)
    assert len({record.value for record in records}) == len(records)
    assert not any(record.value[:1] == b"\x00" and record.value[1:5] == b"\x00\x00\x00\x01" for record in records)
    assert json.loads(records[0].value)


def test_without_topics_there_is_no_stray() -> None:
    assert strays([]) == ()
