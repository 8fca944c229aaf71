"""A process with one Spark session whose lake lies on S3: does what it is asked for, a line of JSON each way.

The session of the other tests has no S3 on its class path, and a JVM's class path stands once it has started.
`S3Session` is the asker's side.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from pyspark.sql import SparkSession

from glue_jobs import entries
from lake.kafka_auth import IAM
from lake.session import kafka_conf, spark_session, tuned
from streaming import kafka
from streaming.job import StreamSettings
from tests.support import retail
from tests.support.envelopes import Json

LAKE: Final = "s3://lake/retail"
ROWS: Final[dict[str, list[Json]]] = {
    "customer": [retail.customer(1), retail.customer(2, email="nobody")],
    "product": [retail.product(1)],
    "order": [retail.order(7)],
    "order_item": [retail.order_item(7, 1), retail.order_item(7, 2, quantity=1)],
}
MARK: Final = "answer "
"""What an answer's line begins with; the JVM writes lines of its own."""

# So that a fault that stays is told after seconds: Spark's own S3A goes on for minutes.
_IMPATIENT: Final = {
    "spark.hadoop.fs.s3a.attempts.maximum": "3",
    "spark.hadoop.fs.s3a.retry.limit": "3",
    "spark.hadoop.fs.s3a.retry.interval": "50ms",
    "spark.hadoop.fs.s3a.retry.throttle.interval": "50ms",
}


def serve(scratch: Path) -> None:
    """Answers until its input ends."""
    spark = spark_session(
        "s3",
        lake_uri=LAKE,
        catalog_uri="glue",
        memory="1g",
        scratch=scratch,
        extra={"spark.sql.shuffle.partitions": "2", **_IMPATIENT, **tuned(small=True), **kafka_conf(IAM)},
    )
    asked: dict[str, Callable[..., Any]] = {"land": partial(_land, spark), "run": _run, "where": _where}
    asked["describe"] = partial(_describe, spark)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            told = {"answer": asked[name](*arguments)}
        except Exception as error:  # noqa: BLE001 - the asker is told
            told = {"error": type(error).__name__, "text": str(error)[:4000]}
        print(f"{MARK}{json.dumps(told)}", flush=True)
    spark.stop()


def _land(spark: SparkSession, *tables: str) -> None:
    retail.land_retail(spark, LAKE, {table: ROWS[table] for table in tables})


def _run(entry: str, *more: str) -> list[Any]:
    """Runs an entry as Glue's script does; the lines that it printed."""
    shown = io.StringIO()
    with redirect_stdout(shown):
        entries.run(
            ["job.py", "--JOB_NAME", "job", "--entry", entry, "--pipeline", "retail", "--lake-uri", LAKE, *more]
        )
    return [json.loads(line) for line in shown.getvalue().splitlines()]


def _describe(spark: SparkSession, bootstrap: str) -> None:
    """Asks a broker for a topic, as the streaming job does that logs in by IAM."""
    options = StreamSettings("retail", bootstrap, "glue", LAKE, kafka_auth=IAM).client_options()
    kafka.topic_states(spark, options, {"customer": "retail.customer.cdc"}, timeout_ms=1500)


def _where() -> str:
    return str(entries.__file__)


class FailedError(Exception):
    """What was asked for failed; `kind` is the error's type."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {text}")


@dataclass(frozen=True)
class S3Session:
    """The process, as the asker sees it."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def running(cls, environment: Mapping[str, str], folder: Path) -> Iterator[Self]:
        """Starts it, and ends it with the block.

        Args:
            environment: its variables.
            folder: its working folder, and its own.
        """
        command = [sys.executable, "-m", "tests.support.s3_session", str(folder)]
        log = folder / "log"
        with log.open("w") as errors:
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                command, cwd=folder, env=dict(environment), stdin=pipe, stdout=pipe, stderr=errors, text=True
            )
            try:
                yield cls(process)
                process.communicate(timeout=60)
            finally:
                process.kill()
                process.wait()

    def ask(self, what: str, *arguments: str) -> Any:
        """Asks for a thing, and waits for it.

        Raises:
            FailedError: it failed.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, *arguments]) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith(MARK):
                told = json.loads(line.removeprefix(MARK))
                if "error" in told:
                    raise FailedError(told["error"], told["text"])
                return told["answer"]
        raise FailedError("EndOfProcess", "see its log")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
