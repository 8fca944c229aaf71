"""Every command that README and docs show runs as it is written there: those that need an AWS here, on an emulator; the route's
in tests/integration, whose stack starts and ends by README's commands.
"""

from __future__ import annotations

from pathlib import Path

from glue_jobs.entries import ENTRIES, ENTRY
from tests.support import s3
from tests.support.pages import OPERATIONS, PAGES, README, ROOT, commands, environment_of, run


def test_no_other_page_shows_commands_that_nobody_runs() -> None:
    pages = [path for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in PAGES]
    shown = {path.name: commands(f"docs/{path.name}") + commands(f"docs/{path.name}", on_aws=True) for path in pages}
    assert {name: lines for name, lines in shown.items() if lines} == {}
    assert [path.name for path in pages if "```sh aws" in path.read_text(encoding="utf-8")] == []


def test_readme_begins_by_starting_the_stack_and_ends_by_ending_it_and_operations_do_neither() -> None:
    start, *_, end = commands(README)
    assert (start, end) == (".venv/bin/lake up", ".venv/bin/lake down")
    assert not {"lake up", "lake down"} & {line.removeprefix(".venv/bin/") for line in commands(OPERATIONS)}


def test_the_commands_that_need_aws_run_as_written_against_an_emulator(tmp_path: Path) -> None:
    lines = [line for page in PAGES for line in commands(page, on_aws=True)]
    assert any(line.startswith("lake submit") for line in lines)
    with s3.running("lake") as server:
        deploy(server)
        environment = environment_of(tmp_path) | server.environment
        for line in lines:
            run(line, environment, timeout=180)


def deploy(server: s3.S3) -> None:
    """The jobs and the lake of a deployment named retail-datalake-dev."""
    place = {"LocationConstraint": s3.REGION}
    server.client().create_bucket(Bucket="retail-datalake-dev", CreateBucketConfiguration=place)
    for entry in ENTRIES.values():
        needed = {f"--{name}": "x" for name, required in entry.options.items() if required}
        server.client("glue").create_job(
            Name=f"retail-datalake-dev-{entry.name.replace('_', '-')}",
            Role="role",
            Command={"Name": "gluestreaming" if entry.streaming else "glueetl", "ScriptLocation": "s3://lake/job.py"},
            DefaultArguments={f"--{ENTRY}": entry.name, **needed},
        )
