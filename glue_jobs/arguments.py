"""Job arguments, as Glue hands them over (`--name value` or `--name=value`), to frozen dataclasses.

Glue's own `getResolvedOptions` reads them on Glue; elsewhere a stand-in that answers alike. Around either: Glue's own
arguments are ignored, and any other that the job does not know is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import (
    Any,
    Final,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from schemas.errors import LakeError

A = TypeVar("A")

GLUE_OWN: Final = frozenset(
    """
    JOB_NAME JOB_ID JOB_RUN_ID SECURITY_CONFIGURATION WORKFLOW_NAME WORKFLOW_RUN_ID TempDir RedshiftTempDir
    additional-python-modules auto-scale-within-microbatch class conf continuation-option
    continuous-log-conversionPattern continuous-log-logGroup continuous-log-logStreamPrefix customer-driver-env-vars
    customer-executor-env-vars datalake-formats debug disable-proxy-v2 enable-auto-scaling
    enable-continuous-cloudwatch-log enable-continuous-log-filter enable-data-lineage enable-glue-datacatalog
    enable-job-insights enable-metrics enable-observability-metrics enable-rename-algorithm-v2
    enable-s3-parquet-optimized-committer enable-spark-ui encryption-type endpoint executor-cores extra-files
    extra-jars extra-py-files job-bookmark-from job-bookmark-option job-bookmark-to job-language library-set mode
    python-modules-installer-option scriptLocation spark-event-logs-path spark-ui-event-logs-path
    use-postgres-driver user-jars-first write-shuffle-files-to-s3 write-shuffle-spills-to-s3
    """.split()  # noqa: SIM905 - forty names read better as a paragraph
)
"""Arguments of the platform's own; a job reads none of them and refuses none."""

_BOOKMARKS: Final = (
    "job-bookmark-enable",
    "job-bookmark-pause",
    "job-bookmark-disable",
)
_CONTINUATIONS: Final = (
    "continuation-enabled",
    "continuation-readonly",
    "continuation-ignore",
)
_RESERVED: Final = (
    "job-bookmark-option", "continuation-option", "job-bookmark-from", "job-bookmark-to", "JOB_ID", "JOB_RUN_ID",
    "SECURITY_CONFIGURATION", "encryption-type", "enable-data-lineage",
)  # fmt: skip


class ArgumentsError(LakeError):
    """An argument is unknown, missing, without a value, or of a wrong type."""


def option(help_text: str, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of an arguments dataclass; without a default it must be given."""
    return dataclasses.field(default=default, metadata={"help": help_text})


def parse(shape: type[A], argv: Sequence[str]) -> A:
    """The arguments of a job.

    A field `lake_uri` is the argument `--lake-uri`. Types: str, int, float, bool (true or false), Path, tuple[str, …]
    (comma separated), each also `| None`.

    Args:
        shape: a frozen dataclass whose fields are made by `option`.
        argv: as `sys.argv`: the program first.

    Raises:
        ArgumentsError: names the argument, and the nearest one where it is unknown.
    """
    fields = {_name(field): field for field in dataclasses.fields(shape)}  # type: ignore[arg-type]
    if "--help" in argv[1:]:
        sys.stdout.write(usage(shape, argv[0]))
        raise SystemExit(0)
    given = _given(argv, tuple(fields))
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in given:
            raise ArgumentsError(
                "a required argument is missing",
                where=f"--{name}",
                remedy=f"give --{name} VALUE",
            )
    values = _resolver()(argv, given)
    hints = get_type_hints(shape)
    typed = {fields[name].name: _typed(values[_key(name)], hints[fields[name].name], name) for name in given}
    return shape(**typed)


def usage(shape: type[Any], program: str) -> str:
    """Every argument with its meaning and default."""
    lines = [f"usage: {Path(program).name} --name value …\n"]
    for field in dataclasses.fields(shape):
        default = "required" if field.default is dataclasses.MISSING else f"default {field.default!r}"
        lines.append(f"  --{_name(field)}: {field.metadata['help']} ({default})\n")
    return "".join(lines)


def get_resolved_options(argv: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """Stand-in for `awsglue.utils.getResolvedOptions`: the values of `options`, and of Glue's own arguments.

    As there: every option must be given with a value; a name may be cut to an unambiguous prefix; hyphens become
    underscores in the result; unknown arguments are left out; reserved names are refused; TempDir and RedshiftTempDir
    stand for each other.

    Raises:
        ArgumentsError: an option is missing, without a value, ambiguous or reserved.
    """
    reserved = [name for name in options if name in _RESERVED]
    if reserved:
        raise ArgumentsError(
            "the name is reserved by Glue",
            where=f"--{reserved[0]}",
            remedy="choose another name",
        )
    parser = _Parser(add_help=False)
    parser.add_argument("--job-bookmark-option", choices=_BOOKMARKS)
    parser.add_argument("--continuation-option", choices=_CONTINUATIONS)
    parser.add_argument("--encryption-type", choices=("sse-s3",))
    own = (
        "job-bookmark-from",
        "job-bookmark-to",
        "JOB_ID",
        "JOB_RUN_ID",
        "SECURITY_CONFIGURATION",
    )
    for name in (*own, "enable-data-lineage", "RedshiftTempDir", "TempDir"):
        parser.add_argument(f"--{name}")
    for name in options:
        if name not in ("RedshiftTempDir", "TempDir"):
            parser.add_argument(f"--{name}", required=True)
    found = vars(parser.parse_known_args(list(argv[1:]))[0])
    return _with_bookmarks(_with_folders(found))


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentsError(message, where="job arguments", remedy="give each argument as --name value")


def _with_folders(found: dict[str, Any]) -> dict[str, Any]:
    folder = found["TempDir"] or found["RedshiftTempDir"]
    return found | {"TempDir": folder, "RedshiftTempDir": folder} if folder else found


def _with_bookmarks(found: dict[str, Any]) -> dict[str, Any]:
    continuation = found.pop("continuation_option")
    if found["job_bookmark_option"] is None:
        chosen = _BOOKMARKS[_CONTINUATIONS.index(continuation)] if continuation else _BOOKMARKS[2]
        found["job_bookmark_option"] = chosen
    absent = [name for name in ("job_bookmark_from", "job_bookmark_to") if found[name] is None]
    paused = found["job_bookmark_option"] == "job-bookmark-pause"
    if (paused and len(absent) == 1) or (not paused and not absent):
        what = "both ends of a bookmark's range go together, and with --job-bookmark-option job-bookmark-pause only"
        where = "--job-bookmark-from, --job-bookmark-to"
        raise ArgumentsError(what, where=where, remedy="correct the bookmark's arguments")
    return found


def _resolver() -> Callable[[Sequence[str], Sequence[str]], dict[str, Any]]:
    """Glue's own resolver on Glue (where the JVM side is there), else the stand-in."""
    from lake.session import on_glue

    if not on_glue():
        return get_resolved_options
    from awsglue.utils import getResolvedOptions

    def resolved(argv: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
        return dict(getResolvedOptions(list(argv), list(options)))

    return resolved


def _given(argv: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Which of the job's arguments are given; names any that is neither the job's nor Glue's.

    A name is taken as it is written: a prefix that Glue's resolver would complete is refused, for it may meet another
    argument in a later release.
    """
    given: list[str] = []
    waiting = False  # for the value of the argument before
    for token in argv[1:]:
        if not token.startswith("--"):
            if not waiting:
                what = "a value stands without its argument"
                raise ArgumentsError(what, where="job arguments", remedy="write --name value")
            waiting = False
            continue
        name, has_value, _ = token[2:].partition("=")
        _check_name(name, known, given)
        if name in known:
            given.append(name)
        waiting = not has_value
    return tuple(given)


def _check_name(name: str, known: Sequence[str], given: Sequence[str]) -> None:
    if name not in known and name not in GLUE_OWN:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        remedy = f"did you mean --{near[0]}?" if near else f"use one of {', '.join(f'--{item}' for item in known)}"
        raise ArgumentsError("unknown argument", where=f"--{name}", remedy=remedy)
    if name in given:
        raise ArgumentsError("the argument is given twice", where=f"--{name}", remedy="give it once")


def _name(field: dataclasses.Field[Any]) -> str:
    return field.name.replace("_", "-")


def _key(name: str) -> str:
    return name.replace("-", "_")


def _typed(text: str, wanted: Any, name: str) -> Any:
    if get_origin(wanted) in (Union, types.UnionType):
        wanted = next(part for part in get_args(wanted) if part is not type(None))
    if get_origin(wanted) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if wanted is bool:
        if text.lower() not in ("true", "false"):
            raise ArgumentsError(
                "the value is neither true nor false",
                where=f"--{name}",
                remedy=f"--{name} true",
            )
        return text.lower() == "true"
    try:
        return wanted(text)
    except ValueError:
        kind = {"int": "a whole number", "float": "a number"}.get(wanted.__name__, wanted.__name__)
        raise ArgumentsError(f"the value is not {kind}", where=f"--{name}", remedy=f"give {kind}") from None
