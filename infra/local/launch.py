"""Becomes a part's process: records its own pid, changes user when asked, and replaces itself by the command.

Run by path (``python -I launch.py --pid-file F [--user NAME] -- command…``), standard library only. The pid stays
the same across ``exec``, so a pid file exists before the part does and no process can be lost by a kill in between.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def start_token(pid: int) -> str | None:
    """A text that is equal for one life of one process only; None when the process is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _start_token_by_ps(pid)
    fields = stat.rsplit(")", 1)[1].split()
    if fields[0] in {"Z", "X"}:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def _start_token_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split(None, 1)
    return None if len(shown) < 2 or shown[0].startswith("Z") else shown[1].strip()


def write_pid_file(path: Path) -> None:
    """Write this process's pid and start token, atomically."""
    pid = os.getpid()
    partial = path.with_suffix(f".{pid}")
    partial.write_text(json.dumps({"pid": pid, "started": start_token(pid)}))
    partial.replace(path)


def become(user: str, *, keep_file_access: bool) -> None:
    """Switch to ``user``; with ``keep_file_access`` keep the right to pass folders that only root may enter.

    PostgreSQL refuses to run as root, yet a clone under ``/root`` is closed to other users. Keeping one capability
    leaves every folder's mode as it is.
    """
    entry = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_file_access:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    os.environ.update(HOME="/nonexistent", USER=user, LOGNAME=user)
    if keep_file_access:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot keep CAP_DAC_OVERRIDE")


def main(argv: list[str]) -> None:
    """Parse, record, switch user, exec."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pid-file", type=Path)
    parser.add_argument("--user")
    parser.add_argument("--keep-file-access", action="store_true")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args(argv)
    if args.pid_file:
        write_pid_file(args.pid_file)
    os.umask(0o077)
    if args.user:
        become(args.user, keep_file_access=args.keep_file_access)
    os.execvp(args.command[0], args.command)


if __name__ == "__main__":
    main(sys.argv[1:])
