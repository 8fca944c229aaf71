"""How a process is watched: by a job's arguments, or by the settings of a `lake` command."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from lake.arguments import ArgumentsError, option
from lake.watch import logs
from lake.watch.lineage import Lineage
from lake.watch.transport import transport_for
from lake.watch.watch import MetricSink, Watch

LOG_FORMATS: Final = ("text", "json")
METRICS: Final = ("none", "stdout")
LOG_FILE: Final = "lake.log"
METRICS_FILE: Final = "metrics.jsonl"
_KEPT_BYTES: Final = 4 * 1024 * 1024
_RUN_ID: Final = "--JOB_RUN_ID"


@dataclass(frozen=True, kw_only=True)
class WatchArgs:
    """Arguments that every job takes beside its own.

    Raises:
        ArgumentsError: a word is none of those an argument takes.
        LineageAddressError: the address of the lineage is none.
    """

    environment: str = option("the environment, a dimension of the metrics: dev, prod, …", default="local")
    correlation_id: str = option("ties the hops of one run of the route together; else the job run's id", default="")
    metrics: str = option("none or stdout (Embedded Metric Format); else stdout on Glue and none elsewhere", default="")
    log_format: str = option("text or json; else json on Glue and text elsewhere", default="")
    lineage_uri: str = option(
        "where OpenLineage events go: http(s)://…, file:///… or console; else nowhere", default=""
    )

    def __post_init__(self) -> None:
        """Check the words and the address."""
        transport_for(self.lineage_uri)
        for name, value, words in (("metrics", self.metrics, METRICS), ("log-format", self.log_format, LOG_FORMATS)):
            if value and value not in words:
                raise ArgumentsError("unknown word", where=f"--{name}", remedy=f"give {' or '.join(words)}")


@contextmanager
def job_watch(args: WatchArgs, argv: Sequence[str], pipeline: str) -> Iterator[Watch]:
    """Watches a job's process: log lines to stderr, metrics to stdout, lineage where the arguments say.

    Args:
        args: the job's arguments.
        argv: as `sys.argv`; Glue passes the run's id in it.
        pipeline: name of the pipeline.

    Raises:
        LineageAddressError: the address of the lineage is none.
    """
    from lake.session import on_glue  # with Spark, which a command that needs none does without

    run_id = args.correlation_id or glue_run_id(argv) or str(uuid.uuid4())
    fixed = {"environment": args.environment, "pipeline": pipeline, "run": run_id}
    as_json = (args.log_format or ("json" if on_glue() else "text")) == "json"
    to_stdout = (args.metrics or ("stdout" if on_glue() else "none")) == "stdout"
    metrics = print_line if to_stdout else None
    with (
        logs.configured(logging.StreamHandler(sys.stderr), fixed, as_json=as_json),
        _watch(pipeline, args.environment, run_id, metrics, args.lineage_uri) as watch,
    ):
        yield watch


@contextmanager
def command_watch(pipeline: str, environment: str, lineage_uri: str, folder: Path, *, as_json: bool) -> Iterator[Watch]:
    """Watches a `lake` command: log lines and metrics go to files, the newest few MiB of each; warnings are shown too.

    Args:
        pipeline: name of the pipeline.
        environment: as the setting says.
        lineage_uri: likewise.
        folder: where `lake.log` and `metrics.jsonl` lie.
        as_json: whether log lines are JSON.

    Raises:
        LineageAddressError: the address of the lineage is none.
    """
    run_id = str(uuid.uuid4())
    with suppress(OSError):  # the files say it
        folder.mkdir(parents=True, exist_ok=True)
    fixed = {"environment": environment, "pipeline": pipeline, "run": run_id}
    metrics = _MetricsFile(folder / METRICS_FILE, maxBytes=_KEPT_BYTES, backupCount=1, encoding="utf-8", delay=True)
    lines = _LogFile(folder / LOG_FILE, maxBytes=_KEPT_BYTES, backupCount=1, encoding="utf-8", delay=True)
    with (
        closing(metrics),
        logs.configured(lines, fixed, as_json=as_json, also=(logs.warnings_only(),)),
        _watch(pipeline, environment, run_id, metrics.write, lineage_uri) as watch,
    ):
        yield watch


def glue_run_id(argv: Sequence[str]) -> str:
    """The id that Glue gives the run; empty elsewhere."""
    for place, word in enumerate(argv):
        if word.startswith(f"{_RUN_ID}="):
            return word.partition("=")[2]
        if word == _RUN_ID and place + 1 < len(argv):
            return argv[place + 1]
    return ""


def print_line(line: str) -> None:
    """One line on stdout, in one piece."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _watch(
    pipeline: str, environment: str, run_id: str, metrics: MetricSink | None, lineage_uri: str
) -> Iterator[Watch]:
    transport = transport_for(lineage_uri)
    namespace = f"medallion-lake.{environment}"
    lineage = Lineage(namespace, pipeline, transport.send, transport.close) if transport else None
    watch = Watch(pipeline, environment, run_id, metrics, lineage)
    try:
        yield watch
    finally:
        watch.close()


class _LogFile(RotatingFileHandler):
    """A log file that takes no more is said once, in a line, instead of with each line that it does not take."""

    said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the base class's signature
        """See `logging.Handler.handleError`."""
        if not self.said:
            self.said = True
            reason = type(sys.exc_info()[1]).__name__
            sys.stderr.write(f"the log file takes no lines ({reason}): {self.baseFilename}\n")


class _MetricsFile(RotatingFileHandler):
    """Raises what goes wrong: the watch says it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the base class's signature
        """See `logging.Handler.handleError`."""
        raise  # noqa: PLE0704 - called while the error is handled

    def write(self, line: str) -> None:
        """Adds a line; threads wait for each other."""
        self.handle(logging.LogRecord("metrics", logging.INFO, "", 0, line, None, None))
