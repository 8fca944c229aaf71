"""Job arguments, as Glue hands them over (`--name value` or `--name=value`), to frozen dataclasses.

Glue's own `getResolvedOptions` reads them on Glue; elsewhere a stand-in that answers alike. Around either: Glue's own
arguments are ignored, and any other that the job does not know is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import math
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
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
    continuous-log-conversionPattern continuous-log-logGroup continuous-log-logStreamPrefix custom-logGroup-prefix
    custom-logStream-prefix customer-driver-env-vars customer-executor-env-vars datalake-formats debug disable-proxy
    disable-proxy-v2 encryption-type endpoint
    library-set mode python-modules-installer-option scriptLocation spark-event-logs-path spark-ui-event-logs-path
    use-postgres-driver user-jars-first write-shuffle-files-to-s3 write-shuffle-spills-to-s3
    """.split()  # noqa: SIM905 - thirty names read better as a paragraph
)
"""Arguments of the platform's own; a job reads none of them and refuses none."""
GLUE_PREFIXES: Final = ("enable-", "job-", "extra-", "executor-", "driver-")
"""What further ones begin with: each release of Glue brings some."""

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


def option(
    help_text: str,
    *,
    default: Any = MISSING,
    factory: Callable[[], Any] | None = None,
    least: float | None = None,
    separator: str = ",",
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of an arguments dataclass; without a default it must be given.

    Args:
        help_text: its meaning, for `--help`.
        default: its value where it is not given.
        factory: makes that value, where it is a mapping.
        least: smallest value of a number, also of the numbers in a mapping or a tuple.
        separator: what stands between the items of a tuple.
        choices: the texts that a text may be; any where none is given.
    """
    metadata = {"help": help_text, "least": least, "separator": separator, "choices": choices}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def parse(shape: type[A], argv: Sequence[str]) -> A:
    """The arguments of a job.

    A field `lake_uri` is the argument `--lake-uri`. Types: str, int, float, bool (true or false), Path; of these
    tuple[…, ...] (`a,b`) and Mapping[str, …] (`a=1,b=2`); each also `| None`.

    Args:
        shape: a frozen dataclass whose fields are made by `option`.
        argv: as `sys.argv`: the program first.

    Raises:
        ArgumentsError: names the argument, and the nearest one where it is unknown.
    """
    if {"--help", "-h"} & set(argv[1:]):
        sys.stdout.write(usage(shape, argv[0]))
        raise SystemExit(0)
    options = {item.name: item for item in _options(shape)}
    given = _given(argv, options)
    _check_missing([item.name for item in options.values() if item.required and item.name not in given])
    found = _resolver()(argv, given)
    texts = {name: str(found[_key(name)]) for name in given}
    _check_missing([name for name, text in texts.items() if options[name].required and not text])
    return shape(**{options[name].field: options[name].value(text) for name, text in texts.items()})


def usage(shape: type[Any], program: str) -> str:
    """Every argument with its meaning and default."""
    fields = dataclasses.fields(shape)
    lines = [f"  --{_name(field)}: {field.metadata['help']} ({_default(field)})\n" for field in fields]
    return f"usage: {Path(program).name} --name value …\n" + "".join(lines)


def is_glues_own(name: str) -> bool:
    """Whether Glue itself passes an argument of this name to a job, or reads it from the job's definition."""
    return name in GLUE_OWN or name.startswith(GLUE_PREFIXES)


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
    folder = found["RedshiftTempDir"] if found["TempDir"] is None else found["TempDir"]
    return found | {"TempDir": folder, "RedshiftTempDir": folder}


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


def _given(argv: Sequence[str], known: Mapping[str, _Option]) -> tuple[str, ...]:
    """Which of the job's arguments are given; names any that is neither the job's nor Glue's.

    A name is taken as it is written: a prefix that Glue's resolver would complete is refused, for it may meet another
    argument in a later release. A value without a name is refused, but on Glue, which takes arguments of its own out
    and leaves values behind.
    """
    from lake.session import on_glue

    given: list[str] = []
    waiting = ""  # the argument before, where its value comes next
    for token in argv[1:]:
        if not token.startswith("--"):
            if not waiting and not on_glue():
                what = "a value stands without its argument"
                raise ArgumentsError(what, where="job arguments", remedy="write --name value")
            waiting = ""
            continue
        _check_has_value(waiting, known)
        name, has_value, _ = token[2:].partition("=")
        _check_name(name, tuple(known), given)
        if name in known:
            given.append(name)
        waiting = "" if has_value else name
    _check_has_value(waiting, known)
    return tuple(given)


def _check_has_value(waiting: str, known: Mapping[str, _Option]) -> None:
    if waiting in known:
        raise ArgumentsError("the argument has no value", where=f"--{waiting}", remedy=known[waiting].remedy)


def _check_name(name: str, known: Sequence[str], given: Sequence[str]) -> None:
    if name not in known and not is_glues_own(name):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        remedy = f"did you mean --{near[0]}?" if near else f"use one of {', '.join(f'--{item}' for item in known)}"
        raise ArgumentsError("unknown argument", where=f"--{name}", remedy=remedy)
    if name in given:
        raise ArgumentsError("the argument is given twice", where=f"--{name}", remedy="give it once")


def _check_missing(names: Sequence[str]) -> None:
    if names:
        what = "a required argument is missing" if len(names) == 1 else "required arguments are missing"
        remedy = "give " + " ".join(f"--{name} VALUE" for name in names)
        raise ArgumentsError(what, where=", ".join(f"--{name}" for name in names), remedy=remedy)


@dataclass(frozen=True)
class _Option:
    """One argument: its name, the field it fills, and what its text may be."""

    name: str
    field: str
    wanted: Any
    required: bool
    least: float | None
    separator: str
    choices: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """How the argument is given."""
        example = {bool: "true", Mapping: "NAME=VALUE,…", tuple: f"A{self.separator}B"}
        return f"give --{self.name} {example.get(get_origin(self.wanted) or self.wanted, 'VALUE')}"

    def value(self, text: str) -> Any:
        """The text as a value of the wanted type.

        Raises:
            ArgumentsError: it is none.
        """
        if get_origin(self.wanted) is tuple:
            return tuple(self._one(part, get_args(self.wanted)[0]) for part in self._parts(text))
        if get_origin(self.wanted) is Mapping:
            return dict(self._pair(part, get_args(self.wanted)[1]) for part in self._parts(text))
        return self._one(text, self.wanted)

    def _parts(self, text: str) -> list[str]:
        return [part.strip() for part in text.split(self.separator) if part.strip()]

    def _pair(self, text: str, kind: Any) -> tuple[str, Any]:
        left, _, right = text.partition("=")
        if not (left and right):
            raise self._error("the value is not NAME=VALUE,…")
        return left, self._one(right, kind, f"the value of {left}")

    def _one(self, text: str, kind: Any, subject: str = "the value") -> Any:
        if self.choices and text not in self.choices:
            raise self._error(
                f"{subject} is none of {', '.join(self.choices)}", f"give --{self.name} {self.choices[0]}"
            )
        if kind is bool:
            if text.lower() not in ("true", "false"):
                raise self._error(f"{subject} is neither true nor false")
            return text.lower() == "true"
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if kind in (int, float) and not (math.isfinite(value) and (self.least is None or value >= self.least)):
            wanted = "a whole number" if kind is int else "a number"
            if self.least is not None:
                wanted += f" of {self.least:g} or more"
            raise self._error(f"{subject} is not {wanted}", f"give {wanted}")
        return value

    def _error(self, what: str, remedy: str = "") -> ArgumentsError:
        return ArgumentsError(what, where=f"--{self.name}", remedy=remedy or self.remedy)


def _options(shape: type[Any]) -> list[_Option]:
    hints = get_type_hints(shape)
    return [
        _Option(
            name=_name(field),
            field=field.name,
            wanted=_without_none(hints[field.name]),
            required=field.default is MISSING and field.default_factory is MISSING,
            least=field.metadata["least"],
            separator=field.metadata["separator"],
            choices=field.metadata["choices"],
        )
        for field in dataclasses.fields(shape)
    ]


def _without_none(wanted: Any) -> Any:
    if get_origin(wanted) in (Union, types.UnionType):
        return next(part for part in get_args(wanted) if part is not type(None))
    return wanted


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not MISSING or field.default in (None, ()):
        return "none by default"
    return "required" if field.default is MISSING else f"default {field.default!r}"


def _name(field: dataclasses.Field[Any]) -> str:
    return field.name.replace("_", "-")


def _key(name: str) -> str:
    return name.replace("-", "_")
