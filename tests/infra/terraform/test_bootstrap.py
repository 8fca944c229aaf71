"""What stands before an environment, applied by the real provider on an emulated AWS, and looked at there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.deploy.changes import changes_of
from lake.deploy.errors import TerraformError
from lake.deploy.terraform import Terraform
from tests.support import cloud as clouds

ROOT = Path(__file__).parents[3]
VALUES = {
    "environment": "dev",
    "account_id": "123456789012",
    "region": clouds.REGION,
    "repository": "owner/lake",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[clouds.Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with clouds.running() as found:
            yield found


@pytest.fixture(scope="module")
def terraform(cloud: clouds.Cloud, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The root, applied."""
    root = tmp_path_factory.mktemp("bootstrap") / "root"
    shutil.copytree(ROOT / "infra/terraform/bootstrap", root, ignore=shutil.ignore_patterns(".terraform*"))
    made = Terraform(root, environment={**os.environ, **cloud.environment, "TF_CLI_CONFIG_FILE": os.devnull})
    made.init()
    made.plan(root / "plan", VALUES)
    made.apply(root / "plan")
    return made


def test_the_state_is_versioned_encrypted_and_closed(terraform: Terraform, cloud: clouds.Cloud) -> None:
    s3, bucket = cloud.client("s3"), terraform.outputs()["state_bucket"]
    assert bucket == "retail-datalake-dev-state"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def role(cloud: clouds.Cloud, arn: str) -> tuple[dict[str, Any], list[dict[str, Any]], set[str]]:
    """Trust, statements and attached policies of a role."""
    iam, name = cloud.client("iam"), arn.rpartition("/")[2]
    (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return trust, statements, {item["PolicyName"] for item in attached}


@pytest.mark.parametrize(("output", "environment"), [("plan_role_arn", "dev-plan"), ("deploy_role_arn", "dev")])
def test_a_role_trusts_one_repository_in_one_environment(
    terraform: Terraform, cloud: clouds.Cloud, output: str, environment: str
) -> None:
    trust, _, _ = role(cloud, terraform.outputs()[output])
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    issuer = "token.actions.githubusercontent.com"
    assert trust["Principal"]["Federated"].endswith(f"oidc-provider/{issuer}")
    expected = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": f"repo:owner/lake:environment:{environment}"}
    assert trust["Condition"] == {"StringEquals": expected}


def test_who_plans_reads_no_data_and_who_deploys_widens_no_right_of_the_workflows(
    terraform: Terraform, cloud: clouds.Cloud
) -> None:
    outputs = terraform.outputs()
    _, statements, attached = role(cloud, outputs["plan_role_arn"])
    denied = {action for item in statements if item["Effect"] == "Deny" for action in item["Action"]}
    assert {"s3:GetObject", "secretsmanager:GetSecretValue", "redshift-data:ExecuteStatement"} <= denied
    assert attached == {"ReadOnlyAccess"}

    _, statements, attached = role(cloud, outputs["deploy_role_arn"])
    allowed = next(item for item in statements if item["Effect"] == "Allow")
    refused = next(item for item in statements if item["Effect"] == "Deny")
    assert all(":iam::123456789012:" in item and "/retail-datalake-dev-" in item for item in allowed["Resource"])
    assert sorted(refused["Resource"]) == sorted([outputs["plan_role_arn"], outputs["deploy_role_arn"]])
    assert attached == {"PowerUserAccess"}
    assert "*" not in {action for item in statements for action in item["Action"]}


def test_a_plan_that_renames_the_bucket_loses_data_and_terraform_itself_would_refuse_it(
    terraform: Terraform, tmp_path: Path
) -> None:
    code = (terraform.folder / "main.tf").read_text()
    assert "prevent_destroy = true" in code
    (terraform.folder / "main.tf").write_text(code.replace("prevent_destroy = true", "prevent_destroy = false"))
    losing = changes_of(terraform.plan(tmp_path / "plan", {**VALUES, "state_bucket": "another"})).losing
    assert [item.address for item in losing] == ["aws_s3_bucket.state"]


def test_a_pattern_for_a_repository_is_refused(terraform: Terraform, tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="without a pattern"):
        terraform.plan(tmp_path / "plan", {**VALUES, "repository": "owner/*"})
