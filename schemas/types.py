"""The column types a contract may use, and what each is called in Spark and in Redshift."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_PLAIN: Final = {
    "boolean": ("boolean", "boolean"),
    "smallint": ("smallint", "smallint"),
    "int": ("int", "integer"),
    "bigint": ("bigint", "bigint"),
    "float": ("float", "real"),
    "double": ("double", "double precision"),
    "date": ("date", "date"),
    "timestamp": ("timestamp", "timestamp"),
    "uuid": ("string", "varchar(36)"),
    "json": ("string", "varchar(65535)"),
    "string": ("string", "varchar(65535)"),
    "binary": ("binary", "varbyte(65535)"),
}
_SIZED: Final = re.compile(r"^(varchar|decimal)\((\d+)(?:,\s*(\d+))?\)$")
_VARCHAR: Final = re.compile(r"^varchar\((\d+)\)$")
_MAX_PRECISION: Final = 38
_MAX_VARCHAR: Final = 65535


@dataclass(frozen=True)
class ColumnType:
    """A contract type such as `bigint`, `varchar(80)`, `decimal(12,2)`, `timestamp`, `uuid` or `json`.

    `varchar(n)` counts bytes, as Redshift does. `timestamp` is an instant in UTC with microseconds.

    Raises:
        ValueError: the text is no known type, or a size is out of range.
    """

    text: str

    def __post_init__(self) -> None:
        if self.text in _PLAIN:
            return
        match = _SIZED.match(self.text)
        if match is None:
            known = ", ".join([*_PLAIN, "varchar(n)", "decimal(p,s)"])
            raise ValueError(f"unknown type '{self.text}'; use one of {known}")
        kind, size, scale = match[1], int(match[2]), int(match[3] or 0)
        if kind == "varchar" and not 1 <= size <= _MAX_VARCHAR:
            raise ValueError(f"'{self.text}': a varchar holds 1 to {_MAX_VARCHAR} bytes")
        if kind == "decimal" and not (1 <= size <= _MAX_PRECISION and scale <= size):
            raise ValueError(f"'{self.text}': precision is 1 to {_MAX_PRECISION}, scale at most the precision")

    @cached_property
    def kind(self) -> str:
        """The type's name without its sizes."""
        return self.text.split("(", 1)[0]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """`(bytes,)` of a varchar, `(precision, scale)` of a decimal, else empty."""
        match = _SIZED.match(self.text)
        if match is None:
            return ()
        return (int(match[2]),) if match[1] == "varchar" else (int(match[2]), int(match[3] or 0))

    @property
    def spark(self) -> str:
        """The Spark SQL type."""
        if self.kind == "varchar":
            return "string"
        return self.decimal if self.kind == "decimal" else _PLAIN[self.kind][0]

    @property
    def text_bytes(self) -> int:
        """Most bytes of a text, as the warehouse counts them; 0 where it is no text."""
        found = _VARCHAR.match(self.redshift)
        return int(found[1]) if found else 0

    @property
    def redshift(self) -> str:
        """The Redshift type."""
        if self.kind == "varchar":
            return f"varchar({self.sizes[0]})"
        return self.decimal if self.kind == "decimal" else _PLAIN[self.kind][1]

    @property
    def decimal(self) -> str:
        """`decimal(p,s)` in canonical form."""
        return "decimal({},{})".format(*self.sizes)
