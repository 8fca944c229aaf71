"""`lake` and jobs in the tests' own process, on its Spark: a warm JVM does in seconds what a new one takes a minute for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession

from lake.cli import main
from lake.home import Home
from lake.session import catalog_conf
from streaming.kafka_to_landing import SESSION

_USERS: Final = ("_spark", "promote", "reconcile", "run")
"""Modules of `lake.cli` that ask for a session by a name of theirs."""


@dataclass(frozen=True)
class Here:
    """Runs commands on a LAKE_HOME, by the variables that the process has."""

    home: Home
    spark: SparkSession
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def lake(self, *arguments: str, pipeline: str = "retail") -> Any:
        """The JSON answer of `lake stream`, `promote`, `run` or `reconcile`, whose exit code is 0."""
        (answer,) = self._told(lambda: main([*arguments, "--pipeline", pipeline, "--json"]), pipeline)
        return answer

    def job(self, entry: Callable[[Sequence[str]], int], pipeline: str, words: Sequence[str]) -> list[Any]:
        """The lines of JSON that a job prints, whose exit code is 0."""
        return self._told(lambda: entry(["job.py", *words]), pipeline)

    def _told(self, work: Callable[[], int], pipeline: str) -> list[Any]:
        session = self._session(pipeline)
        for user in _USERS:
            self.monkeypatch.setattr(f"lake.cli.{user}.lake_session", lambda *_: nullcontext(session))
        self.capsys.readouterr()
        with _active(session, self.spark):
            code = work()
        said = self.capsys.readouterr()
        assert code == 0, said.err[-3000:] + said.out[-3000:]
        return [json.loads(line) for line in said.out.splitlines()]

    def _session(self, pipeline: str) -> SparkSession:
        """A session of its own on the pipeline's lake; the catalog is a session's, not the JVM's."""
        session = self.spark.newSession()
        settings = catalog_conf(self.home.lake_uri(pipeline), self.home.catalog_uri(pipeline)) | SESSION
        for name, value in settings.items():
            if session.conf.isModifiable(name) or name.startswith("spark.sql.catalog."):
                session.conf.set(name, value)
        return session


@contextmanager
def _active(session: SparkSession, before: SparkSession) -> Iterator[None]:
    """The session is the one that a job finds; `before` is it again afterwards."""
    jvm: Any = session._jvm  # PySpark has no other way to say which session is active
    jvm.SparkSession.setActiveSession(session._jsparkSession)
    try:
        yield
    finally:
        jvm.SparkSession.setActiveSession(before._jsparkSession)
