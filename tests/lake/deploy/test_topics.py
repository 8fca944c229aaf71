"""Topics by MSK's API: made once, grown, configured, waited for, never shrunk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import boto3
import pytest

from lake.deploy.errors import DeployError
from lake.deploy.topics import MskTopics, Topic, ensure, missing, topics_of
from tests.support import msk_topics

WANTED = Topic("retail.customer.cdc", 4, 3, {"retention.ms": "604800000"})
ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/retail/0a1b-2"


@pytest.fixture
def api() -> Iterator[msk_topics.Topics]:
    with msk_topics.served() as found:
        yield found


@pytest.fixture
def cluster(api: msk_topics.Topics) -> MskTopics:
    client = boto3.client(
        "kafka",
        endpoint_url=api.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    return MskTopics(client, ARN, wait=lambda _: None)


def test_a_topic_is_made_with_its_configuration_and_waited_for(api: msk_topics.Topics, cluster: MskTopics) -> None:
    api.busy = 3
    assert missing([WANTED], cluster) == ["retail.customer.cdc is not there"]
    assert ensure([WANTED], cluster) == ["made topic retail.customer.cdc, 4 partitions"]
    (made,) = api.topics.values()
    assert (made["PartitionCount"], made["ReplicationFactor"], made["busy"]) == (4, 3, -1)
    assert json.loads(base64.b64decode(made["Configs"])) == {"retention.ms": "604800000"}
    assert ensure([WANTED], cluster) == []
    assert missing([WANTED], cluster) == []
    assert api.calls.count("CreateTopic retail.customer.cdc") == 1


def test_a_topic_grows_and_is_configured_and_never_shrinks(api: msk_topics.Topics, cluster: MskTopics) -> None:
    ensure([Topic(WANTED.name, 6, 3, {"retention.ms": "1"})], cluster)
    assert ensure([WANTED], cluster) == ["topic retail.customer.cdc: configuration"]
    assert ensure([Topic(WANTED.name, 8, 3)], cluster) == ["topic retail.customer.cdc: 6 → 8 partitions"]
    (found,) = api.topics.values()
    assert (found["PartitionCount"], json.loads(base64.b64decode(found["Configs"]))) == (8, dict(WANTED.config))
    assert missing([Topic(WANTED.name, 9, 3)], cluster) == ["retail.customer.cdc has 8 partitions, not 9"]


def test_a_passing_fault_is_waited_out_and_another_is_told(api: msk_topics.Topics, cluster: MskTopics) -> None:
    api.faults = ["KafkaTimeoutException"]
    assert ensure([WANTED], cluster)
    api.faults = ["ForbiddenException"] * 9
    with pytest.raises(DeployError, match="denies it"):
        ensure([WANTED], cluster)


def test_a_topic_that_never_becomes_ready_is_told(api: msk_topics.Topics, cluster: MskTopics) -> None:
    api.busy = 1000
    with pytest.raises(DeployError, match="is not ready"):
        ensure([WANTED], cluster)


def test_an_output_of_another_shape_is_refused() -> None:
    assert topics_of({"a": {"partitions": 2, "replication_factor": 3, "config": None}}) == (Topic("a", 2, 3),)
    for wrong in ({"a": 2}, {"a": {"partitions": 2}}, {"a": {"partitions": "x", "replication_factor": 3}}):
        with pytest.raises(DeployError, match="another shape"):
            topics_of(wrong)
