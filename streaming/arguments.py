"""Arguments of the streaming job, in the shape Glue gives them: `--name value`, among flags that are Glue's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import LakeError
from streaming.job import MAX_OFFSETS, StreamSettings


class ArgumentError(LakeError):
    """An argument is unknown, missing, given twice, or of the wrong kind."""


USAGE: Final = """python -m streaming.kafka_to_landing --pipeline … --bootstrap … --registry … --lake-uri …
  --pipeline NAME                 folder of contracts under schemas/
  --bootstrap HOST:PORT,…         Kafka's bootstrap servers
  --registry URL                  Confluent-compatible schema registry, or glue[:REGION]
  --lake-uri URI                  root of the pipeline's lake: s3://… or file:///…
  --once [true|false]             land what is committed now, then end (default false)
  --trigger-seconds N             time between batches (default 60)
  --max-offsets-per-trigger N     most offsets of one table in a batch (default 1000000)
  --patience-seconds N            longest outage of the registry that is waited for (default: for ever; 60 with --once)
  --tables A,B                    only these tables (default: all of the pipeline)
  --epochs A=1,B=2                raised epochs, after a restored or re-created topic
  --client-options NAME=VALUE,…   further options of the Kafka client (security)
  --contracts-path FOLDER:…       folders that hold pipelines of your own"""

REQUIRED: Final = ("pipeline", "bootstrap", "registry", "lake-uri")
OPTIONAL: Final = (
    "once",
    "trigger-seconds",
    "max-offsets-per-trigger",
    "patience-seconds",
    "tables",
    "epochs",
    "client-options",
    "contracts-path",
)
GLUE_NAMES: Final = frozenset(
    (
        "JOB_NAME",
        "JOB_ID",
        "JOB_RUN_ID",
        "SECURITY_CONFIGURATION",
        "TempDir",
        "RedshiftTempDir",
        "class",
        "conf",
        "scriptLocation",
        "additional-python-modules",
        "python-modules-installer-option",
        "customer-driver-env-vars",
        "customer-executor-env-vars",
        "datalake-formats",
        "continuous-log-logGroup",
        "continuous-log-logStreamPrefix",
        "continuous-log-conversionPattern",
        "spark-event-logs-path",
        "user-jars-first",
        "use-postgres-driver",
        "auto-scale-within-microbatch",
        "encryption-type",
        "write-shuffle-files-to-s3",
        "write-shuffle-spills-to-s3",
        "disable-proxy-v2",
        "disable-proxy",
    )
)
GLUE_PREFIXES: Final = ("enable-", "job-", "extra-", "executor-", "driver-")


@dataclass(frozen=True)
class StreamArgs:
    """What the job was told."""

    settings: StreamSettings
    once: bool = False
    trigger_seconds: float = 60.0

    @classmethod
    def from_argv(cls, argv: Sequence[str]) -> StreamArgs:
        """Parses the arguments after the program's name.

        Raises:
            ArgumentError: names the argument and what would be right.
        """
        given = named_values(argv)
        missing = [f"--{name}" for name in REQUIRED if not given.get(name)]
        if missing:
            raise ArgumentError(f"missing: {', '.join(missing)}", where="arguments", remedy=USAGE)
        patience = given.get("patience-seconds")
        settings = StreamSettings(
            pipeline=given["pipeline"],
            bootstrap=given["bootstrap"],
            registry=given["registry"],
            lake_uri=given["lake-uri"].rstrip("/"),
            tables=tuple(part for part in given.get("tables", "").split(",") if part),
            max_offsets_per_trigger=_whole(given, "max-offsets-per-trigger", MAX_OFFSETS),
            patience_seconds=None if patience is None else _number(given, "patience-seconds", 0.0, least=0.0),
            epochs={table: _epoch(table, text) for table, text in _pairs(given, "epochs").items()},
            kafka_options=_pairs(given, "client-options"),
            search_path=tuple(Path(part) for part in given.get("contracts-path", "").split(":") if part),
        )
        return cls(settings, _flag(given, "once"), _number(given, "trigger-seconds", 60.0, least=0.1))


def named_values(argv: Sequence[str]) -> dict[str, str]:
    """Values by name; Glue's own flags and their values are left out.

    Raises:
        ArgumentError: a stray word, an unknown or a repeated name.
    """
    values: dict[str, str] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise ArgumentError("stray word (a value without a name?)", where=word, remedy=USAGE)
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        if is_glue_flag(name):
            continue
        if name not in REQUIRED + OPTIONAL:
            raise ArgumentError("unknown argument", where=f"--{name}", remedy=USAGE)
        if name in values:
            raise ArgumentError("given twice", where=f"--{name}", remedy="give it once")
        values[name] = value
    return values


def is_glue_flag(name: str) -> bool:
    """Whether the name is one that Glue itself passes to or reads from a job."""
    return name in GLUE_NAMES or name.startswith(GLUE_PREFIXES)


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "false").lower()
    if text not in ("true", "false"):
        raise ArgumentError(f"is {text!r}, not true or false", where=f"--{name}", remedy=f"--{name} true")
    return text == "true"


def _number(given: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    text = given.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        raise ArgumentError(f"is {text!r}, not a number of {least:g} or more", where=f"--{name}", remedy=USAGE)
    return value


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    value = _number(given, name, float(default), least=1)
    if value != int(value):
        raise ArgumentError(f"is {given[name]!r}, not a whole number", where=f"--{name}", remedy=USAGE)
    return int(value)


def _pairs(given: Mapping[str, str], name: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in (p for p in given.get(name, "").split(",") if p):
        left, equals, right = part.partition("=")
        if not (left and equals and right):
            raise ArgumentError("is not NAME=VALUE,…", where=f"--{name}", remedy=USAGE)
        pairs[left] = right
    return pairs


def _epoch(table: str, text: str) -> int:
    if not text.isdecimal():
        raise ArgumentError(f"epoch of {table} is not a whole number", where="--epochs", remedy="--epochs customer=1")
    return int(text)
