"""`lake demo` from a fresh folder, after a kill, and ended by Ctrl-C; it brings a stack of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local.process import read_pid_file
from lake.home import Home
from tests.integration.conftest import run_lake

SMALL: Final = ("--customers", "30", "--orders", "60", "--changes", "120", "--live-seconds", "5")
PARTS: Final = ("postgres", "kafka", "registry", "connect")


def start_demo(home: Home, *arguments: str) -> subprocess.Popen[str]:
    """A running `lake demo`."""
    return subprocess.Popen(
        [sys.executable, "-m", "lake.cli", "demo", *SMALL, *arguments],
        env=os.environ | {"LAKE_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )


def alive(home: Home) -> dict[str, int]:
    """Pids of the parts that run in the demonstration's folder."""
    found = {part: read_pid_file(home.root / "demo" / "pids" / f"{part}.json") for part in PARTS}
    return {part: process.pid for part, process in found.items() if process is not None and process.alive}


def wait_for_parts(home: Home, demo: subprocess.Popen[str]) -> dict[str, int]:
    """Waits until every part has a process."""
    deadline = time.monotonic() + 240
    while len(alive(home)) < len(PARTS):
        assert demo.poll() is None, demo.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return alive(home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A LAKE_HOME whose demonstration is stopped after the test, whatever happened."""
    made = Home(tmp_path / "home")
    yield made
    run_lake(Home(made.root / "demo"), "down")


@pytest.mark.slow
def test_after_a_kill_the_next_demonstration_ends_the_old_stack_and_shows_an_exact_route(home: Home) -> None:
    killed = start_demo(home)
    before = wait_for_parts(home, killed)
    killed.kill()
    killed.wait(30)

    shown = run_lake(home, "demo", *SMALL, "--json", timeout=900)
    assert shown.returncode == 0, shown.stderr[-4000:]
    report: dict[str, Any] = json.loads(shown.stdout)
    assert report["verdict"]["passed"]
    assert {item["stage"] for item in report["dead_letters"]} >= {"landing"}
    assert report["histories"]
    assert report["sales"]["rows"]
    assert len(report["latency"]) == 5
    kafka, landing, staging = (
        next(s for s in report["route"] if s["name"] == n) for n in ("kafka", "landing", "staging")
    )
    records = sum(table["rows"] for table in kafka["tables"])
    kept = sum(table["rows"] for stop in (staging,) for table in stop["tables"])
    aside = sum(table["rows"] for stop in (landing, staging) for table in stop["aside"])
    assert records == kept + aside + report["tombstones"]

    assert alive(home) == {}
    assert not [pid for pid in before.values() if Path(f"/proc/{pid}").exists()]
    page = Path(report["page"]).read_text(encoding="utf-8")
    HTMLParser().feed(page)
    assert "Reconciliation is exact" in page


@pytest.mark.slow
def test_ctrl_c_stops_what_was_started(home: Home) -> None:
    demo = start_demo(home)
    wait_for_parts(home, demo)
    demo.send_signal(signal.SIGINT)
    _, told = demo.communicate(timeout=300)
    assert demo.returncode == 130, told
    assert "Traceback" not in told
    assert alive(home) == {}


def test_a_folder_that_no_demonstration_made_is_refused(home: Home) -> None:
    (home.root / "demo").mkdir(parents=True)
    (home.root / "demo" / "mine.txt").write_text("kept")
    refused = run_lake(home, "demo", *SMALL)
    assert refused.returncode == 1
    assert "not made by a demonstration" in refused.stderr
    assert (home.root / "demo" / "mine.txt").read_text() == "kept"


def test_another_pipeline_is_refused(home: Home) -> None:
    refused = run_lake(home, "demo", "--pipeline", "clinic")
    assert refused.returncode == 2
    assert "retail" in refused.stderr
