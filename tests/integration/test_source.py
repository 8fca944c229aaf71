"""From a row of the source to a record in Kafka: schemas, topics, headers, generators."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from infra.local.registry_schemas import SIDES, latest_schema
from schemas import load_pipeline
from tests.integration.conftest import LiveStack
from tests.integration.kafka_offsets import end_offsets

AVRO = Path(__file__).parents[2] / "schemas" / "retail" / "avro"
TOPICS = {source.table: source.topic for source in load_pipeline("retail").sources.values()}


@dataclass(frozen=True)
class Workload:
    """What was done to the source since some place in the topics."""

    stack: LiveStack
    begins: dict[str, dict[int, int]]
    entries: list[dict[str, Any]]

    def records(self, table: str) -> list[Any]:
        """The committed records since then, in order of partition and offset; complete once the ledger's are there."""
        expected = self.events()[table]
        return committed(self.stack, TOPICS[table], self.begins[table], at_least=expected)

    def events(self) -> Counter[str]:
        """Events per table that the ledger's changes make."""
        expected: Counter[str] = Counter()
        for entry in self.entries:
            extra = {"d": 1}.get(entry["op"], 2 if entry["kind"] == "key change" else 0)  # tombstone; delete, too
            expected[entry["table"]] += entry.get("rows", 1) + extra
        return expected


@pytest.fixture(scope="module")
def workload(stack: LiveStack) -> Workload:
    """A small shop and a live workload on it."""
    wait_until_quiet(stack)
    begins = {table: end_offsets(stack.admin(), topic) for table, topic in TOPICS.items()}
    ledger = stack.home.ledger("retail")
    known = len(ledger.read_text().splitlines()) if ledger.exists() else 0
    for arguments in (
        ("seed", "--customers", "40", "--products", "12", "--orders", "60"),
        ("churn", "--changes", "250", "--seed", "3"),
    ):
        done = stack.lake("source", *arguments)
        assert done.returncode == 0, done.stderr
    lines = ledger.read_text().splitlines()[known:]
    return Workload(stack, begins, [json.loads(line) for line in lines])


def wait_until_quiet(stack: LiveStack, seconds: float = 3.0) -> None:
    """Until no record of an earlier test arrives any more."""
    before: object = None
    while (now := [end_offsets(stack.admin(), topic) for topic in TOPICS.values()]) != before:
        before = now
        time.sleep(seconds)


def committed(stack: LiveStack, topic: str, begins: dict[int, int], *, at_least: int, timeout: float = 60) -> list[Any]:
    """Records of a topic from ``begins`` on, as a read-committed consumer sees them."""
    consumer = Consumer(
        {
            "bootstrap.servers": stack.bootstrap_servers,
            "group.id": f"reader-{time.monotonic_ns()}",
            "enable.auto.commit": "false",
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in begins.items()])
    found: list[Any] = []
    deadline, silent = time.monotonic() + timeout, 0
    while time.monotonic() < deadline and (len(found) < at_least or silent < 3):
        message = consumer.poll(0.5)
        silent = silent + 1 if message is None else 0
        found += [message] if message is not None and message.error() is None else []
    consumer.close()
    return sorted(found, key=lambda m: (m.partition(), m.offset()))


def test_every_avsc_equals_what_the_live_registry_holds(workload: Workload) -> None:
    for table, topic in TOPICS.items():
        assert workload.records(table)
        for side in SIDES:
            kept = json.loads((AVRO / f"{topic}-{side}.avsc").read_text())
            assert kept == latest_schema(workload.stack.ccompat_url, topic, side), f"{topic}-{side}"


def test_there_is_an_avsc_for_each_topic_and_no_other() -> None:
    assert {path.stem for path in AVRO.glob("*.avsc")} == {f"{t}-{side}" for t in TOPICS.values() for side in SIDES}


def test_topics_have_our_configuration_and_the_broker_makes_none_by_itself(stack: LiveStack) -> None:
    admin = stack.admin()
    found = admin.list_topics(timeout=20).topics
    for topic in TOPICS.values():
        assert len(found[topic].partitions) == 4
        ((_, future),) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).items()
        config = future.result(20)
        assert config["retention.ms"].value == str(7 * 24 * 60 * 60 * 1000)
        assert config["cleanup.policy"].value == "delete"
    assert "retail.lake.heartbeat" not in found
    assert admin.list_topics("retail.nobody.cdc", timeout=20).topics["retail.nobody.cdc"].error is not None


@pytest.mark.parametrize("table", sorted(TOPICS))
def test_every_committed_row_change_is_one_event_and_a_rolled_back_one_is_none(workload: Workload, table: str) -> None:
    assert len(workload.records(table)) == workload.events()[table]


def test_a_key_change_carries_plain_json_headers_that_link_the_keys(workload: Workload) -> None:
    changed = [entry["key"] for entry in workload.entries if entry["kind"] == "key change"]
    assert changed
    headers = [dict(message.headers() or []) for message in workload.records("customer")]
    old = [json.loads(h["__debezium.oldkey"]) for h in headers if "__debezium.oldkey" in h]
    assert sorted(old, key=str) == sorted(changed, key=str)
    new = [json.loads(h["__debezium.newkey"]) for h in headers if "__debezium.newkey" in h]
    assert len(new) == 2 * len(changed)  # on the delete and on its tombstone


def test_equal_keys_lie_in_one_partition(workload: Workload) -> None:
    homes: dict[bytes, set[int]] = {}
    for message in workload.records("order_item"):
        homes.setdefault(message.key(), set()).add(message.partition())
    assert all(len(partitions) == 1 for partitions in homes.values())
    assert len({partition for partitions in homes.values() for partition in partitions}) > 1


def test_seeding_a_filled_source_changes_nothing(workload: Workload) -> None:
    ledger = workload.stack.home.ledger("retail")
    before = ledger.read_text()
    done = workload.stack.lake("source", "seed")
    assert done.returncode == 0
    assert "holds rows already" in done.stdout
    assert ledger.read_text() == before
