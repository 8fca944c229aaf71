"""Peak memory of the streaming job with a backlog, and with ten times the backlog: resident memory of its processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks import events
from benchmarks.bench import Bench
from benchmarks.landed import PIPELINE, Source, filled_topic
from benchmarks.machine import watched_memory
from benchmarks.measure import Bound, Comparison, Side, Target, interleaved, require_equal
from lake.store import store_for
from schemas.errors import LakeError
from streaming import manifest_log

TIMES: Final = 10
MOST_ROUNDS: Final = 3
"""The greatest of many samples varies little, and a round lands eleven backlogs."""


class JobFailedError(LakeError):
    """The streaming job ended with an error."""


def measure(bench: Bench) -> list[Comparison]:
    """The peak at ten times the backlog ÷ the peak at once; each attempt is a job of its own, from start to end."""
    with (
        filled_topic(bench, bench.rows) as once,
        filled_topic(bench, bench.rows, repeat=TIMES, name="broker-10") as tenfold,
    ):
        peaks = interleaved(
            min(bench.repeats, MOST_ROUNDS),
            {
                "backlog": lambda _: peak_of_job(once, bench.folder("memory"), bench.rows),
                "backlog × 10": lambda _: peak_of_job(tenfold, bench.folder("memory"), bench.rows * TIMES),
            },
            warm_up=0,
        )
    return [
        Comparison(
            number="memory",
            title="peak memory of the streaming job at 10× backlog ÷ 1×",
            ours=Side("10×", peaks["backlog × 10"], "MiB"),
            peer=Side("1×", peaks["backlog"], "MiB"),
            target=Target(Bound.AT_MOST, 1.1),
            rows=bench.rows * TIMES,
            note="resident memory of the job's Python and JVM together, its limits and batch size as by default",
        )
    ]


def peak_of_job(source: Source, lake: Path, rows: int) -> float:
    """Runs the job once over a topic; the greatest resident memory of its processes, in MiB.

    Raises:
        JobFailedError: it failed; carries the end of its log.
        ResultsDifferError: it did not land all rows.
    """
    arguments = {
        "--pipeline": PIPELINE,
        "--bootstrap": source.bootstrap_servers,
        "--registry": source.registry,
        "--lake-uri": lake.as_uri(),
        "--tables": events.TABLE,
        "--once": "true",
    }
    words = [word for pair in arguments.items() for word in pair]
    command = [sys.executable, "-m", "streaming.kafka_to_landing", *words]
    log = lake / "job.log"
    with log.open("wb") as output:
        job = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TZ": "UTC"})
        with watched_memory(job.pid) as peak:
            code = job.wait()
    if code != 0:
        end = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise JobFailedError(f"exit code {code}:\n{end}", where="streaming.kafka_to_landing", remedy="see its log")
    landed = sum(manifest.rows for manifest in manifest_log.after(store_for(lake.as_uri()), events.TABLE, 0))
    require_equal(landed, rows, "peak memory (rows landed)")
    return peak.bytes / 2**20
