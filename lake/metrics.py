"""The metric catalogue: every metric that the hops emit to CloudWatch, as frozen data.

Emission, alarms, dashboards and documents all read it, so a metric has one name, unit and meaning. CloudWatch takes one
custom metric per name and set of dimension values; each metric here has at most one set by table and one by hop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "MedallionLake"
"""CloudWatch namespace of all metrics."""

ENVIRONMENT: Final = "environment"
PIPELINE: Final = "pipeline"
HOP: Final = "hop"
TABLE: Final = "table"
BY_HOP: Final = (ENVIRONMENT, PIPELINE, HOP)
BY_TABLE: Final = (ENVIRONMENT, PIPELINE, HOP, TABLE)


class Hop(StrEnum):
    """Values of the dimension `hop`."""

    LANDING = "landing"
    STAGING = "staging"
    CURATED = "curated"
    WAREHOUSE = "warehouse"
    RECONCILE = "reconcile"
    MAINTENANCE = "maintenance"


class Unit(StrEnum):
    """Units, spelled as CloudWatch's `StandardUnit`."""

    COUNT = "Count"
    SECONDS = "Seconds"
    BYTES = "Bytes"


class Statistic(StrEnum):
    """The CloudWatch statistic in which a metric is read; any other of it misleads."""

    SUM = "Sum"
    MAXIMUM = "Maximum"


@dataclass(frozen=True)
class Metric:
    """One metric.

    `hops`: those that emit it. `by_table`: whether it is emitted with `BY_TABLE` and, all tables together, with
    `BY_HOP`; else with `BY_HOP` alone.
    """

    name: str
    unit: Unit
    statistic: Statistic
    by_table: bool
    hops: tuple[Hop, ...]
    meaning: str

    @property
    def dimension_sets(self) -> tuple[tuple[str, ...], ...]:
        """The sets of dimensions that each value is emitted with."""
        return (BY_TABLE, BY_HOP) if self.by_table else (BY_HOP,)


_ROUTE: Final = (Hop.LANDING, Hop.STAGING, Hop.CURATED, Hop.WAREHOUSE)
_LAKE: Final = (Hop.LANDING, Hop.STAGING, Hop.CURATED)
_RUNS: Final = (*_ROUTE, Hop.RECONCILE, Hop.MAINTENANCE)

METRICS: Final = (
    Metric(
        *("RowsIn", Unit.COUNT, Statistic.SUM, True, _ROUTE),
        "rows that a batch took in: records of the topic, landed rows, staged changes, rows of a load",
    ),
    Metric(
        *("RowsOut", Unit.COUNT, Statistic.SUM, True, _LAKE),
        "rows that a batch wrote: landed, accepted, versions of dimensions or rows of a fact",
    ),
    Metric(
        *("DeadLetters", Unit.COUNT, Statistic.SUM, True, _LAKE),
        "undecodable records (landing), quarantined rows (staging), facts set aside (curated)",
    ),
    Metric(
        *("RowsWarned", Unit.COUNT, Statistic.SUM, True, (Hop.STAGING,)),
        "failures of row checks of severity warn; their rows were accepted",
    ),
    Metric(
        *("ChecksFailed", Unit.COUNT, Statistic.SUM, True, (Hop.STAGING,)),
        "dataset-level expectations that failed, of either severity",
    ),
    Metric(
        *("BatchSeconds", Unit.SECONDS, Statistic.MAXIMUM, True, _LAKE),
        "duration of a batch of one table, up to its commit",
    ),
    Metric(
        *("FreshnessSeconds", Unit.SECONDS, Statistic.MAXIMUM, True, _ROUTE),
        "age, at the commit, of the newest change that a batch brought, by the source's clock; none where nothing came",
    ),
    Metric(
        *("LagRecords", Unit.COUNT, Statistic.MAXIMUM, True, (Hop.LANDING,)),
        "offsets of the topic that were there when the newest batch was planned, and that it did not reach",
    ),
    Metric(
        *("LagSeconds", Unit.SECONDS, Statistic.MAXIMUM, True, (Hop.LANDING,)),
        "age, at the commit, of the oldest record (by Kafka's clock) of a batch: how long a record waited at most",
    ),
    Metric(
        *("FilesWritten", Unit.COUNT, Statistic.SUM, True, _LAKE),
        "data files of a batch: landing and dead-letter files, files of the change log, load files",
    ),
    Metric(
        *("BytesWritten", Unit.BYTES, Statistic.SUM, True, (Hop.LANDING, Hop.CURATED)),
        "bytes of the landing and dead-letter files, of the load files",
    ),
    Metric(
        *("KeysRecomputed", Unit.COUNT, Statistic.SUM, True, (Hop.CURATED,)),
        "keys computed again from their whole log: late changes; all keys in a first promotion or at a truncate",
    ),
    Metric(
        *("FactsRestated", Unit.COUNT, Statistic.SUM, True, (Hop.CURATED,)),
        "facts that were given another version of a dimension",
    ),
    Metric(
        *("PendingManifests", Unit.COUNT, Statistic.MAXIMUM, True, (Hop.STAGING,)),
        "landing manifests that a run left unpromoted: a table that stopped",
    ),
    Metric(
        *("PendingLoads", Unit.COUNT, Statistic.MAXIMUM, False, (Hop.WAREHOUSE,)),
        "load manifests that a run left unloaded",
    ),
    Metric(
        *("LoadSeconds", Unit.SECONDS, Statistic.MAXIMUM, False, (Hop.WAREHOUSE,)),
        "duration of one load's transaction",
    ),
    Metric(
        *("RunSeconds", Unit.SECONDS, Statistic.MAXIMUM, False, _RUNS),
        "duration of a run of the hop",
    ),
    Metric(
        *("Failures", Unit.COUNT, Statistic.SUM, False, _RUNS),
        "tables that stopped in a run, or 1 where the run itself failed; 0 for a run without either",
    ),
    Metric(
        *("ReconciliationDifferences", Unit.COUNT, Statistic.MAXIMUM, True, (Hop.RECONCILE,)),
        "rows or records of a table that break the rule of an oracle",
    ),
    Metric(
        *("ReconciliationFailed", Unit.COUNT, Statistic.MAXIMUM, False, (Hop.RECONCILE,)),
        "1 where an oracle does not hold, else 0",
    ),
)
"""All metrics. The streaming job ends no run while it works: it emits `RunSeconds` and `Failures` as it ends."""

BY_NAME: Final = {metric.name: metric for metric in METRICS}
