"""Entry of hop 1, Kafka → landing: `python -m streaming.kafka_to_landing --pipeline retail …`; on Glue, the script."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

from lake.arguments import parse
from lake.session import job_session, kafka_conf
from lake.watch import OFF, Watch
from lake.watch.options import job_watch
from schemas.errors import LakeError
from streaming.arguments import StreamArgs
from streaming.job import Summary, run_once, run_until_stopped

log = logging.getLogger("streaming")

SESSION: Final = {
    # Rows of few hours at a time: a writer for each costs less than sorting every task's rows by hour first.
    "spark.sql.maxConcurrentOutputFileWriters": "8",
    "spark.sql.streaming.minBatchesToRetain": "2",
}


def main(argv: Sequence[str]) -> int:
    """Runs the job; the exit code.

    SIGTERM and SIGINT end it after the batch in hand; a second one ends it at once, which costs nothing but that batch.

    Args:
        argv: as `sys.argv`: the program first.

    Raises:
        LakeError: an argument is wrong, or a table failed; what is committed stays.
    """
    args = parse(StreamArgs, argv)
    with job_watch(args, argv, args.pipeline) as watch:
        try:
            summary = run(args, stop_on_signals(), watch)
        except LakeError as error:
            log.error("%s: %s", type(error).__name__, error)
            raise
        log.info("ended: %d rows landed, %d dead letters", summary.rows, summary.dead_letters)
    return 0


def run(args: StreamArgs, stopping: threading.Event, watch: Watch = OFF) -> Summary:
    """Runs the job in a session of its own, or in the active one."""
    settings = args.settings
    extra = SESSION | kafka_conf(settings.kafka_auth)
    with job_session("kafka_to_landing", lake_uri=settings.lake_uri, catalog_uri="glue", extra=extra) as spark:
        if args.once:
            return run_once(spark, settings, stopping=stopping, watch=watch)
        return run_until_stopped(spark, settings, args.trigger_seconds, stopping, watch=watch)


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets; the next one acts as if nobody listened."""
    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        log.info("%s: ending after the batch in hand", signal.Signals(number).name)
        stopping.set()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    return stopping


def ended() -> int:
    """`main` on the process's arguments; an error is shown in one piece, without values, and ends with exit code 1."""
    try:
        return main(sys.argv)
    except LakeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(ended())
