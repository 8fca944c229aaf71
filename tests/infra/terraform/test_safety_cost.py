"""Recovery points follow the objectives; costs are told before they are too high."""

from __future__ import annotations

from tests.infra.terraform.applied import State


def test_bucket_and_warehouse_are_backed_up_as_often_as_the_objective_says(environment: State) -> None:
    (rule,) = environment.one("aws_backup_plan", name="this").values["rule"]
    hours = int(rule["rule_name"].split("-")[1])
    assert rule["schedule"] == ("cron(0 1 * * ? *)" if hours == 24 else f"cron(0 0/{hours} * * ? *)")
    assert rule["lifecycle"][0]["delete_after"] >= 7
    resources = environment.one("aws_backup_selection", name="this").values["resources"]
    assert {arn.split(":")[2] for arn in resources} in ({"s3", "redshift-serverless"}, {"s3", "redshift"})


def test_the_bucket_goes_back_to_any_second(environment: State) -> None:
    (rule,) = environment.one("aws_backup_plan", name="continuous").values["rule"]
    assert rule["enable_continuous_backup"] is True
    assert rule["lifecycle"][0]["delete_after"] <= 35


def test_prods_recovery_points_are_often_locked_and_rehearsed(environments: dict[str, State]) -> None:
    prod = environments["prod"]
    (rule,) = prod.one("aws_backup_plan", name="this").values["rule"]
    assert int(rule["rule_name"].split("-")[1]) < 24
    assert prod.one("aws_backup_vault_lock_configuration").values["min_retention_days"] >= 7
    assert prod.one("aws_backup_restore_testing_selection").values["protected_resource_type"] == "S3"


def test_the_vault_is_encrypted(environment: State) -> None:
    assert environment.one("aws_backup_vault").values["kms_key_arn"]


def test_budgets_are_of_the_environment_and_tell_the_topic(environment: State) -> None:
    topic = environment.one("aws_sns_topic", module="watching").values["arn"]
    budgets = environment.all("aws_budgets_budget")
    assert "total" in {item.index for item in budgets}
    for budget in budgets:
        (tagged,) = {item["name"]: item["values"] for item in budget.values["cost_filter"]}["TagKeyValue"]
        tag, _, value = tagged.removeprefix("user:").partition("$")
        assert (tag, f"retail-datalake-{value}") == ("environment", environment.outputs["name"])
        for notification in budget.values["notification"]:
            assert notification["subscriber_sns_topic_arns"] == [topic]
        assert {item["notification_type"] for item in budget.values["notification"]} == {"ACTUAL", "FORECASTED"}
