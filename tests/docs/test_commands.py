"""Every command that README and docs show runs as it is written there.

Blocks of `sh aws` need an AWS: tests/workflows runs those, on an emulator.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from glue_jobs.entries import ENTRIES, ENTRY
from tests.support import s3

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE: Final = {
    "make demo": "tests/integration/test_demo.py runs what it runs",
    "make test": "this run is it",
    **dict.fromkeys(
        (
            "docker compose up --build --detach",
            "docker compose run --rm demo",
            "docker compose run --rm lake status",
            "docker compose down --volumes",
        ),
        "tests/infra/docker/test_route.py runs them, where there is an engine",
    ),
    "make bench": "tests/benchmarks runs ratios 1, 2, 3, 7 and 10 at a small size",
}
PAGES: Final = ("README.md", "docs/operations.md")
AWS: Final = "# needs AWS"
"""The first line of a block whose commands run against an emulator here."""


def commands(page: str, *, on_aws: bool = False, every: bool = False) -> list[str]:
    """The commands of a page's shell blocks, in order; those that need AWS, or all others.

    With `every` also those that another test runs.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block for block in BLOCK.findall(text) if block.startswith(AWS) == on_aws]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and (every or line not in ELSEWHERE)]


def test_no_other_page_shows_commands_that_nobody_runs() -> None:
    pages = [path for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in PAGES]
    shown = {path.name: commands(f"docs/{path.name}") + commands(f"docs/{path.name}", on_aws=True) for path in pages}
    assert {name: lines for name, lines in shown.items() if lines} == {}
    assert [path.name for path in pages if "```sh aws" in path.read_text(encoding="utf-8")] == []


def test_the_commands_that_need_aws_run_as_written_against_an_emulator(tmp_path: Path) -> None:
    lines = [line for page in PAGES for line in commands(page, on_aws=True)]
    assert any(line.startswith("lake submit") for line in lines)
    with s3.running("lake") as server:
        deploy(server)
        environment = environment_of(tmp_path) | server.environment
        for line in lines:
            run(line, environment, 180)


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


def environment_of(home: Path) -> dict[str, str]:
    """Variables under which a page's commands run."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"LAKE_HOME": str(home), "PATH": path}


def run(line: str, environment: dict[str, str], timeout: int) -> None:
    """Runs a command as a shell does; fails with what it said."""
    command = ["/bin/sh", "-c", line]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.integration
@pytest.mark.slow
def test_the_commands_of_readme_and_operations_run_as_written(tmp_path: Path) -> None:
    environment = environment_of(tmp_path / "lake")
    readme = [line.replace(".venv/bin/lake", "lake") for line in commands("README.md")]
    *start, down = readme
    assert down == "lake down"
    try:
        for line in [*start, *commands("docs/operations.md")]:
            run(line, environment, 400)
    finally:
        subprocess.run(["/bin/sh", "-c", down], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
