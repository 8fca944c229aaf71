"""Why a record of the stream gives no change: the landing's reasons, and those that only the streaming path has."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Reasons beyond `streaming.reasons.Reason`."""

    PAYLOAD_TOO_LONG = "payload_too_long"
    """The Avro bytes unpack to more than the function takes."""
    RESULT_TOO_LONG = "result_too_long"
    """The change as JSON is longer than a VARCHAR."""
    INCOMPATIBLE_SCHEMA = "incompatible_schema"
    """The writer schema broke with the contract; the batch route stops the table here."""
    UNKNOWN_TABLE = "unknown_table"
    """The function's package holds no contract of this table."""
    ARGUMENTS = "arguments"
    """The record did not come as table, key and value in base64."""
    INTERNAL = "internal"
    """A fault of the function itself; the detail names the kind of error."""


class FaultError(Exception):
    """A record that gives no change: a reason, and a detail that holds no value of the data."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = str(reason)
        self.detail = detail
        super().__init__(self.reason)
