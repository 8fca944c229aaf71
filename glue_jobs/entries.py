"""Every job of the lake in one place: its entry's module, its arguments, and how Glue runs it.

Glue's script (`glue_script.py`) runs the entry that `--entry` names; Terraform's tests and `lake submit` ask here which
arguments a job takes.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import LakeError

ENTRY: Final = "entry"
"""The argument of the script that says which entry to run."""


class EntryError(LakeError):
    """No such entry, or none was named."""


class JobFailedError(LakeError):
    """The entry ended with another exit code than 0."""


@dataclass(frozen=True)
class Entry:
    """A job.

    Args:
        name: its name, as `--entry` takes it.
        module: the module whose `main(argv)` runs it.
        shape: the module and class of its arguments.
        streaming: whether it runs without end (Glue's `gluestreaming`), or ends by itself (`glueetl`).
    """

    name: str
    module: str
    shape: tuple[str, str]
    streaming: bool = False

    @property
    def arguments(self) -> type[Any]:
        """The dataclass of its arguments, for `lake.arguments`."""
        module, name = self.shape
        found: type[Any] = getattr(importlib.import_module(module), name)
        return found

    @property
    def main(self) -> Callable[[Sequence[str]], int]:
        """What runs it; takes arguments as `sys.argv` holds them, and gives an exit code."""
        found: Callable[[Sequence[str]], int] = importlib.import_module(self.module).main
        return found

    @property
    def options(self) -> dict[str, bool]:
        """Each argument's name as Glue writes it, without hyphens in front, and whether it must be given."""
        return {
            field.name.replace("_", "-"): field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
            for field in dataclasses.fields(self.arguments)
        }


def _entry(module: str, arguments: str, *, where: str = "", streaming: bool = False) -> Entry:
    return Entry(module.rpartition(".")[2], module, (where or module, arguments), streaming)


ENTRIES: Final = {
    entry.name: entry
    for entry in (
        _entry("streaming.kafka_to_landing", "StreamArgs", where="streaming.arguments", streaming=True),
        _entry("glue_jobs.landing_to_staging", "StagingArgs"),
        _entry("glue_jobs.staging_to_curated", "CuratedArgs"),
        _entry("glue_jobs.curated_to_warehouse", "WarehouseArgs"),
        _entry("glue_jobs.maintenance", "MaintenanceArgs"),
        _entry("glue_jobs.reconcile", "ReconcileArgs"),
        _entry("glue_jobs.redrive", "RedriveArgs"),
    )
}
"""Every entry by its name, in the order of the route."""


def find(name: str) -> Entry:
    """The entry of this name.

    Raises:
        EntryError: there is none.
    """
    if name in ENTRIES:
        return ENTRIES[name]
    near = difflib.get_close_matches(name, ENTRIES, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(ENTRIES)}"
    raise EntryError(f"no entry {name!r}", where=f"--{ENTRY}", remedy=remedy)


def run(argv: Sequence[str]) -> None:
    """Runs the entry that `--entry` names, with the other arguments.

    It returns where the job succeeded, and raises where it failed: Glue takes a raised error's text as the run's error
    message. Of an error that is not ours only type and place are told, for its text may hold values of the data.

    Args:
        argv: as `sys.argv`: the program first.

    Raises:
        LakeError: the job failed, or `--entry` names none.
    """
    name, others = _split(argv)
    try:
        code = find(name).main(others)
    except LakeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost frame on Glue: everything becomes one message
        raise JobFailedError(f"unexpected {type(error).__name__}", where=_place(error), remedy=_REMEDY) from None
    if code:
        raise JobFailedError(f"ended with exit code {code}", where=name, remedy="its log says what went wrong")


_REMEDY: Final = "see the run's log; what was committed stays, so run the job again once the cause is gone"
_OURS: Final = ("schemas", "streaming", "redshift_sql", "glue_jobs", "lake")


def _split(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The value of `--entry`, and argv without it."""
    words = list(argv)
    for place, word in enumerate(words):
        if word.startswith(f"--{ENTRY}="):
            return word.partition("=")[2], words[:place] + words[place + 1 :]
        if word == f"--{ENTRY}" and place + 1 < len(words):
            return words[place + 1], words[:place] + words[place + 2 :]
    raise EntryError("no entry is named", where="job arguments", remedy=f"give --{ENTRY} NAME: {', '.join(ENTRIES)}")


def _place(error: BaseException) -> str:
    """The last of our own lines that the error went through."""
    place, trace = "", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in _OURS and module != __name__:
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
