"""dbt with DuckDB and PostgreSQL in an environment of its own, and its snapshot of one table."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.local.jars import cache_folder
from schemas.errors import LakeError

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "requirements-dbt.lock"
PROJECT: Final = HERE / "dbt_snapshot"
SNAPSHOT_TABLES: Final = {
    "duckdb": "main_snapshots.customer_history",
    "postgresql": "public_snapshots.customer_history",
}
"""Where dbt keeps the history by target, in the schema that it names itself."""


class DbtError(LakeError):
    """dbt cannot be installed, or its run failed."""


@dataclass(frozen=True)
class Snapshot:
    """What one run of `dbt snapshot` took: the statement's own time as dbt tells it, and the whole command's."""

    seconds: float
    command_seconds: float


@dataclass(frozen=True)
class Dbt:
    """An installed dbt: its Python."""

    python: Path

    @classmethod
    def installed(cls) -> Dbt:
        """The environment for the lock file, made in the cache when it is not there.

        Raises:
            DbtError: a package cannot be had.
        """
        digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
        home = cache_folder().absolute() / f"dbt-{digest}-{sys.version_info.major}.{sys.version_info.minor}"
        if not (home / "complete").exists():
            _install(home)
        return cls(home / "bin" / "python")

    def snapshot(self, target: str, given: Mapping[str, str], artefacts: Path) -> Snapshot:
        """Runs `dbt snapshot` on a database that holds `raw.customer`.

        Args:
            target: `duckdb` or `postgresql`.
            given: variables of the target in `dbt_snapshot/profiles.yml`.
            artefacts: an empty folder for what dbt writes about the run.

        Raises:
            DbtError: it failed; carries the end of what it said.
        """
        inputs = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", target]
        outputs = ["--target-path", str(artefacts), "--log-path", str(artefacts)]
        command = [str(self.python), "-m", "dbt.cli.main", "--quiet", "snapshot", *inputs, *outputs]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment = kept | dict(given) | {"TZ": "UTC"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()[-1500:]
            raise DbtError(f"dbt snapshot failed:\n{said}", where=target, remedy=f"see {artefacts}/dbt.log")
        results = json.loads((artefacts / "run_results.json").read_text(encoding="utf-8"))
        (node,) = results["results"]
        return Snapshot(float(node["execution_time"]), float(results["elapsed_time"]))


def _install(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    uv = [sys.executable, "-m", "uv"]
    make = [*uv, "venv", "--clear", "--python", sys.executable, str(home)]
    install = [*uv, "pip", "install", "--only-binary", ":all:", "--require-hashes", "-r", str(LOCK)]
    for command in (make, [*install, "--python", str(home / "bin" / "python")]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip()[-1500:]
            raise DbtError(f"cannot be installed:\n{said}", where=str(LOCK), remedy="check the network, then run again")
    (home / "complete").touch()
