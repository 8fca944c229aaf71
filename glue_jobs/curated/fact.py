"""One fact table: rows of touched keys made anew, rows under moved versions given their new keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg, watching
from glue_jobs.curated import members, misfits, tables
from glue_jobs.curated.commit import replace_rows
from glue_jobs.curated.made import CONTRACT, MOVED, fact_checksum
from glue_jobs.curated.reads import matching
from glue_jobs.curated.redrives import REDRIVES, Redrives
from glue_jobs.curated.restatements import record_restatements
from glue_jobs.curated.source import source_progress
from glue_jobs.transforms import tip
from glue_jobs.transforms.asof import with_dimension_keys
from glue_jobs.transforms.facts import fact_columns, fact_rows
from glue_jobs.watching import NOBODY, Told
from lake.metrics import Hop
from schemas import columns as c
from schemas.model import DimensionReference, Fact, Join, Pipeline


@dataclass(frozen=True)
class FactOutcome:
    """What a promotion did to one fact: rows written, taken away, and given another version of a dimension."""

    fact: str
    since: Mapping[str, int]
    progress: Mapping[str, int]
    written: int = 0
    removed: int = 0
    restated: int = 0
    dates: DataFrame | None = None
    """Column `date`: event dates of the rows written or removed; None means all dates."""

    def after(self, first: FactOutcome) -> FactOutcome:
        """This one, counted together with one before it."""
        return replace(
            self,
            written=first.written + self.written,
            removed=first.removed + self.removed,
            restated=first.restated + self.restated,
        )


@dataclass(frozen=True)
class FactWork:
    """A fact, and the progress of its and its dimensions' sources: `since` in the table, `target` in the states.

    Either also says, under `REDRIVES`, up to which settlement of dead letters, where there ever was one.
    `made` is the checksum of the contract that the table was made by (None: not yet), `contract` that of its contract.
    """

    spark: SparkSession
    pipeline: Pipeline
    fact: Fact
    since: Mapping[str, int]
    target: Mapping[str, int]
    redrives: Redrives
    made: int | None
    contract: int

    @property
    def before(self) -> Mapping[str, int]:
        """What the table carries."""
        return dict(self.since) if self.made is None else {**self.since, CONTRACT: self.made}

    @property
    def progress(self) -> Mapping[str, int]:
        """What the table carries after this promotion."""
        return {**self.target, CONTRACT: self.contract}

    @property
    def table(self) -> str:
        """Quoted name of the fact table."""
        return tables.curated(self.pipeline, self.fact.name)

    @property
    def keys(self) -> list[str]:
        """Business key columns."""
        return [key.name for key in self.fact.business_key]

    def state(self, source: str) -> DataFrame:
        """The state of a source, truncates aside."""
        name = tables.curated(self.pipeline, tables.state_name(source))
        return self.spark.table(name).where(F.col(c.OP).isNull())

    def touched(self, source: str, since: Mapping[str, int] | None = None) -> DataFrame:
        """State rows written since `since` (else: since the table's progress)."""
        done = (self.since if since is None else since).get(source, 0)
        return self.state(source).where(F.col(c.INGEST_SEQ) > done)


def fact_work(redrives: Redrives, pipeline: Pipeline, fact: Fact) -> FactWork:
    """Reads the progress of a fact and of what it is made from."""
    spark = redrives.spark
    dimensions = {reference.dimension: pipeline.dimensions[reference.dimension] for reference in fact.dimensions}
    sources = dict.fromkeys((*fact.sources, *(dimension.source for dimension in dimensions.values())))
    target = {source: source_progress(spark, pipeline, source) for source in sources}
    found = iceberg.progress(spark, tables.curated(pipeline, fact.name))
    since = {source: found.get(source, 0) for source in sources}
    if REDRIVES in found:
        since[REDRIVES] = target[REDRIVES] = found[REDRIVES]
    if fact.name in redrives.newest:
        target[REDRIVES] = redrives.newest[fact.name]
    carried = {name: iceberg.progress(spark, tables.curated(pipeline, name)) for name in dimensions}
    moved = {name: progress[MOVED] for name, progress in carried.items() if MOVED in progress}
    return FactWork(spark, pipeline, fact, since, target, redrives, found.get(CONTRACT), fact_checksum(fact, moved))


def promote_fact(work: FactWork, told: Told = NOBODY) -> FactOutcome:
    """Brings a fact to the present states of its sources; its own commit is the last, so a run that died is run again.

    Restatements and inferred members are committed before it; doing so twice changes nothing.
    """
    if work.before == work.progress:
        return FactOutcome(work.fact.name, work.before, work.progress, dates=_no_dates(work))
    flow = partial(watching.fact_flow, work.pipeline, work.fact, told.lake_uri)
    with told.watch.step(Hop.CURATED, work.fact.name, flow, landing_seqs=watching.seqs_text(work.target)) as step:
        outcome = _promoted(work)
        step.tell(watching.tell_fact, outcome)
    return outcome


def _promoted(work: FactWork) -> FactOutcome:
    if not any(work.since.values()):
        return _promote_whole(work, None)
    if work.made != work.contract:
        return _promote_whole(work, work.spark.table(work.table))
    return _promote_touched(work)


def touched_rows(work: FactWork, since: Mapping[str, int]) -> DataFrame:
    """`facts.fact_rows` of every key whose base or joined row was written, or that was redriven, since `since`."""
    base = touched_base(work, since)
    return _made(work, base)


def touched_base(work: FactWork, since: Mapping[str, int]) -> DataFrame:
    """State rows of the base source that were written since, or whose joined row was, or that are redriven since."""
    fact = work.fact
    base = work.touched(fact.base, since)
    again = work.redrives.keys(
        fact.name, [(key.name, key.type.spark) for key in fact.business_key], since.get(REDRIVES, 0)
    )
    if again is not None:
        pairs = [(key.source.partition(".")[2], key.name) for key in fact.business_key]
        base = base.unionByName(matching(work.state(fact.base), again, pairs))
    for join in fact.joins:
        joined = work.touched(join.source, since).select(*(right for _, right in join.on)).localCheckpoint()
        if not joined.isEmpty():
            base = base.unionByName(matching(work.state(fact.base), joined, join.on))
    contract = work.pipeline.sources[fact.base]
    return base.dropDuplicates(list(contract.key)).localCheckpoint()


def _made(work: FactWork, base: DataFrame) -> DataFrame:
    joined = {join.source: _joined(work, base, join) for join in work.fact.joins}
    pipeline = work.pipeline
    watched = misfits.watched(fact_rows(base, joined, work.fact, pipeline.calendars, pipeline.dimensions), work.fact)
    rows = watched.rows.localCheckpoint()
    misfits.check(watched, work.fact)
    return rows


def _joined(work: FactWork, base: DataFrame, join: Join) -> DataFrame:
    return matching(work.state(join.source), base, [(right, left) for left, right in join.on])


def _promote_whole(work: FactWork, old: DataFrame | None) -> FactOutcome:
    """Every row made: the first time (`old` None), and where another contract made those that are there."""
    fact, pipeline = work.fact, work.pipeline
    joined = {join.source: work.state(join.source) for join in fact.joins}
    made = fact_rows(work.state(fact.base), joined, fact, pipeline.calendars, pipeline.dimensions)
    watched = misfits.watched(made, fact)
    live = watched.rows.where(~F.col(c.IS_DELETED)).drop(c.IS_DELETED, c.MISFITS, c.MISFIT_ROW)
    versions = {
        reference.dimension: work.spark.table(tables.curated(pipeline, reference.dimension))
        for reference in fact.dimensions
    }
    keyed = with_dimension_keys(live, versions, fact, pipeline.dimensions).localCheckpoint()
    misfits.check(watched, fact)
    restated = 0 if old is None else record_restatements(work.spark, pipeline, fact, old, keyed, work.progress)
    members.keep_inferred(work.spark, pipeline, fact, keyed, old, whole=True)
    iceberg.overwrite(keyed.select(*fact_columns(fact)), work.table, F.lit(True), work.progress)
    return FactOutcome(fact.name, work.before, work.progress, written=keyed.count(), restated=restated)


def _promote_touched(work: FactWork) -> FactOutcome:
    fact = work.fact
    rows = touched_rows(work, work.since)
    table = work.spark.table(work.table)
    replaced = matching(table, rows, [(name, name) for name in work.keys])
    moved = _moved(work, rows)
    old = (replaced if moved is None else replaced.unionByName(moved)).localCheckpoint()
    plain = [name for name in fact_columns(fact) if name not in {reference.name for reference in fact.dimensions}]
    wanted = rows.where(~F.col(c.IS_DELETED)).select(*plain)
    if moved is not None:
        untouched = old.join(rows.select(*work.keys), on=work.keys, how="left_anti")
        wanted = wanted.unionByName(untouched.select(*plain))
    new = _keyed(work, wanted.localCheckpoint())
    restated = record_restatements(work.spark, work.pipeline, fact, old, new, work.progress)
    members.keep_inferred(work.spark, work.pipeline, fact, new, old)
    return _commit(work, old, new, restated)


def _moved(work: FactWork, rows: DataFrame) -> DataFrame | None:
    """Rows of the table under which versions moved since its progress, keys of `rows` aside; None if there are none."""
    fact = work.fact
    event = F.col(fact.event_time.name)
    found: DataFrame | None = None
    for reference in fact.dimensions:
        moves = _moves(work, reference)
        first = moves.agg(F.min(tip.MOVED_FROM)).first()
        if first is None or first[0] is None:
            continue
        names = [name for name, _ in reference.keys]
        near = matching(work.spark.table(work.table).where(event >= first[0]), moves, [(n, n) for n in names])
        under = near.join(F.broadcast(moves), on=names, how="inner").where(event >= F.col(tip.MOVED_FROM))
        under = under.select(*fact_columns(fact))
        found = under if found is None else found.unionByName(under)
    if found is None:
        return None
    return found.join(F.broadcast(rows.select(*work.keys)), on=work.keys, how="left_anti").dropDuplicates(work.keys)


def _moves(work: FactWork, reference: DimensionReference) -> DataFrame:
    """Keys (by the fact's column names) whose versions moved since the table's progress, and from when."""
    dimension = work.pipeline.dimensions[reference.dimension]
    beginning = F.lit(c.BEGINNING_OF_TIME).cast("timestamp")
    known = F.col(tip.MOVED_SINCE) <= work.since.get(dimension.source, 0)
    moved = work.touched(dimension.source).where(F.col(tip.MOVED_FROM).isNotNull() | ~known)
    pairs = zip(reference.keys, dimension.business_key, strict=True)
    keys = [F.col(key.source).cast(key.type.spark).alias(name) for (name, _), key in pairs]
    start = F.when(known, F.col(tip.MOVED_FROM)).otherwise(beginning)
    return moved.select(*keys, start.alias(tip.MOVED_FROM)).localCheckpoint()


def _keyed(work: FactWork, rows: DataFrame) -> DataFrame:
    """Rows with their surrogate keys, from the versions of the keys they name alone."""
    versions: dict[str, DataFrame] = {}
    for reference in work.fact.dimensions:
        dimension = work.pipeline.dimensions[reference.dimension]
        table = work.spark.table(tables.curated(work.pipeline, dimension.name))
        pairs = zip(dimension.business_key, reference.keys, strict=True)
        wanted = matching(table, rows, [(key.name, name) for key, (name, _) in pairs])
        known = versions.get(dimension.name)
        versions[dimension.name] = wanted if known is None else known.unionByName(wanted).distinct()
    return with_dimension_keys(rows, versions, work.fact, work.pipeline.dimensions).localCheckpoint()


def _commit(work: FactWork, old: DataFrame, new: DataFrame, restated: int) -> FactOutcome:
    fact = work.fact
    names = fact_columns(fact)
    sides = old.select(*names, F.lit(-1).alias("_side")).unionByName(new.select(*names, F.lit(1).alias("_side")))
    changed = sides.groupBy(*names).agg(F.sum("_side").alias("_side")).where(F.col("_side") != 0).localCheckpoint()
    stale, wanted = changed.where(F.col("_side") < 0), changed.where(F.col("_side") > 0)
    event = F.col(fact.event_time.name)
    is_stale = F.col("_side") < 0
    counts = changed.agg(
        F.count_if(is_stale).alias("stale"),
        F.count_if(~is_stale).alias("wanted"),
        F.count_if(is_stale & event.isNull()).alias("untimed"),
        F.min(F.when(is_stale, event.cast("string"))).alias("low"),
        F.max(F.when(is_stale, event.cast("string"))).alias("high"),
    ).first()
    assert counts is not None
    column = f"`{fact.event_time.name}`"
    timed = counts["stale"] and not counts["untimed"]
    within = f"{column} BETWEEN TIMESTAMP '{counts['low']}' AND TIMESTAMP '{counts['high']}'" if timed else ""
    replace_rows(
        wanted.select(*names),
        work.table,
        work.progress,
        stale=stale if counts["stale"] else None,
        on=work.keys,
        within=within,
    )
    dates = changed.select(event.cast("date").alias("date")).where(F.col("date").isNotNull()).distinct()
    return FactOutcome(
        fact.name,
        work.before,
        work.progress,
        written=counts["wanted"],
        removed=counts["stale"],
        restated=restated,
        dates=dates.localCheckpoint(),
    )


def _no_dates(work: FactWork) -> DataFrame:
    return work.spark.createDataFrame([], "date date")
