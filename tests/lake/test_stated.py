"""What Terraform takes over is what the code states."""

import json
from pathlib import Path

import pytest

from lake import stated
from lake.cli._main import run
from schemas import load_pipeline

FILE = Path(__file__).parents[2] / "infra" / "terraform" / "lake" / "retail.json"


def test_the_file_is_what_the_code_states() -> None:
    assert FILE.read_text() == stated.text(load_pipeline("retail")), f"python -m lake.stated > {FILE.name}"


def test_the_command_prints_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert stated.main([]) == 0
    assert capsys.readouterr().out == FILE.read_text()


def test_the_streaming_paths_upkeep_is_what_the_command_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["warehouse", "stream", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    kept = stated.stated(load_pipeline("retail"))["stream"]
    assert kept == {name: shown[name] for name in ("each_minute", "each_day", "alarm")}
