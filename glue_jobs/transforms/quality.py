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
    """Checks whose failure quarantines an upsert: row image, nullability, and the contract's of severity reject."""
    nulls = [
        RowCheck(f"null:{column.name}", F.col(column.name).isNull() & _known(column.name))
        for column in contract.value_columns
        if not column.nullable
    ]
    return (RowCheck("envelope:no_row_image", ~F.col(HAS_ROW)), *nulls, *_stated(contract, Severity.REJECT))


def warning(contract: SourceContract) -> tuple[RowCheck, ...]:
    """The contract's checks of severity warn; of upserts, as the others."""
    return tuple(RowCheck(check.name, is_upsert() & check.fails) for check in _stated(contract, Severity.WARN))


def judged(changes: DataFrame, contract: SourceContract) -> DataFrame:
    """Conformed rows with `_reason`.

    Deletes are held to their key alone, truncates to nothing: neither brings values.

    Args:
        changes: what `conform` gives.
        contract: the table's contract.
    """
    keys = [(f"key:{name}", F.col(name).isNull()) for name in contract.key]
    upsert = [*keys, *((check.name, check.fails) for check in rejecting(contract))]
    # Faults and new columns are names already.
    given = [F.col(FAULTS), F.col(NEW_COLUMNS)]
    reason = (
        F.when(F.col(c.OP) == TRUNCATE, F.lit(None))
        .when(F.col(c.OP) == DELETE, named(keys))
        .otherwise(named(upsert, given))
    )
    return changes.withColumn(REASON, reason)


def reasons(text: str) -> tuple[str, ...]:
    """The failed checks of a `reason`."""
    return tuple(part for part in text.split(",") if part)


def _known(column: str) -> Column:
    return ~F.array_contains(c.UNAVAILABLE, column)


def _stated(contract: SourceContract, severity: Severity) -> tuple[RowCheck, ...]:
    return tuple(
        RowCheck(check.name, ~F.expr(f"({check.expr})")) for check in contract.checks if check.severity is severity
    )
