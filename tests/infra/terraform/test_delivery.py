"""What `lake deploy` asks of an environment: its outputs, its variable, its first target, the bucket of its state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glue_jobs.entries import ENTRIES
from lake.deploy.places import places_of
from lake.deploy.run import STORAGE
from tests.infra.terraform.applied import State
from tests.infra.terraform.harness import ENVIRONMENTS, SOURCES
from tests.support import delivery


def test_outputs_are_what_is_read_of_them(environment: State) -> None:
    places = places_of(environment.outputs)
    assert places.buckets["lake"] == places.name
    assert {topic.name for topic in places.topics} >= {"retail.customer.cdc", "retail.order.cdc"}
    assert all(topic.partitions >= 1 and topic.config for topic in places.topics)
    assert set(places.jobs) >= set(ENTRIES)
    assert set(places.databases) >= {"staging", "curated"}
    assert places.cluster_kind in ("serverless", "provisioned")
    assert places.cluster_arn.startswith("arn:aws:kafka:")
    assert places.bootstrap.endswith(":9098")
    assert places.warehouse_uri.startswith("redshift-data://")
    assert places.copy_role.startswith("arn:aws:iam::")


def test_every_alarm_is_found_by_the_environments_name(environment: State) -> None:
    alarms = [item.values["alarm_name"] for item in environment.all("aws_cloudwatch_metric_alarm")]
    assert alarms
    assert [name for name in alarms if not name.startswith(environment.outputs["name"])] == []


def test_the_buckets_are_what_is_made_first(environment: State) -> None:
    (first,) = STORAGE
    buckets = [item for item in environment.all("aws_s3_bucket") if item.module.startswith(first)]
    assert {item.index for item in buckets} >= {"lake", "artifacts", "logs"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_variable_takes_a_releases_keys_and_the_state_lies_where_bootstrap_makes_it(
    name: str, tmp_path: Path
) -> None:
    folder = SOURCES / "environments" / name
    found = re.search(
        r'^variable "release" \{.*?object\(\{(.*?)\}\)', (folder / "variables.tf").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    assert set(re.findall(r"^\s+(\w+)\s+=", found[1], re.MULTILINE)) == set(delivery.release(tmp_path).keys())
    assert f'bucket       = "retail-datalake-{name}-state"' in (folder / "backend.tf").read_text()
