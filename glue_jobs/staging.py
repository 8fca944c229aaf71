"""Hop 2: promotes landed changes into the change logs of staging, table by table, in bounded batches.

A batch is staged on a branch of the change log, judged, then published by one atomic commit that carries the progress.
Whatever a crash leaves (a branch, quarantined rows above the progress) counts for no reader; the next run replaces it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any, Final

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import decisions, expectations, iceberg, landing, staging_tables, watching
from glue_jobs.decisions import Decision, Hold, Verb
from glue_jobs.transforms import conform as conforming
from glue_jobs.transforms import quality
from glue_jobs.transforms.identity import collapse
from lake.metrics import Hop
from lake.observe import Observed
from lake.store import Store, store_for
from lake.watch import OFF, Step, Watch
from schemas import columns as c
from schemas.errors import ContractError, LakeError
from schemas.manifests import LandingManifest, utc_now
from schemas.model import Pipeline, SourceContract

MAX_MANIFESTS: Final = 60
"""Manifests a batch takes at most: an hour of one-minute batches."""
SKIPPED: Final = "dataset:skipped"
"""Reason of the rows of a batch that failed an expectation and was skipped."""


@dataclass(frozen=True)
class TableOutcome:
    """What a run promoted of one table: rows by fate, failed checks by name, and the error that stopped it, if any."""

    table: str
    progress: int = 0
    batches: int = 0
    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)
    clock_flagged: int = 0
    failed_expectations: tuple[str, ...] = ()
    seconds: float = 0.0
    error: LakeError | None = None
    newest_change: int | None = None
    """Latest instant of an accepted change, in milliseconds since 1970."""

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
            failed_expectations=tuple(dict.fromkeys((*self.failed_expectations, *other.failed_expectations))),
            seconds=self.seconds + other.seconds,
            error=other.error,
            newest_change=max((n for n in (self.newest_change, other.newest_change) if n is not None), default=None),
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
            "failed_expectations": list(self.failed_expectations),
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
    watch: Watch = OFF,
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
        watch: told of the run and of each batch.

    Raises:
        ContractError: a table is not in the pipeline.
    """
    job = _Job(
        spark,
        store_for(lake_uri),
        store_for(quality_uri or f"{lake_uri}/quality"),
        max_manifests_per_batch,
        watch,
    )
    chosen = _chosen(pipeline, tables)
    with watch.run(Hop.STAGING) as run:
        outcomes = tuple(_promoted(job, contract, report) for contract in chosen)
        run.failures = sum(outcome.error is not None for outcome in outcomes)
    return outcomes


def _promoted(job: _Job, contract: SourceContract, report: Report | None) -> TableOutcome:
    """All that waits of a table, up to what stops it."""
    outcome = TableOutcome(contract.table)
    try:
        for done in _batches(job, contract):
            outcome = outcome.plus(done)
            if report and done.batches:
                report(done)
    except LakeError as error:
        outcome = replace(outcome, error=error)
    job.watch.safely("manifests that wait", lambda: job.tell_waiting(outcome))
    return outcome


def changes(spark: SparkSession, pipeline: Pipeline, table: str) -> DataFrame:
    """The change log of a source table in which re-emissions are one row, at their earliest place (`<table>_changes`).

    Args:
        spark: a session with the Iceberg catalog.
        pipeline: the contracts.
        table: a source table that was promoted.
    """
    return collapse(spark.table(staging_tables.change_log_name(pipeline.name, table)))


def _chosen(pipeline: Pipeline, tables: Sequence[str]) -> list[SourceContract]:
    unknown = [table for table in tables if table not in pipeline.sources]
    if unknown:
        known = ", ".join(sorted(pipeline.sources))
        raise ContractError(
            f"no source table '{unknown[0]}'",
            where="--table",
            remedy=f"use one of {known}",
        )
    return [contract for name, contract in pipeline.sources.items() if not tables or name in tables]


@dataclass(frozen=True)
class _Job:
    """What every batch of a run shares: session, lake, Data Docs, the bound of a batch, and who is told."""

    spark: SparkSession
    store: Store
    docs: Store
    limit: int
    watch: Watch

    def tell_waiting(self, outcome: TableOutcome) -> None:
        """How many manifests of a table a run left: none, unless an error stopped it."""
        waiting = landing.waiting(self.store, outcome.table, outcome.progress) if outcome.error else 0
        self.watch.emit(Hop.STAGING, {"PendingManifests": waiting}, outcome.table)


def _batches(job: _Job, contract: SourceContract) -> Iterator[TableOutcome]:
    """Promotes batch after batch, and gives what each did."""
    name = staging_tables.change_log_name(contract.pipeline, contract.table)
    progress = iceberg.progress(job.spark, name).get(contract.table, 0)
    yield TableOutcome(contract.table, progress)
    suite = None
    while manifests := landing.pending(job.store, contract.table, progress, job.limit):
        started = time.monotonic()
        if suite is None:
            _verify_checks(job.spark, contract)
            suite = expectations.Suite(contract)
        decision = decisions.decision_from(job.docs, contract.table, progress + 1)
        if decision:
            # A decision holds for the sequences that it names, so they alone make the batch.
            manifests = landing.pending(job.store, contract.table, progress, decision.last - progress)
        flow = partial(watching.staging_flow, contract, job.store.uri)
        seqs = {"landing_first": progress + 1, "landing_last": manifests[-1].seq}
        with job.watch.step(Hop.STAGING, contract.table, flow, **seqs) as step:
            outcome = _Batch(job, contract, suite, progress, manifests, decision, step).promoted()
        progress = outcome.progress
        yield replace(outcome, batches=1, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Batch:
    """The manifests that follow a table's progress, on their way into the change log."""

    job: _Job
    contract: SourceContract
    suite: expectations.Suite
    progress: int
    manifests: tuple[LandingManifest, ...]
    decision: Decision | None
    step: Step

    @property
    def spark(self) -> SparkSession:
        return self.job.spark

    @property
    def name(self) -> str:
        """The batch's landing sequences, as Data Docs name it."""
        return f"{self.progress + 1:012d}-{self.manifests[-1].seq:012d}"

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
        """Stages, judges, quarantines, publishes.

        Raises:
            DataQualityError: a reject-level expectation failed, and nobody has decided; nothing is changed.
        """
        groups = landing.groups(self.spark, self.job.store, self.manifests)
        extra = self._ensure_tables(groups)
        rows = self._judged(groups, extra)
        if rows is None:
            iceberg.commit_progress(self.spark, self.log, self.through)
            outcome = TableOutcome(self.contract.table, self.manifests[-1].seq)
            self.step.tell(watching.tell_staged, self.contract, outcome, None)
            return outcome
        branch = iceberg.open_branch(self.spark, self.log)
        outcome = self._staged(rows, branch)
        outcome = self._quarantined(rows, outcome)
        published = iceberg.publish(self.spark, self.log, branch)
        self.step.tell(watching.tell_staged, self.contract, outcome, published)
        decisions.release(self.job.docs, self.contract.table)
        return outcome

    def _ensure_tables(self, groups: Sequence[landing.LandedGroup]) -> dict[str, str]:
        """Both tables in shape; returns the change log's columns beyond the contract, with Spark types."""
        contract = self.contract
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
        rows = quality.judged(reduce(DataFrame.unionByName, conformed), self.contract)
        if not self._skips:
            return rows
        # Were the reason never NULL, Spark would see that no row is accepted and leave out the pass that counts them.
        everything = F.concat_ws(",", quality.REASON, F.lit(SKIPPED))
        return rows.withColumn(quality.REASON, F.when(F.col(c.OFFSET).isNotNull(), everything))

    def _staged(self, rows: DataFrame, branch: str) -> TableOutcome:
        """Writes the accepted rows to the branch, counts and measures on the way, and judges the dataset."""
        accepted = F.col(quality.REASON).isNull()
        warnings = quality.warning(self.contract)
        metrics = (
            F.count(F.lit(1)).alias("rows"),
            F.count_if(accepted).alias("accepted"),
            F.count_if(accepted & F.col(c.CLOCK_FLAGGED)).alias("clock_flagged"),
            F.max(F.when(accepted, F.unix_millis(F.col(c.CHANGED_AT)))).alias("newest_change"),
            *(
                F.count_if(accepted & F.coalesce(check.fails, F.lit(False))).alias(f"warn {check.name}")
                for check in warnings
            ),
            *self.suite.aggregates(accepted & quality.is_upsert()),
        )
        observed = Observed(rows, metrics)
        staged = observed.rows.where(accepted).select(*iceberg.columns(self.spark, self.log))
        iceberg.append(staged, self.log, self.through, branch=branch)
        found = observed.counts()
        return TableOutcome(
            table=self.contract.table,
            progress=self.manifests[-1].seq,
            rows=found["rows"],
            accepted=found["accepted"],
            quarantined=found["rows"] - found["accepted"],
            warned={check.name: n for check in warnings if (n := found[f"warn {check.name}"])},
            clock_flagged=found["clock_flagged"],
            failed_expectations=self._held_to_expectations(found, branch),
            newest_change=found["newest_change"],
        )

    def _held_to_expectations(self, measured: Mapping[str, Any], branch: str) -> tuple[str, ...]:
        """Names of the dataset-level expectations that failed and may; Data Docs are written either way.

        Raises:
            DataQualityError: one of severity reject failed, and nobody has decided.
        """
        if not self.suite or self._skips:
            return ()
        staged = self.spark.table(iceberg.on_branch(self.log, branch)).where(F.col(c.INGEST_SEQ) > self.progress)
        title = f"{self.contract.table}, landing {self.progress + 1} to {self.manifests[-1].seq}"
        verdict = self.suite.verdict(measured, staged.where(quality.is_upsert()), title)
        self.step.tell(watching.tell_verdict, verdict)
        held = bool(verdict.rejected) and self.decision is None
        outcome = "held" if held else "accepted" if verdict.rejected else "promoted"
        page = expectations.write_docs(self.job.docs, self.contract.table, self.name, verdict, outcome)
        failed = tuple(item.name for item in (*verdict.rejected, *verdict.warned))
        if not held:
            return failed
        iceberg.discard(self.spark, self.log)
        names = tuple(item.name for item in verdict.rejected)
        waiting = Hold(
            self.contract.table,
            self.progress + 1,
            self.manifests[-1].seq,
            names,
            utc_now(),
        )
        decisions.hold(self.job.docs, waiting)
        raise waiting.error(f"{self.job.docs.uri}/{page}")

    @property
    def _skips(self) -> bool:
        return self.decision is not None and self.decision.verb is Verb.SKIP

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
            raise ContractError(
                f"the check gives {kind}, not boolean",
                where=where,
                remedy="write a predicate",
            )
