"""Arguments of hop 1, as Glue hands them over, to what the job needs to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.arguments import ArgumentsError, parse
from schemas.errors import CommitConflictError
from streaming import kafka_to_landing
from streaming.arguments import StreamArgs
from streaming.job import MAX_OFFSETS, StreamSettings

NEEDED = ("--pipeline", "retail", "--bootstrap", "a:9092,b:9092", "--registry", "http://r", "--lake-uri", "s3://lake/")


def args_of(*words: str) -> StreamArgs:
    return parse(StreamArgs, ["job", *NEEDED, *words])


def test_defaults_are_a_batch_a_minute_without_end() -> None:
    args = args_of()
    assert (args.once, args.trigger_seconds) == (False, 60.0)
    assert args.settings == StreamSettings("retail", "a:9092,b:9092", "http://r", "s3://lake")
    assert (args.settings.patience_seconds, args.settings.max_offsets_per_trigger) == (None, MAX_OFFSETS)


def test_every_argument_reaches_the_job() -> None:
    words = [
        *("--once", "true", "--trigger-seconds", "0.5", "--max-offsets-per-trigger", "7", "--patience-seconds", "0"),
        *("--tables", "a,b", "--epochs", "a=2", "--client-options", "security.protocol=SASL_SSL"),
        *("--kafka-auth", "iam"),
        *("--contracts-path", "/one:/two"),
    ]
    args = args_of(*words)
    assert (args.once, args.trigger_seconds) == (True, 0.5)
    assert args.settings == StreamSettings(
        "retail",
        "a:9092,b:9092",
        "http://r",
        "s3://lake",
        tables=("a", "b"),
        max_offsets_per_trigger=7,
        patience_seconds=0.0,
        epochs={"a": 2},
        kafka_auth="iam",
        kafka_options={"security.protocol": "SASL_SSL"},
        search_path=(Path("/one"), Path("/two")),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--once"], "--once: the argument has no value"),
        (["--trigger-seconds", "0"], "--trigger-seconds: the value is not a number of 0.1 or more"),
        (["--patience-seconds", "-1"], "--patience-seconds: the value is not a number of 0 or more"),
        (["--max-offsets-per-trigger", "0"], "not a whole number of 1 or more"),
        (["--epochs", "customer=x"], "--epochs: the value of customer is not a whole number"),
        (["--epoch", "customer=1"], "did you mean --epochs"),
        (["--kafka-auth", "scram"], "--kafka-auth: the value is none of none, iam"),
    ],
)
def test_a_bad_argument_is_named(words: list[str], message: str) -> None:
    with pytest.raises(ArgumentsError, match=message):
        args_of(*words)


def test_the_entry_says_what_is_missing_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["job", "--pipeline", "retail"])
    assert kafka_to_landing.ended() == 1
    assert "--bootstrap, --registry, --lake-uri: required arguments are missing" in capsys.readouterr().err


def test_a_failed_job_raises_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glue shows it as the run's error."""

    def fail(*_: object) -> None:
        raise CommitConflictError("another job is landing table customer")

    monkeypatch.setattr(kafka_to_landing, "run", fail)
    with pytest.raises(CommitConflictError, match="another job is landing table customer"):
        kafka_to_landing.main(["job", *NEEDED])
