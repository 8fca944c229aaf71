"""Facts about the machine that a figure depends on, and the memory of a tree of processes. No names, no addresses."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PACKAGES: Final = ("pyspark", "duckdb", "great-expectations", "confluent-kafka")


def facts() -> dict[str, str]:
    """Processor, cores, memory, operating system, and versions of what is measured."""
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return found | {name: version(name) for name in _PACKAGES}


def load_average() -> float:
    """Runnable processes over the last minute; above the number of cores, times are not to be trusted."""
    return os.getloadavg()[0]


def today() -> str:
    """The date, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@dataclass
class Peak:
    """The greatest resident memory seen, in bytes, of a process and all its descendants."""

    bytes: int = 0
    samples: int = field(default=0, repr=False)

    def see(self, resident: int) -> None:
        """Takes one sample."""
        self.bytes = max(self.bytes, resident)
        self.samples += 1


@contextmanager
def watched_memory(pid: int, every_seconds: float = 0.1) -> Iterator[Peak]:
    """Samples the resident memory of the tree under `pid` until the block ends."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            peak.see(resident_bytes(pid))
            done.wait(every_seconds)

    watcher = threading.Thread(target=watch, daemon=True, name="memory-watch")
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join(timeout=5)


def resident_bytes(pid: int) -> int:
    """Resident memory of the process and its descendants; 0 when it has ended."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    total, tree = 0, [pid]
    while tree:
        process = tree.pop()
        total += _resident(process)
        tree += children.get(process, [])
    return total


def _parent(entry: Path) -> int:
    try:
        # The command's name stands in brackets and may hold anything, so the fields are counted from its end.
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
