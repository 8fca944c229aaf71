"""Kafka topics, made with their configuration by us; the broker makes none by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from infra.local.errors import StackDownError

DAY_MS = 24 * 60 * 60 * 1000
_SILENT = logging.getLogger("infra.local.kafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True)
class Topic:
    """A topic as it must be."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def change_topic(name: str, *, partitions: int, retention_days: float) -> Topic:
    """A topic of change events: every record kept for ``retention_days``, none compacted."""
    config = {"cleanup.policy": "delete", "retention.ms": str(int(retention_days * DAY_MS))}
    return Topic(name, partitions, config | {"message.timestamp.type": "CreateTime"})


def service_topic(name: str) -> Topic:
    """A topic of one partition for signals and heartbeats, kept a week."""
    return change_topic(name, partitions=1, retention_days=7)


def admin(bootstrap_servers: str) -> AdminClient:
    """An admin client that keeps quiet while the broker starts."""
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": bootstrap_servers,
        "socket.timeout.ms": 10000,
        "log_level": 0,
    }
    return AdminClient(settings, logger=_SILENT)


def cluster_id(bootstrap_servers: str, *, timeout_seconds: float) -> str | None:
    """The id of the cluster that answers; None when none does."""
    try:
        found: str | None = admin(bootstrap_servers).list_topics(timeout=timeout_seconds).cluster_id
    except KafkaException:
        return None
    return found


def ensure_topics(bootstrap_servers: str, topics: Iterable[Topic]) -> list[str]:
    """Make the missing topics; give the others the stated configuration and at least the stated partitions.

    Returns:
        the names of the topics that were made.

    Raises:
        StackDownError: the broker does not answer, or refuses a topic.
    """
    client = admin(bootstrap_servers)
    wanted = {topic.name: topic for topic in topics}
    try:
        existing = client.list_topics(timeout=15).topics
        made = [topic for name, topic in wanted.items() if name not in existing]
        kept = [topic for name, topic in wanted.items() if name in existing]
        _create(client, made)
        _grow(client, [t for t in kept if len(existing[t.name].partitions) < t.partitions])
        _configure(client, kept)
    except KafkaException as error:
        raise StackDownError(
            f"topics cannot be made ({error.args[0]})",
            where=f"broker {bootstrap_servers}",
            remedy="see `lake status`; start the stack with `lake up`",
        ) from error
    return [topic.name for topic in made]


def _create(client: AdminClient, topics: list[Topic]) -> None:
    if not topics:
        return
    new = [NewTopic(t.name, t.partitions, replication_factor=1, config=dict(t.config)) for t in topics]
    for future in client.create_topics(new).values():
        try:
            future.result(30)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _wait_until_known(client, {topic.name for topic in topics})


def _grow(client: AdminClient, topics: list[Topic]) -> None:
    if topics:
        for future in client.create_partitions([NewPartitions(t.name, t.partitions) for t in topics]).values():
            future.result(30)


def _configure(client: AdminClient, topics: list[Topic]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in topic.config.items()
            ],
        )
        for topic in topics
        if topic.config
    ]
    if resources:
        for future in client.incremental_alter_configs(resources).values():
            future.result(30)


def _wait_until_known(client: AdminClient, names: set[str], timeout_seconds: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_seconds
    while names - set(client.list_topics(timeout=10).topics) and time.monotonic() < deadline:
        time.sleep(0.1)
