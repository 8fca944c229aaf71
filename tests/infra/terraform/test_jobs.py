"""Jobs of Glue are the code's entries, and take the arguments that the entries parse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from glue_jobs.entries import ENTRIES, ENTRY
from lake.arguments import is_glues_own, parse
from lake.kafka_auth import IAM
from lake.metrics import NAMESPACE
from lake.session import AVRO_LIMITS
from tests.infra.terraform.applied import Resource, State


def jobs_of(state: State) -> dict[str, Resource]:
    return {item.index: item for item in state.all("aws_glue_job")}


def arguments_of(job: Resource) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in job.values["default_arguments"].items()}


def conf_of(job: Resource) -> dict[str, str]:
    """`--conf` as Glue reads it: more settings follow, each after a `--conf` of its own."""
    pairs = arguments_of(job)["conf"].split(" --conf ")
    return dict(pair.split("=", 1) for pair in pairs)


def machine_of(state: State, name: str) -> Any:
    (found,) = [item for item in state.all("aws_sfn_state_machine") if item.index == name]
    return json.loads(found.values["definition"])


def test_there_is_a_job_for_each_entry_and_no_other(applied: State) -> None:
    assert jobs_of(applied).keys() == ENTRIES.keys()


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_jobs_arguments_are_those_that_its_entry_parses(applied: State, entry: str) -> None:
    given = arguments_of(jobs_of(applied)[entry])
    assert given.pop(ENTRY) == entry
    argv = [word for name, value in given.items() for word in (f"--{name}", value)]
    parsed = parse(ENTRIES[entry].arguments, ["glue_script.py", *argv])
    own = {name for name in given if not is_glues_own(name)}
    required = {name for name, needed in ENTRIES[entry].options.items() if needed}
    assert required <= own <= ENTRIES[entry].options.keys()
    assert parsed.pipeline == "retail"
    assert parsed.lake_uri == f"s3://{applied.outputs['name']}"
    assert f"retail-datalake-{parsed.environment}" == applied.outputs["name"]


def test_every_jvm_starts_with_avros_limits(applied: State) -> None:
    for job in jobs_of(applied).values():
        conf = conf_of(job)
        for process in ("driver", "executor"):
            assert conf[f"spark.{process}.extraJavaOptions"].split() == list(AVRO_LIMITS)


def test_every_job_that_reads_kafka_logs_in_by_iam_and_none_by_options_of_its_own(applied: State) -> None:
    given = {entry: arguments_of(job) for entry, job in jobs_of(applied).items()}
    readers = {entry for entry, arguments in given.items() if "bootstrap" in arguments}
    assert readers == {name for name, entry in ENTRIES.items() if "kafka-auth" in entry.options}
    assert {given[entry]["kafka-auth"] for entry in readers} == {IAM}
    assert not [entry for entry, arguments in given.items() if "client-options" in arguments]


def test_every_job_runs_the_wheels_entry_by_one_script_on_the_pinned_glue(applied: State) -> None:
    for job in jobs_of(applied).values():
        (command,) = job.values["command"]
        assert command["script_location"].startswith("s3://")
        assert command["script_location"].endswith("/glue_script.py")
        assert arguments_of(job)["additional-python-modules"].split(",")[0].endswith(".whl")
        assert arguments_of(job)["datalake-formats"] == "iceberg"
        assert job.values["glue_version"] == "5.1"
        assert arguments_of(job)["enable-auto-scaling"] == "true"


def test_reconciliation_has_the_packages_that_read_topics_beside_spark(applied: State) -> None:
    modules = arguments_of(jobs_of(applied)["reconcile"])["additional-python-modules"].split(",")
    assert {package.partition("==")[0].partition("[")[0] for package in modules[1:]} == {
        "aws-msk-iam-sasl-signer-python",
        "confluent-kafka",
        "psycopg",
    }


def test_streaming_runs_without_end_and_batch_jobs_are_stopped_when_they_hang(applied: State) -> None:
    for entry, job in jobs_of(applied).items():
        (command,) = job.values["command"]
        streaming = ENTRIES[entry].streaming
        assert command["name"] == ("gluestreaming" if streaming else "glueetl")
        assert bool(job.values["maintenance_window"]) == streaming
        if not streaming:
            assert job.values["timeout"] > 0
        assert job.values["execution_property"] == [{"max_concurrent_runs": 1}]


def test_the_streaming_job_has_no_timeout(parts: dict[str, State]) -> None:
    """A mocked provider fills in what is left out, so it is the text that tells."""
    job = jobs_of(parts["serverless"])["kafka_to_landing"]
    timeouts = {
        item.values["timeout"] for entry, item in jobs_of(parts["serverless"]).items() if not ENTRIES[entry].streaming
    }
    assert job.values["timeout"] not in timeouts


def test_the_route_takes_the_batch_hops_in_order(applied: State) -> None:
    machine = machine_of(applied, "route")
    order = [
        state["Parameters"]["JobName"]
        for state in path(machine)
        if "glue:startJobRun.sync" in state.get("Resource", "")
    ]
    jobs = jobs_of(applied)
    hops = ["landing_to_staging", "staging_to_curated", "curated_to_warehouse"]
    assert order == [jobs[hop].values["name"] for hop in hops]


def test_a_failed_run_is_tried_again_once_by_one_of_them(applied: State) -> None:
    """Step Functions waits for a run by its id; a retry of Glue's own would be another run beside the next hop."""
    states = machine_of(applied, "route")["States"]
    for entry, job in jobs_of(applied).items():
        by_route = any("States.TaskFailed" in item["ErrorEquals"] for item in states.get(entry, {}).get("Retry", ()))
        assert (job.values["max_retries"] > 0) != by_route, entry


def test_a_table_that_stopped_at_hop_2_stops_no_other_and_the_execution_fails_at_its_end(applied: State) -> None:
    states = machine_of(applied, "route")["States"]
    assert states["landing_to_staging"]["Catch"][0]["Next"] == "staging_to_curated"
    kept = states["landing_to_staging"]["Catch"][0]["ResultPath"]
    assert [choice["Next"] for choice in states["AllWell"]["Choices"] if choice["Variable"] == kept] == ["Failed"]
    assert states["curated_to_warehouse"]["Next"] == "AllWell"
    assert states["Failed"]["Type"] == "Fail"


def test_machines_lead_nowhere_else_and_try_again(applied: State) -> None:
    for item in applied.all("aws_sfn_state_machine"):
        check(json.loads(item.values["definition"]))


def check(machine: Mapping[str, Any]) -> None:
    """Every state is reached, every target is there, every task is tried again, every way ends."""
    states = machine["States"]
    reached, waiting = set(), [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += targets(states[name])
    assert reached == states.keys()
    for name, state in states.items():
        ends = state["Type"] in ("Succeed", "Fail") or state.get("End", False)
        assert ends != bool(targets(state)), name
        if state["Type"] == "Task" and ":sync" not in state["Resource"]:
            assert state.get("Retry") or ends or "getStatementResult" in state["Resource"], name
        if state["Type"] == "Map":
            check(state["ItemProcessor"])


def targets(state: Mapping[str, Any]) -> list[str]:
    nested = [*state.get("Choices", ()), *state.get("Catch", ())]
    return [item["Next"] for item in (state, *nested) if "Next" in item] + [
        state[key] for key in ("Default",) if key in state
    ]


def path(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The states of an execution in which nothing goes wrong."""
    name = machine["StartAt"]
    while name:
        state = machine["States"][name]
        yield state
        name = state.get("Next") or state.get("Default", "")


def test_what_a_job_prints_goes_to_a_group_that_is_there(applied: State) -> None:
    """Glue 5 names it by prefix, security configuration and role."""
    groups = {
        item.index: item.values["name"] for item in applied.all("aws_cloudwatch_log_group", module="jobs", name="job")
    }
    roles = {item.index: item.values["name"] for item in applied.all("aws_iam_role", module="jobs", name="job")}
    for entry, job in jobs_of(applied).items():
        prefix = arguments_of(job)["custom-logGroup-prefix"]
        folder = f"{prefix}/{job.values['security_configuration']}-role/{roles[entry]}"
        assert groups[f"{entry}/output"] == f"{folder}/output"
        assert groups[f"{entry}/error"] == f"{folder}/error"


def test_metrics_are_told_under_the_environment_that_alarms_ask_for(applied: State) -> None:
    alarms = [
        item.values for item in applied.all("aws_cloudwatch_metric_alarm") if item.values["namespace"] == NAMESPACE
    ]
    asked = {alarm["dimensions"]["environment"] for alarm in alarms}
    assert asked == {arguments_of(job)["environment"] for job in jobs_of(applied).values()}


def test_the_route_names_its_execution_to_every_hop(applied: State) -> None:
    states = machine_of(applied, "route")["States"]
    for entry in ("landing_to_staging", "staging_to_curated", "curated_to_warehouse"):
        (argument,) = states[entry]["Parameters"]["Arguments"]
        assert argument.removeprefix("--").removesuffix(".$") in ENTRIES[entry].options
