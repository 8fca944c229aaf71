"""The keys with an open dead letter: where source and star may differ for a known reason."""

from __future__ import annotations

import json

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.load_files import newest_load, redrives_of
from glue_jobs.staging_tables import change_log_name, quarantine_name
from glue_jobs.transforms.fill import UNKNOWN
from lake.deadletters import load_log
from lake.deadletters.fates import LoadFates, RecordFates
from lake.deadletters.letters import State
from lake.deadletters.reading import load_rows
from lake.reconcile.rows import canonical, row_hash
from lake.store import Store
from schemas import columns as c
from schemas.model import Fact, Pipeline, SourceContract
from schemas.settlements import Hop
from streaming import manifest_log


def quarantined_keys(spark: SparkSession, store: Store, pipeline: Pipeline, source: SourceContract) -> frozenset[int]:
    """Hashes of the source keys of every quarantined change that counts (`rows.row_hash` of the canonical key).

    One that was redriven counts until the change log has come to the manifest that did; a discarded one counts on.
    """
    table = quarantine_name(pipeline.name, source.table)
    if not iceberg.exists(spark, table):
        return frozenset()
    through = iceberg.progress(spark, change_log_name(pipeline.name, source.table)).get(source.table, 0)
    fates = RecordFates.of(manifest_log.after(store, source.table, 0))
    place = (c.EPOCH, c.PARTITION, c.OFFSET, c.INGEST_SEQ)
    counted = spark.table(table).where(F.col(c.INGEST_SEQ) <= through).select(*place, "envelope")
    keys = set()
    for row in counted.toLocalIterator():
        fate = fates.fate(Hop.STAGING, *(row[name] for name in place))
        key = json.loads(row["envelope"]).get("key")
        if key and (fate.state is not State.REDRIVEN or fate.seq > through):
            keys.add(row_hash(canonical(key[name]) for name in source.key))
    return frozenset(keys)


def incomplete_keys(spark: SparkSession, pipeline: Pipeline, source: SourceContract) -> frozenset[int]:
    """Hashes of the keys of which no change gave some value yet."""
    table = tables.curated(pipeline, tables.state_name(source.table))
    if not iceberg.exists(spark, table):
        return frozenset()
    lacking = spark.table(table).where(F.col(c.OP).isNull() & (F.size(UNKNOWN) > 0)).select(*source.key)
    return frozenset(row_hash(canonical(value) for value in row) for row in lacking.toLocalIterator())


def misfit_keys(store: Store, pipeline: Pipeline, fact: Fact) -> frozenset[int]:
    """Hashes of the base source's keys of every fact that a load set aside.

    One that was redriven counts until a load has come to the record that did; a discarded one counts on.
    """
    base = pipeline.sources[fact.base]
    places = {key.source.partition(".")[2]: place for place, key in enumerate(fact.business_key)}
    order = [places[name] for name in base.key]
    return _set_aside(store, fact.name, [fact.business_key[place].name for place in order])


def mirror_misfit_keys(store: Store, source: SourceContract) -> frozenset[int]:
    """Hashes of the keys of every row of a mirror that a load set aside; as `misfit_keys`."""
    return _set_aside(store, source.table, list(source.key))


def _set_aside(store: Store, table: str, key: list[str]) -> frozenset[int]:
    fates = LoadFates(tuple(load_log.settlements(store)))
    newest = newest_load(store)
    through = 0 if newest is None else newest.progress.get(redrives_of(table), 0)
    found = set()
    for load, number, row in load_rows(store, table, tuple(key), load_log.loads(store)):
        fate = fates.fate(table, load, number)
        if fate.state is not State.REDRIVEN or fate.seq > through:
            found.add(row_hash(canonical(row[name]) for name in key))
    return frozenset(found)
