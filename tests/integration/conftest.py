"""One embedded stack for all integration tests, in a folder of its own; whoever needs it asks for ``stack``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from infra.local import topics
from infra.local.capture import capture_of
from infra.local.http import request_json
from infra.local.stack import Endpoints, Stack
from lake.home import Home
from schemas import load_pipeline
from schemas.parse import pipeline_folder
from tests.support import pages

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is an integration test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@dataclass(frozen=True)
class LiveStack:
    """The running stack and short ways to its parts."""

    home: Home
    stack: Stack
    endpoints: Endpoints

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address."""
        return self.endpoints.bootstrap_servers

    @property
    def ccompat_url(self) -> str:
        """The registry's Confluent-compatible interface."""
        return self.endpoints.ccompat_url

    def admin(self) -> AdminClient:
        """A Kafka admin client."""
        return topics.admin(self.bootstrap_servers)

    def source(self, database: str = "retail") -> psycopg.Connection[Any]:
        """A connection to the source database that commits each statement."""
        return psycopg.connect(self.endpoints.source_dsn(database), autocommit=True)

    def connect(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request to Connect's REST interface."""
        return request_json(method, f"{self.endpoints.connect_url}{path}", body, timeout_seconds=150)

    def capture(self, pipeline: str, *search_path: Path) -> None:
        """Capture a pipeline's tables (makes its database by the pipeline's ``source.sql``)."""
        contracts = load_pipeline(pipeline, search_path)
        folder = pipeline_folder(pipeline, search_path)
        self.stack.up([capture_of(pipeline, contracts.sources, folder, partitions=4, retention_days=7)])

    def lake(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the ``lake`` command on this stack's LAKE_HOME."""
        return run_lake(self.home, *arguments, timeout=timeout)


def run_lake(home: Home, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run the ``lake`` command on a LAKE_HOME."""
    command = [sys.executable, "-m", "lake.cli", *arguments]
    environment = os.environ | {"LAKE_HOME": str(home.root)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout, check=False)


def status_of(home: Home) -> dict[str, Any]:
    """What ``lake status --json`` shows of a LAKE_HOME."""
    shown: dict[str, Any] = json.loads(run_lake(home, "status", "--json").stdout)
    return shown


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """The stack, with the retail tables captured and empty; started and ended by the commands of README."""
    home = Home(tmp_path_factory.mktemp("stack") / "home")
    environment = pages.environment_of(home.root) | {"LAKE_START_TIMEOUT_SECONDS": "240"}
    start, *_, end = pages.commands(pages.README)
    try:
        pages.run(start, environment, timeout=600)
        embedded = Stack(home.root)
        yield LiveStack(home, embedded, embedded.endpoints())
    finally:
        pages.run(end, environment, timeout=120)


@pytest.fixture
def fresh_topic(stack: LiveStack) -> Iterator[Callable[..., str]]:
    """Makes change topics of new names; they are deleted after the test."""
    made: list[str] = []

    def make(partitions: int = 2, prefix: str = "test") -> str:
        name = f"{prefix}.{uuid.uuid4().hex[:12]}.cdc"
        topics.ensure_topics(
            stack.bootstrap_servers, [topics.change_topic(name, partitions=partitions, retention_days=7)]
        )
        made.append(name)
        return name

    yield make
    if made:
        for future in stack.admin().delete_topics(made).values():
            future.result(30)
