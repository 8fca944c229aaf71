"""Recovery points follow the objectives; costs are told before they are too high."""

from __future__ import annotations

from tests.infra.terraform.applied import State


def test_bucket_and_warehouse_are_backed_up_as_often_as_the_objective_says(applied: State) -> None:
    (rule,) = applied.one("aws_backup_plan", name="this").values["rule"]
    assert rule["rule_name"] == "every-24-hours"
    assert rule["schedule"] == "cron(0 1 * * ? *)"
    assert rule["lifecycle"][0]["delete_after"] >= 7
    resources = applied.one("aws_backup_selection", name="this").values["resources"]
    assert {arn.split(":")[2] for arn in resources} in ({"s3", "redshift-serverless"}, {"s3", "redshift"})


def test_the_bucket_goes_back_to_any_second(applied: State) -> None:
    (rule,) = applied.one("aws_backup_plan", name="continuous").values["rule"]
    assert rule["enable_continuous_backup"] is True
    assert rule["lifecycle"][0]["delete_after"] <= 35


def test_the_vault_is_encrypted_locked_and_rehearsed(applied: State) -> None:
    assert applied.one("aws_backup_vault").values["kms_key_arn"]
    assert applied.one("aws_backup_vault_lock_configuration").values["min_retention_days"] >= 7
    assert applied.one("aws_backup_restore_testing_selection").values["protected_resource_type"] == "S3"


def test_budgets_are_of_the_environment_and_tell_the_topic(applied: State) -> None:
    topic = applied.one("aws_sns_topic", module="watching").values["arn"]
    budgets = applied.all("aws_budgets_budget")
    assert {item.index for item in budgets} == {"total", "amazon-redshift"}
    for budget in budgets:
        filters = {item["name"]: item["values"] for item in budget.values["cost_filter"]}
        assert filters["TagKeyValue"] == ["user:environment$dev"]
        for notification in budget.values["notification"]:
            assert notification["subscriber_sns_topic_arns"] == [topic]
        assert {item["notification_type"] for item in budget.values["notification"]} == {"ACTUAL", "FORECASTED"}
