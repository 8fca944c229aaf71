"""Rows of a source table as its mirror takes them, and by policy those that its columns cannot hold, set aside."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.curated.copying import misfits
from glue_jobs.transforms.load_rows import mirror_load_rows
from redshift_sql.copy_contract import CopyContract
from schemas.model import MisfitPolicy, SourceContract

_REASON = "_reason"


def mirror_rows(
    states: DataFrame, source: SourceContract, contract: CopyContract
) -> tuple[DataFrame, DataFrame | None]:
    """Load rows of a mirror, and the rows set aside (None where the contract sets none aside).

    A row set aside leaves the mirror, which would show an older one of its key otherwise.

    Args:
        states: rows of the source's state, at most one per key.
        source: the contract.
        contract: what COPY takes of the mirror's load rows.

    Returns:
        Load rows; and key, `reason string` (the columns that cannot hold their values, comma separated), `row string`
        (the row as JSON).
    """
    rows = mirror_load_rows(states, source)
    if source.mirror_misfit is not MisfitPolicy.DEAD_LETTER:
        return rows, None
    values = [column.name for column in source.value_columns]
    reason = F.when(~F.col("_is_deleted"), misfits(contract, values))
    judged = rows.select("*", reason.alias(_REASON)).localCheckpoint()
    refused = F.col(_REASON).isNotNull()
    names = [column.name for column in source.columns]
    aside = judged.where(refused).select(
        *source.key, F.col(_REASON).alias("reason"), F.to_json(F.struct(*names)).alias("row")
    )
    return judged.select(*(_taken(name, refused, source) for name in rows.columns)), aside


def _taken(name: str, refused: Column, source: SourceContract) -> Column:
    """A column of a load row; of a row set aside the key alone, as that of a row that is gone."""
    if name in source.key or name == "_changed_at":
        return F.col(name)
    if name == "_is_deleted":
        return (F.col(name) | refused).alias(name)
    return F.when(~refused, F.col(name)).alias(name)
