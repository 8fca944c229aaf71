"""The embedded stack as a whole: run twice, killed, and beside others. It starts stacks of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.http import request_json
from infra.local.parts.base import Options
from infra.local.process import read_pid_file
from infra.local.stack import Stack
from infra.local.supervisor import pid_file
from lake.home import Home
from tests.integration.conftest import LiveStack, status_of
from tests.integration.kafka_offsets import end_offsets

PARTS = {"postgres", "kafka", "registry", "connect"}


def kill(home: Home, part: str) -> int:
    found = read_pid_file(pid_file(home.root, part))
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while found.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    return found.pid


def schema_id(ccompat_url: str, subject: str, schema: str) -> int:
    request = urllib.request.Request(
        f"{ccompat_url}/subjects/{subject}/versions",
        data=json.dumps({"schema": schema}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return int(json.load(response)["id"])


def test_status_shows_every_part_with_its_port_and_the_capture(stack: LiveStack) -> None:
    shown = status_of(stack.home)
    assert shown["healthy"] is True
    assert set(shown["parts"]) == PARTS
    assert {part["state"] for part in shown["parts"].values()} == {"running"}
    assert f"127.0.0.1:{shown['parts']['kafka']['port']}" == stack.bootstrap_servers
    assert shown["captures"] == {"retail": {"state": "RUNNING", "detail": ""}}


def test_a_second_up_changes_nothing(stack: LiveStack) -> None:
    before = status_of(stack.home)
    done = stack.lake("up", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bootstrap_servers"] == stack.bootstrap_servers
    assert status_of(stack.home) == before


def test_state_logs_and_pids_lie_in_one_folder_and_secrets_are_private(stack: LiveStack) -> None:
    root = stack.home.root
    assert {path.stem for path in (root / "pids").glob("*.json")} == PARTS
    # Beside the parts' own there is the log of the commands that ran.
    assert {path.stem for path in (root / "logs").glob("*.log")} - {"lake"} == PARTS
    secrets = stack.endpoints.context.secrets
    assert (root / "stack" / "secrets.properties").stat().st_mode & 0o777 == 0o600
    written = [path for path in root.glob("**/*") if path.suffix in {".log", ".json", ".properties"} and path.is_file()]
    holders = {
        path.name for path in written for secret in secrets.values() if secret in path.read_text(errors="replace")
    }
    assert holders == {"secrets.properties"}


@pytest.fixture
def restored(stack: LiveStack) -> Iterator[LiveStack]:
    """The shared stack, brought back for the other tests whatever happens."""
    yield stack
    stack.lake("up")


def test_a_killed_broker_is_named_and_up_brings_everything_back(restored: LiveStack) -> None:
    stack = restored
    number = schema_id(stack.ccompat_url, "kept-value", '"string"')
    killed = {kill(stack.home, "kafka"), kill(stack.home, "registry")}
    shown = status_of(stack.home)
    assert shown["healthy"] is False
    assert {shown["parts"]["kafka"]["state"], shown["parts"]["registry"]["state"]} == {"dead"}
    done = stack.lake("up")
    assert done.returncode == 0, done.stderr
    after = status_of(stack.home)
    assert after["healthy"] is True
    assert not killed & {part["pid"] for part in after["parts"].values()}
    assert schema_id(stack.ccompat_url, "kept-value", '"string"') == number
    assert schema_id(stack.ccompat_url, "other-value", '"long"') > number
    assert after["captures"]["retail"]["state"] == "RUNNING"


def test_changes_flow_again_after_the_database_was_killed(restored: LiveStack) -> None:
    stack = restored
    before = end_offsets(stack.admin(), "retail.product.cdc")
    kill(stack.home, "postgres")
    done = stack.lake("up")
    assert done.returncode == 0, done.stderr
    with stack.source() as connection:
        connection.execute(
            "INSERT INTO product (product_id, sku, name, category, list_price, updated_at) "
            "VALUES (900001, 'SKU-900001', 'Late lamp', 'Office', 9.90, now())"
        )
    deadline = time.monotonic() + 60
    while end_offsets(stack.admin(), "retail.product.cdc") == before and time.monotonic() < deadline:
        time.sleep(0.5)
    assert end_offsets(stack.admin(), "retail.product.cdc") != before


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Stack]:
    """A stack of PostgreSQL and the registry only: quick to start."""
    parts = [part for part in Stack(tmp_path).parts if part.name in {"postgres", "registry"}]
    embedded = Stack(tmp_path / "home with space", Options(start_timeout_seconds=120), parts)
    embedded.root.mkdir()
    (embedded.root / "stack.json").write_text(
        json.dumps({"cluster_id": "none", "ports": {"kafka": 1, "kafka_controller": 1, "connect": 1}})
    )
    yield embedded
    embedded.down()


def small_up(embedded: Stack) -> dict[str, int]:
    """Start the small stack; its ports."""
    from infra.local import state, supervisor

    recorded = state.load(embedded.root)
    assert recorded is not None
    missing = [name for name in ("postgres", "registry") if name not in recorded.ports]
    ports = {**recorded.ports, **state.choose_ports(missing)}
    state.save(embedded.root, state.StackState(recorded.cluster_id, ports))
    context = embedded._context()
    assert context is not None
    with state.exclusive(embedded.root):
        supervisor.start_all(embedded.parts, context, lambda _part, _message: None)
    return ports


def test_two_stacks_run_side_by_side_and_down_ends_only_its_own(stack: LiveStack, small: Stack) -> None:
    ports = small_up(small)
    assert {status.state for status in small.status()} == {"running"}
    mine = set(stack.endpoints.context.ports.values())
    assert not mine & {ports["postgres"], ports["registry"]}
    assert set(small.down()) == {"postgres", "registry"}
    assert status_of(stack.home)["healthy"] is True


def test_down_and_up_again_keeps_data_and_ports(small: Stack) -> None:
    first = small_up(small)
    small.down()
    for name in ("postgres", "registry"):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", first[name])) != 0
    assert small_up(small) == first
    code, _ = request_json("GET", f"http://127.0.0.1:{first['registry']}/apis/ccompat/v7/subjects")
    assert code == 200
