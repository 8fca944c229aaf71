"""One Spark session for the tests of a process; folders of its own for each run; which tests share a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession
from xdist.scheduler import LoadScopeScheduling

from lake.session import spark_session, tuned
from tests.support import engines, postgres

STACK: Final = "tests/integration/"
"""What starts so uses the embedded stack."""
TOGETHER: Final = (STACK, "tests/infra/terraform/", "tests/packaging/")
"""Folders whose tests share what starts slowly."""


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist tells no types
    """Spreads files over processes (`make test` runs two): the embedded stack's tests all go to one, Terraform's
    and the wheel's too.

    A file stays in one piece, so what its tests share is made once.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:
    """Says how tests are spread."""
    return Spread(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stack's tests first, then long files before short ones: no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(STACK), item.path not in slow))


@pytest.fixture(scope="session")
def lake_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root folder of the session's lake: Iceberg tables and catalog."""
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="session")
def spark(lake_root: Path) -> Iterator[SparkSession]:
    """The session all Spark tests of a process share."""
    session = spark_session(
        "tests",
        lake_uri=lake_root.as_uri(),
        catalog_uri=f"jdbc:sqlite:{lake_root}/catalog.db",
        cores=2,
        memory="2g",
        scratch=lake_root / "scratch",
        extra={"spark.sql.shuffle.partitions": "2"} | tuned(small=True),
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """The PostgreSQL server that all tests of a process share, each with databases of its own."""
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_engine(postgres_server: postgres.Server) -> engines.Postgres:
    """Warehouses on PostgreSQL; one at a time."""
    return engines.Postgres(postgres_server, postgres_server.database())


@pytest.fixture(params=["duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest) -> engines.Engine:
    """Each engine that the warehouse's SQL runs on; the server starts only where it is asked for."""
    if request.param == "duckdb":
        return engines.Duck()
    server: engines.Engine = request.getfixturevalue("postgres_engine")
    return server
