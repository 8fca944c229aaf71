"""Hop 2: promotes landed changes into the change logs of staging, table by table, in bounded batches.

A batch is staged on a branch of the change log, judged, then published by one atomic commit that carries the progress.
Whatever a crash leaves (a branch, quarantined rows above the progress) counts for no reader; the next run replaces it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Final

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, landing, staging_tables
from glue_jobs.transforms import conform as conforming
from glue_jobs.transforms import quality
from lake.store import Store, store_for
from schemas import columns as c
from schemas.errors import ContractError, LakeError
from schemas.manifests import LandingManifest
from schemas.model import Pipeline, SourceContract

MAX_MANIFESTS: Final = 60
"""Manifests a batch takes at most: an hour of one-minute batches."""


@dataclass(frozen=True)
class TableOutcome:
    """What one run promoted of one table: rows by fate, failed checks by name, and the error that stopped it, if any."""

    table: str
    progress: int = 0
    batches: int = 0
    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)
    clock_flagged: int = 0
    seconds: float = 0.0
    error: LakeError | None = None

    def plus(self, other: TableOutcome) -> TableOutcome:
        """Both in one; progress and error are the other's."""
        return TableOutcome(
            table=self.table,
            progress=other.progress,
            batches=self.batches + other.batches,
            rows=self.rows + other.rows,
            accepted=self.accepted + other.accepted,
            quarantined=self.quarantined + other.quarantined,
            reasons=dict(Counter(self.reasons) + Counter(other.reasons)),
            warned=dict(Counter(self.warned) + Counter(other.warned)),
            clock_flagged=self.clock_flagged + other.clock_flagged,
            seconds=self.seconds + other.seconds,
            error=other.error,
        )

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "progress": self.progress,
            "batches": self.batches,
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "reasons": dict(sorted(self.reasons.items())),
            "warned": dict(sorted(self.warned.items())),
            "clock_flagged": self.clock_flagged,
            "seconds": round(self.seconds, 3),
            "error": None if self.error is None else str(self.error),
        }


Report = Callable[[TableOutcome], None]
"""Called after each batch of a table with what that batch did."""


def promote_staging(
    spark: SparkSession,
    pipeline: Pipeline,
    lake_uri: str,
    *,
    tables: Sequence[str] = (),
    max_manifests_per_batch: int = MAX_MANIFESTS,
    quality_uri: str | None = None,
    report: Report | None = None,
) -> tuple[TableOutcome, ...]:
    """Promotes everything that landed and is not in staging yet.

    A table whose error is its own (an incompatible schema, a failed expectation, a gap) stops alone: its outcome has
    the error, and the others go on.

    Args:
        spark: a session with the Iceberg catalog.
        pipeline: the contracts.
        lake_uri: root of the pipeline's lake.
        tables: source tables to promote; all when empty.
        max_manifests_per_batch: bounds a batch, and with it memory and the work lost by a crash.
        quality_uri: where Data Docs go; `{lake_uri}/quality` where none is given.
        report: told after each batch.

    Raises:
        ContractError: a table is not in the pipeline.
    """
    store = store_for(lake_uri)
    outcomes = []
    for contract in _chosen(pipeline, tables):
        outcome = TableOutcome(contract.table)
        try:
            for done in _batches(spark, store, contract, max_manifests_per_batch):
                outcome = outcome.plus(done)
                if report and done.batches:
                    report(done)
        except LakeError as error:
            outcome = replace(outcome, error=error)
        outcomes.append(outcome)
    return tuple(outcomes)


def _chosen(pipeline: Pipeline, tables: Sequence[str]) -> list[SourceContract]:
    unknown = [table for table in tables if table not in pipeline.sources]
    if unknown:
        known = ", ".join(sorted(pipeline.sources))
        raise ContractError(f"no source table '{unknown[0]}'", where="--table", remedy=f"use one of {known}")
    return [contract for name, contract in pipeline.sources.items() if not tables or name in tables]


def _batches(spark: SparkSession, store: Store, contract: SourceContract, limit: int) -> Iterator[TableOutcome]:
    """Promotes batch after batch, and gives what each did."""
    name = staging_tables.change_log_name(contract.pipeline, contract.table)
    progress = iceberg.progress(spark, name).get(contract.table, 0)
    yield TableOutcome(contract.table, progress)
    while manifests := landing.pending(store, contract.table, progress, limit):
        started = time.monotonic()
        outcome = _Batch(spark, store, contract, progress, manifests).promoted()
        progress = outcome.progress
        yield replace(outcome, batches=1, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Batch:
    """The manifests that follow a table's progress, on their way into the change log."""

    spark: SparkSession
    store: Store
    contract: SourceContract
    progress: int
    manifests: tuple[LandingManifest, ...]

    @property
    def log(self) -> str:
        return staging_tables.change_log_name(self.contract.pipeline, self.contract.table)

    @property
    def quarantine(self) -> str:
        return staging_tables.quarantine_name(self.contract.pipeline, self.contract.table)

    @property
    def through(self) -> dict[str, int]:
        """Progress once this batch is in."""
        return {self.contract.table: self.manifests[-1].seq}

    def promoted(self) -> TableOutcome:
        """Stages, judges, quarantines, publishes."""
        groups = landing.groups(self.spark, self.store, self.manifests)
        extra = self._ensure_tables(groups)
        rows = self._judged(groups, extra)
        if rows is None:
            iceberg.commit_progress(self.spark, self.log, self.through)
            return TableOutcome(self.contract.table, self.manifests[-1].seq)
        outcome = self._staged(rows)
        outcome = self._quarantined(rows, outcome)
        iceberg.publish(self.spark, self.log)
        return outcome

    def _ensure_tables(self, groups: Sequence[landing.LandedGroup]) -> dict[str, str]:
        """Both tables in shape; returns the change log's columns beyond the contract, with Spark types."""
        contract = self.contract
        _verify_checks(self.spark, contract)
        found = iceberg.columns(self.spark, self.log) if iceberg.exists(self.spark, self.log) else {}
        known = {*staging_tables.technical_names(), *contract.by_name}
        extra = {name: kind for name, kind in found.items() if name not in known}
        for group in groups:
            image = conforming.planned(group.rows.schema, group.fields, contract)
            for name, kind in conforming.added_columns(image, contract).items():
                extra[name] = iceberg.wider(extra.get(name, kind.spark), kind.spark)
        iceberg.ensure_table(self.spark, staging_tables.change_log(contract, extra))
        iceberg.ensure_table(self.spark, staging_tables.quarantine(contract))
        return extra

    def _judged(self, groups: Sequence[landing.LandedGroup], extra: Mapping[str, str]) -> DataFrame | None:
        """Every change row of the batch, conformed, with its `_reason`; None where there is none."""
        if not groups:
            return None
        conformed = (conforming.conform(group.rows, group.fields, self.contract, extra) for group in groups)
        return quality.judged(reduce(DataFrame.unionByName, conformed), self.contract)

    def _staged(self, rows: DataFrame) -> TableOutcome:
        """Writes the accepted rows to the branch, and counts all of them on the way."""
        counts = Observation()
        accepted = F.col(quality.REASON).isNull()
        warnings = quality.warning(self.contract)
        observed = rows.observe(
            counts,
            F.count(F.lit(1)).alias("rows"),
            F.count_if(accepted).alias("accepted"),
            F.count_if(accepted & F.col(c.CLOCK_FLAGGED)).alias("clock_flagged"),
            *(
                F.count_if(accepted & F.coalesce(check.fails, F.lit(False))).alias(f"warn {check.name}")
                for check in warnings
            ),
        )
        iceberg.open_branch(self.spark, self.log)
        columns = list(iceberg.columns(self.spark, self.log))
        iceberg.append(observed.where(accepted).select(*columns), self.log, self.through, branch=iceberg.STAGED)
        found = counts.get
        return TableOutcome(
            table=self.contract.table,
            progress=self.manifests[-1].seq,
            rows=found["rows"],
            accepted=found["accepted"],
            quarantined=found["rows"] - found["accepted"],
            warned={check.name: n for check in warnings if (n := found[f"warn {check.name}"])},
            clock_flagged=found["clock_flagged"],
        )

    def _quarantined(self, rows: DataFrame, outcome: TableOutcome) -> TableOutcome:
        """Writes the rejected rows, after what a crashed attempt left is gone."""
        iceberg.delete_rows_above(self.spark, self.quarantine, c.INGEST_SEQ, self.progress)
        if outcome.quarantined == 0:
            return outcome
        iceberg.append(_quarantine_rows(rows, self.contract), self.quarantine, self.through)
        mine = self.spark.table(self.quarantine).where(F.col(c.INGEST_SEQ) > self.progress)
        reasons: Counter[str] = Counter()
        for row in mine.groupBy("reason").count().collect():
            for name in quality.reasons(row["reason"]):
                reasons[name] += row["count"]
        return replace(outcome, reasons=dict(reasons))


_COORDINATES: Final = (
    c.INGEST_SEQ, c.TOPIC, c.PARTITION, c.OFFSET, c.KAFKA_TS, c.OP, c.EPOCH, c.SCHEMA_ID,
)  # fmt: skip


def _quarantine_rows(rows: DataFrame, contract: SourceContract) -> DataFrame:
    detail = F.lit(None).cast("string")
    if contract.checks:
        asked = F.create_map(*(F.lit(part) for check in contract.checks for part in (check.name, check.expr)))
        names = F.split(quality.REASON, ",")
        stated = F.array_compact(F.transform(names, lambda name: F.element_at(asked, name)))
        detail = F.when(F.size(stated) > 0, F.concat_ws("; ", stated))
    return rows.where(F.col(quality.REASON).isNotNull()).select(
        *(F.col(name) for name in _COORDINATES),
        F.col(quality.REASON).alias("reason"),
        detail.alias("detail"),
        F.col(conforming.ENVELOPE).alias("envelope"),
        F.lit(None).cast("binary").alias("raw_key"),
        F.lit(None).cast("binary").alias("raw_value"),
    )


def _verify_checks(spark: SparkSession, contract: SourceContract) -> None:
    """Every check must be a predicate over the contract's columns.

    Raises:
        ContractError: names the check.
    """
    shape = ", ".join(f"`{column.name}` {column.type.spark}" for column in contract.columns)
    empty = spark.createDataFrame([], shape)
    for check in contract.checks:
        where = f"{contract.pipeline}/sources/{contract.table}.yaml: checks.{check.name}"
        try:
            kind = empty.select(F.expr(check.expr)).schema.fields[0].dataType.simpleString()
        except AnalysisException as error:
            reason = (error.getErrorClass() or "it cannot be analysed").lower().replace("_", " ")
            what = f"the check's expression does not fit the columns ({reason})"
            raise ContractError(what, where=where, remedy="correct its expr") from None
        if kind != "boolean":
            raise ContractError(f"the check gives {kind}, not boolean", where=where, remedy="write a predicate")
