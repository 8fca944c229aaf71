"""What `lake cost` counts is what Terraform makes."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from lake.cost.tables import Environment, load_tables
from tests.infra.terraform.applied import State
from tests.infra.terraform.harness import ENVIRONMENTS

COUNTED: Final = load_tables().environments
MINUTES: Final = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}


def kafka(state: State) -> dict[str, Any]:
    clusters = state.all("aws_msk_cluster")
    if not clusters:
        assert state.one("aws_msk_serverless_cluster")
        return {"kind": "serverless", "broker": "", "brokers": 0, "gb": 0}
    values = clusters[0].values
    (group,) = values["broker_node_group_info"]
    gb = group["storage_info"][0]["ebs_storage_info"][0]["volume_size"]
    count = values["number_of_broker_nodes"]
    return {"kind": "provisioned", "broker": group["instance_type"], "brokers": count, "gb": gb}


def connect(state: State) -> dict[str, int]:
    (capacity,) = state.one("aws_mskconnect_connector").values["capacity"]
    (given,) = capacity["provisioned_capacity"] or capacity["autoscaling"]
    return {"workers": given.get("worker_count") or given["min_worker_count"], "mcus": given["mcu_count"]}


def warehouse(state: State) -> dict[str, Any]:
    clusters = state.all("aws_redshift_cluster")
    if not clusters:
        rpus = state.one("aws_redshiftserverless_workgroup").values["base_capacity"]
        return {"kind": "serverless", "rpus": rpus, "node": "", "nodes": 0}
    values = clusters[0].values
    nodes = values["number_of_nodes"] * (2 if values["multi_az"] else 1)
    return {"kind": "provisioned", "rpus": 0, "node": values["node_type"], "nodes": nodes}


def runs_a_day(state: State) -> int:
    (schedule,) = {
        item.values["schedule_expression"] for item in state.all("aws_scheduler_schedule") if item.index == "route"
    }
    found = re.fullmatch(r"rate\((\d+) (\w+)\)", schedule)
    assert found is not None
    return 1440 // (int(found[1]) * MINUTES[found[2]])


def job_types(state: State, kind: str) -> set[tuple[str, int]]:
    """Worker types and most workers of the jobs of a kind."""
    jobs = [item.values for item in state.all("aws_glue_job") if item.values["command"][0]["name"] == kind]
    return {(item["worker_type"], item["number_of_workers"]) for item in jobs}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_is_counted_is_what_terraform_makes(environments: dict[str, State], name: str) -> None:
    state, counted = environments[name], COUNTED[name]
    assert isinstance(counted, Environment)
    assert counted.kafka.model_dump() == kafka(state)
    assert counted.connect.model_dump() == connect(state)
    # Refreshes begin with the variable `streaming_views`, which the tests of the streaming path's upkeep set.
    assert counted.warehouse.model_dump(exclude={"refreshes"}) == warehouse(state)
    for kind, job in (("gluestreaming", counted.stream), ("glueetl", counted.batch)):
        found = job_types(state, kind)
        assert {worker for worker, _ in found} == {job.worker}
        assert all(most >= job.workers for _, most in found)
    assert counted.batch.runs_a_day == runs_a_day(state)
    assert counted.network.gateways == len(state.all("aws_nat_gateway"))
    interfaces = [item for item in state.all("aws_vpc_endpoint") if item.values["vpc_endpoint_type"] == "Interface"]
    assert counted.network.endpoints == len(interfaces)
    assert {len(item.values["subnet_ids"]) for item in interfaces} == {counted.network.zones}
    watching = {
        "keys": len(state.all("aws_kms_key")),
        "secrets": len(state.all("aws_secretsmanager_secret")),
        "alarms": len(state.all("aws_cloudwatch_metric_alarm")),
        "dashboards": len(state.all("aws_cloudwatch_dashboard")),
    }
    assert counted.watching.model_dump() == watching
