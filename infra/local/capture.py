"""Capture of one pipeline: its database, publication, topics and connector, from its source contracts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

import psycopg
from psycopg import sql

from infra.local.errors import ConnectorError, SourceError
from infra.local.http import request_json
from infra.local.parts.base import Context
from infra.local.parts.postgres import admin_dsn
from infra.local.topics import Topic, change_topic, ensure_topics, service_topic
from schemas import SourceContract
from streaming.connectors.render import CapturedTable, render

CAPTURE_USER = "debezium"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_SERVICE_TABLES = """
CREATE SCHEMA IF NOT EXISTS lake;
CREATE TABLE IF NOT EXISTS lake.signal (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
CREATE TABLE IF NOT EXISTS lake.heartbeat (id int PRIMARY KEY, beat_at timestamptz NOT NULL);
INSERT INTO lake.heartbeat VALUES (1, now()) ON CONFLICT DO NOTHING;
"""


@dataclass(frozen=True)
class Capture:
    """What is captured for a pipeline.

    Args:
        pipeline: its name, also the name of its database.
        tables: what to capture, with the topics.
        ddl: statements that make the tables (``source.sql`` of the pipeline's folder); empty when made elsewhere.
        partitions: partitions of each topic.
        retention_days: how long each topic keeps its records.
    """

    pipeline: str
    tables: tuple[CapturedTable, ...]
    ddl: str = ""
    partitions: int = 4
    retention_days: float = 7.0

    @property
    def connector(self) -> str:
        """The connector's name on Connect."""
        return f"{self.pipeline}-postgres"

    def topics(self) -> list[Topic]:
        """The pipeline's topics: one per table, and those of the connector itself."""
        tables = [
            change_topic(t.topic, partitions=self.partitions, retention_days=self.retention_days) for t in self.tables
        ]
        return [
            *tables,
            service_topic(f"{self.pipeline}.signal"),
            service_topic(f"__debezium-heartbeat.{self.pipeline}"),
        ]


def capture_of(
    pipeline: str, sources: Mapping[str, SourceContract], folder: Traversable, *, partitions: int, retention_days: float
) -> Capture:
    """The capture that a pipeline's contracts ask for; ``folder`` is the pipeline's folder.

    Raises:
        SourceError: the pipeline's name cannot name a database.
    """
    if not _NAME.fullmatch(pipeline):
        raise SourceError(
            f"{pipeline!r} cannot name a database and a replication slot",
            where="pipeline",
            remedy="use lower-case letters, digits and _; begin with a letter; at most 41 characters",
        )
    tables = tuple(CapturedTable(s.source_schema, s.table, s.topic) for s in sources.values())
    ddl = folder / "source.sql"
    return Capture(pipeline, tables, ddl.read_text() if ddl.is_file() else "", partitions, retention_days)


def prepare_database(context: Context, capture: Capture) -> None:
    """Make the database, the capture user, the tables and the publication; changes nothing that is right already.

    Raises:
        SourceError: a table of the contracts is not in the database.
    """
    database = capture.pipeline
    user, password = sql.Identifier(CAPTURE_USER), sql.Literal(context.secrets["debezium.password"])
    with psycopg.connect(admin_dsn(context), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [CAPTURE_USER]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(user))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(user, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    with psycopg.connect(admin_dsn(context, database)) as connection:
        connection.execute(_SERVICE_TABLES)
        if capture.ddl:
            connection.execute(capture.ddl.encode())
        _check_tables(connection, capture)
        for schema in sorted({t.schema for t in capture.tables} | {"lake"}):
            grants = "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1}"
            connection.execute(sql.SQL(grants).format(sql.Identifier(schema), user))
        connection.execute(sql.SQL("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lake TO {}").format(user))
        _publish(connection, capture)


def _check_tables(connection: psycopg.Connection[Any], capture: Capture) -> None:
    rows = connection.execute("SELECT schemaname || '.' || tablename FROM pg_tables").fetchall()
    absent = [t.qualified for t in capture.tables if t.qualified not in {row[0] for row in rows}]
    if absent:
        raise SourceError(
            f"no table {', '.join(absent)}",
            where=f"database {capture.pipeline}",
            remedy=f"create it, or put its CREATE TABLE IF NOT EXISTS into schemas/{capture.pipeline}/source.sql",
        )


def _publish(connection: psycopg.Connection[Any], capture: Capture) -> None:
    name = f"lake_{capture.pipeline}"
    wanted = {("lake", "signal"), ("lake", "heartbeat")} | {(t.schema, t.table) for t in capture.tables}
    tables = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in sorted(wanted))
    found = connection.execute("SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s", [name])
    if set(found.fetchall()) == wanted:
        return
    exists = connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", [name]).fetchone()
    statement = "ALTER PUBLICATION {} SET TABLE {}" if exists else "CREATE PUBLICATION {} FOR TABLE {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(name), tables))


def connector_config(context: Context, capture: Capture) -> dict[str, str]:
    """The PostgreSQL connector's configuration for the embedded stack."""
    places = {
        "pipeline": capture.pipeline,
        "database": capture.pipeline,
        "database_host": context.host("postgres"),
        "database_port": context.ports["postgres"],
        "secrets_file": context.secrets_file,
        "bootstrap_servers": context.bootstrap_servers,
        "registry_url": context.registry_url,
    }
    return render("postgres", places, capture.tables)


def start_capture(context: Context, capture: Capture, *, timeout_seconds: float) -> None:
    """Prepare the database and the topics, register the connector, and wait until its task runs.

    Raises:
        SourceError: a table is missing.
        ConnectorError: Connect refuses the configuration, or the connector does not run in time.
    """
    prepare_database(context, capture)
    if not capture.tables:
        return
    ensure_topics(context.bootstrap_servers, capture.topics())
    register(
        context.connect_url, capture.connector, connector_config(context, capture), timeout_seconds=timeout_seconds
    )


def register(connect_url: str, name: str, config: Mapping[str, str], *, timeout_seconds: float) -> None:
    """Put the connector's configuration when it differs, restart what failed, and wait until it runs.

    Raises:
        ConnectorError: Connect refuses it, or it does not run in time.
    """
    deadline = time.monotonic() + timeout_seconds
    path = f"{connect_url}/connectors/{name}"
    while True:
        code, found = request_json("GET", f"{path}/config")
        if code == 200 and found == dict(config):
            code, found = request_json("POST", f"{path}/restart?includeTasks=true&onlyFailed=true")
        else:
            code, found = request_json("PUT", f"{path}/config", dict(config))
        if code in {200, 201, 202, 204}:
            break
        # 404, 409 and 503 pass: the worker is still joining its group
        if code not in {404, 409, 503} or time.monotonic() > deadline:
            raise ConnectorError(
                f"Connect refused the configuration (HTTP {code}): {_message(found)}",
                where=name,
                remedy="correct the configuration under streaming/connectors and run `lake up` again",
            )
        time.sleep(0.3)
    _wait_until_running(connect_url, name, deadline)


def _wait_until_running(connect_url: str, name: str, deadline: float) -> None:
    while True:
        state, detail = connector_state(connect_url, name)
        if state == "RUNNING":
            return
        if state == "FAILED" or time.monotonic() > deadline:
            raise ConnectorError(
                f"is {state}: {detail or 'no reason given'}",
                where=f"connector {name}",
                remedy="see the log of the part connect (`lake status` names it); then run `lake up` again",
            )
        time.sleep(0.3)


def connector_state(connect_url: str, name: str) -> tuple[str, str]:
    """The state of a connector and its task as one word (RUNNING, FAILED, ABSENT, …) and the reason of a failure."""
    code, found = request_json("GET", f"{connect_url}/connectors/{name}/status")
    if code != 200 or not isinstance(found, dict):
        return "ABSENT", ""
    parts = [found["connector"], *found["tasks"]]
    for part in parts:
        if part["state"] == "FAILED":
            return "FAILED", str(part.get("trace", "")).strip()[-1500:]
    if not found["tasks"]:
        return "STARTING", ""
    states = {part["state"] for part in parts}
    return ("RUNNING" if states == {"RUNNING"} else ",".join(sorted(states - {"RUNNING"}))), ""


def _message(answer: object) -> str:
    return str(answer.get("message", answer)) if isinstance(answer, dict) else str(answer)
