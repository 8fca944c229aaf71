"""Topics by Kafka's protocol, on the real broker: what MSK's API does for provisioned clusters, for any other."""

from __future__ import annotations

import uuid

import pytest

from lake.deploy.errors import DeployError
from lake.deploy.topics import KafkaTopics, Topic, ensure, missing
from lake.kafka_auth import NONE, client_options
from tests.integration.conftest import LiveStack


def test_topics_are_made_grown_configured_and_never_shrunk(stack: LiveStack) -> None:
    cluster = KafkaTopics(client_options(stack.bootstrap_servers, NONE))
    name = f"deploy.{uuid.uuid4().hex[:8]}"
    wanted = Topic(name, 2, 1, {"retention.ms": "604800000"})
    assert missing([wanted], cluster) == [f"{name} is not there"]
    assert ensure([wanted], cluster) == [f"made topic {name}, 2 partitions"]
    assert ensure([wanted], cluster) == []
    assert ensure([Topic(name, 4, 1, {"retention.ms": "1000000"})], cluster) == [
        f"topic {name}: 2 → 4 partitions",
        f"topic {name}: configuration",
    ]
    assert ensure([wanted], cluster) == [f"topic {name}: configuration"]
    found = cluster.standing(name)
    assert found is not None
    assert (found.partitions, found.config["retention.ms"]) == (4, "604800000")


def test_a_broker_that_cannot_be_reached_is_told_with_the_way_in() -> None:
    with pytest.raises(DeployError, match="inside the network"):
        KafkaTopics({"bootstrap.servers": "127.0.0.1:1"}, timeout=0.5).standing("any")
