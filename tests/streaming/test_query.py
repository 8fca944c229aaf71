"""A query removes nothing but the checkpoint folder it made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from streaming.query import TableQuery, Trigger
from streaming.registry import StoppedError


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


class StopsAsSparkDoes:
    """A query whose stop waits for a batch that begins meanwhile, as Spark waits for its thread of batches."""

    def __init__(self, land: Callable[[Any, int], None]) -> None:
        self.land = land
        self.ended: BaseException | None = None

    def stop(self) -> None:
        batch = threading.Thread(target=self._batch, daemon=True)
        batch.start()
        batch.join(20)
        assert not batch.is_alive(), "the batch waits for the stop, and the stop for the batch"

    def _batch(self) -> None:
        try:
            self.land(None, 0)
        except StoppedError as error:
            self.ended = error


def test_a_batch_that_begins_while_its_query_is_stopped_holds_nothing_up() -> None:
    table = query()
    spark = StopsAsSparkDoes(table._land)
    table._query = cast("Any", spark)
    table.stopping.set()
    table.stop()
    assert isinstance(spark.ended, StoppedError)


def test_no_module_of_the_hop_removes_a_folder_tree() -> None:
    package = Path(__file__).parents[2] / "streaming"
    offenders = [path.name for path in package.glob("*.py") if "rmtree" in path.read_text(encoding="utf-8")]
    assert offenders == []
