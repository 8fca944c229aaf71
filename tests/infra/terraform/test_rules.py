"""Rules that hold for every resource of every environment, and for the text of every module."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.terraform.applied import State
from tests.infra.terraform.harness import SOURCES

Values = Mapping[str, Any]


def key(text: Any) -> bool:
    """Whether it is one of our keys. What is left out, the mocked provider fills with letters."""
    return isinstance(text, str) and text.startswith("arn:aws:kms:")


def first(values: Values, *path: str) -> Any:
    """The value at a path of single blocks; None where a block is not there."""
    found: Any = values
    for name in path:
        found = (found or {}).get(name)
        found = found[0] if isinstance(found, list) and found else found
    return found


def at(*path: str) -> Callable[[Values], bool]:
    return lambda values: key(first(values, *path))


ENCRYPTED: Final[Mapping[str, Callable[[Values], bool]]] = {
    "aws_athena_workgroup": at("configuration", "result_configuration", "encryption_configuration", "kms_key_arn"),
    "aws_backup_vault": at("kms_key_arn"),
    "aws_cloudwatch_log_group": at("kms_key_id"),
    "aws_glue_crawler": lambda values: bool(values["security_configuration"]),
    "aws_glue_data_catalog_encryption_settings": at(
        "data_catalog_encryption_settings", "encryption_at_rest", "sse_aws_kms_key_id"
    ),
    "aws_glue_job": lambda values: bool(values["security_configuration"]),
    "aws_glue_security_configuration": lambda values: all(
        key(first(values, "encryption_configuration", part, "kms_key_arn"))
        for part in ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption")
    ),
    "aws_lambda_function": at("kms_key_arn"),
    "aws_msk_cluster": lambda values: (
        key(first(values, "encryption_info", "encryption_at_rest_kms_key_arn"))
        and first(values, "encryption_info", "encryption_in_transit", "client_broker") == "TLS"
        and first(values, "encryption_info", "encryption_in_transit", "in_cluster") is True
    ),
    "aws_redshift_cluster": lambda values: values["encrypted"] is True and key(values["kms_key_id"]),
    "aws_redshiftserverless_namespace": at("kms_key_id"),
    "aws_s3_bucket_server_side_encryption_configuration": lambda values: (
        key(first(values, "rule", "apply_server_side_encryption_by_default", "kms_master_key_id"))
        or first(values, "rule", "apply_server_side_encryption_by_default", "sse_algorithm") == "AES256"
    ),
    "aws_scheduler_schedule": at("kms_key_arn"),
    "aws_secretsmanager_secret": at("kms_key_id"),
    "aws_sfn_state_machine": at("encryption_configuration", "kms_key_id"),
    "aws_sns_topic": at("kms_master_key_id"),
}
"""What can be under a key of ours, and where it says so."""

HOLDS_NOTHING: Final = re.compile(
    r"aws_(appautoscaling|backup_(plan|selection|vault_lock|restore)|budgets|ce_|cloudwatch_(dashboard|event|metric|query)|"
    r"customer_gateway|default_security|eip|flow_log|glue_(catalog|connection|registry)|iam_|internet_gateway|kms_|"
    r"lambda_(alias|permission)|msk_(configuration|serverless)|mskconnect|nat_gateway|redshift_(logging|parameter|scheduled|"
    r"snapshot|subnet|usage)|redshiftserverless_(usage|workgroup)|route|s3_bucket(_logging|_lifecycle|_notification|_ownership|"
    r"_policy|_public|_replication|_versioning)?$|s3_bucket_(logging|lifecycle|ownership|policy|public|replication|versioning)|"
    r"scheduler_schedule_group|security_group|sns_topic_|subnet|vpc|vpn)"
)
"""Types that hold no data of ours, or none that a key could be named for."""


def documents(state: State) -> Iterator[tuple[str, Values]]:
    """Statements of every policy document, each with its address."""
    for document in state.all("aws_iam_policy_document"):
        for statement in document.values["statement"]:
            yield f"{document.address} {statement['sid']}", statement


def resources(state: State) -> list[Any]:
    return [item for item in state.resources if not item.address.partition(f"{item.type}.")[0].endswith("data.")]


def test_everything_that_can_be_is_under_a_key_of_ours(environment: State) -> None:
    for item in resources(environment):
        assert item.type in ENCRYPTED or HOLDS_NOTHING.match(item.type), f"{item.type}: say how it is encrypted"
        assert item.type not in ENCRYPTED or ENCRYPTED[item.type](item.values), item.address


def test_the_one_bucket_without_a_key_of_ours_is_that_of_access_logs(environment: State) -> None:
    plain = [
        item.index
        for item in environment.all("aws_s3_bucket_server_side_encryption_configuration")
        if not key(first(item.values, "rule", "apply_server_side_encryption_by_default", "kms_master_key_id"))
    ]
    assert plain == ["access"]


def test_keys_turn_over(environment: State) -> None:
    assert all(item.values["enable_key_rotation"] is True for item in environment.all("aws_kms_key"))


def test_nothing_is_public(environment: State) -> None:
    assert len(environment.all("aws_s3_bucket_public_access_block")) == len(environment.all("aws_s3_bucket"))
    for block in environment.all("aws_s3_bucket_public_access_block"):
        flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        assert all(block.values[flag] is True for flag in flags), block.address
    for item in resources(environment):
        assert item.values.get("publicly_accessible") in (None, False), item.address
        assert item.values.get("map_public_ip_on_launch") in (None, False), item.address
    for rule in environment.all("aws_vpc_security_group_ingress_rule"):
        assert rule.values["referenced_security_group_id"], rule.address
        assert not rule.values["cidr_ipv4"], rule.address
        assert not rule.values["cidr_ipv6"], rule.address
    assert not environment.all("aws_security_group_rule")  # rules are those above
    for cluster in environment.all("aws_msk_cluster"):
        access = first(cluster.values, "broker_node_group_info", "connectivity_info", "public_access", "type")
        assert access == "DISABLED"
        assert first(cluster.values, "client_authentication", "unauthenticated") is False


def test_what_runs_is_in_private_subnets(environment: State) -> None:
    private = {item.values["id"] for item in environment.all("aws_subnet", name="private")}
    used = [
        item.values["subnet_ids"]
        for kind in ("aws_redshiftserverless_workgroup", "aws_redshift_subnet_group")
        for item in environment.all(kind)
    ]
    used += [first(item.values, "vpc_config", "subnet_ids") for item in environment.all("aws_lambda_function")]
    assert used
    for subnets in used:
        assert set([subnets] if isinstance(subnets, str) else subnets) <= private


def test_every_bucket_is_versioned_logged_and_speaks_tls(environment: State) -> None:
    for item in environment.all("aws_s3_bucket_versioning"):
        assert first(item.values, "versioning_configuration", "status") == "Enabled"
    assert len(environment.all("aws_s3_bucket_versioning")) == len(environment.all("aws_s3_bucket"))
    assert {item.index for item in environment.all("aws_s3_bucket_logging")} == {"lake", "artifacts", "logs"}
    policies = environment.all("aws_iam_policy_document", module="storage", name="bucket")
    policies += environment.all("aws_iam_policy_document", module="storage", name="replica_bucket")
    assert len(policies) == len(environment.all("aws_s3_bucket"))
    for policy in policies:
        denied = [item for item in policy.values["statement"] if item["sid"] == "OnlyByTls"]
        (condition,) = denied[0]["condition"]
        assert (denied[0]["effect"], condition["variable"], condition["values"]) == (
            "Deny",
            "aws:SecureTransport",
            ["false"],
        )


def test_logs_are_kept_for_the_environments_time(environments: dict[str, State]) -> None:
    for name, state in environments.items():
        groups = state.all("aws_cloudwatch_log_group")
        assert {group.values["retention_in_days"] for group in groups} == {{"dev": 30, "qa": 90, "prod": 400}[name]}


def test_no_statement_allows_an_action_by_pattern(environment: State) -> None:
    for address, statement in documents(environment):
        assert statement["sid"], address
        if statement["effect"] != "Deny":
            assert not [action for action in statement["actions"] or () if "*" in action], address
            assert not statement["not_actions"], address
            assert not statement["not_resources"], address


def test_nobody_is_admitted_by_pattern(environment: State) -> None:
    for address, statement in documents(environment):
        if statement["effect"] != "Deny":
            assert not [who for who in statement["principals"] or () if "*" in who["identifiers"]], address


def sources() -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*.tf") if ".terraform" not in path.parts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(SOURCES)))
def test_the_text_says_why_types_and_describes_and_names_no_place(path: Path) -> None:
    text = path.read_text()
    for line in text.splitlines():
        if re.search(r'resources\s*=\s*\["\*"\]', line):
            assert re.search(r"# \w+", line), f"say why, on the line: {line}"
        if "checkov:skip" in line:
            assert re.search(r"checkov:skip=CKV2?_AWS_\d+:\S.{10,}", line), line
    for kind, name, body in re.findall(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        assert re.search(r"^  description\s*=", body, re.MULTILINE), f"{kind} {name} has no description"
        assert kind == "output" or re.search(r"^  type\s*=\s*(?!any)", body, re.MULTILINE), f"{name} has no type"
    bare = re.sub(r'(description|error_message|condition)\s*=.*|#.*|"<<-?E.*?^\s*E$', "", text, flags=re.MULTILINE)
    assert not re.search(r"\b\d{12}\b", bare)
    assert "arn:aws:" not in bare
    assert not re.search(r'"(us|eu|ap|ca|sa|me|af|il)-[a-z]+-\d"', bare)


def test_every_module_tells_what_comes_in_and_out_and_pins_the_provider() -> None:
    modules = [path for path in (SOURCES / "modules").iterdir() if path.is_dir()]
    assert len(modules) >= 11
    for module in modules:
        readme = (module / "README.md").read_text()
        assert "**In:**" in readme, module.name
        assert "**Out:**" in readme, module.name
        assert "**Called by:**" in readme, module.name
        assert 'version = "5.100.0"' in (module / "versions.tf").read_text(), module.name
