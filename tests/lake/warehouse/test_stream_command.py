"""`lake warehouse stream` as a person types it."""

from __future__ import annotations

import json

import pytest

from lake.cli._main import run
from redshift_sql.stream import EXAMPLE, stream_stages
from schemas import load_pipeline

Shown = pytest.CaptureFixture[str]


def test_the_sql_is_shown_stage_by_stage(capsys: Shown) -> None:
    assert run(["warehouse", "stream"]) == 0
    shown = capsys.readouterr().out
    for stage in stream_stages(load_pipeline("retail"), EXAMPLE):
        assert f"-- Stage: {stage.name}." in shown
        assert all(f"{statement.sql.strip()};" in shown for statement in stage.plan)
    assert shown.count("begin;") == shown.count("commit;") == 1


def test_a_switch_names_the_next_view_and_settings_are_taken(capsys: Shown) -> None:
    words = ["--switch", "product", "--version", "product=4", "--epoch", "product=2", "--function", "mine"]
    assert run(["warehouse", "stream", *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    stages = {stage["name"]: stage for stage in document["stages"]}
    assert "product_stream_v5" in stages["next view"]["statements"][0]
    assert stages["switch"]["transaction"] is True
    assert any("cast(2 as integer) as epoch" in text for text in stages["switch"]["statements"])
    assert len(document["each_minute"]) == len(document["each_day"]) == 4
    assert document["alarm"]["threshold_seconds"] == 180


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--switch", "nothing"], "no source table 'nothing'"),
        (["--json-table", "nothing"], "no source table 'nothing'"),
        (["--version", "product"], "write TABLE=N"),
        (["--role", "me"], "not the ARN of an IAM role"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], said: str, capsys: Shown) -> None:
    assert run(["warehouse", "stream", *words]) != 0
    assert said in capsys.readouterr().err
