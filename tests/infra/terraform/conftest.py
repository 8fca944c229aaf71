"""Terraform run once for all tests of a process."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.terraform.applied import State, states

ROOT = Path(__file__).parents[3]
KINDS = ("serverless", "provisioned")


def plugin_flags() -> list[str]:
    """Where providers come from: the folder TF_PLUGIN_DIR, or the public registry."""
    found = os.environ.get("TF_PLUGIN_DIR") or next((str(path) for path in Path("/opt").glob("*plugins*")), "")
    return [f"-plugin-dir={found}"] if found else []


def terraform(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs terraform, without a person's own settings of it."""
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(["terraform", *words], cwd=cwd, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """States of the parts, by kind of warehouse."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    tree = tmp_path_factory.mktemp("terraform")
    for folder in ("infra/terraform", "tests/infra/terraform/parts"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns(".terraform*"))
    root = tree / "tests/infra/terraform/parts"
    started = terraform("init", "-input=false", "-no-color", *plugin_flags(), cwd=root)
    assert started.returncode == 0, started.stderr
    return states(terraform("test", "-json", "-verbose", cwd=root).stdout)


@pytest.fixture(params=KINDS)
def applied(request: pytest.FixtureRequest, parts: dict[str, State]) -> State:
    """The state of each."""
    return parts[request.param]
