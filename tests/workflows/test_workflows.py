"""Workflows: audited, pinned, with least rights; and each script that can run here runs, as it is written there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support import cloud as clouds
from tests.support import delivery
from tests.support.workflows import FOLDER, ROOT, Runner, documents, jobs, run_steps

PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
BLOCK: Final = re.compile(r"^```sh aws\n(.*?)^```", re.MULTILINE | re.DOTALL)
TAGGED: Final = re.compile(r"uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
STEPS: Final = run_steps()
BY_HAND: Final = {
    "actions/setup/action.yml runs: Environment": "`make setup` is what made this environment",
    "checks.yml lint: Lint": "`make test` runs `make lint` before these tests",
    "checks.yml test: Test": "this run is it",
    "checks.yml terraform: Validate and apply on a mocked provider": "part of this run",
    "checks.yml build: Build": "tests/lake/deploy/test_build.py runs it",
    "checks.yml build: Checksums": "tests/lake/deploy/test_build.py runs it",
    "scans.yml images: Image": "needs an engine that reaches an image registry",
    "deploy.yml apply: Provenance": "asks GitHub for its signatures",
}
"""Steps that no test below runs, and why."""
STATE: Final = "retail-datalake-dev-state"
BACKEND: Final = {
    "bucket": "another",
    "key": "dev/lake.tfstate",
    "use_lockfile": True,
    "skip_credentials_validation": True,
    "skip_requesting_account_id": True,
}
HERE: Final = (
    "checks.yml terraform: Format",
    "checks.yml plan: Plan",
    "deploy.yml plan: Plan",
    "deploy.yml apply: Plan again",
    "deploy.yml apply: Apply",
    "deploy.yml apply: Smoke",
    "rollback.yml rollback: Roll back",
    "rollback.yml rollback: Smoke",
)
"""Steps that tests below run."""


def test_every_step_is_run_or_has_a_reason_why_not() -> None:
    assert set(STEPS) == {*BY_HAND, *HERE}


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    done = subprocess.run([str(zizmor), "--offline", str(FOLDER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing() -> None:
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not on the path (go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12)")
    files = sorted(map(str, FOLDER.glob("workflows/*.yml")))
    done = subprocess.run([actionlint, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def uses() -> list[str]:
    """Everything that workflows and actions use."""
    found = []
    for document in documents().values():
        for job in jobs(document).values():
            found += [item["uses"] for item in [job, *job.get("steps", ())] if "uses" in item]
    return found


def test_actions_of_others_are_pinned_by_commit_with_the_tag_beside_it() -> None:
    foreign = [name for name in uses() if not name.startswith("$/")]
    assert foreign
    assert [name for name in foreign if not PINNED.fullmatch(name)] == []
    lines = [line.strip(" -") for path in documents() for line in (FOLDER / path).read_text().splitlines()]
    shown = [line for line in lines if line.startswith("uses: ") and not line.startswith("uses: $/")]
    assert [line for line in shown if not TAGGED.fullmatch(line)] == []


def test_nobody_has_a_right_by_default_and_every_job_ends() -> None:
    for path, document in documents().items():
        if "jobs" not in document:
            continue
        assert document["permissions"] == {}, path
        for name, job in document["jobs"].items():
            assert "permissions" in job, f"{path} {name}"
            assert "uses" in job or job["timeout-minutes"] <= 120, f"{path} {name}"


def test_a_role_is_taken_only_in_an_environment_and_never_by_a_key() -> None:
    for path, document in documents().items():
        assert "secrets." not in (FOLDER / path).read_text(), path
        for name, job in jobs(document).items():
            roles = [step["with"] for step in job.get("steps", ()) if "configure-aws" in step.get("uses", "")]
            for role in roles:
                assert job["environment"], f"{path} {name}"
                assert set(role) <= {"role-to-assume", "aws-region", "role-duration-seconds"}
                reads = str(job["environment"]).endswith("-plan")
                assert ("PLAN" in role["role-to-assume"]) is reads, f"{path} {name}"


def test_one_change_of_an_environment_runs_at_a_time_and_none_is_cut_off() -> None:
    for path, name in (("workflows/deploy.yml", "apply"), ("workflows/rollback.yml", "rollback")):
        guard = documents()[path]["jobs"][name]["concurrency"]
        assert guard == {"group": "environment-${{ inputs.environment }}", "cancel-in-progress": False}


def test_environments_come_one_after_the_other() -> None:
    chain: dict[str, Any] = documents()["workflows/deliver.yml"]["jobs"]
    assert [chain[name]["needs"] for name in ("attest", "dev", "qa", "prod")] == ["checks", "attest", "dev", "qa"]
    assert [chain[name]["with"]["environment"] for name in ("dev", "qa", "prod")] == ["dev", "qa", "prod"]


def test_every_image_that_is_built_is_scanned() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    parts = [*compose["services"].values(), *(part for name, part in compose.items() if name.startswith("x-"))]
    built = {part["build"]["target"] for part in parts if isinstance(part, dict) and "build" in part}
    scanned = documents()["workflows/scans.yml"]["jobs"]["images"]["strategy"]["matrix"]["target"]
    assert set(scanned) == built
    assert (ROOT / "infra/docker/Dockerfile").is_file()


def test_no_script_takes_in_an_expression() -> None:
    assert [key for key, step in STEPS.items() if "${{" in step.script] == []


def test_terraform_is_formatted_by_the_step_that_asks(tmp_path: Path) -> None:
    step = STEPS["checks.yml terraform: Format"]
    runner = Runner(tmp_path, {})
    shutil.copytree(ROOT / "infra/terraform", tmp_path / "infra/terraform", ignore=shutil.ignore_patterns(".terraform"))
    runner.run(step)
    (tmp_path / "infra/terraform/odd.tf").write_text("locals {\na=1\n}\n")
    assert runner.tried(step).returncode != 0


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A clean clone whose dev environment is the small one, and an emulated AWS."""
    checkout = tmp_path_factory.mktemp("runner") / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    (checkout / ".venv").symlink_to(Path(sys.executable).parent.parent)
    environments = checkout / "infra/terraform/environments"
    shutil.rmtree(environments, ignore_errors=True)
    shutil.copytree(delivery.ENVIRONMENTS, environments)
    # State in S3, as in the real environments.
    (environments / "dev/state_override.tf.json").write_text(json.dumps({"terraform": {"backend": {"s3": BACKEND}}}))
    with clouds.running() as cloud:
        cloud.topics.busy = 0
        delivery.make_environment(cloud)
        where = {"LocationConstraint": clouds.REGION}
        cloud.client("s3").create_bucket(Bucket=STATE, CreateBucketConfiguration=where)
        environment = {
            **cloud.environment,
            "PYTHONPATH": str(checkout),
            "TF_VAR_warehouse_uri": f"duckdb://{checkout}/star.duckdb",
            "LAKE_HOME": str(checkout / ".lake"),
        }
        values = {
            "inputs.environment": "dev",
            "inputs.to": "",
            "vars.AWS_ACCOUNT_ID": "123456789012",
            "vars.AWS_REGION": clouds.REGION,
            "vars.AWS_REPLICA_REGION": "eu-central-1",
            "vars.STATE_BUCKET": STATE,
        }
        yield Runner(checkout, environment, values)


def deploy(runner: Runner, salt: str) -> None:
    """A release through all steps of `deploy.yml`."""
    shutil.rmtree(runner.checkout / "dist", ignore_errors=True)
    delivery.release(runner.checkout / "dist", salt)
    told = runner.run(STEPS["deploy.yml plan: Plan"])
    runner.values["needs.plan.outputs.digest"] = told["digest"]
    for name in ("Plan again", "Apply"):
        runner.run(STEPS[f"deploy.yml apply: {name}"])


def test_two_releases_are_delivered_and_the_second_is_taken_back_by_the_workflows_own_steps(runner: Runner) -> None:
    deploy(runner, "one")
    assert "terraform_data.job" in runner.summary
    runner.run(STEPS["deploy.yml apply: Smoke"])
    assert "checks pass" in runner.summary
    deploy(runner, "two")
    runner.run(STEPS["rollback.yml rollback: Roll back"])
    assert "dev: rollback of release" in runner.summary
    runner.run(STEPS["rollback.yml rollback: Smoke"])


def test_the_plan_of_a_pull_request_is_shown_and_fails_with_its_release(runner: Runner) -> None:
    shutil.rmtree(runner.checkout / "dist", ignore_errors=True)
    delivery.release(runner.checkout / "dist", "three")
    runner.run(STEPS["checks.yml plan: Plan"])
    assert "dev: deploy of release" in runner.summary
    (runner.checkout / "dist" / "release.json").unlink()
    assert runner.tried(STEPS["checks.yml plan: Plan"]).returncode != 0


def test_the_operators_guides_commands_run_as_written(runner: Runner) -> None:
    lines = [line for block in BLOCK.findall((ROOT / "docs/operations.md").read_text()) for line in block.splitlines()]
    assert {line.split()[2] for line in lines} == {"build", "plan", "apply", "smoke", "history", "rollback"}
    shutil.rmtree(runner.checkout / "dist", ignore_errors=True)
    init = {"TF_CLI_ARGS_init": f"-backend-config=bucket={STATE}"}
    for line in lines:
        # A build is made of the commit, which may be older than the files here: its own test looks at what it makes.
        done = runner.shell(f"export PATH=.venv/bin:$PATH; {line}", init)
        allowed = {0, 3} if line.startswith("lake deploy plan") else {0}
        assert done.returncode in allowed, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_an_environment_that_changed_after_the_approval_is_not_applied(runner: Runner) -> None:
    delivery.release(runner.checkout / "dist", "four")
    runner.values["needs.plan.outputs.digest"] = "0" * 64
    done = runner.tried(STEPS["deploy.yml apply: Plan again"])
    assert done.returncode != 0
    assert "not the plan that was approved" in done.stderr
