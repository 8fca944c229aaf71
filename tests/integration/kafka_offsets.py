"""Where topics end."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec


def end_offsets(admin: AdminClient, topic: str) -> dict[int, int]:
    """Partition → the offset that the next record will get."""
    latest: Any = OffsetSpec.latest  # its stub has no types
    partitions = admin.list_topics(topic, timeout=20).topics[topic].partitions
    asked = {TopicPartition(topic, partition): latest() for partition in partitions}
    return {place.partition: future.result(20).offset for place, future in admin.list_offsets(asked).items()}
