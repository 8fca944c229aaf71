"""The command on real Terraform, an emulated AWS and a real warehouse: plan, apply, smoke, rollback, and every refusal."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from lake.cli import main
from tests.support import cloud as clouds
from tests.support import delivery

SECRET = "correct horse"
BUCKET = "module.lake.module.storage.terraform_data.bucket"
PLAN = "home/deploy/dev/plan/plan.tfplan"


@pytest.fixture(scope="module")
def server() -> Iterator[clouds.Cloud]:
    with clouds.running() as found:
        yield found


@dataclass
class Delivery:
    """One environment of a test's own, and the command on it."""

    cloud: clouds.Cloud
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON answer (of stdout, else of stderr), and everything printed."""
        code = main(["deploy", *words, "--json"])
        shown = self.capsys.readouterr()
        return code, json.loads(shown.out or shown.err), shown.out + shown.err

    def on(self, verb: str, *words: str) -> tuple[int, dict[str, Any], str]:
        """A sub-command on the environment."""
        path = f"path={self.folder}/state/terraform.tfstate"
        return self(verb, "dev", "--environments", str(delivery.ENVIRONMENTS), "--backend-config", path, *words)

    def deploy(self, salt: str) -> None:
        """A release planned and applied."""
        delivery.release(self.folder / salt, salt)
        assert self.on("plan", "--release", str(self.folder / salt))[0] == 3
        code, _, shown = self.on("apply")
        assert code == 0, shown

    @property
    def outputs(self) -> dict[str, Any]:
        """Outputs in Terraform's state."""
        state = json.loads((self.folder / "state/terraform.tfstate").read_text())
        return {name: item["value"] for name, item in state["outputs"].items()}


@pytest.fixture
def deliver(
    server: clouds.Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Delivery:
    given: Mapping[str, str] = {
        **server.environment,
        "LAKE_HOME": str(tmp_path / "home"),
        "TF_VAR_warehouse_uri": f"duckdb://{tmp_path}/star.duckdb",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    server.topics.topics.clear()
    server.topics.busy = 0
    _reset(server)
    delivery.make_environment(server)
    return Delivery(server, tmp_path, capsys)


def _reset(server: clouds.Cloud) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/moto-api/reset", method="POST")).read()


def test_a_release_is_planned_applied_recorded_and_works(deliver: Delivery, server: clouds.Cloud) -> None:
    made = delivery.release(deliver.folder / "one", "one")
    code, planned, shown = deliver.on("plan", "--release", "one")
    assert code == 3, shown
    assert planned["summary"] == "3 to add, 0 to change, 0 to destroy"
    assert [item["address"] for item in planned["changes"]] == [BUCKET, "terraform_data.job", "terraform_data.secret"]
    assert delivery.documents(server) == []

    code, applied, shown = deliver.on("apply")
    assert code == 0, shown
    assert applied["deployment"]["seq"] == 1
    assert deliver.outputs["job_wheel"] == made.one("wheel").key
    stored = server.client("s3").get_object(Bucket=f"{delivery.NAME}-artifacts", Key=made.one("wheel").key)
    assert stored["Body"].read() == (deliver.folder / "one" / made.one("wheel").file).read_bytes()
    topics = {name: topic["PartitionCount"] for (_, name), topic in server.topics.topics.items()}
    assert topics == {"retail.customer.cdc": 2}
    with duckdb.connect(str(deliver.folder / "star.duckdb"), read_only=True) as warehouse:
        (tables,) = warehouse.execute("SELECT count(*) FROM information_schema.tables").fetchall()
    assert tables[0] > 10
    (record,) = delivery.documents(server)
    assert record["release"] == made.to_json()
    assert str(record["who"]).startswith("arn:aws:")

    code, smoke, shown = deliver.on("smoke")
    assert code == 0, shown
    assert {check["part"] for check in smoke["checks"]} >= {"bucket lake", "release", "topics", "warehouse", "alarms"}

    again, nothing, _ = deliver.on("plan", "--release", "one")
    assert (again, nothing["changes"]) == (0, [])


def test_a_rollback_brings_the_release_before_back_and_says_so_in_the_log(deliver: Delivery) -> None:
    for salt in ("one", "two"):
        deliver.deploy(salt)
    wheels = [item["release"]["artefacts"][-1]["sha256"] for item in delivery.documents(deliver.cloud)]  # type: ignore[index]
    assert wheels[1] in deliver.outputs["job_wheel"]

    code, planned, shown = deliver.on("rollback")
    assert code == 3, shown
    assert [(item["address"], item["attributes"]) for item in planned["changes"]] == [
        ("terraform_data.job", ["input", "output"])
    ]
    assert wheels[1] in deliver.outputs["job_wheel"]

    code, done, shown = deliver.on("rollback", "--yes")
    assert code == 0, shown
    assert (done["deployment"]["kind"], done["deployment"]["back_to"]) == ("rollback", 1)
    assert wheels[0] in deliver.outputs["job_wheel"]
    _, log, _ = deliver.on("history")
    assert [(item["seq"], item["kind"]) for item in log["deployments"]] == [
        (1, "deploy"),
        (2, "deploy"),
        (3, "rollback"),
    ]
    code, error, _ = deliver.on("rollback")
    assert (code, error["error"]["what"]) == (1, "no other release was ever deployed")


def test_no_secret_is_in_anything_that_is_printed_or_kept_for_a_reader(
    deliver: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver.deploy("one")
    monkeypatch.setenv("TF_VAR_secret", "battery staple")
    _, planned, shown = deliver.on("plan", "--release", "one", "--summary", "summary.md")
    assert [item["address"] for item in planned["changes"]] == ["terraform_data.secret"]
    summary = (deliver.folder / "summary.md").read_text()
    kept = (deliver.folder / "home/deploy/dev/plan/bundle.json").read_text()
    assert "terraform_data.secret" in summary
    for text in (shown, summary, kept):
        assert SECRET not in text
        assert "battery staple" not in text
    plan = deliver.folder / PLAN
    assert plan.stat().st_mode & 0o077 == 0
    assert deliver.on("apply")[0] == 0
    assert not plan.exists()


def test_only_the_approved_plan_passes(deliver: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery.release(deliver.folder / "one", "one")
    _, planned, _ = deliver.on("plan", "--release", "one")
    code, again, _ = deliver.on("plan", "--release", "one", "--expect", planned["digest"])
    assert (code, again["digest"]) == (3, planned["digest"])
    monkeypatch.setenv("TF_VAR_name", "retail-datalake-other")
    code, error, _ = deliver.on("plan", "--release", "one", "--expect", planned["digest"])
    assert (code, error["error"]["what"]) == (1, "is not the plan that was approved")
    assert not (deliver.folder / PLAN).exists()
    code, error, _ = deliver.on("apply")
    assert (code, error["error"]["what"]) == (1, "no plan waits here")


def test_a_plan_that_a_later_deployment_overtook_is_stale(deliver: Delivery) -> None:
    deliver.deploy("one")
    delivery.release(deliver.folder / "two", "two")
    deliver.on("plan", "--release", "two")
    record = json.loads(
        deliver.cloud.client("s3")
        .get_object(Bucket=f"{delivery.NAME}-artifacts", Key="deployments/00000001.json")["Body"]
        .read()
    )
    deliver.cloud.client("s3").put_object(
        Bucket=f"{delivery.NAME}-artifacts",
        Key="deployments/00000002.json",
        Body=json.dumps({**record, "seq": 2}).encode(),
    )
    code, error, _ = deliver.on("apply")
    assert (code, error["error"]["type"]) == (1, "StalePlanError")
    assert "deployment 2" in error["error"]["what"]


def test_a_file_that_changed_after_the_plan_is_refused_and_not_uploaded(deliver: Delivery) -> None:
    made = delivery.release(deliver.folder / "one", "one")
    deliver.on("plan", "--release", "one")
    (deliver.folder / "one" / "decode.zip").write_bytes(b"another")
    code, error, _ = deliver.on("apply")
    assert (code, error["error"]["type"]) == (1, "ArtefactError")
    assert error["error"]["where"].endswith("decode.zip")
    listed = deliver.cloud.client("s3").list_objects_v2(Bucket=f"{delivery.NAME}-artifacts")
    assert made.one("decode_function").key not in [item["Key"] for item in listed.get("Contents", [])]


def test_an_object_under_a_hash_that_is_not_its_own_stops_apply_and_rollback(deliver: Delivery) -> None:
    deliver.deploy("one")
    deliver.deploy("two")
    (first, _) = delivery.documents(deliver.cloud)
    wheel = first["release"]["artefacts"][-1]  # type: ignore[index]
    key = f"releases/{wheel['sha256']}/{wheel['file']}"
    deliver.cloud.client("s3").put_object(Bucket=f"{delivery.NAME}-artifacts", Key=key, Body=b"evil")
    code, error, _ = deliver.on("rollback", "--yes")
    assert (code, error["error"]["what"]) == (1, "has other bytes than its name says")
    deliver.on("plan", "--release", "one")
    code, error, _ = deliver.on("apply")
    assert (code, error["error"]["what"]) == (1, "has other bytes than its name says")


def test_a_first_deployment_is_told_to_make_its_buckets_first_and_then_goes_through(
    deliver: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "retail-datalake-new"
    monkeypatch.setenv("TF_VAR_name", name)
    delivery.release(deliver.folder / "one", "one")
    assert deliver.on("plan", "--release", "one")[0] == 3
    code, error, _ = deliver.on("apply")
    assert code == 1
    assert "lake deploy plan dev --first" in error["error"]["remedy"]
    assert not (deliver.folder / "state/terraform.tfstate").exists()

    code, planned, _ = deliver.on("plan", "--release", "one", "--first")
    assert (code, [item["address"] for item in planned["changes"]]) == (3, [BUCKET])
    code, applied, shown = deliver.on("apply")
    assert (code, applied) == (0, {"deployment": None}), shown
    delivery.make_buckets(deliver.cloud, name)
    assert deliver.on("plan", "--release", "one")[0] == 3
    assert deliver.on("apply")[1]["deployment"]["seq"] == 1


def test_what_fails_in_an_environment_is_told_with_its_remedy(deliver: Delivery) -> None:
    deliver.deploy("one")
    s3 = deliver.cloud.client("s3")
    s3.put_bucket_versioning(Bucket=delivery.NAME, VersioningConfiguration={"Status": "Suspended"})
    deliver.cloud.client("glue").delete_database(Name="retail_staging")
    delivery.other_job(deliver.cloud)
    deliver.cloud.topics.topics.clear()
    delivery.alarm(deliver.cloud, "ALARM")
    code, answer, _ = deliver.on("smoke")
    assert code == 1
    failing = {check["part"]: check for check in answer["checks"] if not check["ok"]}
    assert set(failing) == {"bucket lake", "catalog staging", "job landing_to_staging", "topics", "alarms"}
    assert all(check["remedy"] for check in failing.values())
    assert "versioning" in failing["bucket lake"]["found"]
    assert f"{delivery.NAME}-lag" in failing["alarms"]["found"]


def test_credentials_that_are_not_there_are_told_as_such(deliver: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery.release(deliver.folder / "one", "one")
    assert deliver.on("plan", "--release", "one")[0] == 3
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    code, error, _ = deliver.on("apply")
    assert (code, error["error"]["type"]) == (1, "NotLoggedInError")


def test_an_environment_that_is_not_there_names_those_that_are(deliver: Delivery) -> None:
    code, error, _ = deliver("smoke", "prd", "--environments", str(delivery.ENVIRONMENTS))
    assert (code, error["error"]["remedy"]) == (1, "use one of dev")
