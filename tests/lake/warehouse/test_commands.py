"""`lake load` and `lake sql` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lake.cli._main import run
from lake.cli.load import command as load
from lake.cli.sql import command as sql
from schemas.manifests import LoadManifest, seq_name


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    folder = tmp_path / "lake" / "retail" / "load" / "_manifests"
    folder.mkdir(parents=True)
    (folder / seq_name(1)).write_text(LoadManifest("retail", 1, "a", {"customer": 1}).to_json())
    return tmp_path


def test_loads_are_applied_and_the_warehouse_answers(home: Path) -> None:
    done = CliRunner().invoke(load, ["--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) | {"loads": []} == {"last_seq": 1, "rows": 0, "loads": []}
    assert "Nothing was pending; the newest load in the warehouse is 1." in CliRunner().invoke(load, []).stdout
    query = "SELECT load_seq, attempt, NULL AS note FROM staging.load_ledger"
    assert json.loads(CliRunner().invoke(sql, ["--json", query]).stdout) == {
        "columns": ["load_seq", "attempt", "note"],
        "rows": [[1, "a", None]],
    }
    assert CliRunner().invoke(sql, ["--csv", "-"], input=query).stdout == "load_seq,attempt,note\n1,a,\n"
    shown = CliRunner().invoke(sql, [query]).stdout
    assert "load_seq" in shown
    assert "·" in shown
    assert shown.endswith("(1 row)\n")


def test_saved_queries_are_listed_and_run_by_name(home: Path) -> None:
    CliRunner().invoke(load, [])
    listed = json.loads(CliRunner().invoke(sql, ["--list", "--json"]).stdout)
    assert listed["loads"] == "Which loads are in the warehouse, how long did they take, and what did they bring?"
    shown = json.loads(CliRunner().invoke(sql, ["--saved", "loads", "--json"]).stdout)
    assert shown["columns"] == ["load_seq", "started_at", "seconds", "rows_loaded", "facts_restated"]
    assert [row[0] for row in shown["rows"]] == [1]


@pytest.mark.parametrize("words", [[], ["SELECT 1", "--saved", "loads"]])
def test_one_question_at_a_time(home: Path, words: list[str]) -> None:
    assert "give a query, or the name of a saved one" in CliRunner().invoke(sql, words).output


def test_a_saved_query_that_is_not_there_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sql", "--saved", "nothing"]) == 1
    assert "no saved query 'nothing'" in capsys.readouterr().err
