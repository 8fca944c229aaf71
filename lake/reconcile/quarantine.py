"""The keys with an open dead letter: where source and star may differ for a known reason."""

from __future__ import annotations

import json

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.staging_tables import change_log_name, quarantine_name
from lake.deadletters import fact_keys
from lake.reconcile.rows import canonical, row_hash
from lake.store import Store
from schemas import columns as c
from schemas.model import Fact, Pipeline, SourceContract


def quarantined_keys(spark: SparkSession, pipeline: Pipeline, source: SourceContract) -> frozenset[int]:
    """Hashes of the source keys of every quarantined change that counts (`rows.row_hash` of the canonical key)."""
    table = quarantine_name(pipeline.name, source.table)
    if not iceberg.exists(spark, table):
        return frozenset()
    through = iceberg.progress(spark, change_log_name(pipeline.name, source.table)).get(source.table, 0)
    rows = spark.table(table).where(F.col(c.INGEST_SEQ) <= through).select("envelope").toLocalIterator()
    keys = (json.loads(row["envelope"]).get("key") for row in rows)
    return frozenset(row_hash(canonical(key[name]) for name in source.key) for key in keys if key)


def misfit_keys(store: Store, pipeline: Pipeline, fact: Fact) -> frozenset[int]:
    """Hashes of the base source's keys of every fact that a load set aside."""
    base = pipeline.sources[fact.base]
    places = {key.source.partition(".")[2]: place for place, key in enumerate(fact.business_key)}
    order = [places[name] for name in base.key]
    found = fact_keys(pipeline, store, fact.name)
    return frozenset(row_hash(canonical(key[place]) for place in order) for key in found)
