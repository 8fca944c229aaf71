"""Jobs on Glue and their runs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from glue_jobs.entries import ENTRIES, ENTRY, Entry
from lake.arguments import is_glues_own, parse
from lake.glue.calls import AwsError, call, patient, regions_named
from schemas.errors import LakeError

ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED"})
"""States that a run does not leave."""
SUCCEEDED: Final = "SUCCEEDED"


class JobError(LakeError):
    """There is no such job, or it takes no run now."""


@dataclass(frozen=True)
class Job:
    """A job as Glue has it: its name, and the arguments that a run gets where it is not told others.

    `secured` is what a security configuration that encrypts logs puts into the names of its log groups.
    """

    name: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    secured: str = ""

    @property
    def entry(self) -> Entry | None:
        """The entry that it runs; None where it is none of ours."""
        return ENTRIES.get(self.defaults.get(f"--{ENTRY}", ""))


@dataclass(frozen=True)
class Run:
    """A run as Glue tells of it; seconds are those that it ran."""

    job: str
    id: str
    state: str
    error: str = ""
    seconds: int = 0
    started: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED


def glue_client() -> Any:
    """A client of Glue.

    Raises:
        AwsError: the session has no region.
    """
    import boto3

    with regions_named():
        return boto3.client("glue", config=patient())


def find_job(client: Any, name: str) -> Job:
    """The job of this name.

    Raises:
        JobError: there is none; names the nearest.
        AwsError: AWS does not answer or refuses.
    """
    try:
        found = call(client, "get_job", name, JobName=name)["Job"]
    except AwsError as error:
        if error.code != "EntityNotFoundException":
            raise
        raise _no_job(client, name) from None
    return Job(name, dict(found.get("DefaultArguments", {})), _secured(found))


def _secured(job: Mapping[str, Any]) -> str:
    """Between the prefix and the end of a log group's name (AWS Glue, "Logging for AWS Glue jobs")."""
    security = job.get("SecurityConfiguration")
    return f"/{security}-role/{str(job['Role']).rpartition('/')[2]}" if security else ""


def job_names(client: Any) -> list[str]:
    """The names of all jobs of account and region.

    Raises:
        AwsError: AWS does not answer or refuses.
    """
    names: list[str] = []
    request: dict[str, Any] = {}
    while True:
        page = call(client, "list_jobs", "Glue", **request)
        names += page.get("JobNames", [])
        if not page.get("NextToken"):
            return names
        request = {"NextToken": page["NextToken"]}


def check_arguments(job: Job, given: Mapping[str, str]) -> None:
    """Holds the arguments of a run, with the job's own, against what its entry takes, before a run is paid for.

    Args:
        job: the job.
        given: by name, with hyphens in front.

    Raises:
        ArgumentsError: the entry would refuse them.
    """
    if job.entry is None:
        return
    whole = {name: value for name, value in {**job.defaults, **given}.items() if name != f"--{ENTRY}"}
    ours = {name: value for name, value in whole.items() if not is_glues_own(name.removeprefix("--"))}
    parse(job.entry.arguments, [job.name, *(f"{name}={value}" for name, value in ours.items())])


def start(client: Any, job: Job, given: Mapping[str, str]) -> Run:
    """Starts a run.

    Raises:
        JobError: as many runs go on as the job may have.
        AwsError: AWS does not answer or refuses.
    """
    try:
        answer = call(client, "start_job_run", job.name, JobName=job.name, Arguments=dict(given))
    except AwsError as error:
        if error.code != "ConcurrentRunsExceededException":
            raise
        remedy = "wait for the run that goes on, or stop it; one run at a time works on a pipeline's tables"
        raise JobError("as many runs go on as the job may have", where=job.name, remedy=remedy) from None
    return Run(job.name, str(answer["JobRunId"]), "STARTING")


def look(client: Any, run: Run) -> Run:
    """The run as it is now.

    Raises:
        AwsError: AWS does not answer or refuses.
    """
    told = call(client, "get_job_run", f"{run.job}, run {run.id}", JobName=run.job, RunId=run.id)["JobRun"]
    return Run(
        run.job,
        run.id,
        str(told["JobRunState"]),
        str(told.get("ErrorMessage", "")).strip(),
        int(told.get("ExecutionTime", 0)),
        told.get("StartedOn"),
    )


def _no_job(client: Any, name: str) -> JobError:
    known = job_names(client)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(known)) or 'none: deploy first'}"
    return JobError("there is no such job", where=name, remedy=remedy)
