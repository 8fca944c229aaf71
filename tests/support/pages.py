"""The commands that README and docs show, and how a test runs them as they are written there.

Who runs which: tests/integration takes the route of README and docs/operations.md, tests/docs what needs an AWS (blocks that
begin with `# needs AWS`, on an emulator), and `ELSEWHERE` names the rest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = "README.md"
OPERATIONS: Final = "docs/operations.md"
PAGES: Final = (README, OPERATIONS)
"""The pages that show commands."""
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
AWS: Final = "# needs AWS"
"""The first line of a block whose commands run against an emulator here."""
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
"""Commands that are run by no name of theirs, and what runs them."""


def commands(page: str, *, on_aws: bool = False, every: bool = False) -> list[str]:
    """The commands of a page's shell blocks, in order; those that need AWS, or all others.

    With `every` also those that another test runs.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block for block in BLOCK.findall(text) if block.startswith(AWS) == on_aws]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and (every or line not in ELSEWHERE)]


def environment_of(home: Path) -> dict[str, str]:
    """Variables under which a page's commands run on a LAKE_HOME."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"LAKE_HOME": str(home), "PATH": path}


def run(line: str, environment: Mapping[str, str], timeout: float = 400) -> None:
    """Runs a command as a shell does, in the checkout; `.venv/bin/lake` is the one beside this Python.

    Raises:
        AssertionError: the command failed; with what it said.
    """
    command = ["/bin/sh", "-c", line.replace(".venv/bin/lake", "lake")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
