"""Starts, checks and ends parts by their recorded processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.local import process
from infra.local.errors import PartFailedError
from infra.local.parts.base import Context, Part

Report = Callable[[str, str], None]
#: PostgreSQL ends its sessions at once on SIGINT ("fast"); it would wait for them on SIGTERM.
_FIRST_SIGNAL = {"postgres": signal.SIGINT}
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class PartStatus:
    """One part as `lake status` shows it. ``state``: running, starting, dead, stopped; down for a container."""

    name: str
    state: str
    pid: int | None
    port: int
    detail: str


def pid_file(root: Path, part: str) -> Path:
    """Where the part's pid is recorded."""
    return root / "pids" / f"{part}.json"


def log_file(root: Path, part: str) -> Path:
    """Where the part's output goes."""
    return root / "logs" / f"{part}.log"


def running(root: Path, part: str) -> process.ProcessId | None:
    """The part's process, when the recorded one is alive."""
    recorded = process.read_pid_file(pid_file(root, part))
    return recorded if recorded is not None and recorded.alive else None


def start(part: Part, context: Context, report: Report) -> bool:
    """Start ``part`` unless it runs already, and wait until it is well.

    Returns:
        whether a process was started.

    Raises:
        PartFailedError: it died, or was not well in time; with the end of its log.
    """
    begun = time.monotonic()
    alive = running(context.root, part.name)
    if alive is not None and _trouble(part, context, alive) is None:
        report(part.name, "runs already")
        return False
    started = alive is None
    if started:
        part.prepare(context)
        _spawn(part, context)
    _wait(part, context, begun + context.options.start_timeout_seconds)
    report(part.name, f"{'started' if started else 'is well'} in {time.monotonic() - begun:.1f} s")
    return started


def _spawn(part: Part, context: Context) -> None:
    command = part.command(context)
    path = pid_file(context.root, part.name)
    path.unlink(missing_ok=True)
    prefix = process.launcher(user=command.user, keep_file_access=command.keep_file_access, pid_file=path)
    log = log_file(context.root, part.name)
    process.spawn([*prefix, *command.arguments], folder=context.root, log=log, environment=command.environment)
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def _wait(part: Part, context: Context, deadline: float) -> None:
    while True:
        alive = running(context.root, part.name)
        if alive is None:
            raise _failed(part, context, "died while it started")
        trouble = _trouble(part, context, alive)
        if trouble is None:
            return
        if time.monotonic() > deadline:
            seconds = context.options.start_timeout_seconds
            raise _failed(part, context, f"was not well within {seconds:.0f} s ({trouble})")
        time.sleep(_POLL_SECONDS)


def _trouble(part: Part, context: Context, alive: process.ProcessId) -> str | None:
    for name in part.ports:
        if process.owns_port(alive, context.ports[name]) is False:
            return f"does not listen on its port {context.ports[name]}"
    return part.trouble(context)


def _failed(part: Part, context: Context, what: str) -> PartFailedError:
    log = log_file(context.root, part.name)
    return PartFailedError(
        f"{what}; the end of its log:\n{process.log_tail(log)}",
        where=part.name,
        remedy=f"see {log}; then run `lake up` again",
    )


def start_all(parts: Sequence[Part], context: Context, report: Report) -> None:
    """Start all parts side by side; when one fails, end those that this call started.

    Raises:
        PartFailedError: of the first part that failed.
    """
    for folder in ("pids", "logs"):
        (context.root / folder).mkdir(parents=True, exist_ok=True)
    before = {part.name for part in parts if running(context.root, part.name) is not None}
    with ThreadPoolExecutor(len(parts)) as pool:
        futures = [pool.submit(start, part, context, report) for part in parts]
        failures = [error for future in futures if (error := future.exception()) is not None]
    if failures:
        stop_all([part for part in parts if part.name not in before], context.root, context.options.stop_grace_seconds)
        raise failures[0]


def stop_all(parts: Sequence[Part], root: Path, grace_seconds: float, report: Report | None = None) -> list[str]:
    """End the parts, in the given order, by their recorded processes only; the names of those that ran."""
    ended = []
    for part in parts:
        alive = running(root, part.name)
        if alive is not None:
            process.stop(alive, grace_seconds=grace_seconds, first=_FIRST_SIGNAL.get(part.name, signal.SIGTERM))
            ended.append(part.name)
            if report is not None:
                report(part.name, "ended")
        pid_file(root, part.name).unlink(missing_ok=True)
    return ended


def status(part: Part, context: Context) -> PartStatus:
    """How ``part`` is now."""
    port = context.ports[part.ports[0]]
    recorded = process.read_pid_file(pid_file(context.root, part.name))
    if recorded is None:
        return PartStatus(part.name, "stopped", None, port, "")
    if not recorded.alive:
        tail = process.log_tail(log_file(context.root, part.name), lines=5)
        return PartStatus(part.name, "dead", recorded.pid, port, f"the end of its log:\n{tail}")
    trouble = _trouble(part, context, recorded)
    return PartStatus(part.name, "running" if trouble is None else "starting", recorded.pid, port, trouble or "")
