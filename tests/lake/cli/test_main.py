"""The command: quick help with examples, one clear message for each error, exit codes, JSON."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lake.cli import main
from lake.cli._main import explained, root
from schemas.errors import LakeError


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LAKE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def commands() -> list[tuple[str, ...]]:
    """Every command and sub-command."""

    def below(group: click.Group, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        context = click.Context(group)
        found: list[tuple[str, ...]] = []
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            found.append((*path, name))
            if isinstance(command, click.Group):
                found += below(command, (*path, name))
        return found

    return below(root, ())


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_with_examples(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Examples:" in shown
    assert f"lake {path[0]}" in shown


def test_help_lists_all_commands_without_importing_them() -> None:
    code = (
        "import sys; from lake.cli import main; main(['--help']); "
        "heavy = {'pyspark', 'duckdb', 'confluent_kafka', 'psycopg', 'great_expectations', 'lake.cli.up'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    for name in ("up", "down", "status", "source", "settings", "completion"):
        assert f"\n  {name} " in done.stdout


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sttus"]) == 2
    assert "No such command 'sttus'" in capsys.readouterr().err


def test_a_command_without_its_stack_names_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "churn"]) == 1
    shown = capsys.readouterr().err
    assert "was never started" in shown
    assert "lake up" in shown
    assert "Traceback" not in shown


def test_in_a_container_the_demonstration_of_a_stack_of_its_own_points_to_the_containers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKE_CONTAINERS", str(tmp_path))
    assert main(["demo"]) == 1
    assert "docker compose run --rm demo" in capsys.readouterr().err


def test_errors_are_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "churn", "--json"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["type"] == "StackDownError"
    assert "lake up" in error["remedy"]


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "churn", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_typo_in_the_settings_file_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lake.toml").write_text("spark_core = 2")
    assert main(["settings"]) == 1
    assert "did you mean spark_cores?" in capsys.readouterr().err


def test_an_unknown_pipeline_is_one_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--pipeline", "nosuch"]) == 1
    assert "nosuch" in capsys.readouterr().err


def test_status_of_a_stack_that_never_ran(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    assert main(["status", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["healthy"] is False
    assert {part["state"] for part in shown["parts"].values()} == {"stopped"}
    assert not own_home.exists()


def test_down_without_a_stack_is_fine(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    assert main(["down"]) == 0
    assert "No part was running" in capsys.readouterr().out
    assert not own_home.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_LAKE_COMPLETE" in capsys.readouterr().out


def test_an_unexpected_error_tells_its_type_and_place_but_not_its_text() -> None:
    try:
        raise ValueError("ada@example.org is not a number")
    except ValueError as error:
        shown = explained(error)
    assert "ValueError" in shown.what
    assert "ada@" not in str(shown)
    assert "--debug" in shown.remedy


def test_a_full_disk_is_named_with_its_remedy() -> None:
    shown = explained(OSError(errno.ENOSPC, "No space left on device", "/data/lake/part-0.parquet"))
    assert "/data/lake/part-0.parquet: No space left on device" in str(shown)
    assert "free some space" in shown.remedy


def test_our_own_errors_pass_unchanged() -> None:
    error = LakeError("what", where="where", remedy="remedy")
    assert explained(error) is error
