"""Job arguments: as Glue reads them, and every bad one named."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest
from awsglue.utils import GlueArgumentError, getResolvedOptions

from glue_jobs.arguments import ArgumentsError, get_resolved_options, option, parse
from glue_jobs.landing_to_staging import StagingArgs
from glue_jobs.maintenance import MaintenanceArgs

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


@dataclass(frozen=True)
class Arguments:
    lake_uri: str = option("where")
    limit: int = option("how many", default=3)
    dry: bool = option("whether", default=False)
    tables: tuple[str, ...] = option("which", default=())
    folder: Path | None = option("more", default=None)
    share: float = option("part", default=0.5)


def test_each_field_has_its_type() -> None:
    argv = ["job", "--lake-uri=s3://b", "--limit", "7", "--dry", "TRUE", "--tables", "a, b,", "--folder", "/x"]
    assert parse(Arguments, argv) == Arguments("s3://b", 7, True, ("a", "b"), Path("/x"), 0.5)


def test_glues_own_arguments_are_ignored() -> None:
    argv = ["job", "--JOB_NAME", "n", "--enable-metrics", "--extra-jars", "x.jar", "--lake-uri", "u", "--mode", "x"]
    assert parse(Arguments, argv) == Arguments("u")


@pytest.mark.parametrize(
    ("argv", "named", "remedy"),
    [
        (["--lake-ury", "u"], "--lake-ury: unknown argument", "did you mean --lake-uri"),
        (["--lake", "u"], "--lake: unknown argument", "did you mean --lake-uri"),
        ([], "--lake-uri: a required argument is missing", "give --lake-uri"),
        (["--lake-uri", "u", "--limit", "many"], "--limit: the value is not a whole number", "whole number"),
        (["--lake-uri", "u", "--dry", "yes"], "--dry: the value is neither true nor false", "true"),
        (["--lake-uri", "u", "v"], "a value stands without its argument", "--name value"),
        (["--lake-uri", "u", "--lake-uri", "v"], "--lake-uri: the argument is given twice", "once"),
        (["--lake-uri"], "expected one argument", "--name value"),
    ],
)
def test_a_bad_argument_is_named(argv: list[str], named: str, remedy: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse(Arguments, ["job", *argv])
    assert named in str(caught.value)
    assert remedy in str(caught.value)


def test_help_names_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(Arguments, ["job", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"--{field.name.replace('_', '-')}" in shown for field in dataclasses.fields(Arguments))


@pytest.mark.parametrize("shape", [StagingArgs, MaintenanceArgs])
def test_no_argument_begins_with_the_name_of_another(shape: type[StagingArgs]) -> None:
    names = [field.name for field in dataclasses.fields(shape)]
    assert [(a, b) for a in names for b in names if a != b and b.startswith(a)] == []
