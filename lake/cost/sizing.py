"""From changes a day to what must be there: partitions, workers, files, bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from schemas.errors import LakeError
from streaming.sizing import partitions

SECONDS_A_DAY: Final = 86_400
GB: Final = 1e9
CORES_A_DPU: Final = 4
"""A DPU is 4 vCPUs and 16 GB (AWS Glue, "Adding jobs"); G.1X is one, G.2X two, G.025X a quarter."""
DPUS: Final = {"G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0}


class CostError(LakeError):
    """A volume, an environment or a price cannot be used."""


@dataclass(frozen=True)
class Volume:
    """What the source does.

    Args:
        events_a_day: changes of all tables.
        event_bytes: one change in Kafka, key, Avro value and headers.
        peak: changes a second at the busiest time ÷ the day's mean.
        tables: source tables, each a topic.
    """

    events_a_day: float
    event_bytes: float = 500.0
    peak: float = 5.0
    tables: int = 4

    def __post_init__(self) -> None:
        for name in ("events_a_day", "event_bytes", "peak", "tables"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise CostError(f"{name} is {value:g}", where="the volume", remedy="give a number above 0")
        if self.peak < 1:
            raise CostError(f"the peak is {self.peak:g} times the mean", where="the volume", remedy="give 1 or more")

    @property
    def mean(self) -> float:
        """Changes a second over the day."""
        return self.events_a_day / SECONDS_A_DAY

    @property
    def busiest(self) -> float:
        """Changes a second at the peak."""
        return self.mean * self.peak

    @property
    def gb_a_day(self) -> float:
        """GB into Kafka."""
        return self.events_a_day * self.event_bytes / GB


@dataclass(frozen=True)
class Rates:
    """What two cores of one machine did (docs/performance.md), and what is assumed beside it.

    Args:
        landing: changes a second through hop 1 (1,000,000 in 7.7 s).
        staging: changes a second through hop 2, expectations included (1,000,000 in 4.4 s).
        curated: changed keys a second through hop 3 (10,989 among a million keys in 10.9 s, Spark's planning included).
        fixed_seconds: what a run of hops 2 and 3 takes with nothing to do, and hop 4's wait for the warehouse.
        load_seconds: what a load takes in the warehouse beside its rows.
        use: the share of a core that is planned for.
        landed: bytes in Parquet (zstd) ÷ bytes in Kafka; assumed.
        kept: bytes of a change in staging, and again in the star, ÷ bytes in Kafka; assumed.
        file_bytes: bytes of a file after compaction.
    """

    landing: float = 130_000.0
    staging: float = 230_000.0
    curated: float = 1_000.0
    fixed_seconds: float = 60.0
    load_seconds: float = 60.0
    use: float = 0.5
    landed: float = 0.35
    kept: float = 0.35
    file_bytes: float = 128e6


MEASURED: Final = Rates()


@dataclass(frozen=True)
class Sizing:
    """What a volume needs.

    Args:
        partitions: of each topic.
        stream_cores: executor cores of the streaming job at the peak.
        batch_cores: executor cores so that a run of hops 2 and 3 ends within half its interval.
        batch_seconds: what a run then takes.
        runs_a_day: runs of the batch route.
        landing_files_a_day: files that hop 1 writes.
        landing_gb_a_day: of landing.
        kept_gb_a_day: growth of staging; the star's is of the same order.
        compacted_files_a_day: files of a day after maintenance.
    """

    partitions: int
    stream_cores: int
    batch_cores: int
    batch_seconds: float
    runs_a_day: int
    landing_files_a_day: int
    landing_gb_a_day: float
    kept_gb_a_day: float
    compacted_files_a_day: int


def sized(volume: Volume, *, runs_a_day: int = 96, trigger_seconds: float = 60.0, rates: Rates = MEASURED) -> Sizing:
    """What a volume needs.

    Args:
        volume: what the source does.
        runs_a_day: runs of the batch route.
        trigger_seconds: the streaming job's trigger.
        rates: what a core does.

    Raises:
        CostError: there is no run a day.
    """
    if runs_a_day < 1:
        raise CostError(f"{runs_a_day} runs a day", where="--runs-a-day", remedy="give 1 or more")
    cores = 2.0  # rates are those of two cores
    stream_cores = math.ceil(volume.busiest / (rates.landing / cores * rates.use))
    a_run = volume.events_a_day / runs_a_day * volume.peak
    core_seconds = cores * (a_run / rates.staging + a_run / rates.curated)
    interval = SECONDS_A_DAY / runs_a_day
    room = max(interval / 2 - rates.fixed_seconds, 1.0)
    batch_cores = max(2, math.ceil(core_seconds / room))
    mean_core_seconds = core_seconds / volume.peak
    triggers = SECONDS_A_DAY / trigger_seconds
    landed = volume.gb_a_day * rates.landed
    a_table = volume.events_a_day / volume.tables
    files = volume.tables * min(triggers * max(1, math.ceil(stream_cores / volume.tables)), a_table)
    return Sizing(
        partitions=partitions(volume.busiest / volume.tables, volume.event_bytes),
        stream_cores=max(1, stream_cores),
        batch_cores=batch_cores,
        batch_seconds=rates.fixed_seconds + mean_core_seconds / batch_cores,
        runs_a_day=runs_a_day,
        landing_files_a_day=round(files),
        landing_gb_a_day=landed,
        kept_gb_a_day=volume.gb_a_day * rates.kept,
        compacted_files_a_day=volume.tables * max(1, math.ceil(landed * GB / volume.tables / rates.file_bytes)),
    )
