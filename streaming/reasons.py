"""Why a record could not be landed: the closed set of dead-letter reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Reason of a dead letter; the column `detail` says which part and which schema id."""

    EMPTY_RECORD = "empty_record"
    SHORT_HEADER = "short_header"
    UNKNOWN_MAGIC = "unknown_magic"
    UNKNOWN_SCHEMA_ID = "unknown_schema_id"
    SCHEMA_UNUSABLE = "schema_unusable"
    UNDECODABLE_KEY = "undecodable_key"
    UNDECODABLE_VALUE = "undecodable_value"
    NO_OP = "no_op"
    UNKNOWN_OP = "unknown_op"
    NO_SOURCE = "no_source"
    NO_POSITION = "no_position"


EXPLANATIONS: Final[dict[Reason, str]] = {
    Reason.EMPTY_RECORD: "the record has neither key nor value",
    Reason.SHORT_HEADER: "the value is shorter than a registry header",
    Reason.UNKNOWN_MAGIC: "the value starts with none of the known registry headers",
    Reason.UNKNOWN_SCHEMA_ID: "the registry answered that it does not know the schema id",
    Reason.SCHEMA_UNUSABLE: "the registry's schema is not an Avro record that Spark can read",
    Reason.UNDECODABLE_KEY: "the key's bytes do not follow its schema",
    Reason.UNDECODABLE_VALUE: "the value's bytes do not follow its schema",
    Reason.NO_OP: "the value is no Debezium envelope: it has no op",
    Reason.UNKNOWN_OP: "the envelope's op is none of c, u, d, r, t",
    Reason.NO_SOURCE: "the value is no Debezium envelope: it has no source",
    Reason.NO_POSITION: "a streamed change has no source position, so its place in history is unknown",
}
