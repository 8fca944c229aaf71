"""The Spark session of a sub-command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lake.cli._base import App

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def lake_session(app: App, name: str) -> Iterator[SparkSession]:
    """A session on the pipeline's lake, ended with the block; its own log lies under LAKE_HOME/logs/jobs."""
    from lake.session import kafka_conf, spark_session, tuned
    from streaming.kafka_to_landing import SESSION

    app.say("starting Spark …")
    small = app.settings.spark_profile == "small"
    log = app.home.logs / "jobs" / f"{name.replace(' ', '-')}.log"
    spark = spark_session(
        name,
        lake_uri=app.lake_uri,
        catalog_uri=app.catalog_uri,
        cores=app.settings.spark_cores,
        memory=app.settings.spark_memory,
        scratch=app.home.scratch,
        extra={**SESSION, **kafka_conf(app.settings.kafka_auth), **tuned(small=small, log=log)},
    )
    try:
        yield spark
    finally:
        spark.stop()
