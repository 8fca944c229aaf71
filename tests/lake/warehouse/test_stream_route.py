"""The batch route and the stream over the same records: what a load covers comes from the landing manifests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from glue_jobs.curated.promote import promote_curated
from glue_jobs.staging import promote_staging
from lake.store import store_for
from lake.warehouse.load import ensure_tables, load_pending
from redshift_sql.stream import EXAMPLE, refresh_plan, stream_stages
from schemas import load_pipeline
from schemas.model import Pipeline
from schemas.streamed import StreamedContract
from streaming.udf.handler import Decoder, answer
from streaming.udf.schema_cache import SchemaCache
from tests.support.decode_function import request
from tests.support.landing import FixedRegistry, land
from tests.support.products import Log
from tests.support.streamed import Decode, Streamed

NOW = "SELECT product_id, product_name, description, category, list_price, active, launched_on, is_incomplete FROM analytics.dim_product_now ORDER BY 1"
ROWS = "SELECT product_id, name, description, category, list_price, active, launched_on FROM staging.product_now ORDER BY 1"


def products() -> Pipeline:
    """The products of the retail pipeline alone."""
    retail = load_pipeline("retail")
    source = replace(retail.sources["product"], pipeline="streamed", expectations=())
    dimensions = {"dim_product": retail.dimensions["dim_product"]}
    return Pipeline("streamed", "", {"product": source}, dimensions, {}, {}, {})


def decoding(pipeline: Pipeline, log: Log) -> Decode:
    """The function, in this process."""
    contracts = {name: StreamedContract.of(source) for name, source in pipeline.sources.items()}
    decoder = Decoder(contracts, SchemaCache(FixedRegistry(log.events.texts)))
    return lambda table, records: answer(request(table, records), lambda: decoder)["results"]


def test_what_is_new_to_a_load_is_what_no_landing_manifest_of_it_holds(spark: SparkSession, tmp_path: Path) -> None:
    pipeline, log, lake_uri = products(), Log(8, 36), tmp_path.as_uri()
    streamed = Streamed(decoding(pipeline, log), store=store_for(lake_uri))
    try:
        ensure_tables(pipeline, streamed.warehouse)
        streamed.topic("retail.product.cdc")
        for stage in stream_stages(pipeline, EXAMPLE):
            streamed.execute(stage.plan)
        streamed.produce(log.records)
        streamed.execute(refresh_plan(pipeline, EXAMPLE))
        assert streamed.run(NOW) == log.state
        part = log.records[: len(log.records) // 2]
        land(spark, lake_uri, part, log.events.texts, table="product", pipeline="streamed")
        (outcome,) = promote_staging(spark, pipeline, lake_uri)
        assert outcome.error is None
        promote_curated(spark, pipeline, lake_uri)
        load_pending(pipeline, lake_uri, streamed.warehouse)
        assert streamed.run("SELECT count(*) FROM staging.product_stream WHERE is_new = 0") == [(len(part),)]
        assert streamed.run(NOW) == log.state
        offsets = streamed.run("SELECT kafka_partition, next_offset FROM staging.load_offsets ORDER BY 1")
        assert dict(offsets) == {record.partition: record.offset + 1 for record in part}
        assert streamed.run("SELECT count(*) FROM analytics.dim_product_now WHERE is_streamed") > [(0,)]
        assert streamed.run(ROWS) == [row[:-1] for row in log.state]
    finally:
        streamed.close()
