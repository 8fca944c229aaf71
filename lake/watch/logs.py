"""Log lines: JSON on Glue, text here, each with the ids that tie the hops together, and never with values of the data.

Built on the standard library's `logging`. The text of an exception that is none of ours may hold values of the data, so
only its type and the places it passed are told.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.errors import LakeError

OURS: Final = ("streaming", "glue_jobs", "lake", "redshift_sql", "schemas")
"""Loggers whose information is told; of any other only warnings are."""
FIELDS: Final = "lake_fields"
"""Attribute of a log record: what its line says beside the message."""
STEPS: Final = "lake.watch.steps"
"""Logger of what becomes of steps."""
_STEP: ContextVar[Mapping[str, object] | None] = ContextVar("step", default=None)


@contextmanager
def fields(values: Mapping[str, object]) -> Iterator[None]:
    """Within it, every log line of this thread has these fields; a mapping that grows tells what it holds by then."""
    token = _STEP.set(values)
    try:
        yield
    finally:
        _STEP.reset(token)


class WithFields(logging.Filter):
    """Puts on each record the fields of the process and of the step it belongs to."""

    def __init__(self, fixed: Mapping[str, object]) -> None:
        super().__init__()
        self.fixed = dict(fixed)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        own = getattr(record, FIELDS, {})
        setattr(record, FIELDS, {**self.fixed, **(_STEP.get() or {}), **own})
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the fields, and of an exception type and places."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        body: dict[str, object] = {
            "time": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1]:
            body |= {"error": named(record.exc_info[1]), "places": _places(record.exc_info[1])}
        return json.dumps(body, default=str)


class TextLines(logging.Formatter):
    """The same for people: time, level, message, then the fields as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        own: Mapping[str, object] = getattr(record, FIELDS, {})
        words = [f"{name}={value}" for name, value in own.items() if value not in ("", None)]
        text = f"{_instant(record)} {record.levelname} {record.getMessage()}"
        text += f" [{' '.join(words)}]" if words else ""
        if record.exc_info and record.exc_info[1]:
            text += "".join(f"\n  {part}" for part in (named(record.exc_info[1]), *_places(record.exc_info[1])))
        return text


def warnings_only() -> logging.Handler:
    """Warnings to stderr as their plain text; what becomes of steps is left out, for a command tells it itself."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name != STEPS)
    return handler


def named(error: BaseException) -> str:
    """An error as a log may tell it: ours in full, of any other the type alone."""
    return f"{type(error).__name__}: {error}" if isinstance(error, LakeError) else type(error).__name__


@contextmanager
def configured(
    handler: logging.Handler, fixed: Mapping[str, object], *, as_json: bool, also: tuple[logging.Handler, ...] = ()
) -> Iterator[None]:
    """Within it, all logs of the process go out by `handler`.

    Args:
        handler: where lines go.
        fixed: fields of every line.
        as_json: JSON lines, else text.
        also: further ways out, with formatters of their own.
    """
    handler.setFormatter(JsonLines() if as_json else TextLines())
    handler.addFilter(WithFields(fixed))
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in OURS]
    before, levels = list(root.handlers), [(item, item.level) for item in (root, *ours)]
    root.handlers[:] = [handler, *also]
    root.setLevel(logging.WARNING)
    for item in ours:
        item.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = before
        for item, level in levels:
            item.setLevel(level)
        handler.close()


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
