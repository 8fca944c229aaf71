"""What roles may do is what the code and its platforms call: lake/permissions.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lake import permissions
from tests.infra.terraform.applied import State


@pytest.mark.parametrize("entry", permissions.JOBS)
def test_a_jobs_role_may_what_its_entry_calls(applied: State, entry: str) -> None:
    asked = permissions.JOBS[entry] | (credentials(applied) if entry in permissions.ASK_WAREHOUSE else set())
    assert applied.actions("jobs", "job", entry) == asked


def test_the_warehouses_role_may_what_its_sql_asks_for(applied: State) -> None:
    assert applied.actions("warehouse", "warehouse") == permissions.WAREHOUSE


def test_the_function_may_read_schemas(applied: State) -> None:
    assert applied.actions("warehouse", "decode") == permissions.DECODE


@pytest.mark.parametrize("name", ["route", "stream"])
def test_a_machine_of_jobs_may_what_its_tasks_do(applied: State, name: str) -> None:
    assert applied.actions("jobs", "machine", name) == permissions.STATE_MACHINE | tasks(applied, name)


def test_the_operator_may_what_its_machines_and_schedules_do(applied: State) -> None:
    machines = tasks(applied, "stream-lag") | tasks(applied, "stream-retention")
    asked = permissions.STATE_MACHINE | machines | targets(applied, "warehouse") | credentials(applied)
    assert applied.actions("warehouse", "operator") == asked


def test_the_scheduler_of_jobs_may_start_what_it_starts(applied: State) -> None:
    assert applied.actions("jobs", "scheduler") == permissions.SCHEDULER | targets(applied, "jobs")


def test_what_knows_no_resource_is_bounded_by_a_condition_where_there_is_one(applied: State) -> None:
    for document in applied.all("aws_iam_policy_document"):
        for item in document.values["statement"]:
            if {"cloudwatch:PutMetricData", "redshift-data:DescribeStatement"} & set(item["actions"]):
                assert item["condition"], (document.address, item["sid"])


def test_every_role_is_assumed_by_a_service_of_this_account(applied: State) -> None:
    trusts = [item for item in applied.all("aws_iam_policy_document") if item.name.endswith("trust")]
    assert trusts
    for document in trusts:
        for item in document.values["statement"]:
            assert item["sid"]
            (who,) = item["principals"]
            assert "*" not in who["identifiers"]
            assert item["condition"] or who["identifiers"] == ["lambda.amazonaws.com"], document.address


def credentials(state: State) -> permissions.Actions:
    kind = "workgroup" if state.all("aws_redshiftserverless_workgroup") else "cluster"
    return permissions.CREDENTIALS[kind]


def tasks(state: State, machine: str) -> set[str]:
    """Actions of a machine's tasks."""
    (found,) = [item for item in state.all("aws_sfn_state_machine") if item.index == machine]
    definition = json.loads(found.values["definition"])
    return {action for task in resources(definition) for action in permissions.of_resource(task)}


def resources(definition: dict[str, Any]) -> Iterator[str]:
    for item in definition["States"].values():
        if item["Type"] == "Task":
            yield item["Resource"]
        if item["Type"] == "Map":
            yield from resources(item["ItemProcessor"])


def targets(state: State, module: str) -> set[str]:
    """Actions of what schedules call: an execution to start, or an operation."""
    found: set[str] = set()
    for item in state.all("aws_scheduler_schedule", module=module):
        (target,) = item.values["target"]
        called = ":aws-sdk:" in target["arn"]
        found |= permissions.of_resource(target["arn"]) if called else {"states:StartExecution"}
    return found
