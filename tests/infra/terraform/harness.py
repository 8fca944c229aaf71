"""Terraform as the tests run it: without a person's own settings, and with providers from a folder where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lake.deploy.terraform import PLUGINS
from tests.infra.terraform.applied import State, states

ROOT: Final = Path(__file__).parents[3]
SOURCES: Final = ROOT / "infra" / "terraform"
ENVIRONMENTS: Final = ("dev", "qa", "prod")
WHOLE: Final = "tests/infra/terraform/whole"
"""The root module whose test applies every environment."""
NOT_COPIED: Final = shutil.ignore_patterns(".terraform*", "__pycache__")


def terraform(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs terraform, without a person's own settings of it."""
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    # The provider's schema is most of what Go would collect over and over: without it half the time is left.
    environment |= {"GOGC": "off", "GOMEMLIMIT": "1500MiB"}
    return subprocess.run(["terraform", *words], cwd=cwd, env=environment, text=True, capture_output=True, check=False)


def plugins() -> list[str]:
    """Where providers come from, as an option of `terraform init`; none: the public registry."""
    folder = os.environ.get(PLUGINS)
    return [f"-plugin-dir={folder}"] if folder else []


def init(root: Path) -> None:
    """Readies a root module, without its backend.

    Raises:
        AssertionError: a module or a provider is not as it should be; with what Terraform says.
    """
    done = terraform("init", "-backend=false", "-input=false", "-no-color", *plugins(), cwd=root)
    assert done.returncode == 0, done.stderr


def applied_environments(tree: Path) -> dict[str, State]:
    """State of each environment, applied whole on the mocked provider, in a copy of the sources under `tree`."""
    for folder in ("infra/terraform", "streaming/connectors", WHOLE):
        shutil.copytree(ROOT / folder, tree / folder, ignore=NOT_COPIED)
    init(tree / WHOLE)
    return states(terraform("test", "-json", "-verbose", cwd=tree / WHOLE).stdout)
