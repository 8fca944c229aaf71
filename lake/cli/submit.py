"""Start a job on AWS Glue and follow it to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from lake.glue.runs import Job, Run


def _jobs(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The jobs of account and region whose names begin so; none where AWS cannot be asked."""
    from lake.glue.runs import glue_client, job_names
    from schemas.errors import LakeError

    try:
        return [CompletionItem(name) for name in job_names(glue_client()) if name.startswith(incomplete)]
    except LakeError:
        return []


def _arguments(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The arguments of the entry that the job's name ends with; of all entries where it ends with none."""
    from glue_jobs.entries import ENTRIES

    # While an option lacks its value, click has not told words from options: the job is among the rest.
    words = [str(word).replace("-", "_") for word in (ctx.params.get("job"), *ctx.args) if word]
    entries = [e for name, e in ENTRIES.items() if any(word.endswith(name) for word in words)] or ENTRIES.values()
    names = sorted({name for entry in entries for name in entry.options})
    return [CompletionItem(f"{name}=") for name in names if name.startswith(incomplete)]


@lake_command(
    "submit",
    example=(
        "lake submit retail-datalake-dev-landing-to-staging",
        "lake submit retail-datalake-dev-landing-to-staging --arg tables=customer,order --json",
        "lake submit retail-datalake-dev-kafka-to-landing --no-wait",
    ),
)
@click.argument("job", shell_complete=_jobs)
@click.option(
    "--arg",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of this run, as the entry's --NAME; may be given again.",
    shell_complete=_arguments,
)
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end, or only start it.")
def command(app: App, job: str, given: tuple[str, ...], wait: bool) -> int:
    """Start a run of the Glue job JOB, show its states and its log, and end as it ends.

    Account, region and identity are the AWS session's (AWS_PROFILE, AWS_REGION, a role). Arguments are held against
    what the job's entry takes before anything is started. The exit code is 0 where the run succeeded, else 1. Ctrl-C
    ends the watching, not the run. A streaming job has no end: start it with --no-wait.
    """
    from lake.glue.runs import check_arguments, find_job, glue_client, start

    arguments, client = named(given), glue_client()
    found = find_job(client, job)
    check_arguments(found, arguments)
    since = int(time.time() * 1000) - 60_000  # clocks differ
    run = start(client, found, arguments)
    app.say(f"{found.name}: run {run.id}")
    if wait:
        run = _followed(app, client, found, arguments, run, since)
    app.emit(_document(run, arguments), f"{run.state.lower()}: {run.job}, run {run.id}, {run.seconds} s")
    return 0


def named(given: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` texts as a run's arguments.

    Raises:
        UsageError: one has no name or no value.
    """
    arguments = {}
    for text in given:
        name, equals, value = text.removeprefix("--").partition("=")
        if not (name and equals):
            raise click.UsageError(f"--arg {text}: write NAME=VALUE")
        arguments[f"--{name}"] = value
    return arguments


def _followed(app: App, client: object, job: Job, arguments: dict[str, str], run: Run, since: int) -> Run:
    from lake.glue.follow import Follower
    from lake.glue.run_log import RunLog, logs_client

    log = RunLog.of(logs_client(), {**job.defaults, **arguments}, run.id, since, secured=job.secured)
    follower = Follower(
        client,
        log,
        on_state=lambda now: app.say(_state(now)),
        on_line=lambda line: _show(app, line),
        quotes=app.as_json,
    )
    try:
        return follower.to_end(run)
    except KeyboardInterrupt:
        app.say(f"the run goes on: {run.job}, run {run.id}")
        raise


def _show(app: App, line: str) -> None:
    if not app.as_json:
        click.echo(line)


def _state(run: Run) -> str:
    return f"{run.state.lower()} …" if not run.ended else f"{run.state.lower()}, {run.seconds} s"


def _document(run: Run, arguments: dict[str, str]) -> dict[str, object]:
    return {"job": run.job, "run": run.id, "state": run.state, "seconds": run.seconds, "arguments": arguments}
