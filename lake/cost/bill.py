"""A month's bill of an environment, line by line, from what a volume needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lake.cost.sizing import Rates, Sizing, Volume, sized
from lake.cost.tables import Environment, Prices
from lake.metrics import METRICS

DAYS: Final = 365 / 12
READERS: Final = 2
"""The streaming job, and the warehouse's streaming views."""
DAYS_KEPT: Final = 365
"""Staging, star and warehouse are told at the size that they have after so many days."""
DECODED_A_CALL: Final = 1_000
"""Records of a call of the decoding function, of 512 MB for a tenth of a second; assumed."""
TRANSITIONS_A_RUN: Final = 12
OBJECTS_A_RUN: Final = 40
"""Objects that a run writes for a table: data, Iceberg's metadata, load files, manifests; assumed."""
LOG_BYTES_A_DAY: Final = 200e6
"""Logs of jobs, Connect and brokers; assumed, for they hardly follow the volume."""
CRAWLS_A_DAY: Final = 1
CRAWL_HOURS: Final = 10 / 60
"""Glue bills a crawl as ten minutes at least."""


@dataclass(frozen=True)
class Line:
    """A line of the bill: part of the lake, what, how much of it in the price's unit, and USD a month."""

    part: str
    item: str
    quantity: float
    unit: str
    usd: float


@dataclass(frozen=True)
class Bill:
    """A month of an environment."""

    volume: Volume
    sizing: Sizing
    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """USD a month."""
        return sum(line.usd for line in self.lines)

    @property
    def parts(self) -> dict[str, float]:
        """USD a month by part of the lake, in the order of the route."""
        found: dict[str, float] = {}
        for line in self.lines:
            found[line.part] = found.get(line.part, 0.0) + line.usd
        return found


def bill_of(volume: Volume, environment: Environment, prices: Prices, rates: Rates) -> Bill:
    """A month's bill.

    Args:
        volume: what the source does.
        environment: sizes; workers grow beyond them where the volume needs it.
        prices: unit prices.
        rates: what a core does.

    Raises:
        CostError: a price is missing.
    """
    needed = sized(volume, runs_a_day=environment.batch.runs_a_day, rates=rates)
    month = _Month(volume, needed, environment, prices, rates)
    parts = (
        month.kafka,
        month.capture,
        month.stream,
        month.batch,
        month.lake,
        month.warehouse,
        month.network,
        month.watching,
    )
    return Bill(volume, needed, tuple(line for part in parts for line in part() if line.quantity > 0))


def custom_metrics(tables: int) -> int:
    """Metrics that CloudWatch bills: one a name and set of dimensions; the star is taken to have as many tables."""
    return sum(len(item.hops) * (1 + (tables if item.by_table else 0)) for item in METRICS)


@dataclass(frozen=True)
class _Month:
    volume: Volume
    needed: Sizing
    environment: Environment
    prices: Prices
    rates: Rates

    @property
    def hours(self) -> float:
        return self.prices.hours_a_month

    @property
    def gb(self) -> float:
        """GB into Kafka in a month."""
        return self.volume.gb_a_day * DAYS

    def line(self, part: str, item: str, count: float) -> Line:
        price = self.prices.of(item)
        quantity = count / price.units
        return Line(part, item, quantity, price.unit, quantity * price.usd)

    def kafka(self) -> Iterator[Line]:
        size = self.environment.kafka
        stored = self.volume.gb_a_day * self.environment.days.kafka
        if size.kind == "serverless":
            partitions = self.needed.partitions * self.volume.tables
            readers = READERS if self.environment.warehouse.refreshes else READERS - 1
            yield self.line("Kafka", "kafka.serverless.cluster", self.hours)
            yield self.line("Kafka", "kafka.serverless.partition", partitions * self.hours)
            yield self.line("Kafka", "kafka.serverless.in", self.gb)
            yield self.line("Kafka", "kafka.serverless.out", self.gb * readers)
            yield self.line("Kafka", "kafka.storage", stored)
        else:
            yield self.line("Kafka", size.broker, size.brokers * self.hours)
            # Three copies; the disks are never smaller than they were made.
            yield self.line("Kafka", "kafka.storage", max(size.brokers * size.gb, 3 * stored / 0.8))

    def capture(self) -> Iterator[Line]:
        size = self.environment.connect
        yield self.line("capture", "connect.mcu", size.workers * size.mcus * self.hours)

    def stream(self) -> Iterator[Line]:
        # The mean, and one worker for the driver: Glue's own scaling follows the volume down.
        size = self.environment.stream
        mean_dpus = self.needed.stream_cores / self.volume.peak / 4
        yield self.line("hop 1", "glue.dpu", max(size.dpus, size.dpus / size.workers + mean_dpus) * self.hours)

    def batch(self) -> Iterator[Line]:
        size = self.environment.batch
        dpus = max(size.dpus, size.dpus / size.workers + self.needed.batch_cores / 4)
        runs = self.needed.runs_a_day * DAYS
        yield self.line("hops 2 to 4", "glue.dpu", runs * dpus * self.needed.batch_seconds / 3600)
        load_dpus = size.dpus / size.workers * 2
        yield self.line("hops 2 to 4", "glue.dpu", runs * load_dpus * self.rates.load_seconds / 3600)
        yield self.line("hops 2 to 4", "glue.dpu", CRAWLS_A_DAY * DAYS * CRAWL_HOURS)
        yield self.line("hops 2 to 4", "states.transitions", runs * TRANSITIONS_A_RUN)

    def lake(self) -> Iterator[Line]:
        landing = self.needed.landing_gb_a_day * self.environment.days.landing
        kept = self.needed.kept_gb_a_day * DAYS_KEPT
        yield self.line("lake", "s3.standard", landing + 2 * kept)
        writes = (self.needed.landing_files_a_day + self.needed.runs_a_day * self.volume.tables * OBJECTS_A_RUN) * DAYS
        yield self.line("lake", "s3.put", writes)
        yield self.line("lake", "s3.get", writes * 5)
        yield self.line("lake", "backup.s3", kept)

    def warehouse(self) -> Iterator[Line]:
        size = self.environment.warehouse
        loads = self.needed.runs_a_day * DAYS * self.rates.load_seconds / 3600
        if size.kind == "serverless":
            # A query is billed as a minute at least, so a refresh each minute is the whole month.
            yield self.line("warehouse", "redshift.rpu", size.rpus * (self.hours if size.refreshes else loads))
        else:
            yield self.line("warehouse", size.node, size.nodes * self.hours)
        stored = self.needed.kept_gb_a_day * DAYS_KEPT * 2
        yield self.line("warehouse", "redshift.storage", stored)
        if size.refreshes:
            calls = self.volume.events_a_day * DAYS / DECODED_A_CALL
            yield self.line("warehouse", "lambda.requests", calls)
            yield self.line("warehouse", "lambda.duration", calls * 0.1 * 0.5)

    def network(self) -> Iterator[Line]:
        size = self.environment.network
        yield self.line("network", "nat", size.gateways * self.hours)
        yield self.line("network", "endpoint", size.endpoints * size.zones * self.hours)
        yield self.line("network", "endpoint.data", self.gb)

    def watching(self) -> Iterator[Line]:
        size = self.environment.watching
        yield self.line("watching, keys", "kms.key", size.keys)
        yield self.line("watching, keys", "secret", size.secrets)
        yield self.line("watching, keys", "logs.ingested", LOG_BYTES_A_DAY * DAYS / 1e9)
        yield self.line("watching, keys", "metric", custom_metrics(self.volume.tables))
        yield self.line("watching, keys", "alarm", size.alarms)
        yield self.line("watching, keys", "dashboard", size.dashboards)
