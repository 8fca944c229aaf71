"""Arguments in Glue's shape: values by name, Glue's own flags passed over, bad ones named."""

from __future__ import annotations

import itertools

import pytest

from streaming.arguments import GLUE_NAMES, OPTIONAL, REQUIRED, ArgumentError, StreamArgs

NEEDED = ["--pipeline", "retail", "--bootstrap", "b:9092", "--registry", "http://r", "--lake-uri", "s3://lake/"]


def test_defaults_are_a_batch_a_minute_without_end() -> None:
    args = StreamArgs.from_argv(NEEDED)
    assert (args.once, args.trigger_seconds, args.settings.lake_uri) == (False, 60.0, "s3://lake")
    assert args.settings.patience_seconds is None


@pytest.mark.parametrize("words", [["--once"], ["--once", "true"], ["--once=true"]])
def test_a_flag_may_stand_alone_or_have_a_value(words: list[str]) -> None:
    assert StreamArgs.from_argv([*NEEDED, *words]).once


def test_glues_own_flags_are_passed_over() -> None:
    glue = [
        "--JOB_NAME",
        "x",
        "--enable-metrics",
        "--extra-jars",
        "s3://a",
        "--TempDir",
        "s3://t",
        "--job-language",
        "py",
    ]
    assert StreamArgs.from_argv([*glue, *NEEDED]) == StreamArgs.from_argv(NEEDED)


def test_lists_and_pairs_are_parsed() -> None:
    words = ["--tables", "a,b", "--epochs", "a=2", "--client-options", "security.protocol=SASL_SSL,x=a=b"]
    settings = StreamArgs.from_argv([*NEEDED, *words]).settings
    assert settings.tables == ("a", "b")
    assert settings.epochs == {"a": 2}
    assert settings.kafka_options == {"security.protocol": "SASL_SSL", "x": "a=b"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trigger-second", "5"], "--trigger-second: unknown argument"),
        (["--once", "yes"], "--once: is 'yes', not true or false"),
        (["--trigger-seconds", "soon"], "--trigger-seconds: is 'soon'"),
        (["--trigger-seconds", "nan"], "--trigger-seconds: is 'nan'"),
        (["--max-offsets-per-trigger", "0"], "not a number of 1 or more"),
        (["--max-offsets-per-trigger", "1.5"], "not a whole number"),
        (["--epochs", "customer"], "--epochs: is not NAME=VALUE"),
        (["--epochs", "customer=x"], "epoch of customer"),
        (["stray"], "stray: stray word"),
        (["--pipeline", "again"], "--pipeline: given twice"),
    ],
)
def test_a_bad_argument_is_named(words: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        StreamArgs.from_argv([*NEEDED, *words])
    assert caught.value.remedy


def test_all_missing_arguments_are_named_at_once() -> None:
    with pytest.raises(ArgumentError, match="missing: --bootstrap, --registry, --lake-uri"):
        StreamArgs.from_argv(["--pipeline", "retail"])


def test_no_name_is_a_prefix_of_another() -> None:
    names = [*REQUIRED, *OPTIONAL, *GLUE_NAMES]
    ours = set(REQUIRED + OPTIONAL)
    clashes = [(a, b) for a, b in itertools.permutations(names, 2) if b.startswith(a) and (a in ours or b in ours)]
    assert clashes == []
