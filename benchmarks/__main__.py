"""`python -m benchmarks [--only 1,2,3] [--rows N] [--repeats 5] [--json FILE]`: a table of ratios, and JSON."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import machine, report
from benchmarks.bench import Bench, own_home, remove_home
from benchmarks.measure import Comparison
from infra.local.jars import cache_folder
from schemas.errors import LakeError

MODULES: Final = {
    "landing": ("1", "2", "3"),
    "memory": ("memory",),
    "history": ("6",),
    "snapshot": ("7",),
    "promotion": ("10",),
}
"""Benchmark modules, in running order, and the ratios each measures."""
ROWS: Final = 1_000_000
JSON: Final = Path("build/benchmarks.json")
WIDTH: Final = 160
"""Characters of the table where there is no terminal to ask."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the chosen benchmarks; 1 when one could not be measured, 0 otherwise, whatever the verdicts."""
    arguments = _parser().parse_args(argv)
    log = Console(stderr=True, highlight=False)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    home = own_home(arguments.home or cache_folder() / "benchmarks")
    bench = Bench(
        arguments.rows,
        arguments.repeats,
        home,
        arguments.cores,
        arguments.warm_up,
        quick=arguments.quick,
        say=log.print,
    )
    load = machine.load_average()
    comparisons: list[Comparison] = []
    failed = False
    with _removed(home, keep=arguments.keep):
        for name in _chosen(arguments.only):
            log.print(f"[bold]{name}[/bold]: ratio {', '.join(MODULES[name])}")
            try:
                comparisons += _measured(name, bench, arguments.only)
            except LakeError as error:
                log.print(f"error: {error}", style="red", markup=False)
                failed = True
        _stop_spark()
    found = report.Report(comparisons, machine.facts(), _settings(arguments, load))
    report.show(found, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(found.to_json(), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(comparisons), encoding="utf-8")
    return 1 if failed else 0


def _measured(name: str, bench: Bench, only: Sequence[str]) -> list[Comparison]:
    measure: Callable[[Bench], list[Comparison]] = import_module(f"benchmarks.{name}").measure
    found = measure(bench)
    return [item for item in found if not only or item.number.split()[0] in only]


def _chosen(only: Sequence[str]) -> Iterator[str]:
    for name, ratios in MODULES.items():
        if not only or set(ratios) & set(only):
            yield name


@contextmanager
def _removed(home: Path, *, keep: bool) -> Iterator[None]:
    try:
        yield
    finally:
        if not keep:
            remove_home(home)


def _stop_spark() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


def _settings(arguments: argparse.Namespace, load: float) -> dict[str, object]:
    return {
        "date": machine.today(),
        "rows": arguments.rows,
        "repeats": arguments.repeats,
        "cores": arguments.cores,
        "quick": arguments.quick,
        "load before": round(load, 2),
    }


def _parser() -> argparse.ArgumentParser:
    known = [ratio for ratios in MODULES.values() for ratio in ratios]

    def ratios(text: str) -> tuple[str, ...]:
        chosen = tuple(part.strip() for part in text.split(",") if part.strip())
        unknown = [part for part in chosen if part not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no ratio {unknown[0]}; there are {', '.join(known)}")
        return chosen

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=ratios, default=(), help=f"some of {','.join(known)}; default all")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"events, and rows of the history; default {ROWS:,}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count; default 5")
    parser.add_argument("--warm-up", type=int, default=1, help="rounds before, which do not count; default 1")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 2, help="cores of Spark and threads of DuckDB")
    parser.add_argument("--quick", action="store_true", help="only try whether they run: times mean nothing")
    parser.add_argument("--json", type=Path, default=JSON, help=f"write every value to this file; default {JSON}")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    parser.add_argument("--home", type=Path, help="where the run keeps its data; default in the cache folder")
    parser.add_argument("--keep", action="store_true", help="leave the data there")
    return parser


def _ended(_number: int, _frame: object) -> None:
    """Ends the run as an error would, so that its broker, session and folder go with it."""
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended)
    sys.exit(main())
