"""`lake load` and `lake sql` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

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
