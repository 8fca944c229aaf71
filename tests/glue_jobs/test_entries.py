"""The list of entries is whole, and Glue's script runs what it names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from glue_jobs import entries
from glue_jobs.entries import ENTRIES, Entry, EntryError, JobFailedError, find, run
from lake.arguments import ArgumentsError, parse
from schemas.errors import LakeError

ROOT = Path(__file__).parents[2]


def test_every_module_with_a_job_is_an_entry() -> None:
    found = {
        f"{path.parent.name}.{path.stem}"
        for room in ("glue_jobs", "streaming")
        for path in (ROOT / room).glob("*.py")
        if "def main(argv" in path.read_text(encoding="utf-8")
    }
    assert found == {entry.module for entry in ENTRIES.values()}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_an_entrys_module_parses_the_arguments_that_the_list_names(entry: Entry) -> None:
    given = {name: "1" for name, needed in entry.options.items() if needed}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    assert isinstance(parse(entry.arguments, ["job", *words]), entry.arguments)
    source = inspect.getsource(inspect.getmodule(entry.main))  # type: ignore[arg-type]
    assert f"parse({entry.arguments.__name__}, argv)" in source


def job(monkeypatch: pytest.MonkeyPatch, main: Any) -> None:
    class Replaced(Entry):
        @property
        def main(self) -> Any:
            return main

    monkeypatch.setitem(entries.ENTRIES, "job", Replaced("job", "m", ("m", "A")))


@pytest.mark.parametrize("named", [["--entry", "job"], ["--entry=job"]])
def test_the_entry_gets_all_other_arguments(monkeypatch: pytest.MonkeyPatch, named: list[str]) -> None:
    seen: list[Sequence[str]] = []

    def main(argv: Sequence[str]) -> int:
        seen.append(argv)
        return 0

    job(monkeypatch, main)
    run(["script", "--JOB_NAME", "n", *named, "--lake-uri", "s3://b"])
    assert seen == [["script", "--JOB_NAME", "n", "--lake-uri", "s3://b"]]


def test_another_exit_code_than_0_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    job(monkeypatch, lambda _: 1)
    with pytest.raises(JobFailedError, match="job: ended with exit code 1"):
        run(["script", "--entry", "job"])


def test_our_own_error_passes_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Sequence[str]) -> int:
        raise ArgumentsError("what", where="where", remedy="remedy")

    job(monkeypatch, fail)
    with pytest.raises(LakeError, match="where: what"):
        run(["script", "--entry", "job"])


def test_an_unexpected_error_tells_type_and_place_but_not_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    job(monkeypatch, lambda _: entries.ENTRIES["maintenance"].main(["job"]) and find(None))  # type: ignore[arg-type]
    monkeypatch.setattr("glue_jobs.maintenance.parse", lambda *_: int("ada@example.org"))
    with pytest.raises(JobFailedError) as caught:
        run(["script", "--entry", "job"])
    assert "unexpected ValueError" in str(caught.value)
    assert "glue_jobs.maintenance:" in str(caught.value)
    assert "ada@" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ([], "give --entry NAME: kafka_to_landing"),
        (["--entry"], "give --entry NAME"),
        (["--entry", "maintenanc"], "did you mean maintenance"),
        (["--entry", "x"], "use one of kafka_to_landing, landing_to_staging"),
    ],
)
def test_an_entry_that_is_none_is_named(words: list[str], remedy: str) -> None:
    with pytest.raises(EntryError) as caught:
        run(["script", *words])
    assert remedy in str(caught.value)
