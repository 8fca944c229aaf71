"""`lake submit`: a run of a Glue job is started, followed and told; Glue and CloudWatch are moto's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError
from click.shell_completion import ShellComplete
from moto import mock_aws
from moto.glue.models import FakeJobRun

from lake.cli import main
from lake.cli._main import root
from lake.glue import follow
from lake.glue.calls import AwsError, call
from lake.glue.run_log import RunLog
from lake.glue.runs import ENDED, SUCCEEDED, find_job

REGION = "eu-west-1"
JOB = "retail-dev-landing-to-staging"
DEFAULTS = {
    "--entry": "landing_to_staging",
    "--pipeline": "retail",
    "--lake-uri": "s3://lake",
    "--catalog-uri": "glue",
    "--datalake-formats": "iceberg",
    "--custom-logGroup-prefix": "/aws-glue/retail-dev/landing_to_staging",
}
GROUP = f"{DEFAULTS['--custom-logGroup-prefix']}/output"


@dataclass
class Aws:
    """Moto, with what the next runs do: the states they come to, what they write meanwhile, and their error."""

    glue: Any
    logs: Any
    states: list[str]
    lines: list[str]
    error: str = ""

    def job(self, name: str = JOB, defaults: dict[str, str] | None = None) -> None:
        self.glue.create_job(
            Name=name,
            Role="r",
            Command={"Name": "glueetl", "ScriptLocation": "s3://artifacts/glue_script.py"},
            DefaultArguments=DEFAULTS if defaults is None else defaults,
        )

    def runs(self, name: str = JOB) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.glue.get_job_runs(JobName=name)["JobRuns"]
        return found

    def write(self, run: str, *lines: str, stream: str = "-driver", at: int | None = None) -> None:
        now = int(time.time() * 1000) if at is None else at
        with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
            self.logs.create_log_stream(logGroupName=GROUP, logStreamName=f"{run}{stream}")
        events = [{"timestamp": now, "message": line} for line in lines]
        self.logs.put_log_events(logGroupName=GROUP, logStreamName=f"{run}{stream}", logEvents=events)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("LAKE_HOME", str(tmp_path / "home"))
    with mock_aws():
        found = Aws(boto3.client("glue"), boto3.client("logs"), ["STARTING", "RUNNING", "SUCCEEDED"], [])
        found.logs.create_log_group(logGroupName=GROUP)
        told = {"times": 0}
        original = FakeJobRun.as_dict

        def as_dict(run: FakeJobRun) -> dict[str, Any]:
            place = min(told["times"], len(found.states) - 1)
            told["times"] += 1
            if place < len(found.lines):
                found.write(run.job_run_id, found.lines[place])
            more = {"ErrorMessage": found.error} if found.error and found.states[place] in ENDED else {}
            return original(run) | {"JobRunState": found.states[place], "ExecutionTime": 61} | more

        monkeypatch.setattr(FakeJobRun, "as_dict", as_dict)
        monkeypatch.setattr(follow, "POLL_SECONDS", 0)
        monkeypatch.setattr(follow, "LATE_SECONDS", 0)
        yield found


def test_the_states_that_end_a_run_are_states_of_glues_own_model() -> None:
    shape: Any = botocore.session.get_session().get_service_model("glue").shape_for("JobRunState")
    assert set(shape.enum) - ENDED == {"STARTING", "RUNNING", "STOPPING", "WAITING"}
    assert SUCCEEDED in ENDED


def test_a_run_is_followed_to_its_end_with_states_and_log(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    aws.lines = ["spark is up", "2 rows accepted", "ended"]
    assert main(["submit", JOB, "--arg", "tables=customer,order"]) == 0
    out, err = capsys.readouterr()
    (run,) = aws.runs()
    assert run["Arguments"] == DEFAULTS | {"--tables": "customer,order"}  # as moto shows them, with the job's own
    assert out.splitlines() == ["spark is up", "2 rows accepted", "ended", f"succeeded: {JOB}, run {run['Id']}, 61 s"]
    assert err.splitlines() == [f"{JOB}: run {run['Id']}", "starting …", "running …", "succeeded, 61 s"]


def test_json_tells_the_run_and_nothing_else(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    aws.lines = ["spark is up"]
    assert main(["submit", JOB, "--json", "--arg", "--tables=order"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["job"], told["state"], told["seconds"], err) == (JOB, "SUCCEEDED", 61, "")
    assert told["arguments"] == {"--tables": "order"}


def test_without_waiting_it_only_starts(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    assert main(["submit", JOB, "--no-wait"]) == 0
    assert capsys.readouterr().out.startswith(f"starting: {JOB}, run jr_")


@pytest.mark.parametrize("state", sorted(ENDED - {SUCCEEDED}))
def test_a_run_that_does_not_succeed_is_an_error_with_glues_own_words(
    aws: Aws, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.job()
    aws.states, aws.lines, aws.error = ["RUNNING", state], ["reading", "the last words"], "LakeError: topic is gone"
    assert main(["submit", JOB, "--json"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["type"] == "RunFailedError"
    assert f"the run ended as {state}: LakeError: topic is gone" in error["what"]
    assert error["what"].endswith("the end of its log:\nreading\nthe last words")
    assert GROUP in error["remedy"]


def test_who_was_shown_the_log_is_not_told_its_end_again(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    aws.states, aws.lines = ["FAILED"], ["the last words"]
    assert main(["submit", JOB]) == 1
    out, err = capsys.readouterr()
    assert (out.count("the last words"), err.count("the last words")) == (1, 0)


def test_a_job_that_is_not_there_is_named_with_the_nearest(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    assert main(["submit", "retail-dev-landing-to-stagin"]) == 1
    assert f"did you mean {JOB}?" in capsys.readouterr().err


def test_no_job_at_all(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "x"]) == 1
    assert "use one of none: deploy first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("table=order", "--table: unknown argument"),
        ("max-manifests-per-batch=0", "--max-manifests-per-batch: the value is not a whole number of 1 or more"),
        ("lake-uri=", "--lake-uri: a required argument is missing"),
    ],
)
def test_an_argument_that_the_entry_would_refuse_starts_nothing(
    aws: Aws, given: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.job()
    assert main(["submit", JOB, "--arg", given]) == 1
    assert shown in capsys.readouterr().err
    assert aws.runs() == []


def test_a_job_of_somebody_elses_takes_any_argument(aws: Aws) -> None:
    aws.job("other", {})
    assert main(["submit", "other", "--arg", "anything=1", "--no-wait"]) == 0
    assert aws.runs("other")[0]["Arguments"] == {"--anything": "1"}


@pytest.mark.parametrize("given", ["tables", "=x"])
def test_an_argument_without_name_or_value_is_wrong_usage(
    aws: Aws, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", JOB, "--arg", given]) == 2
    assert "write NAME=VALUE" in capsys.readouterr().err


def test_a_second_run_of_a_job_that_has_one_is_told_to_wait(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.job()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeJobRun, "status", "RUNNING")
        assert main(["submit", JOB, "--no-wait"]) == 0
        assert main(["submit", JOB, "--no-wait"]) == 1
    assert "as many runs go on as the job may have" in capsys.readouterr().err


def test_without_credentials_or_region_the_way_in_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # another test's may keep credentials
    assert main(["submit", JOB]) == 1
    assert "no region is set" in capsys.readouterr().err
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    assert main(["submit", JOB]) == 1
    assert "there are no AWS credentials" in capsys.readouterr().err


class Refusing:
    """A client whose calls end in an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_job(self, **_: Any) -> Any:
        raise self.error


def refusal(code: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetJob")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (refusal("AccessDeniedException"), "job: AWS refuses get_job"),
        (refusal("ExpiredTokenException"), "AWS does not take the credentials (ExpiredTokenException)"),
        (refusal("InternalServiceException"), "job: get_job failed: m (InternalServiceException)"),
        (EndpointConnectionError(endpoint_url="http://x"), "job: AWS does not answer (EndpointConnectionError)"),
    ],
)
def test_what_aws_refuses_says_what_to_do(error: Exception, shown: str) -> None:
    with pytest.raises(AwsError) as caught:
        call(Refusing(error), "get_job", "job", JobName="job")
    assert shown in str(caught.value)
    assert caught.value.remedy


def test_a_log_is_read_once_however_late_its_lines_come(aws: Aws) -> None:
    log = RunLog.of(aws.logs, DEFAULTS, "jr_1")
    assert log.new_lines() == []
    now = int(time.time() * 1000)
    aws.write("jr_1", "two\nthree", at=now)
    aws.write("jr_2", "of another run", at=now)
    assert log.new_lines() == ["two", "three"]
    aws.write("jr_1", "one, late", stream="-1", at=now - 5000)
    assert (log.new_lines(), log.new_lines()) == (["one, late"], [])


def test_a_security_configuration_and_the_role_are_part_of_the_log_groups_name(aws: Aws) -> None:
    aws.glue.create_job(
        Name="secured",
        Role="arn:aws:iam::123456789012:role/service/lake-hop",
        Command={"Name": "glueetl"},
        SecurityConfiguration="lake",
    )
    aws.job()
    job = find_job(aws.glue, "secured")
    log = RunLog.of(aws.logs, DEFAULTS, "jr_1", secured=job.secured)
    assert log.group == f"{DEFAULTS['--custom-logGroup-prefix']}/lake-role/lake-hop/output"
    assert find_job(aws.glue, JOB).secured == ""


def test_a_run_without_a_log_group_has_no_lines(aws: Aws) -> None:
    assert RunLog.of(aws.logs, {}, "jr_1").new_lines() == []


def completions(*words: str, incomplete: str = "") -> list[str]:
    shell = ShellComplete(root, {}, "lake", "_LAKE_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


def test_jobs_and_arguments_are_completed(aws: Aws) -> None:
    aws.job()
    aws.job("other", {})
    assert completions("submit", incomplete="retail") == [JOB]
    assert completions("submit", JOB, "--arg", incomplete="ma") == ["max-manifests-per-batch="]


def test_completion_without_aws_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake.glue.runs.glue_client", lambda: Refusing(refusal("ExpiredTokenException")))
    monkeypatch.setattr(Refusing, "list_jobs", Refusing.get_job, raising=False)
    assert completions("submit") == []
