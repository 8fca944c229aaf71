"""The shapes of the staging tables: the change log and its quarantine, from a source contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from glue_jobs.iceberg import Column, TableShape, table_name
from schemas import columns as c
from schemas.model import SourceContract

TECHNICAL: Final = (
    Column(c.INGEST_SEQ, "bigint", "landing sequence that brought the row"),
    Column(c.PARTITION, "int", "Kafka partition"),
    Column(c.OFFSET, "bigint", "Kafka offset"),
    Column(c.KAFKA_TS, "timestamp", "Kafka time of the record"),
    Column(c.SCHEMA_ID, "string", "writer schema"),
    Column(c.EPOCH, "int", "raised by hand after a restore or a re-created topic"),
    Column(c.OP, "string", "c create, u update, d delete, r snapshot, t truncate"),
    Column(c.POSITION, "string", "source position, as text that sorts as the position does"),
    Column(c.IDENTITY, "string", "md5; rows of one identity are one change"),
    Column(c.SOURCE_TS, "timestamp", "time of the change at the source"),
    Column(c.CHANGED_AT, "timestamp", "instant of the change before it is clamped"),
    Column(c.CLOCK_FLAGGED, "boolean", "the source's clock was beyond the tolerance"),
    Column(
        c.UNAVAILABLE,
        "array<string>",
        "columns whose value was not in the source's log",
    ),
)
QUARANTINE: Final = (
    Column(c.INGEST_SEQ, "bigint", "landing sequence that brought the row"),
    Column(c.TOPIC, "string"),
    Column(c.PARTITION, "int"),
    Column(c.OFFSET, "bigint"),
    Column(c.KAFKA_TS, "timestamp"),
    Column(c.OP, "string"),
    Column(c.EPOCH, "int"),
    Column(c.SCHEMA_ID, "string"),
    Column("reason", "string", "names of the failed checks, comma separated"),
    Column("detail", "string", "what the checks ask, without values"),
    Column("envelope", "string", "the landed envelope as JSON"),
    Column("raw_key", "binary"),
    Column("raw_value", "binary"),
)


def technical_names() -> tuple[str, ...]:
    """Names of the columns of a change log that are not the source's."""
    return (*(column.name for column in TECHNICAL), c.OLD_KEY)


def change_log(contract: SourceContract, added: Mapping[str, str] | None = None) -> TableShape:
    """The change log of a source table; `added` holds columns beyond the contract, with Spark types."""
    old_key = ", ".join(f"`{column.name}`: {column.type.spark}" for column in contract.key_columns)
    return TableShape(
        namespace=f"{contract.pipeline}_staging",
        table=contract.table,
        columns=(
            *TECHNICAL,
            Column(c.OLD_KEY, f"struct<{old_key}>", "the key before a key change"),
            *(Column(column.name, column.type.spark, column.description) for column in contract.columns),
            *(Column(name, kind, "added by the source") for name, kind in (added or {}).items()),
        ),
        partitioned_by=(f"days({c.KAFKA_TS})",),
        comment=contract.description,
    )


def quarantine(contract: SourceContract) -> TableShape:
    """The quarantine of a source table."""
    table = contract.table
    return TableShape(
        namespace=f"{contract.pipeline}_staging",
        table=f"{table}_quarantine",
        columns=QUARANTINE,
        comment=f"Rejected changes of {table}; a row counts where {c.INGEST_SEQ} <= progress of {table}.",
    )


def change_log_name(pipeline: str, table: str) -> str:
    """Quoted name of a change log."""
    return table_name(f"{pipeline}_staging", table)


def quarantine_name(pipeline: str, table: str) -> str:
    """Quoted name of a quarantine."""
    return table_name(f"{pipeline}_staging", f"{table}_quarantine")
