"""What COPY asks of a Parquet file, per table: columns by place, types without conversion, texts by their bytes.

From "COPY from columnar data formats" and "Preparing your input data" of the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redshift_sql.render import Item
from redshift_sql.shapes import columns_of
from schemas.errors import LakeError
from schemas.model import Pipeline

MOST_COLUMNS: Final = 1600
"""Columns of a table."""
MOST_ROW_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one row that COPY reads."""

_TEXT: Final = re.compile(r"^(?:varchar|varbyte)\((\d+)\)$")
_DECIMAL: Final = re.compile(r"^decimal\((\d+),(\d+)\)$")
_SUPER_BYTES: Final = 16 * 1000 * 1000
_FILE_TYPES: Final = {
    "boolean": "boolean",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double precision": "double",
    "date": "date",
    "timestamp": "timestamp",
    "super": "string",
}


class CopyContractError(LakeError):
    """Load files are not what COPY takes: names table, column, what was found and what fits, never a value."""


@dataclass(frozen=True)
class CopyColumn:
    """A column of a load file.

    `type` is Redshift's; `file_type` is what the file must hold, in Spark's words (a timestamp in microseconds);
    `most_bytes` is the limit of a text or of bytes, 0 where there is none.
    """

    name: str
    type: str
    file_type: str
    most_bytes: int = 0


@dataclass(frozen=True)
class CopyContract:
    """The columns of a table's load files, in COPY's order."""

    table: str
    columns: tuple[CopyColumn, ...]

    @property
    def sized(self) -> tuple[CopyColumn, ...]:
        """Columns whose values have a limit of bytes."""
        return tuple(column for column in self.columns if column.most_bytes)

    @property
    def row_bytes(self) -> int:
        """Most bytes of a row, as far as types tell."""
        return sum(column.most_bytes or 16 for column in self.columns)

    def check(self, found: Sequence[tuple[str, str]]) -> None:
        """Holds the columns of files against the contract.

        Args:
            found: name and Spark type of each column, in the files' order.

        Raises:
            CopyContractError: names the first column that is missing, too many, elsewhere or of another type.
        """
        if len(found) != len(self.columns):
            extra = sorted({name for name, _ in found} ^ {column.name for column in self.columns})
            what = f"the files have {len(found)} columns, the table has {len(self.columns)}: {', '.join(extra)}"
            raise CopyContractError(what, where=self.table, remedy=_AGAIN)
        for place, (column, (name, kind)) in enumerate(zip(self.columns, found, strict=True), start=1):
            where = f"{self.table}.{column.name}"
            if name != column.name:
                what = f"column {place} of the files is {name}; COPY goes by place"
                raise CopyContractError(what, where=where, remedy=_AGAIN)
            if kind != column.file_type:
                what = f"the files hold {kind}, {column.type} takes {column.file_type} only"
                raise CopyContractError(what, where=where, remedy=_AGAIN)


_AGAIN: Final = "make the load again with the contracts in use: lake promote"


def copy_contract(pipeline: Pipeline, table: str) -> CopyContract:
    """What the load files of a star table must be.

    Raises:
        CopyContractError: the table has a type that COPY cannot load from Parquet, or is too wide.
    """
    return compiled(f"staging.{table}_load", columns_of(pipeline)[f"staging.{table}_load"])


def compiled(table: str, columns: Sequence[Item]) -> CopyContract:
    """The contract of a table with these columns.

    Raises:
        CopyContractError: as `copy_contract`.
    """
    if len(columns) > MOST_COLUMNS:
        what = f"{len(columns)} columns, a table holds {MOST_COLUMNS}"
        raise CopyContractError(what, where=table, remedy="leave columns out of the contract")
    return CopyContract(table, tuple(_compiled(table, item) for item in columns))


def _compiled(table: str, item: Item) -> CopyColumn:
    text, decimal = _TEXT.match(item.type), _DECIMAL.match(item.type)
    if text:
        return CopyColumn(item.name, item.type, "binary" if item.type.startswith("varbyte") else "string", int(text[1]))
    if decimal:
        return CopyColumn(item.name, item.type, item.type)
    if item.type not in _FILE_TYPES:
        what = f"COPY cannot load {item.type} from Parquet"
        remedy = f"use one of {', '.join(sorted(_FILE_TYPES))}, varchar(n), varbyte(n), decimal(p,s)"
        raise CopyContractError(what, where=f"{table}.{item.name}", remedy=remedy)
    return CopyColumn(item.name, item.type, _FILE_TYPES[item.type], _SUPER_BYTES if item.type == "super" else 0)
