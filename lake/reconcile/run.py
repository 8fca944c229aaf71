"""All oracles over one pipeline, and the record of what they found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from pyspark.sql import SparkSession

from glue_jobs import iceberg
from lake.kafka_auth import NONE, client_options
from lake.metrics import Hop
from lake.reconcile.landing import check_landing
from lake.reconcile.quarantine import incomplete_keys, mirror_misfit_keys, misfit_keys, quarantined_keys
from lake.reconcile.replay import check_replay
from lake.reconcile.rows import keyed_hashes
from lake.reconcile.source import check_against_source
from lake.reconcile.staging import check_staging
from lake.reconcile.star import Question, fact_columns_of_base, history_questions, key_questions
from lake.reconcile.twins import check_twins, lake_rows
from lake.reconcile.verdict import Finding, Verdict
from lake.store import Store
from lake.warehouse.port import Warehouse
from lake.watch import OFF, Watch
from redshift_sql.render import quoted
from schemas.errors import LakeError
from schemas.manifests import seq_name, seq_of
from schemas.model import Dimension, Fact, Pipeline, SourceContract

FOLDER: Final = "reconcile"
ORACLES: Final = ("landing", "staging", "source", "mirrors", "history", "replay", "twins", "keys")


@dataclass(frozen=True)
class Parties:
    """Everything that reconciliation reads.

    Args:
        spark: a session on the lake's catalog.
        pipeline: its contracts.
        store: the lake's object store.
        warehouse: a session that may only read.
        bootstrap: Kafka's bootstrap servers.
        kafka_auth: how to log in to Kafka (`lake.kafka_auth`).
        source_dsn: the source database, as libpq takes it; none leaves oracle 2 out.
    """

    spark: SparkSession
    pipeline: Pipeline
    store: Store
    warehouse: Warehouse
    bootstrap: str
    source_dsn: str | None
    kafka_auth: str = NONE


def reconcile(parties: Parties, said: Callable[[str], None] = lambda _: None, watch: Watch = OFF) -> Verdict:
    """Asks every oracle about every table, and records the verdict beside the data.

    Args:
        parties: what to read.
        said: told the name of each oracle as it starts.
        watch: told of the run, and how much differs.

    Raises:
        LakeError: a party does not answer; no verdict is recorded.
    """
    with watch.run(Hop.RECONCILE) as run:
        verdict = _asked(parties, said)
        _record(parties.store, verdict)
        run.measured(ReconciliationFailed=int(not verdict.passed))
    for table in dict.fromkeys(finding.table for finding in verdict.findings):
        differ = sum(finding.differences for finding in verdict.findings if finding.table == table)
        watch.emit(Hop.RECONCILE, {"ReconciliationDifferences": differ}, table)
    return verdict


def _asked(parties: Parties, said: Callable[[str], None]) -> Verdict:
    through: dict[str, dict[int, int]] = {}
    findings: list[Finding] = []
    said("landing against Kafka")
    kafka = client_options(parties.bootstrap, parties.kafka_auth)
    for source in parties.pipeline.sources.values():
        finding, ends = check_landing(parties.store, kafka, source.table, source.topic)
        findings.append(finding)
        through[source.topic] = ends
    said("change logs and quarantines against landing")
    findings += check_staging(parties.spark, parties.store, parties.pipeline)
    said("star and mirrors against source")
    findings += _source_findings(parties)
    said("histories and keys")
    findings += _question_findings(parties)
    said("replay from the change logs")
    findings += [check_replay(parties.spark, parties.pipeline, d) for d in parties.pipeline.dimensions.values()]
    said("lake against warehouse")
    findings += _twin_findings(parties)
    return Verdict(tuple(findings), through)


def verified_through(store: Store) -> dict[str, dict[int, int]]:
    """Per topic and partition the offset below which everything was verified: that of the newest run that passed."""
    for key in reversed(store.list(FOLDER)):
        document = json.loads(store.read(key))
        if document["passed"]:
            return {
                topic: {int(p): offset for p, offset in ends.items()}
                for topic, ends in document["verified_through"].items()
            }
    return {}


def _record(store: Store, verdict: Verdict) -> None:
    keys = store.list(FOLDER)
    seq = seq_of(keys[-1]) + 1 if keys else 1
    text = json.dumps(verdict.as_dict(), indent=1).encode()
    while not store.create_if_absent(f"{FOLDER}/{seq_name(seq)}", text):
        seq += 1


def _source_findings(parties: Parties) -> Iterator[Finding]:
    if parties.source_dsn is None:
        return
    try:
        with psycopg.connect(parties.source_dsn) as connection:
            for dimension in parties.pipeline.dimensions.values():
                yield _dimension_finding(parties, connection, dimension)
            for fact in parties.pipeline.facts.values():
                yield _fact_finding(parties, connection, fact)
            for source in parties.pipeline.mirrors.values():
                yield _mirror_finding(parties, connection, source)
    except psycopg.OperationalError:
        raise LakeError(
            "the source database does not answer", where="source", remedy="start it with: lake up"
        ) from None


def _dimension_finding(
    parties: Parties, connection: psycopg.Connection[tuple[object, ...]], dimension: Dimension
) -> Finding:
    source = parties.pipeline.sources[dimension.source]
    names = [key.name for key in dimension.business_key] + [item.name for item in dimension.attributes]
    origins = [key.source for key in dimension.business_key] + [item.source for item in dimension.attributes]
    live = f"is_current AND NOT is_deleted AND NOT is_inferred AND {dimension.surrogate_key} <> -1"
    shown = f"SELECT {', '.join(names)} FROM analytics.{dimension.name} WHERE {live}"
    rows = parties.warehouse.query(shown).rows
    lacking = parties.warehouse.query(f"{shown} AND is_incomplete").rows
    incomplete = frozenset(keyed_hashes(lacking, len(source.key), frozenset()))
    quarantined = quarantined_keys(parties.spark, parties.store, parties.pipeline, source)
    return check_against_source(dimension.name, connection, rows, source, origins, quarantined, incomplete=incomplete)


def _fact_finding(parties: Parties, connection: psycopg.Connection[tuple[object, ...]], fact: Fact) -> Finding:
    source = parties.pipeline.sources[fact.base]
    columns = fact_columns_of_base(fact, source)
    rows = parties.warehouse.query(f"SELECT {', '.join(columns)} FROM analytics.{fact.name}").rows
    quarantined = quarantined_keys(parties.spark, parties.store, parties.pipeline, source)
    quarantined |= misfit_keys(parties.store, parties.pipeline, fact)
    return check_against_source(fact.name, connection, rows, source, list(columns.values()), quarantined)


def _mirror_finding(
    parties: Parties, connection: psycopg.Connection[tuple[object, ...]], source: SourceContract
) -> Finding:
    """A mirror's rows, all columns; keys whose row a load set aside are counted with those in quarantine."""
    values = [column.name for column in source.columns if column.name not in source.key]
    columns = [*source.key, *values]
    shown = ", ".join(quoted(name) for name in columns)
    rows = parties.warehouse.query(f"SELECT {shown} FROM staging.{quoted(source.table)}").rows
    apart = quarantined_keys(parties.spark, parties.store, parties.pipeline, source)
    apart |= mirror_misfit_keys(parties.store, source)
    lacking = incomplete_keys(parties.spark, parties.pipeline, source)
    finding = check_against_source(source.table, connection, rows, source, columns, apart, incomplete=lacking)
    return replace(finding, oracle="mirrors")


def _question_findings(parties: Parties) -> Iterator[Finding]:
    for dimension in parties.pipeline.dimensions.values():
        yield _answered(parties.warehouse, list(history_questions(dimension)))
    for fact in parties.pipeline.facts.values():
        questions = list(key_questions(fact, parties.pipeline))
        if questions:
            yield _answered(parties.warehouse, questions)


def _answered(warehouse: Warehouse, questions: list[Question]) -> Finding:
    """One finding for all questions about a table."""
    broken = {question.rule: int(warehouse.query(question.broken).rows[0][0]) for question in questions}
    compared = int(warehouse.query(questions[0].compared).rows[0][0])
    detail = "; ".join(f"{rule}: {count}" for rule, count in broken.items() if count)
    first = questions[0]
    return Finding(first.oracle, first.table, compared, sum(broken.values()), detail or f"{len(broken)} rules hold")


def _twin_findings(parties: Parties) -> Iterator[Finding]:
    pipeline = parties.pipeline
    for table in (*pipeline.dimensions, *pipeline.calendars, *pipeline.facts, *pipeline.aggregates):
        name = iceberg.table_name(pipeline.curated_namespace, table)
        if not iceberg.exists(parties.spark, name):
            yield Finding("twins", table, 0, 0, "nothing is promoted")
            continue
        columns = parties.spark.table(name).columns
        theirs = parties.warehouse.query(f"SELECT {', '.join(columns)} FROM analytics.{table}").rows
        yield check_twins(table, lake_rows(parties.spark, name, columns), theirs)
