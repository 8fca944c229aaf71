"""One Spark session for every test of the suite; folders of its own for each run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake.session import spark_session, tuned


@pytest.fixture(scope="session")
def lake_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root folder of the session's lake: Iceberg tables and catalog."""
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="session")
def spark(lake_root: Path) -> Iterator[SparkSession]:
    """The session all Spark tests share."""
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
