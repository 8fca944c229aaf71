"""Every command that README and docs show runs as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE: Final = {
    "make demo": "tests/integration/test_demo.py runs what it runs",
    "make test": "this run is it",
    "make bench": "tests/benchmarks runs ratios 1, 2, 3, 7 and 10 at a small size",
}
PAGES: Final = ("README.md", "docs/operations.md")


def commands(page: str) -> list[str]:
    """The commands of a page's shell blocks, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line.strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and line not in ELSEWHERE]


def test_no_other_page_shows_commands_that_nobody_runs() -> None:
    pages = [path for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in PAGES]
    shown = {path.name: commands(f"docs/{path.name}") for path in pages}
    assert {name: lines for name, lines in shown.items() if lines} == {}


@pytest.mark.integration
@pytest.mark.slow
def test_the_commands_of_readme_and_operations_run_as_written(tmp_path: Path) -> None:
    home = tmp_path / "lake"
    environment = os.environ | {
        "LAKE_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    readme = [line.replace(".venv/bin/lake", "lake") for line in commands("README.md")]
    *start, down = readme
    assert down == "lake down"
    try:
        for line in [*start, *commands("docs/operations.md")]:
            result = subprocess.run(
                ["/bin/sh", "-c", line],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
            assert result.returncode == 0, f"{line}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"
    finally:
        subprocess.run(["/bin/sh", "-c", down], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
