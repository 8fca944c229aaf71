"""Progress of downloads on stderr: a bar on a terminal, else one line every ten per cent."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


class DownloadProgress:
    """Counts bytes towards a total.

    Args:
        title: what is fetched.
        total: bytes to come.
    """

    def __init__(self, title: str, total: int) -> None:
        self._console = Console(stderr=True)
        self._title, self._total, self._done, self._shown = title, total, 0, 0
        self._bar = Progress(
            TextColumn(title),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("fetch", total=total)

    def advance(self, count: int) -> None:
        """``count`` more bytes are here."""
        self._done += count
        self._bar.advance(self._task, count)
        tenth = 10 * self._done // max(1, self._total)
        if not self._console.is_terminal and tenth > self._shown:
            self._shown = tenth
            print(f"{self._title}: {self._done / 1e6:.0f} of {self._total / 1e6:.0f} MB", file=sys.stderr)

    def __enter__(self) -> DownloadProgress:  # noqa: PYI034 - Self would say no more
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
