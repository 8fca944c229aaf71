"""The containers themselves, where there is an engine: built, run, killed, and their route reconciled.

The steps build on each other, in order. Where there is none, they are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import commands

ROOT: Final = Path(__file__).parents[3]
BASE: Final = "debian:bookworm-slim"
UP, DEMO, STATUS, DOWN = (line for line in commands("docs/operations.md", every=True) if line.startswith("docker"))
PORTS: Final = ("SOURCE", "WAREHOUSE", "BROKER", "REGISTRY", "CONNECT")
GOING_ON: Final = ("source", "warehouse", "broker", "registry", "connect", "jobs")
OURS: Final = ("source", "broker", "registry", "connect", "jobs")

pytestmark = pytest.mark.slow


def answers(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def compose_program() -> list[str]:
    """Compose as the engine's plugin, or as a program of its own; skips where engine, Compose or base image are missing."""
    if shutil.which("docker") is None or not answers("docker", "info"):
        pytest.skip("no container engine answers (docker info): the containers are not run")
    if not answers("docker", "image", "inspect", BASE) and not answers("docker", "pull", "--quiet", BASE):
        pytest.skip(
            f"no {BASE}, and none can be pulled (infra/docker/base-image.sh makes one): the containers are not run"
        )
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]) and answers(*program, "version"):
            return program
    pytest.skip("the engine has no Compose: the containers are not run")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Containers:
    """A Compose project of the tests' own, on ports of its own."""

    program: Sequence[str]
    project: str
    environment: dict[str, str]

    def run(self, line: str, timeout: float = 1200) -> str:
        """Run a command as the guide writes it; its output."""
        words = line.split()
        assert words[:2] == ["docker", "compose"]
        done = subprocess.run(
            [*self.program, *words[2:]],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}"
        return done.stdout

    def ids(self) -> dict[str, str]:
        """The long-running containers by service."""
        return {name: self.run(f"docker compose ps --quiet {name}").strip() for name in GOING_ON}

    def left(self) -> list[str]:
        """Everything that bears the project's name."""
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [line for kind in kinds for line in docker(*kind, *mine).split()]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def stack() -> Iterator[Containers]:
    program = compose_program()
    project = f"laketest{uuid.uuid4().hex[:8]}"
    ports = {f"LAKE_{name}_PORT": str(free_port()) for name in PORTS}
    built_by = {"DOCKER_BUILDKIT": "1", "COMPOSE_DOCKER_CLI_BUILD": "1", "COMPOSE_PROJECT_NAME": project}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LAKE_")}
    made = Containers(program, project, kept | built_by | ports | {"LAKE_EVERY": "30"})
    try:
        made.run(UP, timeout=3600)
        yield made
    finally:
        subprocess.run(
            [*program, "--profile", "demo", "--profile", "tools", "down", "--volumes", "--remove-orphans"],
            cwd=ROOT,
            env=made.environment,
            capture_output=True,
            check=False,
        )


def test_the_demo_takes_the_route_and_reconciles(stack: Containers) -> None:
    said = stack.run(DEMO)
    assert "Made 200 customer, 50 product, 500 order" in said
    assert "reconciled: every oracle holds" in said


def test_every_part_and_the_capture_run(stack: Containers) -> None:
    said = stack.run(STATUS)
    assert said.count("running") == 4
    assert "capture of retail: RUNNING" in said


def test_a_second_up_changes_nothing(stack: Containers) -> None:
    before = stack.ids()
    stack.run(UP)
    assert stack.ids() == before


def test_containers_are_no_root_cannot_write_their_root_and_hold_no_capability(stack: Containers) -> None:
    found = stack.ids()
    for service in GOING_ON:
        status = docker("exec", found[service], "cat", "/proc/self/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {"10001"}, service
        assert {int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}, service
        assert fields["NoNewPrivs"] == "1", service
        touched = subprocess.run(
            ["docker", "exec", found[service], "touch", "/opt/lake/x"], capture_output=True, check=False
        )
        assert b"Read-only file system" in touched.stderr, service


def test_images_hold_no_password_and_nothing_that_installs(stack: Containers) -> None:
    unwanted = r".*/(pip|pip\.conf|secrets\.properties|pgpass)"
    look = ("/", "-xdev", "-regextype", "posix-extended", "-regex", unwanted)
    for service in OURS:
        image = docker("inspect", "--format", "{{.Image}}", stack.ids()[service]).strip()
        assert docker("run", "--rm", "--user", "0", "--entrypoint", "find", image, *look) == "", service
        assert "index-url" not in docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).lower()
        labels = docker("inspect", "--format", "{{.Config.Labels}}", image)
        assert "org.opencontainers.image.version:0.1.0" in labels


def test_killed_containers_come_back_and_nothing_is_lost_or_twice(stack: Containers) -> None:
    stack.run("docker compose kill -s SIGKILL source broker connect warehouse jobs")
    stack.run(UP)
    stack.run("docker compose run --rm lake source churn --changes 100 --seed 2")
    assert "reconciled: every oracle holds" in stack.run(DEMO)


def test_down_with_volumes_leaves_nothing(stack: Containers) -> None:
    stack.run(DOWN)
    assert stack.left() == []
