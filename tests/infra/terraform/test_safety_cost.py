"""Recovery points follow the objectives; costs are told before they are too high."""

from __future__ import annotations

from tests.infra.terraform.applied import State

SCHEDULES = {24: "cron(0 1 * * ? *)", 12: "cron(0 0/12 * * ? *)", 6: "cron(0 0/6 * * ? *)"}
"""By hours of data that may be lost."""


def test_bucket_and_warehouse_are_backed_up_as_often_as_the_objective_says(applied: State) -> None:
    (rule,) = applied.one("aws_backup_plan", name="this").values["rule"]
    hours = applied.outputs["objectives"]["rpo_hours"]
    assert rule["rule_name"] == f"every-{hours}-hours"
    assert rule["schedule"] == SCHEDULES[hours]
    assert rule["lifecycle"][0]["delete_after"] >= 7
    resources = applied.one("aws_backup_selection", name="this").values["resources"]
    assert {arn.split(":")[2] for arn in resources} in ({"s3", "redshift-serverless"}, {"s3", "redshift"})


def test_the_bucket_goes_back_to_any_second(applied: State) -> None:
    (rule,) = applied.one("aws_backup_plan", name="continuous").values["rule"]
    assert rule["enable_continuous_backup"] is True
    assert rule["lifecycle"][0]["delete_after"] <= 35


def test_the_vault_is_encrypted(applied: State) -> None:
    assert applied.one("aws_backup_vault").values["kms_key_arn"].startswith("arn:aws:kms:")


def test_prods_vault_is_locked_and_its_restores_rehearsed(environments: dict[str, State]) -> None:
    prod = environments["prod"]
    assert prod.one("aws_backup_vault_lock_configuration").values["min_retention_days"] >= 7
    assert prod.one("aws_backup_restore_testing_selection").values["protected_resource_type"] == "S3"
    assert not environments["dev"].all("aws_backup_vault_lock_configuration")


def test_budgets_are_of_the_environment_and_tell_the_topic(applied: State) -> None:
    topic = applied.one("aws_sns_topic", module="watching").values["arn"]
    budgets = applied.all("aws_budgets_budget")
    assert "total" in {item.index for item in budgets}
    for budget in budgets:
        filters = {item["name"]: item["values"] for item in budget.values["cost_filter"]}
        assert filters["TagKeyValue"] == [f"user:environment${applied.outputs['name'].rpartition('-')[2]}"]
        for notification in budget.values["notification"]:
            assert notification["subscriber_sns_topic_arns"] == [topic]
        assert {item["notification_type"] for item in budget.values["notification"]} == {"ACTUAL", "FORECASTED"}


def test_prod_has_a_budget_of_its_own_for_the_warehouse(environments: dict[str, State]) -> None:
    (budget,) = [item for item in environments["prod"].all("aws_budgets_budget") if item.index != "total"]
    assert {item["name"] for item in budget.values["cost_filter"]} == {"TagKeyValue", "Service"}
