"""checkov over all of Terraform's text: no check fails, and what is skipped says why, beside the resource.

Environments call the modules, so one run of both holds each module against the values that environments give it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local.jars import cache_folder
from tests.infra.terraform.harness import ENVIRONMENTS, SOURCES

LOCK: Final = Path(__file__).parent / "checkov.lock"
UNKNOWN_TO_CHECKOV: Final = {"modules/cost"}
"""It has no check for a budget, nor for tags of costs."""
OFFLINE: Final = ("--skip-download", "--download-external-modules", "false")


def uv(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def checkov() -> Path:
    """checkov's Python, in an environment of its own (its pins are not ours), made by the lock where it is not there."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    home = cache_folder().absolute() / f"checkov-{digest}-{sys.version_info.major}.{sys.version_info.minor}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        uv("venv", "--clear", "--python", sys.executable, str(home))
        uv("pip", "install", "--require-hashes", "-r", str(LOCK), "--python", str(python))
        (home / "complete").touch()
    return python


@pytest.fixture(scope="module")
def found(checkov: Path) -> dict[str, Any]:
    """checkov's results over modules, bootstrap and environments."""
    command = [str(checkov), "-m", "checkov.main", "--directory", str(SOURCES), "--framework", "terraform"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = kept | {"LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [*command, *OFFLINE, "--output", "json"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_no_check_fails(found: dict[str, Any]) -> None:
    failed = [
        f"{item['check_id']} {item['resource']}: {item['check_name']}" for item in found["results"]["failed_checks"]
    ]
    assert not failed, "\n".join(failed)


def test_modules_bootstrap_and_environments_were_read(found: dict[str, Any]) -> None:
    assert not found["results"].get("parsing_errors")
    read = {Path(item["file_path"]).parent.as_posix().strip("/") for item in found["results"]["passed_checks"]}
    modules = {f"modules/{folder.name}" for folder in (SOURCES / "modules").iterdir() if folder.is_dir()}
    roots = {"bootstrap", *(f"environments/{name}" for name in ENVIRONMENTS)}
    assert read == (modules - UNKNOWN_TO_CHECKOV) | roots


def test_every_skip_says_why(found: dict[str, Any]) -> None:
    for item in found["results"]["skipped_checks"]:
        assert len(item["check_result"]["suppress_comment"].split()) > 3, item["check_id"]
