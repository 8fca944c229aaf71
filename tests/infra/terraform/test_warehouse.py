"""The warehouse is what the code asks for: limits, statements on a clock, the function, its address."""

from __future__ import annotations

import json
from typing import Any

from lake.warehouse.data_api import parsed
from redshift_sql.stream import EXAMPLE, StreamSettings, lag_alarm, refresh_plan, retention_plan
from redshift_sql.upkeep import USAGE_LIMITS
from schemas import load_pipeline
from streaming.registry import GlueRegistry, registry_for
from streaming.udf.handler import REGISTRY
from streaming.udf.package import HANDLER
from tests.infra.terraform.applied import State

RETAIL = load_pipeline("retail")


def schedules(state: State, name: str) -> list[dict[str, Any]]:
    return [dict(item.values) for item in state.all("aws_scheduler_schedule", module="warehouse", name=name)]


def definition(state: State, machine: str) -> Any:
    (found,) = [item for item in state.all("aws_sfn_state_machine") if item.index == machine]
    return json.loads(found.values["definition"])


def uri(state: State) -> str:
    (job,) = [item for item in state.all("aws_glue_job") if item.index == "curated_to_warehouse"]
    return str(job.values["default_arguments"]["--warehouse-uri"])


def test_limits_of_use_are_the_codes(parts: dict[str, State]) -> None:
    serverless = parts["serverless"].all("aws_redshiftserverless_usage_limit")
    cluster = parts["provisioned"].all("aws_redshift_usage_limit")
    found = {
        (
            item.index,
            item.values["usage_type"],
            item.values["amount"],
            item.values["period"],
            item.values["breach_action"],
        )
        for item in serverless
    }
    found |= {
        (
            item.index,
            item.values["feature_type"],
            item.values["amount"],
            item.values["period"],
            item.values["breach_action"],
        )
        for item in cluster
    }
    assert found == {(limit.name, limit.feature, limit.amount, limit.period, limit.action) for limit in USAGE_LIMITS}


def test_each_topics_view_is_refreshed_each_minute(applied: State) -> None:
    found = schedules(applied, "refresh")
    assert {item["schedule_expression"] for item in found} == {"rate(1 minute)"}
    inputs = [json.loads(item["target"][0]["input"]) for item in found]
    assert sorted(item["Sql"] for item in inputs) == sorted(item.sql.strip() for item in refresh_plan(RETAIL, EXAMPLE))


def test_schedules_jobs_and_machines_speak_to_one_warehouse(applied: State) -> None:
    target, _ = parsed(uri(applied))
    for item in schedules(applied, "refresh"):
        assert json.loads(item["target"][0]["input"]).items() >= target.request.items()
    told = definition(applied, "stream-lag")["States"]["Run"]["Arguments"]
    assert f"$merge([{json.dumps(dict(sorted(target.request.items())), separators=(',', ':'))}, $states.input])" in told


def test_the_lag_is_published_as_the_code_says(applied: State) -> None:
    alarm = lag_alarm(RETAIL, EXAMPLE)
    (found,) = [item for item in schedules(applied, "machine") if item["name"].endswith("stream-lag")]
    assert json.loads(found["target"][0]["input"]) == {"Sql": alarm.query}
    publish = definition(applied, "stream-lag")["States"]["Publish"]["Arguments"]
    assert publish["Namespace"] == alarm.namespace
    assert f"'MetricName': '{alarm.metric}'" in publish["MetricData"]


def test_old_records_are_taken_out_each_day_by_the_codes_statements(applied: State) -> None:
    tables = definition(applied, "stream-retention")["States"]["Tables"]
    plan = retention_plan(RETAIL, EXAMPLE)
    assert tables["Items"] == [item.sql.strip() for item in plan]
    (names,) = {item.parameters for item in plan}
    assert tuple(item["Name"] for item in tables["ItemSelector"]["Parameters"]) == tuple(names)


def test_role_cluster_and_function_fit_the_streaming_paths_settings(applied: State) -> None:
    function = applied.one("aws_lambda_function", module="warehouse").values["function_name"]
    alias = applied.one("aws_lambda_alias", module="warehouse").values["name"]
    role = applied.one("aws_iam_role", module="warehouse", name="warehouse").values["arn"]
    settings = StreamSettings(cluster=EXAMPLE.cluster, role=role, function=f"{function}:{alias}")
    assert settings.function == f"{applied.outputs['name']}-decode:live"


def test_the_function_is_the_packages(applied: State) -> None:
    function = applied.one("aws_lambda_function", module="warehouse").values
    assert function["handler"] == HANDLER
    (environment,) = function["environment"]
    assert isinstance(registry_for(environment["variables"][REGISTRY]), GlueRegistry)
    assert function["runtime"] == "python3.12"


def test_a_serverless_warehouse_is_private_encrypted_and_speaks_tls(parts: dict[str, State]) -> None:
    state = parts["serverless"]
    workgroup = state.one("aws_redshiftserverless_workgroup").values
    assert workgroup["publicly_accessible"] is False
    assert workgroup["enhanced_vpc_routing"] is True
    assert {"parameter_key": "require_ssl", "parameter_value": "true"} in workgroup["config_parameter"]
    namespace = state.one("aws_redshiftserverless_namespace").values
    assert namespace["kms_key_id"]
    assert namespace["manage_admin_password"] is True
    assert not state.all("aws_redshift_cluster")


def test_a_cluster_spans_zones_scales_keeps_and_copies_snapshots(parts: dict[str, State]) -> None:
    state = parts["provisioned"]
    cluster = state.one("aws_redshift_cluster").values
    assert cluster["node_type"].startswith("ra3.")
    assert cluster["multi_az"] is True
    assert cluster["encrypted"] is True
    assert cluster["kms_key_id"]
    assert cluster["publicly_accessible"] is False
    assert cluster["skip_final_snapshot"] is False
    assert cluster["automated_snapshot_retention_period"] > 0
    parameters = {item["name"]: item["value"] for item in state.one("aws_redshift_parameter_group").values["parameter"]}
    assert parameters["require_ssl"] == "true"
    assert int(parameters["max_concurrency_scaling_clusters"]) >= 1
    assert json.loads(parameters["wlm_json_configuration"])[0]["concurrency_scaling"] == "auto"
    assert state.one("aws_redshift_snapshot_copy").values["retention_period"] > 0
    resizes = [
        item.values["target_action"][0]["resize_cluster"][0] for item in state.all("aws_redshift_scheduled_action")
    ]
    assert {item["classic"] for item in resizes} == {False}
    assert not state.all("aws_redshiftserverless_workgroup")
