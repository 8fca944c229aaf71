"""What every benchmark is given: sizes, a folder of its own, one Spark session, and a way to say what happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

from lake.session import spark_session, tuned
from schemas.errors import LakeError

MEMORY: Final = "3g"
MARKER: Final = ".benchmark-home"
"""Stands in a folder that a run has made; nothing is removed from a folder without it."""


class HomeError(LakeError):
    """The folder of a run is not the run's own."""


@dataclass(frozen=True)
class Bench:
    """One run.

    Args:
        rows: events, or rows of a dimension at ten times its history.
        repeats: rounds that count.
        warm_up: rounds before them, which do not.
        home: folder for everything the run writes; see `own_home`.
        cores: cores of the Spark session and threads of the warehouse engine.
        quick: whether Spark compiles little: for a trial of the benchmarks at a tiny size, whose times mean nothing.
        say: told what is being done.
    """

    rows: int
    repeats: int
    home: Path
    cores: int = 2
    warm_up: int = 1
    quick: bool = False
    say: Callable[[str], None] = print

    def folder(self, name: str) -> Path:
        """An empty folder of this name under the home.

        Raises:
            HomeError: the home is not a run's own, or the name is no plain one.
        """
        require_own(self.home)
        if not name or Path(name).name != name or name in (".", ".."):
            raise HomeError("is not the name of a folder", where=repr(name), remedy="give one plain name")
        path = self.home / name
        if path.exists():
            shutil.rmtree(path)
        path.mkdir()
        return path

    @property
    def lake(self) -> Path:
        """Root of the lake that the session's Iceberg catalog belongs to."""
        return self.home / "lake"

    def spark(self) -> SparkSession:
        """The session all benchmarks of the run share, configured as the jobs configure theirs (but for `quick`)."""
        self.lake.mkdir(parents=True, exist_ok=True)
        return spark_session(
            "benchmarks",
            lake_uri=self.lake.as_uri(),
            catalog_uri=f"jdbc:sqlite:{self.home}/catalog.db",
            cores=self.cores,
            memory=MEMORY,
            scratch=self.home / "scratch",
            extra=tuned(small=True) if self.quick else None,
        )


def own_home(parent: Path) -> Path:
    """A new folder under `parent` for one run, with the marker that allows its removal."""
    from uuid import uuid4

    home = parent.expanduser().resolve() / f"run-{uuid4().hex[:8]}"
    home.mkdir(parents=True)
    (home / MARKER).touch()
    return home


def remove_home(home: Path) -> None:
    """Removes the folder of a run.

    Raises:
        HomeError: a run has not made it.
    """
    require_own(home)
    shutil.rmtree(home)


def require_own(home: Path) -> None:
    """The folder must be one that `own_home` made.

    Raises:
        HomeError: it is not.
    """
    if not home.is_absolute() or home.is_symlink() or not (home / MARKER).is_file():
        raise HomeError(
            "is not a folder of a benchmark run", where=str(home), remedy="take the one that own_home gives"
        )
