"""Kafka topics as a deployment wants them: made, grown and configured, never shrunk and never deleted.

MSK's own API does it for provisioned clusters, from anywhere (Amazon MSK, "Create topics in an Amazon MSK cluster").
A serverless cluster and a broker of one's own have no such API: there Kafka's protocol does it, from where brokers can
be reached.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lake.deploy.aws import refused
from lake.deploy.errors import DeployError

_BUSY: Final = ("CREATING", "UPDATING")
_PASSING: Final = ("ServiceUnavailableException", "KafkaTimeoutException", "ControllerMovedException")
_WAITS: Final = 60


@dataclass(frozen=True)
class Topic:
    """A topic as it must be.

    Args:
        name: its name.
        partitions: at least so many.
        replicas: copies of each partition.
        config: Kafka's topic configuration; what it does not name is left as it is.
    """

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A topic as it is: its partitions and the part of its configuration that was set."""

    partitions: int
    config: Mapping[str, str]


class Topics(Protocol):
    """What a deployment asks of a cluster."""

    def standing(self, name: str) -> Standing | None:
        """The topic as it is; None where there is none."""

    def create(self, topic: Topic) -> None:
        """Makes it, and waits until it is there."""

    def update(self, topic: Topic, *, partitions: bool, config: bool) -> None:
        """Gives it its partitions, its configuration, or both, and waits until it has them."""


def topics_of(value: Mapping[str, Any]) -> tuple[Topic, ...]:
    """Topics from Terraform's output `topics`: by name an object of `partitions`, `replication_factor` and `config`.

    Raises:
        DeployError: the output has another shape.
    """
    try:
        return tuple(
            Topic(name, int(item["partitions"]), int(item["replication_factor"]), _texts(item.get("config") or {}))
            for name, item in sorted(value.items())
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        remedy = "it is a map of objects with partitions, replication_factor and config"
        raise DeployError("has another shape", where="output topics", remedy=remedy) from error


def _texts(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in config.items()}


def ensure(topics: Iterable[Topic], cluster: Topics) -> list[str]:
    """Makes what is missing, and gives what is there its partitions and configuration.

    Partitions are only added: Kafka cannot take one away, and a key's changes keep their order within a partition only
    while their number stands, so growing one is said in the plan of whoever changes the throughput.

    Returns:
        What was done, in words; nothing where all is as it must be.
    """
    done = []
    for topic in topics:
        now = cluster.standing(topic.name)
        if now is None:
            cluster.create(topic)
            done.append(f"made topic {topic.name}, {topic.partitions} partitions")
            continue
        grows = now.partitions < topic.partitions
        differs = any(now.config.get(name) != value for name, value in topic.config.items())
        if grows or differs:
            cluster.update(topic, partitions=grows, config=differs)
        if grows:
            done.append(f"topic {topic.name}: {now.partitions} → {topic.partitions} partitions")
        if differs:
            done.append(f"topic {topic.name}: configuration")
    return done


@dataclass(frozen=True)
class MskTopics:
    """The topics of a provisioned MSK cluster, by its API.

    Args:
        client: boto3's client of `kafka`.
        cluster: the cluster's ARN.
        wait: sleeps some seconds.
    """

    client: Any
    cluster: str
    wait: Callable[[float], None] = time.sleep

    def standing(self, name: str) -> Standing | None:
        """See `Topics.standing`."""
        found = self._found(name)
        return Standing(int(found["PartitionCount"]), _decoded(found.get("Configs", ""))) if found else None

    def create(self, topic: Topic) -> None:
        """See `Topics.create`."""
        arguments = {"PartitionCount": topic.partitions, "ReplicationFactor": topic.replicas}
        self._settled(
            topic.name, lambda: self._call("create_topic", topic.name, **arguments, Configs=_encoded(topic.config))
        )

    def update(self, topic: Topic, *, partitions: bool, config: bool) -> None:
        """See `Topics.update`."""
        arguments: dict[str, Any] = {"PartitionCount": topic.partitions} if partitions else {}
        if config:
            arguments["Configs"] = _encoded(topic.config)
        self._settled(topic.name, lambda: self._call("update_topic", topic.name, **arguments))

    def _found(self, name: str) -> dict[str, Any] | None:
        return self._call("describe_topic", name)

    def _settled(self, name: str, ask: Callable[[], Any]) -> None:
        ask()
        for _ in range(_WAITS):
            found = self._found(name)
            if found and found["Status"] not in _BUSY:
                return
            self.wait(2)
        remedy = "see the cluster's state in the MSK console, then apply again"
        raise DeployError("is not ready after two minutes", where=f"topic {name}", remedy=remedy)

    def _call(self, operation: str, name: str, **arguments: Any) -> dict[str, Any] | None:
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(5):
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(
                    ClusterArn=self.cluster, TopicName=name, **arguments
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if operation == "describe_topic" and code in ("NotFoundException", "UnknownTopicOrPartitionException"):
                    return None
                if operation == "create_topic" and code == "TopicExistsException":
                    return {}  # the first try of a repeated request had made it
                if code not in _PASSING or attempt == 4:
                    raise refused(error, f"topic {name}", "kafka") from error
                self.wait(2**attempt)
            except BotoCoreError as error:
                raise refused(error, f"topic {name}", "kafka") from error
            else:
                return answer
        raise AssertionError


def _encoded(config: Mapping[str, str]) -> str:
    """As the API takes it: a JSON object, in Base64."""
    return base64.b64encode(json.dumps(dict(config), sort_keys=True).encode()).decode()


def _decoded(text: str) -> dict[str, str]:
    found = json.loads(base64.b64decode(text)) if text else {}
    return _texts(found)


@dataclass(frozen=True)
class KafkaTopics:
    """The topics of any cluster, by Kafka's protocol.

    Args:
        options: of a confluent-kafka client: address, and how it proves who it is.
        timeout: seconds that an answer may take.
    """

    options: Mapping[str, Any]
    timeout: float = 15

    def standing(self, name: str) -> Standing | None:
        """See `Topics.standing`."""
        from confluent_kafka.admin import ConfigResource, ResourceType

        client = self._client()
        found = self._asked(lambda: client.list_topics(timeout=self.timeout).topics.get(name))
        if found is None:
            return None
        resource = ConfigResource(ResourceType.TOPIC, name)
        config = self._asked(lambda: client.describe_configs([resource])[resource].result(self.timeout))
        return Standing(len(found.partitions), {key: entry.value for key, entry in config.items()})

    def create(self, topic: Topic) -> None:
        """See `Topics.create`."""
        from confluent_kafka.admin import NewTopic

        client = self._client()
        new = NewTopic(topic.name, topic.partitions, replication_factor=topic.replicas, config=dict(topic.config))
        self._asked(lambda: client.create_topics([new])[topic.name].result(2 * self.timeout))
        for _ in range(_WAITS):
            if self._asked(lambda: client.list_topics(timeout=self.timeout).topics.get(topic.name)) is not None:
                return
            time.sleep(0.25)  # the broker that is asked learns of it a moment later
        raise DeployError("is not there after it was made", where=f"topic {topic.name}", remedy="apply again")

    def update(self, topic: Topic, *, partitions: bool, config: bool) -> None:
        """See `Topics.update`."""
        from confluent_kafka.admin import (
            AlterConfigOpType,
            ConfigEntry,
            ConfigResource,
            NewPartitions,
            ResourceType,
        )

        client = self._client()
        if partitions:
            grown = NewPartitions(topic.name, topic.partitions)
            self._asked(lambda: client.create_partitions([grown])[topic.name].result(2 * self.timeout))
        if config:
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in topic.config.items()
            ]
            resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
            self._asked(lambda: client.incremental_alter_configs([resource])[resource].result(2 * self.timeout))

    def _client(self) -> Any:
        from confluent_kafka.admin import AdminClient

        return AdminClient({**self.options, "log_level": 0, "socket.timeout.ms": 10_000})

    def _asked(self, ask: Callable[[], Any]) -> Any:
        from confluent_kafka import KafkaException

        try:
            return ask()
        except KafkaException as error:
            what = f"refused or did not answer ({error.args[0].name()})"
            remedy = "run this from where the brokers can be reached: inside the network, or over the VPN"
            raise DeployError(what, where=f"Kafka {self.options['bootstrap.servers']}", remedy=remedy) from error


def missing(topics: Sequence[Topic], cluster: Topics) -> list[str]:
    """What a cluster lacks of the topics, in words."""
    found = []
    for topic in topics:
        now = cluster.standing(topic.name)
        if now is None:
            found.append(f"{topic.name} is not there")
        elif now.partitions < topic.partitions:
            found.append(f"{topic.name} has {now.partitions} partitions, not {topic.partitions}")
    return found
