"""The phases of a demonstration as its reader sees them pass, with the time each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from lake.demo import text
from lake.demo.model import Phase


class Steps:
    """Shows each phase as it starts and ends, and remembers how long it took."""

    def __init__(self, console: Console) -> None:
        self.done: list[Phase] = []
        self._console = console
        self._begun = time.monotonic()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase; a failure inside is passed on, and the phase is not counted as done."""
        started = time.monotonic()
        self._console.print(Text.assemble((f"{text.duration(started - self._begun):>12}  ", "dim"), (name, "bold")))
        with self._console.status(Text(name, "dim")):
            yield
        self.done.append(Phase(name, time.monotonic() - started))

    def say(self, words: str) -> None:
        """A line about the phase in hand."""
        self._console.print(Text(f"{'':>14}{text.harmless(words, 200)}", "dim"))
