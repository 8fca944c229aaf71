"""Migrations: numbered files of SQL for Redshift, decided once, kept beside a pipeline's contracts.

`migrations/0001_dim_customer_loyalty.sql` holds statements that end with a semicolon at a line's end. Comment lines
that start with `-- lake:` say what SQL alone cannot: `outside a transaction` (in a statement's comment: Redshift alters
a VARCHAR only there), `destructive` (needs a flag), and, done when every migration is applied because only then do the
tables fit the contracts, `then recompute <dimension>` and `then refill <aggregate>`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from redshift_sql.evolve import Change, EvolutionError, Step
from redshift_sql.render import statements
from redshift_sql.statements import Kind, Plan, Statement
from schemas.errors import LakeError
from schemas.parse import pipeline_folder

FOLDER: Final = "migrations"
_NAME: Final = re.compile(r"^(\d{4})_([a-z0-9_]{1,80})\.sql$")
_DIRECTIVE: Final = re.compile(r"^-- lake: (.+)$", re.MULTILINE)
_THEN: Final = re.compile(r"^then (recompute|refill) ([a-z][a-z0-9_]*)$")
_KNOWN: Final = ("outside a transaction", "destructive")
_LONGEST: Final = 60


class MigrationError(LakeError):
    """A migration file is damaged, changed, out of order, or destructive without leave."""


@dataclass(frozen=True)
class Migration:
    """One file: its number, name (without `.sql`) and text.

    Raises:
        MigrationError: a `-- lake:` line is none that is known.
    """

    number: int
    name: str
    text: str

    def __post_init__(self) -> None:
        for word in self._words:
            if word not in _KNOWN and not _THEN.match(word):
                what = f"does not know '-- lake: {word[:60]}'"
                remedy = f"use one of: {', '.join((*_KNOWN, 'then recompute <dimension>', 'then refill <aggregate>'))}"
                raise MigrationError(what, where=f"{FOLDER}/{self.name}.sql", remedy=remedy)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the text, whatever the line ends."""
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()

    @property
    def destructive(self) -> bool:
        """Whether it takes away what cannot be had again."""
        return "destructive" in self._words

    @cached_property
    def outside(self) -> tuple[Statement, ...]:
        """Statements that no transaction may hold, run first; to run one twice must do no harm."""
        return tuple(item for item in self._statements if "-- lake: outside a transaction" in item.sql)

    @cached_property
    def inside(self) -> tuple[Statement, ...]:
        """What runs in one transaction with the ledger's row."""
        return tuple(item for item in self._statements if item not in self.outside)

    @cached_property
    def owed(self) -> tuple[tuple[str, str], ...]:
        """What is to be computed once every migration is applied: pairs of `recompute` or `refill` and a table."""
        found = (_THEN.match(word) for word in self._words)
        return tuple(dict.fromkeys((match[1], match[2]) for match in found if match))

    @property
    def _words(self) -> tuple[str, ...]:
        return tuple(match[1].strip() for match in _DIRECTIVE.finditer(self.text.replace("\r\n", "\n")))

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        blocks = [block.strip() for block in re.split(r";[ \t]*(?:\n|$)", self.text.replace("\r\n", "\n"))]
        kept = [block for block in blocks if re.sub(r"^\s*--.*$", "", block, flags=re.MULTILINE).strip()]
        return tuple(
            Statement(sql, f"{FOLDER}/{self.name}.sql", number, "warehouse") for number, sql in enumerate(kept, start=1)
        )


def migrations_in(folder: Traversable) -> tuple[Migration, ...]:
    """The migrations of a pipeline's folder, by number; none where it has no `migrations`.

    Raises:
        MigrationError: a file's name is none, or numbers repeat or leave one out.
    """
    inside = folder / FOLDER
    if not inside.is_dir():
        return ()
    files = sorted((item for item in inside.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    found = []
    for number, file in enumerate(files, start=1):
        match = _NAME.match(file.name)
        where = f"{FOLDER}/{file.name}"
        if match is None:
            remedy = "name it like 0001_what.sql: four digits, then a-z, 0-9 and _"
            raise MigrationError("not the name of a migration", where=where, remedy=remedy)
        if int(match[1]) != number:
            what = f"its number is {int(match[1])}, the next one is {number}"
            raise MigrationError(what, where=where, remedy="number the files 0001, 0002, … each number once")
        found.append(Migration(number, file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")))
    return tuple(found)


def migrations_of(pipeline: str, search_path: Sequence[Path] = ()) -> tuple[Migration, ...]:
    """The migrations of a pipeline, found as its contracts are.

    Raises:
        ContractError: no such pipeline.
        MigrationError: as `migrations_in`.
    """
    return migrations_in(pipeline_folder(pipeline, search_path))


def begin_plan() -> Plan:
    """First statements of a migration's transaction: the loads' lock, then the newest migration (`last_number`)."""
    lock = statements("load/010_lock.sql", "load_ledger", {}, kind=Kind.LOCK)
    return (*lock, *statements("migrations/780_applied.bind.sql", "migration_ledger", {}, kind=Kind.BIND))


def computed_plan() -> Plan:
    """The word that what migrations left to compute is done."""
    return statements("migrations/791_computed.sql", "migration_ledger", {})


def end_plan() -> Plan:
    """The ledger's row, the last statement of a migration."""
    return statements("migrations/790_ledger.sql", "migration_ledger", {})


def written(number: int, steps: Sequence[Step]) -> Migration:
    """The migration that takes the given steps.

    Raises:
        EvolutionError: one of them is impossible.
    """
    stuck = [step for step in steps if step.change is Change.IMPOSSIBLE]
    if stuck:
        remedy = "keep the column, or give the table a new name; or load into a new warehouse"
        raise EvolutionError(stuck[0].what, where=stuck[0].table, remedy=remedy)
    steps = [step for step in steps if step.change is not Change.CREATE]
    head = [f"-- {step.table} {step.what}." for step in steps]
    if any(step.destructive for step in steps):
        head.append("-- lake: destructive")
    head += [f"-- lake: then {then}" for then in dict.fromkeys(step.then for step in steps if step.then)]
    texts = [f"{statement.sql.strip()};\n" for step in steps for statement in step.statements]
    text = "\n".join(("\n".join(head) + "\n", *texts))
    return Migration(number, f"{number:04d}_{_slug(steps)}", text)


def _slug(steps: Sequence[Step]) -> str:
    """A short name from the star table and columns concerned."""
    tables = [step.table.split(".", 1)[1] for step in steps]
    first = next((step for step in steps if step.table.startswith("analytics.")), steps[0])
    words = [first.table.split(".", 1)[1], *first.columns[:2]]
    more = [] if all(name.startswith(words[0]) for name in tables) else ["and_more"]
    return "_".join((*words, *more))[:_LONGEST].strip("_")
