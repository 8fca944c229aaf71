"""The workflows' steps as data, and a shell that runs one as GitHub's runner does: its script, its env, its outputs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".github"
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Step:
    """A `run:` step.

    Args:
        key: file, job and name of the step.
        script: what it runs.
        env: of workflow, job and step, unresolved.
        shell: as the step states it; GitHub's default runs `bash -e`, `bash` adds pipefail.
        folder: its working directory, relative to the checkout.
    """

    key: str
    script: str
    env: Mapping[str, str]
    shell: str
    folder: str


def documents() -> dict[str, dict[str, Any]]:
    """Workflows and composite actions by path below `.github`."""
    paths = [*FOLDER.glob("workflows/*.yml"), *FOLDER.glob("actions/*/action.yml")]
    return {path.relative_to(FOLDER).as_posix(): yaml.safe_load(path.read_text()) for path in sorted(paths)}


def jobs(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A workflow's jobs; a composite action counts as one, named `runs`."""
    found: dict[str, dict[str, Any]] = document.get("jobs") or {"runs": document["runs"]}
    return found


def run_steps() -> dict[str, Step]:
    """Every `run:` step, by its key."""
    found = {}
    for path, document in documents().items():
        for name, job in jobs(document).items():
            for step in job.get("steps", ()):
                if "run" not in step:
                    continue
                key = f"{Path(path).name if 'workflows' in path else path} {name}: {step['name']}"
                env = {**(document.get("env") or {}), **(job.get("env") or {}), **(step.get("env") or {})}
                found[key] = Step(key, step["run"], env, step.get("shell", ""), step.get("working-directory", "."))
    return found


@dataclass
class Runner:
    """A checkout, and what its steps are run with.

    Args:
        checkout: the working directory of steps.
        environment: of the machine.
        values: what expressions of `env:` stand for, such as `inputs.environment`.
    """

    checkout: Path
    environment: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)

    def run(self, step: Step, umask: int = 0o022) -> dict[str, str]:
        """Runs a step; the outputs it set. It must succeed."""
        done = self.tried(step, umask)
        assert done.returncode == 0, f"{step.key}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        lines = (self.checkout / ".outputs").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def tried(self, step: Step, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        """Runs a step, whatever comes of it."""
        outputs, summary = self.checkout / ".outputs", self.checkout / ".summary"
        outputs.write_text("")
        summary.touch()
        env = {name: _EXPRESSION.sub(lambda match: self.values[match[1]], str(text)) for name, text in step.env.items()}
        ours = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_REPOSITORY": "owner/name"}
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if step.shell == "bash" else ["-e"]
        return subprocess.run(
            ["bash", *options, "-c", step.script],
            cwd=self.checkout / step.folder,
            env={**os.environ, **self.environment, **ours, **env},
            umask=umask,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def shell(self, line: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs a line as a person types it."""
        return self.tried(Step("by hand", line, env, "bash", "."))

    @property
    def summary(self) -> str:
        """What steps wrote for the run's page."""
        return (self.checkout / ".summary").read_text()
