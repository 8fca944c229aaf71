"""Row checks as Spark Columns that carry their reason, so that one pass splits accepted from quarantined."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.conform import (
    DELETE,
    FAULTS,
    HAS_ROW,
    NEW_COLUMNS,
    TRUNCATE,
    named,
)
from schemas import columns as c
from schemas.model import Severity, SourceContract

REASON = "_reason"
"""Names of the failed checks that reject, comma separated; NULL for an accepted row."""


@dataclass(frozen=True)
class RowCheck:
    """A named condition under which a row fails."""

    name: str
    fails: Column


def is_upsert() -> Column:
    """Whether a change brings values: neither a delete nor a truncate."""
    return ~F.col(c.OP).isin(DELETE, TRUNCATE)


def rejecting(contract: SourceContract) -> tuple[RowCheck, ...]:
    """Checks whose failure quarantines: key, nullability, and the contract's of severity reject.

    Deletes are held to their key alone, truncates to nothing: neither brings values.
    """
    keyed = F.col(c.OP) != TRUNCATE
    keys = [RowCheck(f"key:{name}", keyed & F.col(name).isNull()) for name in contract.key]
    nulls = [
        RowCheck(
            f"null:{column.name}",
            is_upsert() & F.col(column.name).isNull() & _known(column.name),
        )
        for column in contract.value_columns
        if not column.nullable
    ]
    return (*keys, *nulls, *_stated(contract, Severity.REJECT))


def warning(contract: SourceContract) -> tuple[RowCheck, ...]:
    """The contract's checks of severity warn."""
    return _stated(contract, Severity.WARN)


def judged(changes: DataFrame, contract: SourceContract) -> DataFrame:
    """Conformed rows with `_reason`.

    Args:
        changes: what `conform` gives.
        contract: the table's contract.
    """
    conditions = [(check.name, check.fails) for check in rejecting(contract)]
    conditions.append(("envelope:no_row_image", ~F.col(HAS_ROW) & is_upsert()))
    stated = named(conditions)
    # Faults and new columns are names already; those of rows that bring no values do not count.
    brought = F.col(FAULTS).isNotNull() | F.col(NEW_COLUMNS).isNotNull()
    everything = F.concat_ws(",", F.col(FAULTS), F.col(NEW_COLUMNS), stated)
    return changes.withColumn(REASON, F.when(is_upsert() & brought, everything).otherwise(stated))


def reasons(text: str) -> tuple[str, ...]:
    """The failed checks of a `reason`."""
    return tuple(part for part in text.split(",") if part)


def _known(column: str) -> Column:
    return ~F.array_contains(c.UNAVAILABLE, column)


def _stated(contract: SourceContract, severity: Severity) -> tuple[RowCheck, ...]:
    return tuple(
        RowCheck(check.name, is_upsert() & ~F.expr(f"({check.expr})"))
        for check in contract.checks
        if check.severity is severity
    )
