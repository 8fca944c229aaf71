"""The wheel, built from the checkout, and Python with the wheel's code alone, away from the checkout."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glue_jobs.entries import ENTRY
from infra.local.jars import cache_folder
from lake.session import tuned

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "glue_jobs" / "glue_script.py"


def build(folder: Path) -> Path:
    """Builds the wheel into a folder; its path."""
    command = ["uv", "build", "--wheel", "--no-build-isolation", "--out-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """A folder with a wheel's content alone, which stands in front of everything else on Python's path."""

    site: Path

    @classmethod
    def of(cls, wheel: Path, folder: Path) -> Installed:
        """Unpacks the wheel."""
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        return cls(folder)

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Python in `cwd`, which should lie outside the checkout."""
        command = [sys.executable, *arguments]
        environment = self.environment(cwd)
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    def run_job(self, entry: str, arguments: Mapping[str, str], cwd: Path) -> str:
        """Runs a job as Glue does, from a copy of its script and with its arguments among Glue's; what it printed."""
        glues = {"--JOB_NAME": entry, "--job-bookmark-option": "job-bookmark-disable", "--enable-metrics": "true"}
        script = shutil.copy(SCRIPT, cwd / "job.py")
        words = [word for pair in {**glues, f"--{ENTRY}": entry, **arguments}.items() for word in pair]
        done = self.run(str(script), *words, cwd=cwd)
        assert done.returncode == 0, f"{entry}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def origins(self, *modules: str, cwd: Path) -> list[Path]:
        """The files that these modules are loaded from."""
        code = "import importlib.util as u, sys; print(*(u.find_spec(name).origin for name in sys.argv[1:]), sep='\\n')"
        done = self.run("-c", code, *modules, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return [Path(line) for line in done.stdout.splitlines()]

    def environment(self, cwd: Path, *, also: bool = False) -> dict[str, str]:
        """Variables of a process that has the wheel's code alone; `also`: behind it the checkout's, for its tests."""
        return {
            **few_rows(),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{self.site}:{ROOT}" if also else str(self.site),
            "HOME": str(cwd),
            "TMPDIR": str(cwd),
            "LAKE_CACHE": str(cache_folder()),
        }


def few_rows() -> dict[str, str]:
    """Variables that give a job's own session settings for few rows, as Glue's `--conf` does: without a word in the job."""
    conf = [word for name, value in tuned(small=True).items() for word in ("--conf", f"{name}={value}")]
    return {"PYSPARK_SUBMIT_ARGS": shlex.join([*conf, "--driver-memory", "1g", "pyspark-shell"])}
