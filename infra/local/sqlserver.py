"""Capture of a pipeline's tables from the SQL Server that the containers may have as another source."""

from __future__ import annotations

from typing import Final

from infra.local.capture import Capture, capture_of, register
from infra.local.parts.base import Context
from infra.local.topics import Topic, ensure_topics, service_topic
from schemas import load_pipeline
from schemas.parse import pipeline_folder
from streaming.connectors.render import CapturedTable, render

HOST: Final = "sqlserver"
PORT: Final = 1433
SCHEMA: Final = "dbo"
_PATIENCE_SECONDS: Final = 120.0


def start_capture(context: Context, pipeline: str) -> None:
    """Make the topics, register the connector, and wait until its task runs.

    Raises:
        ConnectorError: Connect refuses the configuration, or the connector does not run in time.
    """
    sources = load_pipeline(pipeline).sources
    capture = capture_of(pipeline, sources, pipeline_folder(pipeline), partitions=4, retention_days=7)
    ensure_topics(context.bootstrap_servers, [*capture.topics(), history_topic(pipeline)])
    config = connector_config(context, capture)
    register(context.connect_url, config["name"], config, timeout_seconds=_PATIENCE_SECONDS)


def history_topic(pipeline: str) -> Topic:
    """Where the connector keeps how the tables looked: one partition, for ever."""
    topic = service_topic(f"{pipeline}.schema-history")
    return Topic(topic.name, topic.partitions, {**topic.config, "retention.ms": "-1"})


def connector_config(context: Context, capture: Capture) -> dict[str, str]:
    """The SQL Server connector's configuration for the containers; the server's certificate is one of its own."""
    places = {
        "pipeline": capture.pipeline,
        "database": capture.pipeline,
        "database_host": HOST,
        "database_port": PORT,
        "secrets_file": context.secrets_file,
        "bootstrap_servers": context.bootstrap_servers,
        "registry_url": context.registry_url,
    }
    tables = tuple(CapturedTable(SCHEMA, table.table, table.topic) for table in capture.tables)
    return render("sqlserver", places, tables) | {"driver.trustServerCertificate": "true"}
