"""The real program: what it says becomes progress, a plan, or an error with its remedy."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.deploy.changes import changes_of
from lake.deploy.errors import NotLoggedInError, StalePlanError, StateLockedError, TerraformError
from lake.deploy.terraform import Terraform, planned_outputs
from tests.support import cloud as clouds

RESOURCE = 'resource "terraform_data" "a" {\n  input = var.text\n}\n'
VARIABLE = 'variable "text" {\n  type = string\n}\n'
OUTPUTS = 'output "text" {\n  value = var.text\n}\noutput "hidden" {\n  value = "x"\n  sensitive = true\n}\n'


@pytest.fixture(scope="module")
def server() -> Iterator[clouds.Cloud]:
    with clouds.running() as found:
        yield found


@pytest.fixture
def told() -> list[str]:
    """The lines of progress."""
    return []


@pytest.fixture
def terraform(tmp_path: Path, told: list[str]) -> Terraform:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/main.tf").write_text(VARIABLE + RESOURCE + OUTPUTS)
    made = Terraform(tmp_path / "root", say=told.append)
    made.init()
    return made


def test_a_plan_is_applied_and_its_outputs_are_read(terraform: Terraform, tmp_path: Path, told: list[str]) -> None:
    shown = terraform.plan(tmp_path / "plan", {"text": "one"})
    assert planned_outputs(shown) == {"text": "one"}
    assert changes_of(shown).sentence == "1 to add, 0 to change, 0 to destroy"
    terraform.apply(tmp_path / "plan")
    assert told == ["made terraform_data.a (0 s)"]
    assert terraform.outputs() == {"text": "one"}
    assert changes_of(terraform.plan(tmp_path / "plan", {"text": "one"})).items == ()


def test_a_plan_that_another_overtook_is_stale(terraform: Terraform, tmp_path: Path) -> None:
    for name in ("one", "two"):
        terraform.plan(tmp_path / name, {"text": name})
    terraform.apply(tmp_path / "one")
    with pytest.raises(StalePlanError, match="plan again"):
        terraform.apply(tmp_path / "two")


def test_targets_leave_the_rest_out(terraform: Terraform, tmp_path: Path) -> None:
    (tmp_path / "root/more.tf").write_text('resource "terraform_data" "b" {}\n')
    shown = terraform.plan(tmp_path / "plan", {"text": "one"}, targets=["terraform_data.b"])
    assert [item.address for item in changes_of(shown).items] == ["terraform_data.b"]


def test_an_error_of_the_code_names_its_place(terraform: Terraform, tmp_path: Path) -> None:
    with pytest.raises(TerraformError) as caught:
        terraform.plan(tmp_path / "plan", {})
    assert "No value for required variable" in caught.value.what
    assert caught.value.where == "main.tf:1"


def test_a_resource_that_cannot_be_made_is_named(terraform: Terraform, tmp_path: Path) -> None:
    fails = 'resource "terraform_data" "f" {\n  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}\n'
    (tmp_path / "root/fails.tf").write_text(fails)
    terraform.plan(tmp_path / "plan", {"text": "one"})
    with pytest.raises(TerraformError) as caught:
        terraform.apply(tmp_path / "plan")
    assert "terraform_data.f" in str(caught.value)
    assert "plan and apply again" in caught.value.remedy


def test_a_program_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="is not installed"):
        Terraform(tmp_path, binary="terraform-of-no-machine").init()


def s3_backend(tmp_path: Path, environment: dict[str, str]) -> Terraform:
    """An environment whose state is in S3, locked by a file there."""
    backend = (
        '{"terraform": {"backend": {"s3": {"bucket": "state", "key": "dev.tfstate", "use_lockfile": true, '
        '"skip_credentials_validation": true, "skip_requesting_account_id": true}}}}'
    )
    (tmp_path / "backend.tf.json").write_text(backend)
    (tmp_path / "main.tf").write_text('resource "terraform_data" "a" {}\n')
    return Terraform(tmp_path, environment={**os.environ, **environment})


def test_a_state_that_somebody_holds_is_told_with_who_and_when(tmp_path: Path, server: clouds.Cloud) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": clouds.REGION})
    found = s3_backend(tmp_path, server.environment)
    found.init()
    lock = {"ID": "1", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-11-25T10:00:00Z"}
    s3.put_object(Bucket="state", Key="dev.tfstate.tflock", Body=json.dumps(lock).encode())
    with pytest.raises(StateLockedError) as caught:
        found.plan(tmp_path / "plan", {}, lock_seconds=0)
    assert "ci@runner" in caught.value.what
    assert "force-unlock" in caught.value.remedy
    shown = found.plan(tmp_path / "plan", {}, lock=False)
    assert len(changes_of(shown).items) == 1


def test_a_backend_without_credentials_is_told_as_such(tmp_path: Path, server: clouds.Cloud) -> None:
    without = {name: value for name, value in server.environment.items() if "KEY" not in name or "KAFKA" in name}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        without[name] = ""
    with pytest.raises(NotLoggedInError, match="log in"):
        s3_backend(tmp_path, without).init()
