"""Alarms tell the topic, on metrics that the code emits; what must be watched is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lake.metrics import BY_HOP, BY_NAME, METRICS, NAMESPACE
from redshift_sql.stream import EXAMPLE, lag_alarm
from schemas import load_pipeline
from tests.infra.terraform.applied import Resource, State

RETAIL = load_pipeline("retail")


def alarms(state: State, namespace: str = "") -> list[Resource]:
    return [item for item in state.all("aws_cloudwatch_metric_alarm") if namespace in ("", item.values["namespace"])]


def lines(state: State) -> list[list[Any]]:
    """Every line of every dashboard."""
    bodies = [json.loads(item.values["dashboard_body"]) for item in state.all("aws_cloudwatch_dashboard")]
    return [line for body in bodies for widget in body["widgets"] for line in widget["properties"]["metrics"]]


def test_every_alarm_tells_the_topic_when_it_rings_and_when_it_ends(applied: State) -> None:
    topic = applied.one("aws_sns_topic", module="watching").values
    for alarm in alarms(applied):
        assert alarm.values["alarm_actions"] == alarm.values["ok_actions"] == [topic["arn"]]
        assert alarm.values["actions_enabled"] is not False
        assert alarm.values["alarm_description"]


def test_alarms_on_the_lakes_metrics_name_what_the_code_emits(applied: State) -> None:
    found = alarms(applied, NAMESPACE)
    assert found
    for alarm in found:
        metric = BY_NAME[alarm.values["metric_name"]]
        assert set(alarm.values["dimensions"]) == set(BY_HOP)
        assert alarm.values["dimensions"]["hop"] in {str(hop) for hop in metric.hops}
        assert alarm.values["dimensions"]["pipeline"] == "retail"
        assert alarm.values["unit"] == metric.unit.value
        assert alarm.values["statistic"] in (metric.statistic.value, "SampleCount")


def test_lag_freshness_failures_dead_letters_and_reconciliation_have_alarms(applied: State) -> None:
    found = {(alarm.values["metric_name"], alarm.values["dimensions"]["hop"]) for alarm in alarms(applied, NAMESPACE)}
    assert ("LagSeconds", "landing") in found
    assert ("ReconciliationFailed", "reconcile") in found
    for name in ("FreshnessSeconds", "Failures", "DeadLetters"):
        assert {(name, str(hop)) for hop in BY_NAME[name].hops} <= found


def test_a_hop_that_no_longer_runs_rings(applied: State) -> None:
    silent = [alarm.values for alarm in alarms(applied, NAMESPACE) if alarm.values["treat_missing_data"] == "breaching"]
    assert {alarm["dimensions"]["hop"] for alarm in silent} == {"staging", "curated", "warehouse"}


def test_the_streams_lag_rings_as_the_code_says(applied: State) -> None:
    stated = lag_alarm(RETAIL, EXAMPLE)
    found = alarms(applied, stated.namespace)
    assert {alarm.values["dimensions"]["source"] for alarm in found} == RETAIL.sources.keys()
    for alarm in found:
        assert alarm.values["metric_name"] == stated.metric
        assert alarm.values["threshold"] == stated.threshold_seconds
        assert (alarm.values["period"], alarm.values["evaluation_periods"]) == (stated.period_seconds, stated.periods)


def test_the_operators_guide_tells_of_every_alarm(applied: State) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    told = re.findall(r"`([a-zA-Z-]+(?:<[a-z]+>)?)`", guide)
    shapes = [re.compile(re.sub(r"<[a-z]+>", r"[\\w-]+", name)) for name in told]
    names = {str(alarm.index) for alarm in alarms(applied)}
    assert {name for name in names if not any(shape.fullmatch(name) for shape in shapes)} == set()


def test_failed_runs_and_backups_are_told(applied: State) -> None:
    rules = {item.index: json.loads(item.values["event_pattern"]) for item in applied.all("aws_cloudwatch_event_rule")}
    jobs = {item.values["name"] for item in applied.all("aws_glue_job")}
    assert set(rules["jobs"]["detail"]["jobName"]) == jobs
    assert rules["backups"]["source"] == ["aws.backup"]
    topic = applied.one("aws_sns_topic", module="watching").values["arn"]
    assert {item.values["arn"] for item in applied.all("aws_cloudwatch_event_target", module="watching")} == {topic}


def test_every_state_machine_rings_when_it_fails(applied: State) -> None:
    watched = {alarm.address.partition('"machine-')[2].rstrip('"]') for alarm in alarms(applied, "AWS/States")}
    assert watched == {item.index for item in applied.all("aws_sfn_state_machine")}


def test_dashboards_show_every_metric_of_the_catalogue_and_no_other(applied: State) -> None:
    shown = {(line[1], line[line.index("hop") + 1]) for line in lines(applied) if line[0] == NAMESPACE}
    assert shown == {(metric.name, str(hop)) for metric in METRICS for hop in metric.hops}


def test_dashboards_show_kafka_glue_and_the_warehouse(applied: State) -> None:
    shown = {line[0] for line in lines(applied) if isinstance(line[0], str)}
    assert shown >= {"AWS/Kafka", "AWS/KafkaConnect", "Glue", "AWS/States", "AWS/Lambda"}
    assert {"AWS/Redshift", "AWS/Redshift-Serverless"} & shown


def test_logs_are_kept_for_a_time_under_a_key(applied: State) -> None:
    for group in applied.all("aws_cloudwatch_log_group"):
        assert group.values["retention_in_days"], group.address
        assert group.values["kms_key_id"], group.address


def test_the_topic_is_encrypted_and_open_to_services_and_rules_of_the_account_alone(applied: State) -> None:
    assert applied.one("aws_sns_topic", module="watching").values["kms_master_key_id"]
    (document,) = applied.all("aws_iam_policy_document", module="watching", name="topic")
    allowed = [item for item in document.values["statement"] if item["effect"] != "Deny"]
    assert {item["condition"][0]["variable"] for item in allowed} == {"aws:SourceAccount", "aws:SourceArn"}
