"""Processes that outlive this one: start, recognise by pid *and* start time, ask who owns a port, end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local import launch

_LISTEN = "0A"
_LOG_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ProcessId:
    """A process's pid with its start token, so that a reused pid is never taken for it."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        reap(self.pid)
        return launch.start_token(self.pid) == self.started


def reap(pid: int) -> None:
    """Collect the exit status of ``pid`` if it is a child of ours that has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def read_pid_file(path: Path) -> ProcessId | None:
    """The process recorded in ``path``; None when nothing usable is recorded."""
    try:
        recorded = json.loads(path.read_text())
        return ProcessId(int(recorded["pid"]), str(recorded["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def launcher(*, user: str | None = None, keep_file_access: bool = False, pid_file: Path | None = None) -> list[str]:
    """The command prefix that runs the rest through ``launch.py``."""
    prefix = [sys.executable, "-I", str(Path(launch.__file__).resolve())]
    prefix += ["--pid-file", str(pid_file)] if pid_file else []
    prefix += ["--user", user] if user else []
    prefix += ["--keep-file-access"] if keep_file_access else []
    return [*prefix, "--"]


def spawn(command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Start ``command`` (prefixed by :func:`launcher`) in a session of its own, its output in ``log``."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        output.write(f"--- started {time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n".encode())
        output.flush()
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    child.returncode = 0  # it outlives this process on purpose; reap() collects it if it ends earlier


def stop(process: ProcessId, *, grace_seconds: float, first: signal.Signals = signal.SIGTERM) -> None:
    """End ``process``: ``first``, then SIGKILL once ``grace_seconds`` are over. Nothing happens when it is gone."""
    for number, seconds in ((first, grace_seconds), (signal.SIGKILL, 10.0)):
        if not process.alive:
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while process.alive and time.monotonic() < deadline:
            time.sleep(0.05)


def owns_port(process: ProcessId, port: int) -> bool | None:
    """Whether ``process`` holds the listening TCP socket of ``port``; None where the system does not tell."""
    if not Path("/proc/net/tcp").exists():
        return None
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(Path("/proc/net") / table, port)}
    try:
        held = {_link(descriptor) for descriptor in Path(f"/proc/{process.pid}/fd").iterdir()}
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return None
    return any(f"socket:[{inode}]" in held for inode in inodes)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _listening_inodes(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTEN and int(row[1].rsplit(":", 1)[1], 16) == port]


def port_is_free(port: int) -> bool:
    """Whether nothing listens on ``port`` of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def log_tail(log: Path, lines: int = 25) -> str:
    """The last ``lines`` lines of ``log`` since the part was last started."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace").splitlines()
    starts = [index for index, line in enumerate(text) if line.startswith("--- started ")]
    return "\n".join(text[(starts[-1] + 1) if starts else 0 :][-lines:]) or "(the log is empty)"
