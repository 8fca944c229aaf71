"""Facts with a value that its column's type cannot hold: counted in the pass that makes them, and by contract an error.

What a dead letter of hop 3 holds, and where it lies, `docs/architecture.md` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.observe import Observed
from schemas import columns as c
from schemas.errors import LakeError
from schemas.model import Fact, FactColumn, MisfitPolicy


class MisfitError(LakeError):
    """Facts hold values that do not fit their columns: names the columns, how many rows, how many bytes."""


def watched(rows: DataFrame, fact: Fact) -> Observed:
    """Rows of `facts.fact_rows`, whose misfits are counted by column as they are made."""
    metrics = [F.count_if(F.col(c.MISFITS).isNotNull()).alias(c.MISFITS)]
    for column in fact.columns:
        here = F.array_contains(c.MISFITS, column.name)
        metrics.append(F.count_if(here).alias(f"{column.name}.rows"))
        if column.type.text_bytes:
            metrics.append(F.max(F.when(here, F.octet_length(column.name))).alias(f"{column.name}.bytes"))
    return Observed(rows, metrics)


def check(rows: Observed, fact: Fact) -> None:
    """Holds rows that were made against the fact's policy.

    Raises:
        MisfitError: some do not fit, and the contract sets none aside.
    """
    if fact.misfit is MisfitPolicy.DEAD_LETTER:
        return
    found = rows.counts()
    if not found[c.MISFITS]:
        return
    told = "; ".join(_told(column, found) for column in fact.columns if found[f"{column.name}.rows"])
    remedy = f"widen the columns in star/{fact.name}.yaml, or set such facts aside with `misfit: dead_letter` there"
    raise MisfitError(f"values do not fit: {told}", where=fact.name, remedy=remedy)


def misfit_rows(rows: DataFrame, fact: Fact) -> DataFrame:
    """Dead letters of a fact.

    Args:
        rows: of `facts.fact_rows`.
        fact: the contract.

    Returns:
        Business key; `reason string` (the columns that cannot hold their values, comma separated); `row string` (the
        base source's row as JSON).
    """
    keys = [key.name for key in fact.business_key]
    reason = F.concat_ws(",", c.MISFITS).alias("reason")
    return rows.where(F.col(c.MISFITS).isNotNull()).select(*keys, reason, F.col(c.MISFIT_ROW).alias("row"))


def emptied(rows: DataFrame, fact: Fact) -> DataFrame:
    """Rows of `facts.fact_rows` in which a text that does not fit is NULL, as a number that does not is already.

    A fact set aside still goes to the warehouse, as one that is gone: COPY would refuse the text even then.
    """
    texts = [column.name for column in fact.columns if column.type.text_bytes]
    fits = {name: ~F.coalesce(F.array_contains(c.MISFITS, name), F.lit(False)) for name in texts}
    return rows.withColumns({name: F.when(fit, F.col(name)) for name, fit in fits.items()}) if fits else rows


def _told(column: FactColumn, found: Mapping[str, Any]) -> str:
    rows, longest = found[f"{column.name}.rows"], found.get(f"{column.name}.bytes")
    size = f" (up to {longest:,} bytes)" if longest else ""
    return f"{column.name}, {rows:,} rows beyond {column.type.text}{size}"
