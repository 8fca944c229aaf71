"""`lake run`: one at a time in a LAKE_HOME and pipeline."""

from __future__ import annotations

import fcntl
import threading
from dataclasses import replace
from pathlib import Path

from lake.cli._base import App
from lake.cli.run import alone
from lake.settings import Settings


def test_a_run_waits_for_the_one_at_work_and_says_so(tmp_path: Path) -> None:
    app = App(replace(Settings(), home=tmp_path))
    said: list[str] = []
    entered, may_leave = threading.Event(), threading.Event()

    def other() -> None:
        with alone(app.home, "retail", said.append):
            entered.set()
            may_leave.wait(20)

    with app.home.run_lock("retail").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=other)
        waiting.start()
        assert not entered.wait(0.3)
        with alone(app.home, "clinic", said.append):
            pass  # another pipeline is in nobody's way
    assert entered.wait(20)
    may_leave.set()
    waiting.join(20)
    assert len(said) == 1
    assert "waiting" in said[0]
