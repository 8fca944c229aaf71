"""The ledger goes on where it stopped, and survives a kill in the middle of a line."""

from __future__ import annotations

import json
from pathlib import Path

from infra.local.source.ledger import Entry, Ledger


def seqs(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


def test_numbers_go_on_over_runs(tmp_path: Path) -> None:
    path = tmp_path / "source" / "retail.ledger.jsonl"
    Ledger(path).append([Entry("customer", "c", {"customer_id": 1}, "insert")] * 2)
    Ledger(path).append([Entry("customer", "d", {"customer_id": 1}, "delete")])
    assert seqs(path) == [1, 2, 3]


def test_a_line_cut_short_by_a_kill_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).append([Entry("customer", "c", {"customer_id": 1}, "insert")])
    with path.open("a") as file:
        file.write('{"seq": 2, "tab')
    Ledger(path).append([Entry("customer", "d", {"customer_id": 1}, "delete")])
    assert seqs(path) == [1, 2]


def test_an_update_names_its_columns_and_shows_no_value(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).append([Entry("customer", "u", {"customer_id": 1}, "type 1", ("email", "updated_at"))])
    assert json.loads(path.read_text()) == {
        "seq": 1,
        "table": "customer",
        "op": "u",
        "key": {"customer_id": 1},
        "kind": "type 1",
        "columns": ["email", "updated_at"],
    }
