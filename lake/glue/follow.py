"""A run from its start to its end: its states and its log as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from lake.glue.run_log import RunLog
from lake.glue.runs import SUCCEEDED, Run, look
from schemas.errors import LakeError

POLL_SECONDS: Final = 5.0
LATE_SECONDS: Final = 2.0
"""So much later than the run's end its last lines may come."""
LAST_LINES: Final = 20


class RunFailedError(LakeError):
    """The run ended, and not well."""


@dataclass
class Follower:
    """Follows a run.

    Args:
        client: of Glue.
        log: the run's.
        on_state: told each state that the run comes to.
        on_line: told each line of its log.
        quotes: whether the error of a failed run holds the end of its log, for those who were shown none of it.
        sleep: waits so many seconds.
    """

    client: Any
    log: RunLog
    on_state: Callable[[Run], None]
    on_line: Callable[[str], None]
    quotes: bool = True
    sleep: Callable[[float], None] = time.sleep
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def to_end(self, run: Run) -> Run:
        """Waits for the run's end.

        Raises:
            RunFailedError: it ended and did not succeed; holds what Glue says of it, and the end of its log.
            AwsError: AWS does not answer or refuses; the run goes on.
        """
        self.on_state(run)
        while not run.ended:
            now = look(self.client, run)
            self._read()
            if now.state != run.state:
                self.on_state(now)
            run = now
            self.sleep(LATE_SECONDS if run.ended else POLL_SECONDS)
        self._read()
        if run.state != SUCCEEDED:
            raise self._failed(run)
        return run

    def _read(self) -> None:
        for line in self.log.new_lines():
            self.last_lines.append(line)
            self.on_line(line)

    def _failed(self, run: Run) -> RunFailedError:
        what = f"the run ended as {run.state}" + (f": {run.error}" if run.error else "")
        end = "\n".join(self.last_lines) if self.quotes else ""
        shown = f"\nthe end of its log:\n{end}" if end else ""
        remedy = f"see the whole log in {self.log.group}, streams {self.log.streams}; then run it again"
        return RunFailedError(what + shown, where=f"{run.job}, run {run.id}", remedy=remedy)
