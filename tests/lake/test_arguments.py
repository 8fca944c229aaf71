"""Job arguments: as Glue reads them, and every bad one named."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from awsglue.utils import GlueArgumentError, getResolvedOptions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glue_jobs.entries import ENTRIES, ENTRY, Entry
from lake.arguments import GLUE_OWN, ArgumentsError, get_resolved_options, is_glues_own, option, parse

SAME = [
    (["--lake-uri", "s3://b/"], ["lake-uri"]),
    (["--lake-uri=s3://b/"], ["lake-uri"]),
    (["--lake-u", "s3://b/"], ["lake-uri"]),
    (["--lake-uri", "a", "--unknown", "b"], ["lake-uri"]),
    (["--lake-uri", "a", "stray"], ["lake-uri"]),
    (["--JOB_NAME", "n", "--lake-uri", "a"], ["JOB_NAME", "lake-uri"]),
    (["--TempDir", "t", "--lake-uri", "a"], ["lake-uri", "TempDir"]),
    (["--RedshiftTempDir", "t", "--lake-uri", "a"], ["lake-uri"]),
    (["--JOB_ID", "j", "--JOB_RUN_ID", "r", "--lake-uri", "a"], ["lake-uri"]),
    (["--job-bookmark-option", "job-bookmark-enable", "--lake-uri", "a"], ["lake-uri"]),
    (["--continuation-option", "continuation-readonly", "--lake-uri", "a"], ["lake-uri"]),
    (
        ["--job-bookmark-option", "job-bookmark-pause", "--job-bookmark-from", "1", "--job-bookmark-to", "2"],
        [],
    ),
    (["--enable-data-lineage", "true", "--encryption-type", "sse-s3"], []),
    (["--SECURITY_CONFIGURATION", "s"], []),
    (["--a", "1", "--a", "2"], ["a"]),
    (["--with_underscore", "1", "--with-hyphen", "2"], ["with_underscore", "with-hyphen"]),
    ([], []),
]
BOTH_FAIL = [
    ([], ["lake-uri"]),
    (["--lake-uri"], ["lake-uri"]),
    (["--table", "t"], ["tables-a", "tables-b"]),
    (["--tab", "t", "--tables-a", "x", "--tables-b", "y"], ["tables-a", "tables-b"]),
    (["--job-bookmark-option", "never"], []),
    (["--job-bookmark-option", "x"], ["job-bookmark-option"]),
    (["--job-bookmark-from", "1", "--job-bookmark-to", "2"], []),
    (["--job-bookmark-option", "job-bookmark-pause", "--job-bookmark-from", "1"], []),
    (["--encryption-type", "none"], []),
    (["--continuation-option", "x"], ["continuation-option"]),
]


@pytest.mark.parametrize(("argv", "options"), SAME)
def test_the_stand_in_gives_what_glue_gives(argv: list[str], options: list[str]) -> None:
    assert get_resolved_options(["job", *argv], options) == getResolvedOptions(["job", *argv], options)


@pytest.mark.parametrize(("argv", "options"), BOTH_FAIL)
def test_the_stand_in_refuses_what_glue_refuses(argv: list[str], options: list[str]) -> None:
    with pytest.raises((GlueArgumentError, RuntimeError)):
        getResolvedOptions(["job", *argv], options)
    with pytest.raises(ArgumentsError):
        get_resolved_options(["job", *argv], options)


NAMES: Final = (
    *("lake-uri", "lake", "tables", "table-b", "max_rows", "entry", "JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir"),
    *("RedshiftTempDir", "SECURITY_CONFIGURATION", "encryption-type", "enable-data-lineage", "job-bookmark-option"),
    *("job-bookmark-from", "job-bookmark-to", "continuation-option", "mode", "debug", "endpoint", "enable-metrics"),
)
VALUES: Final = ("a", "s3://b/c=d", "", "-1", "-x", "true", "sse-s3", "job-bookmark-pause", "job-bookmark-enable",
                 "continuation-enabled")  # fmt: skip
flags = st.builds(lambda name, cut: f"--{name[:cut]}", st.sampled_from(NAMES), st.integers(2, 25))
words = st.one_of(
    flags,
    st.sampled_from(VALUES),
    st.builds(lambda flag, value: f"{flag}={value}", flags, st.sampled_from(VALUES)),
)
PLAIN: Final = ("lake-uri", "lake", "tables", "table-b", "max_rows", "entry", "JOB_NAME")
sound = st.tuples(st.sampled_from(PLAIN).map("--{}".format), st.sampled_from(("a", "s3://b/c=d", "", "true")))
odd = st.one_of(st.tuples(flags, st.sampled_from(VALUES)), st.tuples(words))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """An argv, mostly of sound pairs, and the options asked of it, mostly those it has."""
    groups = draw(st.lists(st.one_of(sound, sound, sound, odd), max_size=6))
    names = sorted({group[0].removeprefix("--") for group in groups} & {*NAMES})
    asked = draw(st.lists(st.sampled_from(names), max_size=4, unique=True)) if names else []
    more = draw(st.lists(st.sampled_from(NAMES), max_size=1)) if draw(st.integers(0, 4)) == 0 else []
    return [word for group in groups for word in group], [*asked, *(name for name in more if name not in asked)]


def answer(resolver: Any, argv: list[str], asked: list[str]) -> dict[str, Any] | None:
    """What a resolver gives; none where it refuses."""
    try:
        return dict(resolver(["job", *argv], asked))
    except (GlueArgumentError, RuntimeError, ArgumentsError, argparse.ArgumentError):
        return None


@example((["--TempDir", "", "--RedshiftTempDir", "r"], []))
@settings(max_examples=150, deadline=None)
@given(questions())
def test_whatever_is_given_and_asked_both_answer_alike(question: tuple[list[str], list[str]]) -> None:
    argv, asked = question
    assert answer(get_resolved_options, argv, asked) == answer(getResolvedOptions, argv, asked)


@dataclass(frozen=True)
class Arguments:
    lake_uri: str = option("where")
    name: str = option("whose")
    limit: int = option("how many", default=3, least=1)
    dry: bool = option("whether", default=False)
    tables: tuple[str, ...] = option("which", default=())
    folder: Path | None = option("more", default=None)
    share: float = option("part", default=0.5)
    weights: Mapping[str, int] = option("how much of each", factory=dict, least=0)
    labels: Mapping[str, str] = option("notes", factory=dict)
    roots: tuple[Path, ...] = option("folders", default=(), separator=":")


NEEDED = ["--lake-uri", "u", "--name", "n"]


def parsed(*words: str) -> Arguments:
    return parse(Arguments, ["job", *words])


def test_each_field_has_its_type() -> None:
    words = ["--lake-uri=s3://b", "--name", "n", "--limit", "7", "--dry", "TRUE", "--tables", "a, b,", "--folder", "/x"]
    assert parsed(*words) == Arguments("s3://b", "n", 7, True, ("a", "b"), Path("/x"), 0.5)


def test_mappings_and_paths_are_parsed() -> None:
    words = ["--weights", "a=1, b=0,", "--labels=security.protocol=SASL_SSL,x=a=b", "--roots", "/a:/b,c:"]
    found = parsed(*NEEDED, *words)
    assert found.weights == {"a": 1, "b": 0}
    assert found.labels == {"security.protocol": "SASL_SSL", "x": "a=b"}
    assert found.roots == (Path("/a"), Path("/b,c"))


def test_what_is_not_given_has_its_default() -> None:
    assert parsed(*NEEDED) == Arguments("u", "n")
    assert (parsed(*NEEDED).weights, parsed(*NEEDED).roots) == ({}, ())


@pytest.mark.parametrize(
    "glues",
    [
        ["--JOB_NAME", "n", "--enable-metrics", "--extra-jars", "x.jar", "--mode", "x"],
        ["--enable-metrics", "true", "--enable-of-a-later-release", "--TempDir", "s3://t", "--job-language", "py"],
    ],
)
def test_glues_own_arguments_are_ignored(glues: list[str]) -> None:
    assert parsed(*glues, *NEEDED) == parsed(*NEEDED, *glues) == Arguments("u", "n")


def test_what_glue_hands_to_a_job_is_parsed_by_glues_own_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    glues = ["true", "--job-bookmark-option", "job-bookmark-disable", "--JOB_ID", "j_1", "true", "--JOB_RUN_ID", "jr_1"]
    more = ["--enable-metrics", "--job-language", "python", "--scriptLocation", "s3://a/job.py", "--JOB_NAME", "job"]
    argv = ["/tmp/job.py", *glues, *NEEDED, "--limit", "7", *more, "--TempDir", "s3://t"]
    asked: list[Any] = []

    def resolved(given: list[str], options: list[str]) -> dict[str, Any]:
        asked.append(list(options))
        found: dict[str, Any] = getResolvedOptions(given, options)
        return found

    monkeypatch.setattr("awsglue.utils.getResolvedOptions", resolved)
    monkeypatch.setattr("sys.argv", argv)
    assert parse(Arguments, argv) == Arguments("u", "n", 7)
    assert asked == [["lake-uri", "name", "limit"]]


@pytest.mark.parametrize(
    ("words", "named", "remedy"),
    [
        (["--lake-ury", "u"], "--lake-ury: unknown argument", "did you mean --lake-uri"),
        (["--lake", "u"], "--lake: unknown argument", "did you mean --lake-uri"),
        (["--", "u"], "--: unknown argument", "use one of --lake-uri, --name"),
        ([*NEEDED, "--limit", "many"], "--limit: the value is not a whole number of 1 or more", "whole number"),
        ([*NEEDED, "--limit", "1.5"], "--limit: the value is not a whole number", "whole number"),
        ([*NEEDED, "--limit", "0"], "--limit: the value is not a whole number of 1 or more", "of 1 or more"),
        ([*NEEDED, "--share", "nan"], "--share: the value is not a number", "give a number"),
        ([*NEEDED, "--dry", "yes"], "--dry: the value is neither true nor false", "--dry true"),
        ([*NEEDED, "--dry"], "--dry: the argument has no value", "--dry true"),
        ([*NEEDED, "--dry", "--limit", "3"], "--dry: the argument has no value", "--dry true"),
        ([*NEEDED, "--weights", "a"], "--weights: the value is not NAME=VALUE", "--weights NAME=VALUE"),
        ([*NEEDED, "--weights", "a=x"], "--weights: the value of a is not a whole number of 0", "whole number"),
        ([*NEEDED, "--weights", "a=1,b=-1"], "--weights: the value of b is not a whole number of 0", "whole number"),
        ([*NEEDED, "v"], "a value stands without its argument", "--name value"),
        ([*NEEDED, "--name", "v"], "--name: the argument is given twice", "once"),
        (["--name", "n", "--lake-uri"], "--lake-uri: the argument has no value", "--lake-uri VALUE"),
        (["--name", "n"], "--lake-uri: a required argument is missing", "give --lake-uri VALUE"),
        (["--name", "n", "--lake-uri="], "--lake-uri: a required argument is missing", "give --lake-uri VALUE"),
        ([], "--lake-uri, --name: required arguments are missing", "give --lake-uri VALUE --name VALUE"),
    ],
)
def test_a_bad_argument_is_named(words: list[str], named: str, remedy: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parsed(*words)
    assert named in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_argument(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(flag)
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"--{field.name.replace('_', '-')}" in shown for field in dataclasses.fields(Arguments))


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_no_argument_begins_with_the_name_of_another(entry: Entry) -> None:
    ours = [*entry.options, ENTRY]
    assert [name for name in ours if is_glues_own(name)] == []
    pairs = itertools.permutations({*ours, *GLUE_OWN}, 2)
    assert [(a, b) for a, b in pairs if b.startswith(a) and (a in ours or b in ours)] == []
