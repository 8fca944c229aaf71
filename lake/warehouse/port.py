"""What hop 4 asks of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from redshift_sql.statements import Statement
from schemas.errors import LakeError

Value = str | int | datetime | None
Parameters = Mapping[str, Value]


class WarehouseError(LakeError):
    """The warehouse refused or failed: names the SQL file and statement, or the file that is in use."""


class ConflictError(WarehouseError):
    """Another transaction got in the way: this one left no trace, and may run again as a whole."""


class ConnectionLostError(WarehouseError):
    """The session ended. What was not committed is gone; whether a commit at work arrived, only the ledger tells."""


CONFLICT: Final = "run it again; nothing was written"
LOST: Final = "run it again: the ledger tells what was loaded, and the rest is loaded then"


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query, and the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Warehouse(Protocol):
    """A session with a warehouse. Statements are written for Redshift; an executor translates them for its engine."""

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is committed at the end, or nothing when an error leaves the block.

        Raises:
            ConflictError: another transaction got in the way, also from any verb inside; the block may run again.
            ConnectionLostError: the session ended; run it again on a new one, after asking the ledger.
            WarehouseError: the commit failed; nothing was written.
        """

    def execute(self, statement: Statement, parameters: Parameters) -> int:
        """Runs one statement.

        Args:
            statement: of any kind but COPY.
            parameters: at least the values the statement names.

        Returns:
            How many rows it wrote or deleted.

        Raises:
            WarehouseError: names the SQL file and statement, never values of the data.
        """

    def ask(self, statement: Statement, parameters: Parameters) -> QueryResult:
        """Runs one statement that gives rows.

        Raises:
            WarehouseError: as `execute`.
        """

    def copy(self, statement: Statement, manifest: str) -> int:
        """Appends the files of a COPY manifest to `statement.table`, by position.

        Args:
            statement: the COPY.
            manifest: path of the COPY manifest, relative to the lake.

        Returns:
            How many rows were copied.

        Raises:
            WarehouseError: a file is missing, has another size than the manifest says, or other columns than the table.
        """

    def query(self, sql: str) -> QueryResult:
        """Runs a person's query, which must not write; inside a transaction it sees what the transaction wrote.

        Raises:
            WarehouseError: it is no query, or the engine refuses it.
        """

    def close(self) -> None:
        """Ends the session."""
