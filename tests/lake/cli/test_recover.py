"""What `lake recover` says, and what it refuses before it asks anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.cli import main
from lake.cli.recover import report
from schemas.manifests import LandingManifest
from streaming.kafka import TopicState
from streaming.recovery import Verdict, diagnose

LAST = LandingManifest("retail", "customer", "c.cdc", 0, 1, "a", {0: (0, 9)}, topic_id="id1")
STATE = TopicState("c.cdc", "id2", {0: 0}, {0: 2})


def test_a_table_that_would_halt_is_shown_with_its_reason_and_the_next_epoch() -> None:
    found = [
        diagnose("customer", STATE, LAST, None),
        diagnose("order", STATE, replace(LAST, table="order", topic_id="id2", ranges={0: (0, 2)}), None),
        diagnose("product", STATE, None, None),
    ]
    header, customer, order, product, hint = report(found, ()).splitlines()
    assert header.split() == ["table", "epoch", "next", "verdict"]
    assert customer.split()[:5] == ["customer", "0", "1", "would", "halt:"]
    assert "id id2, the manifests have id1" in customer
    assert order.split() == ["order", "0", "agrees", "with", "its", "topic"]
    assert product.endswith("nothing is landed yet")
    assert hint == "With --yes the epoch of customer is raised."


def test_what_was_raised_is_said_with_the_next_step() -> None:
    done = replace(diagnose("customer", STATE, LAST, None), verdict=Verdict.RAISED, epoch=1, raise_to=None)
    shown = report([done], ["customer"])
    assert "starts afresh at the next run" in shown
    assert shown.endswith("Raised: customer. Take a new snapshot, then: lake stream --once")


def test_force_without_a_table_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["recover", "--force"]) == 2
    assert "--force goes with --table" in capsys.readouterr().err
