"""Technical column names, declared once; `docs/architecture.md` gives their types and meaning."""

from __future__ import annotations

from typing import Final

TOPIC: Final = "_topic"
PARTITION: Final = "_kafka_partition"
OFFSET: Final = "_offset"
KAFKA_TS: Final = "_kafka_ts"
HEADERS: Final = "_headers"
KEY_SCHEMA_ID: Final = "_key_schema_id"
SCHEMA_ID: Final = "_schema_id"
EPOCH: Final = "_epoch"
OP: Final = "_op"
POSITION: Final = "_position"
POSITION_ID: Final = "_position_id"
SOURCE_TS: Final = "_source_ts"

INGEST_SEQ: Final = "_ingest_seq"
IDENTITY: Final = "_identity"
CHANGED_AT: Final = "_changed_at"
CLOCK_FLAGGED: Final = "_clock_flagged"
UNAVAILABLE: Final = "_unavailable"
OLD_KEY: Final = "_old_key"

EFFECTIVE_FROM: Final = "effective_from"
EFFECTIVE_TO: Final = "effective_to"
IS_CURRENT: Final = "is_current"
IS_DELETED: Final = "is_deleted"
IS_INFERRED: Final = "is_inferred"
IS_INCOMPLETE: Final = "is_incomplete"
VERSION_IDENTITY: Final = "version_identity"

MISFITS: Final = "_misfits"
MISFIT_ROW: Final = "_misfit_row"

ORIGIN: Final = "origin"
"""Version identity of a history that opens at the beginning of time."""
BEGINNING_OF_TIME: Final = "1900-01-01 00:00:00"
UNKNOWN_MEMBER: Final = -1
KEY_SEPARATOR: Final = "\u001f"
KEY_NULL: Final = "\u0000"
