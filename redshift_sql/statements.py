"""What a plan is made of: SQL statements as data, each with the file it comes from and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an executor does with a statement."""

    EXECUTE = "execute"
    """Run it."""
    LOCK = "lock"
    """Run it where the engine has table locks; elsewhere the engine's single writer does."""
    COPY = "copy"
    """Fill `table` from its COPY manifest."""
    BIND = "bind"
    """Run it; the one row it gives becomes parameters of later statements, by column name."""
    CHECK = "check"
    """Run it; a row is a broken rule, and ends the load."""


@dataclass(frozen=True)
class Statement:
    """One SQL statement, for Redshift.

    `source` is the template's path in this package, `number` the statement's place in it, `subject` the table it was
    rendered for; `parameters` names the `:values` it takes; `table` is the target of a COPY.
    """

    sql: str
    source: str
    number: int
    subject: str
    kind: Kind = Kind.EXECUTE
    parameters: tuple[str, ...] = ()
    table: str = ""

    @property
    def where(self) -> str:
        """File, statement and table, as errors name them."""
        return f"redshift_sql/{self.source}, statement {self.number} ({self.subject})"


@dataclass(frozen=True)
class Repeat:
    """Statements run again and again until the last of them changes no row."""

    statements: tuple[Statement, ...]


Step = Statement | Repeat
Plan = tuple[Step, ...]


def flat(plan: Plan) -> Iterator[Statement]:
    """Every statement of a plan, in running order, repeated ones once."""
    for step in plan:
        yield from step.statements if isinstance(step, Repeat) else (step,)
