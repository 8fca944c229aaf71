"""Parts as processes: told apart from strangers, named when they die, ended by their own pids only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra.local import process, state, supervisor
from infra.local.errors import PartFailedError, StackDownError
from infra.local.parts.base import Command, Context, Options
from infra.local.stack import Stack

LISTEN = """
import socket, sys, time
print("listening soon", flush=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTEN
DYING = "print('cannot open the vault: key is missing', flush=True); raise SystemExit(3)"
ASLEEP = "import time; time.sleep(600)"


@dataclass(frozen=True)
class Script:
    """A part that is a Python script listening on its port."""

    name: str
    code: str = LISTEN
    answer: Callable[[], str | None] = lambda: None

    @property
    def ports(self) -> tuple[str, ...]:
        return (self.name,)

    def prepare(self, context: Context) -> None:
        context.folder(self.name)

    def command(self, context: Context) -> Command:
        return Command((sys.executable, "-c", self.code, str(context.ports[self.name])), {})

    def trouble(self, context: Context) -> str | None:  # noqa: ARG002 - the protocol's signature
        return self.answer()


OPTIONS = Options(start_timeout_seconds=20, stop_grace_seconds=5)


@pytest.fixture
def stack_of(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks of scripts; whatever still runs is ended."""
    made: list[Stack] = []

    def make(*parts: Script, options: Options = OPTIONS) -> Stack:
        ports = {part.name for part in parts}
        extra = {name: 1 for name in ("kafka", "registry", "connect") if name not in ports}
        stack = Stack(tmp_path / "home", options, parts)
        stack.root.mkdir(exist_ok=True)
        known = state.load(stack.root)
        if known is None:
            state.save(stack.root, state.StackState("cluster", extra))
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.down()


def up(stack: Stack) -> Context:
    """Start the parts only; a stack of scripts has no addresses."""
    with state.exclusive(stack.root):
        context = stack._context_for_start()
        supervisor.start_all(stack.parts, context, lambda _part, _message: None)
    return context


def pid_of(stack: Stack, part: str) -> int:
    found = process.read_pid_file(supervisor.pid_file(stack.root, part))
    assert found is not None
    return found.pid


def test_parts_start_run_and_end(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one"), Script("two"))
    up(stack)
    assert {s.name: s.state for s in stack.status()} == {"one": "running", "two": "running"}
    assert stack.down() == ["one", "two"]
    assert {s.state for s in stack.status()} == {"stopped"}
    assert stack.down() == []


def test_a_second_up_starts_nothing_and_keeps_the_ports(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one"))
    first, pid = up(stack), pid_of(stack, "one")
    second = up(stack)
    assert (first.ports, pid) == (second.ports, pid_of(stack, "one"))


def test_a_dying_part_is_named_with_the_end_of_its_log(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("good"), Script("bad", DYING))
    with pytest.raises(PartFailedError) as caught:
        up(stack)
    assert caught.value.where == "bad"
    assert "died while it started" in caught.value.what
    assert "cannot open the vault: key is missing" in caught.value.what
    assert "bad.log" in caught.value.remedy


def test_a_failed_up_ends_what_it_had_started(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("good"), Script("bad", DYING))
    with pytest.raises(PartFailedError):
        up(stack)
    assert {s.name: s.state for s in stack.status()} == {"good": "stopped", "bad": "stopped"}


def test_a_failed_up_leaves_parts_that_ran_before(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("good"))
    up(stack)
    pid = pid_of(stack, "good")
    with pytest.raises(PartFailedError):
        up(stack_of(Script("good"), Script("bad", DYING)))
    assert pid_of(stack, "good") == pid
    assert stack.status()[0].state == "running"


def test_a_part_that_never_gets_well_is_named_with_its_trouble(stack_of: Callable[..., Stack]) -> None:
    options = replace(OPTIONS, start_timeout_seconds=1.0)
    with pytest.raises(PartFailedError, match=r"ill: was not well within 1 s \(says no\)"):
        up(stack_of(Script("ill", LISTEN, lambda: "says no"), options=options))


def test_a_part_that_does_not_listen_is_not_well(stack_of: Callable[..., Stack]) -> None:
    options = replace(OPTIONS, start_timeout_seconds=1.0)
    with pytest.raises(PartFailedError, match="does not listen on its port"):
        up(stack_of(Script("deaf", ASLEEP), options=options))


def test_a_killed_part_is_shown_dead_and_started_again_by_up(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one"))
    up(stack)
    killed = pid_of(stack, "one")
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while stack.status()[0].state != "dead" and time.monotonic() < deadline:
        time.sleep(0.05)
    (status,) = stack.status()
    assert (status.state, status.pid) == ("dead", killed)
    assert "listening soon" in status.detail
    up(stack)
    assert pid_of(stack, "one") != killed


def test_a_part_that_ignores_the_first_signal_is_killed(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one", STUBBORN), options=replace(OPTIONS, stop_grace_seconds=0.5))
    up(stack)
    pid = pid_of(stack, "one")
    stack.down()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_reused_pid_is_never_killed(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one"))
    stranger = subprocess.Popen([sys.executable, "-c", ASLEEP])
    try:
        path = supervisor.pid_file(stack.root, "one")
        path.parent.mkdir()
        path.write_text(json.dumps({"pid": stranger.pid, "started": "an earlier life of this pid"}))
        assert stack.down() == []
        assert stranger.poll() is None
        up(stack)
        assert pid_of(stack, "one") != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_port_taken_by_a_stranger_while_the_stack_was_down_is_replaced(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(Script("one"))
    port = up(stack).ports["one"]
    stack.down()
    with socket.create_server(("127.0.0.1", port)):
        assert up(stack).ports["one"] != port


def test_a_port_owned_by_another_process_does_not_count_as_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stranger = subprocess.Popen([sys.executable, "-c", ASLEEP])
        try:
            assert process.owns_port(process.ProcessId(os.getpid(), ""), port) in {True, None}
            assert process.owns_port(process.ProcessId(stranger.pid, ""), port) in {False, None}
        finally:
            stranger.kill()
            stranger.wait()


def test_asking_for_addresses_of_a_stack_that_never_ran_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackDownError, match="was never started") as caught:
        Stack(tmp_path).endpoints()
    assert "lake up" in caught.value.remedy


def test_a_damaged_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(StackDownError, match=r"stack.json: is not a stack's state file"):
        Stack(tmp_path).status()


def test_secrets_are_random_private_and_stay(tmp_path: Path) -> None:
    first, second = state.load_or_make_secrets(tmp_path / "a"), state.load_or_make_secrets(tmp_path / "b")
    assert first == state.load_or_make_secrets(tmp_path / "a")
    assert set(first.values()).isdisjoint(second.values())
    path = tmp_path / "a" / "stack" / "secrets.properties"
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_do_not_show_in_a_context() -> None:
    context = Context(Path("/nowhere"), OPTIONS, {}, "cluster", {"postgres.password": "hush"})
    assert "hush" not in repr(context)


def test_cluster_ids_never_look_like_an_option() -> None:
    assert not any(state.new_cluster_id().startswith("-") for _ in range(500))
