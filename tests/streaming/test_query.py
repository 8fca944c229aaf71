"""A query removes nothing but the checkpoint folder it made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from streaming.query import TableQuery, Trigger


def query() -> TableQuery:
    landing = cast("Any", None)
    return TableQuery(cast("Any", None), landing, {}, {}, Trigger(None, 1), threading.Event(), lambda _: None)


def test_stopping_a_query_that_never_started_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    query().stop()
    query()._clean()
    assert (tmp_path / "kept" / "file").read_text() == "x"


def test_no_module_of_the_hop_removes_a_folder_tree() -> None:
    package = Path(__file__).parents[2] / "streaming"
    offenders = [path.name for path in package.glob("*.py") if "rmtree" in path.read_text(encoding="utf-8")]
    assert offenders == []
