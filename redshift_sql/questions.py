"""Questions that are asked again and again, as files: one query each, its question in the first line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

from redshift_sql.statements import Statement

_FOLDER: Final = "queries"
_ATHENA: Final = "athena"


@dataclass(frozen=True)
class Question:
    """A saved query: its name, what it asks, and its SQL for Redshift."""

    name: str
    asks: str
    sql: str

    @property
    def statement(self) -> Statement:
        """The query as a statement, which executors translate for their engine."""
        return Statement(self.sql, f"{_FOLDER}/{self.name}.sql", 1, "lake sql --saved")


def questions(pipeline: str) -> dict[str, Question]:
    """The saved queries of a pipeline, by name; none where it has no folder."""
    return _read(_FOLDER, pipeline)


def athena_questions(pipeline: str) -> dict[str, Question]:
    """Some of the questions in Athena's SQL, over the curated Iceberg tables' database; they need no warehouse."""
    return _read(_ATHENA, pipeline)


def _read(kind: str, pipeline: str) -> dict[str, Question]:
    folder = resources.files("redshift_sql").joinpath(kind, pipeline)
    if not folder.is_dir():
        return {}
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    found = (_parsed(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files)
    return {question.name: question for question in found}


def _parsed(name: str, text: str) -> Question:
    first, _, rest = text.partition("\n")
    return Question(name, first.removeprefix("--").strip(), rest.strip().removesuffix(";"))
