"""Surrogate keys: a 64-bit hash that lake, warehouse and replay share, so it is computed here alone and carried."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import columns as c

_RESERVED = (c.UNKNOWN_MEMBER, 0)


def surrogate_key(table: str, business_key: list[Column], version_identity: Column) -> Column:
    """`xxhash64` of table, business key and the identity of the change that opens the version.

    Args:
        table: name of the dimension.
        business_key: key columns, in contract order; a NULL counts as a value of its own.
        version_identity: identity of the opening change, or `origin`.

    Returns:
        A bigint column that is never -1 (the unknown member) or 0.
    """
    parts = [F.coalesce(column.cast("string"), F.lit(c.KEY_NULL)) for column in business_key]
    hashed = F.xxhash64(F.concat_ws(c.KEY_SEPARATOR, F.lit(table), *parts, version_identity))
    return F.when(hashed.isin(*_RESERVED), F.lit(1).cast("bigint")).otherwise(hashed)


def origin_key(table: str, business_key: list[Column]) -> Column:
    """The surrogate key of a history that opens at the beginning of time; equally that of the inferred member."""
    return surrogate_key(table, business_key, F.lit(c.ORIGIN))
