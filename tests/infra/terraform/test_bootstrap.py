"""What stands before an environment: a closed bucket for the state, and roles that trust one repository in one environment."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.terraform.applied import State, states
from tests.infra.terraform.harness import SOURCES, init, terraform

ISSUER: Final = "token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def bootstrap(installed: None, tmp_path_factory: pytest.TempPathFactory) -> State:
    """The root, applied on the mocked provider; its refusals hold, else the run fails."""
    root = tmp_path_factory.mktemp("bootstrap") / "root"
    shutil.copytree(SOURCES / "bootstrap", root, ignore=shutil.ignore_patterns(".terraform*"))
    shutil.copy(Path(__file__).parent / "bootstrap.tftest.hcl", root)
    code = (root / "main.tf").read_text()
    assert "prevent_destroy = true" in code
    # A run takes away at its end what it made.
    (root / "main.tf").write_text(code.replace("prevent_destroy = true", "prevent_destroy = false"))
    init(root)
    return states(terraform("test", "-json", "-verbose", cwd=root).stdout)["whole"]


def test_the_state_is_versioned_encrypted_closed_and_kept(bootstrap: State) -> None:
    assert bootstrap.one("aws_s3_bucket").values["bucket"] == "retail-datalake-dev-state"
    versioning = bootstrap.one("aws_s3_bucket_versioning").values["versioning_configuration"]
    assert versioning[0]["status"] == "Enabled"
    (rule,) = bootstrap.one("aws_s3_bucket_server_side_encryption_configuration").values["rule"]
    (default,) = rule["apply_server_side_encryption_by_default"]
    assert default["sse_algorithm"] == "aws:kms"
    assert default["kms_master_key_id"] == bootstrap.one("aws_kms_key").values["arn"]
    closed = bootstrap.one("aws_s3_bucket_public_access_block").values
    assert all(value for name, value in closed.items() if name.startswith(("block", "ignore", "restrict")))
    (statement,) = bootstrap.one("aws_iam_policy_document", name="state").values["statement"]
    (condition,) = statement["condition"]
    assert (statement["effect"], condition["variable"], condition["values"]) == (
        "Deny",
        "aws:SecureTransport",
        ["false"],
    )


def statements(state: State, name: str, index: Any = None) -> list[dict[str, Any]]:
    """Statements of a policy document."""
    (found,) = [item for item in state.all("aws_iam_policy_document", name=name) if item.index == index]
    listed: list[dict[str, Any]] = found.values["statement"]
    return listed


@pytest.mark.parametrize(("role", "environment"), [("plan", "dev-plan"), ("deploy", "dev")])
def test_a_role_trusts_one_repository_in_one_environment(bootstrap: State, role: str, environment: str) -> None:
    (trust,) = statements(bootstrap, "trust", role)
    assert trust["actions"] == ["sts:AssumeRoleWithWebIdentity"]
    assert trust["principals"][0]["identifiers"] == [bootstrap.one("aws_iam_openid_connect_provider").values["arn"]]
    conditions = {item["variable"]: (item["test"], item["values"]) for item in trust["condition"]}
    assert conditions == {
        f"{ISSUER}:aud": ("StringEquals", ["sts.amazonaws.com"]),
        f"{ISSUER}:sub": ("StringEquals", [f"repo:owner/lake:environment:{environment}"]),
    }


def test_who_plans_reads_no_data(bootstrap: State) -> None:
    refused = {
        action: item["resources"]
        for item in statements(bootstrap, "plan")
        if item["effect"] == "Deny"
        for action in item["actions"]
    }
    assert set(refused["s3:GetObject"]) == {
        "arn:aws:s3:::retail-datalake-dev/*",
        "arn:aws:s3:::retail-datalake-dev-logs/*",
    }
    rows = ("secretsmanager:GetSecretValue", "redshift-data:ExecuteStatement", "athena:StartQueryExecution")
    assert all(refused[action] == ["*"] for action in rows)
    assert attached(bootstrap)["plan"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_who_deploys_makes_roles_of_the_environment_and_widens_none_of_the_workflows(bootstrap: State) -> None:
    allowed, refused = statements(bootstrap, "deploy")
    assert sorted(allowed["resources"]) == [
        "arn:aws:iam::123456789012:policy/retail-datalake-dev-*",
        "arn:aws:iam::123456789012:role/retail-datalake-dev-*",
    ]
    assert not [action for action in allowed["actions"] if "*" in action]
    assert refused["effect"] == "Deny"
    assert set(refused["resources"]) == {item.values["arn"] for item in bootstrap.all("aws_iam_role")}
    assert {"iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"} <= set(refused["actions"])
    assert attached(bootstrap)["deploy"] == "arn:aws:iam::aws:policy/PowerUserAccess"


def attached(state: State) -> dict[str, str]:
    """The policy of AWS's own that each role has."""
    return {str(item.index): item.values["policy_arn"] for item in state.all("aws_iam_role_policy_attachment")}
