"""Jobs and commands are watched as their arguments and settings say."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lake.arguments import ArgumentsError
from lake.metrics import Hop
from lake.watch.newest import newest
from lake.watch.options import LOG_FILE, METRICS_FILE, WatchArgs, command_watch, job_watch
from lake.watch.transport import LineageAddressError
from schemas.errors import LakeError
from tests.support.watched import checked

log = logging.getLogger("streaming.x")


def told(capsys: pytest.CaptureFixture[str], args: WatchArgs, *argv: str) -> tuple[str, str]:
    """What a job writes to stdout and stderr."""
    with job_watch(args, ["job", *argv], "retail") as watch, watch.run(Hop.STAGING):
        log.info("hello")
    out, err = capsys.readouterr()
    return out, err


def test_a_job_tells_text_and_no_metrics_on_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, WatchArgs())
    assert out == ""
    assert " INFO hello [environment=local pipeline=retail run=" in err


def test_a_job_tells_json_and_metrics_on_glue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUE_VERSION", "5.1")
    out, err = told(capsys, WatchArgs(environment="dev"), "--JOB_RUN_ID", "jr_1", "--pipeline", "retail")
    line = json.loads(err)
    body = checked(out.rstrip("\n"))
    assert (line["message"], line["run"], line["environment"]) == ("hello", "jr_1", "dev")
    assert (body["environment"], body["Failures"], body["run"]) == ("dev", 0, "jr_1")


@pytest.mark.parametrize("argv", [["--JOB_RUN_ID", "jr_1"], ["--JOB_RUN_ID=jr_1"], []])
def test_a_given_id_goes_before_glues(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _, err = told(capsys, WatchArgs(correlation_id="route-7", log_format="json", metrics="none"), *argv)
    assert json.loads(err)["run"] == "route-7"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"metrics": "statsd"}, ArgumentsError),
        ({"log_format": "xml"}, ArgumentsError),
        ({"lineage_uri": "marquez"}, LineageAddressError),
    ],
)
def test_a_wrong_word_is_refused_as_the_job_starts(wrong: dict[str, Any], error: type[LakeError]) -> None:
    with pytest.raises(error):
        WatchArgs(**wrong)


def test_a_failed_run_counts_as_one_failure(capsys: pytest.CaptureFixture[str]) -> None:
    args = WatchArgs(metrics="stdout")

    def fail() -> None:
        with job_watch(args, ["job"], "retail") as watch, watch.run(Hop.WAREHOUSE) as run:
            run.measured(PendingLoads=2)
            raise LakeError("x")

    with pytest.raises(LakeError):
        fail()
    body = checked(capsys.readouterr().out.rstrip("\n"))
    assert (body["Failures"], body["PendingLoads"]) == (1, 2)


def test_a_command_keeps_lines_and_metrics_in_files_and_shows_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    with command_watch("retail", "local", "", folder, as_json=True) as watch:
        log.info("hello")
        log.warning("waiting for the registry")
        watch.emit(Hop.LANDING, {"LagRecords": 3}, "order")
        watch.emit(Hop.LANDING, {"LagRecords": 2}, "order")
        watch.emit(Hop.STAGING, {"RunSeconds": 1.5})
    assert [json.loads(line)["message"] for line in (folder / "lake.log").read_text().splitlines()] == [
        "hello",
        "waiting for the registry",
    ]
    assert capsys.readouterr().err == "waiting for the registry\n"
    found = newest(folder, "retail")
    assert found["landing"]["order"]["LagRecords"]["value"] == 2
    assert found["staging"][""]["RunSeconds"]["value"] == 1.5
    assert newest(folder, "clinic") == {}


def test_the_newest_metrics_are_read_past_a_line_that_a_kill_cut_short(tmp_path: Path) -> None:
    with command_watch("retail", "local", "", tmp_path, as_json=False) as watch:
        watch.emit(Hop.STAGING, {"RunSeconds": 1.5})
    path = tmp_path / METRICS_FILE
    path.write_text(path.read_text() + '{"hop": "stag\n')
    assert newest(tmp_path, "retail")["staging"][""]["RunSeconds"]["value"] == 1.5
    assert newest(tmp_path / "none", "retail") == {}


def test_threads_keep_whole_lines(tmp_path: Path) -> None:
    with command_watch("retail", "local", "", tmp_path, as_json=False) as watch, ThreadPoolExecutor(8) as pool:
        for number in range(100):
            pool.submit(watch.emit, Hop.LANDING, {"RowsIn": number}, "order", {"filler": "x" * 3000})
    lines = (tmp_path / METRICS_FILE).read_text().splitlines()
    assert sorted(checked(line)["RowsIn"] for line in lines) == list(range(100))


def test_a_folder_that_cannot_be_made_ends_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with command_watch("retail", "local", "", tmp_path / "file" / "logs", as_json=False) as watch:
        watch.emit(Hop.STAGING, {"RunSeconds": 1})
    assert "metrics cannot be told (NotADirectoryError)" in capsys.readouterr().err


def test_a_disk_that_takes_no_more_ends_no_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (METRICS_FILE, LOG_FILE):
        (tmp_path / name).mkdir()
    done = False
    with (
        command_watch("retail", "local", "", tmp_path, as_json=False) as watch,
        watch.step(Hop.STAGING, "order") as step,
    ):
        step.measured(RowsIn=1)
        log.info("hello")
        done = True
    assert done
    shown = capsys.readouterr().err
    assert shown.count("metrics cannot be told (IsADirectoryError)") == 1
    assert shown.count("the log file takes no lines (IsADirectoryError)") == 1
