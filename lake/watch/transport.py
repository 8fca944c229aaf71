"""Where lineage goes: a file, the console, an HTTP server; by the setting `lineage_uri`, and nowhere without it.

Sending to a server happens beside the work, in a thread of its own: a server that is slow or gone costs a step nothing
and is said once.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlparse

from schemas.errors import LakeError

log = logging.getLogger(__name__)

KEY_VARIABLE: Final = "OPENLINEAGE_API_KEY"
"""Environment variable of the server's key, sent as a bearer token."""
PATH: Final = "/api/v1/lineage"
"""Where servers take events, if the address names no path."""
_MOST_WAITING: Final = 1_000
_SECONDS: Final = 5.0
_PAUSE: Final = 30.0
"""How long nothing is sent to a server that did not answer."""


class LineageAddressError(LakeError):
    """The setting names no transport."""


class Transport(Protocol):
    """Takes events; `send` never waits for long, `close` at most a few seconds."""

    def send(self, event: dict[str, Any]) -> None:
        """Hands over one event."""

    def close(self) -> None:
        """Waits a moment for what is on its way."""


@dataclass
class Console:
    """One line of JSON on stdout."""

    def send(self, event: dict[str, Any]) -> None:
        """See `Transport.send`."""
        sys.stdout.write(_line(event))
        sys.stdout.flush()

    def close(self) -> None:
        """See `Transport.close`."""


@dataclass
class File:
    """One line of JSON at the end of a file; several processes may write it."""

    path: Path

    def send(self, event: dict[str, Any]) -> None:
        """See `Transport.send`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as lines:  # one write, which no other writer's comes in between
            lines.write(_line(event).encode())

    def close(self) -> None:
        """See `Transport.close`."""


@dataclass
class Http:
    """An OpenLineage server, by POST, in a thread of its own; what it does not take is dropped."""

    url: str
    seconds: float = _SECONDS
    pause: float = _PAUSE
    clock: Callable[[], float] = time.monotonic
    _waiting: queue.Queue[dict[str, Any]] = field(default_factory=lambda: queue.Queue(_MOST_WAITING))
    _thread: threading.Thread | None = None
    _silent_until: float = 0.0
    _told: bool = False

    def send(self, event: dict[str, Any]) -> None:
        """See `Transport.send`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="lineage", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._tell("does not keep up")

    def close(self) -> None:
        """See `Transport.close`."""
        end = self.clock() + self.seconds
        while self._waiting.unfinished_tasks and self.clock() < end:
            time.sleep(0.01)

    def _work(self) -> None:
        while True:
            event = self._waiting.get()
            try:
                if self.clock() >= self._silent_until:
                    self._post(event)
            except (OSError, ValueError) as error:
                self._silent_until = self.clock() + self.pause
                status = f" {error.code}" if isinstance(error, urllib.error.HTTPError) else ""
                self._tell(f"takes no events ({type(error).__name__}{status})")
            finally:
                self._waiting.task_done()

    def _post(self, event: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(KEY_VARIABLE)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, json.dumps(event).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=self.seconds):
            self._told = False

    def _tell(self, what: str) -> None:
        if not self._told:
            self._told = True
            log.warning("the lineage server %s; the run goes on without", what)


def transport_for(uri: str) -> Transport | None:
    """The transport of an address; none for the empty one.

    Args:
        uri: `console`, `file:///<file of JSON lines>`, or `http(s)://host:port[/path]`.

    Raises:
        LineageAddressError: it is none of these, or holds a user or password.
    """
    if not uri:
        return None
    if uri == "console":
        return Console()
    parsed = urlparse(uri)
    if parsed.scheme == "file" and parsed.path.strip("/"):
        return File(Path(unquote(parsed.path)))
    if parsed.scheme in ("http", "https") and parsed.hostname and "@" not in parsed.netloc:
        return Http(uri if parsed.path.strip("/") else uri.rstrip("/") + PATH)
    remedy = f"give console, file:///… or http(s)://host:port; a server's key goes into {KEY_VARIABLE}"
    raise LineageAddressError("not an address of a lineage transport", where="lineage_uri", remedy=remedy)


def _line(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":")) + "\n"
