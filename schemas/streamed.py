"""What the streaming path knows of a source table, and what bounds a record: for the Lambda function and the views.

Redshift hands a Lambda function's arguments over as VARCHAR, which holds 65,535 bytes, so a record travels as base64. A
response of AWS Lambda holds 6 MB, so the rows of a batch are bounded too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import ContractError
from schemas.model import SourceContract
from schemas.types import ColumnType

VARCHAR_BYTES: Final = 65_535
"""Redshift, "Character types": the widest VARCHAR column."""
RECORD_BYTES: Final = 48_000
"""Longest key or value handed to the function: its base64, even with a line break after each 76 characters, is a
VARCHAR."""
PAYLOAD_BYTES: Final = 1_048_576
"""Longest Avro payload once it is unpacked: what stops a small record that unpacks to a large one."""
RESULT_BYTES: Final = VARCHAR_BYTES
"""Longest JSON of one record, in UTF-8."""
RESPONSE_BYTES: Final = 6_291_456
"""AWS Lambda, "Lambda quotas": 6 MB for the response of a synchronous invocation."""
ENCODED_BYTES: Final = 131_072
"""Longest JSON of one record as it stands in the response, where every quote in it is escaped twice."""
BATCH_ROWS: Final = 45
"""Rows of a batch: so many results of the longest kind fit in a response, whatever they hold."""
SCHEMAS: Final = 256
"""Writer schemas kept between invocations."""


@dataclass(frozen=True)
class StreamedColumn:
    """A column of a streamed table."""

    name: str
    type: ColumnType
    nullable: bool


@dataclass(frozen=True)
class StreamedContract:
    """The part of a source contract that decides what a change of the stream looks like.

    `checksum` is of all of it: a view takes only changes that were decoded under the contract it was made for.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[StreamedColumn, ...]
    evolution: str

    @classmethod
    def of(cls, contract: SourceContract) -> StreamedContract:
        """The streamed part of a contract."""
        columns = tuple(StreamedColumn(item.name, item.type, item.nullable) for item in contract.columns)
        return cls(contract.table, contract.key, columns, contract.evolution.value)

    @property
    def checksum(self) -> str:
        """Twelve hexadecimal digits of a SHA-256."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "table": self.table,
            "key": list(self.key),
            "columns": [[item.name, item.type.text, item.nullable] for item in self.columns],
            "evolution": self.evolution,
        }

    @classmethod
    def from_json(cls, body: Any) -> StreamedContract:
        """What `to_json` gave.

        Raises:
            ContractError: it is not that.
        """
        try:
            columns = tuple(
                StreamedColumn(name, ColumnType(kind), nullable) for name, kind, nullable in body["columns"]
            )
            return cls(str(body["table"]), tuple(body["key"]), columns, str(body["evolution"]))
        except (KeyError, TypeError, ValueError) as error:
            what = f"it is no contract of a streamed table ({type(error).__name__})"
            raise ContractError(what, where="contracts.json", remedy="package the function again") from None
