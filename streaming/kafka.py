"""What the broker says of a topic, asked through the JVM's Kafka client, as Spark asks it, by the same options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from schemas.errors import LakeError

TIMEOUT_MS: Final = 15_000


class BrokerUnavailableError(LakeError):
    """Kafka gave no answer."""


class TopicMissingError(LakeError):
    """The contract's topic is not in Kafka."""


@dataclass(frozen=True)
class TopicState:
    """A topic at one moment: its id, and per partition the first offset kept and the next one to be written."""

    topic: str
    topic_id: str
    earliest: Mapping[int, int]
    latest: Mapping[int, int]


def client_options(bootstrap: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Options of a Kafka client, as Spark's source takes them once `kafka.` stands in front."""
    return {"bootstrap.servers": bootstrap, **(extra or {})}


def topic_states(
    spark: SparkSession, options: Mapping[str, str], topics: Mapping[str, str], timeout_ms: int = TIMEOUT_MS
) -> dict[str, TopicState]:
    """State of each topic.

    Args:
        spark: a session whose classpath has the Kafka client.
        options: see `client_options`.
        topics: topic by table.
        timeout_ms: how long the broker may take.

    Returns:
        state by table.

    Raises:
        TopicMissingError: names the topics that are not there.
        BrokerUnavailableError: the broker does not answer, or refuses.
    """
    jvm: Any = spark._jvm
    limits = {"default.api.timeout.ms": str(timeout_ms), "request.timeout.ms": str(timeout_ms * 2 // 3)}
    properties = jvm.java.util.Properties()
    for name, value in {**limits, **options}.items():
        properties.setProperty(name, value)
    try:
        client = jvm.org.apache.kafka.clients.admin.AdminClient.create(properties)
    except Py4JJavaError as error:
        raise _unavailable(options, error) from None
    try:
        described = _described(jvm, client, topics, options)
        return {table: _state(jvm, client, description) for table, description in described.items()}
    except Py4JJavaError as error:
        raise _unavailable(options, error) from None
    finally:
        client.close(jvm.java.time.Duration.ofSeconds(1))


def _described(jvm: Any, client: Any, topics: Mapping[str, str], options: Mapping[str, str]) -> dict[str, Any]:
    futures = client.describeTopics(_java_list(jvm, topics.values())).topicNameValues()
    found, missing = {}, []
    for table, topic in topics.items():
        try:
            found[table] = futures.get(topic).get()
        except Py4JJavaError as error:
            if _cause(error) not in ("UnknownTopicOrPartitionException", "InvalidTopicException"):
                raise
            missing.append(topic)
    if missing:
        raise TopicMissingError(
            f"not in Kafka: {', '.join(sorted(missing))}",
            where=options["bootstrap.servers"],
            remedy="start the capture, which makes its topics, or correct `topic` in the contract",
        )
    return found


def _state(jvm: Any, client: Any, description: Any) -> TopicState:
    topic = description.name()
    partitions = sorted(int(info.partition()) for info in description.partitions())
    spec = jvm.org.apache.kafka.clients.admin.OffsetSpec
    return TopicState(
        topic,
        description.topicId().toString(),
        _offsets(jvm, client, topic, partitions, spec.earliest()),
        _offsets(jvm, client, topic, partitions, spec.latest()),
    )


def _offsets(jvm: Any, client: Any, topic: str, partitions: list[int], spec: Any) -> dict[int, int]:
    handles = {p: jvm.org.apache.kafka.common.TopicPartition(topic, p) for p in partitions}
    request = jvm.java.util.HashMap()
    for handle in handles.values():
        request.put(handle, spec)
    answer = client.listOffsets(request)
    return {p: int(answer.partitionResult(handle).get().offset()) for p, handle in handles.items()}


def _java_list(jvm: Any, items: Any) -> Any:
    result = jvm.java.util.ArrayList()
    for item in items:
        result.add(item)
    return result


def _cause(error: Py4JJavaError) -> str:
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.getClass().getSimpleName())


def _unavailable(options: Mapping[str, str], error: Py4JJavaError) -> BrokerUnavailableError:
    remedy = "start the broker, or correct its address or security options"
    return BrokerUnavailableError(
        f"Kafka does not answer ({_cause(error)})", where=options["bootstrap.servers"], remedy=remedy
    )
