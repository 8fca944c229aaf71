"""Terraform run once for all tests of a process; they are one unit of scheduling (tests/conftest.py)."""

from __future__ import annotations

import shutil

import pytest

from tests.infra.terraform.applied import State
from tests.infra.terraform.harness import ENVIRONMENTS, applied_environments

KINDS = ("serverless", "provisioned")


@pytest.fixture(scope="session")
def installed() -> None:
    """Terraform; without it these tests are skipped."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def environments(installed: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """States of dev, qa and prod, each applied whole."""
    return applied_environments(tmp_path_factory.mktemp("environments"))


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, environments: dict[str, State]) -> State:
    """The state of each."""
    return environments[request.param]


@pytest.fixture(scope="session")
def parts(environments: dict[str, State]) -> dict[str, State]:
    """An environment for each kind of warehouse."""
    return {"serverless": environments["dev"], "provisioned": environments["prod"]}


@pytest.fixture(params=KINDS)
def applied(request: pytest.FixtureRequest, parts: dict[str, State]) -> State:
    """The state of each."""
    return parts[request.param]
