"""The versions of a dimension as a pure function of its source's change log: the full path.

`docs/history.md` states the rules; the functions here follow its steps in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from glue_jobs.transforms.fill import UNKNOWN
from glue_jobs.transforms.log import LogProfile, whole_log
from glue_jobs.transforms.order import in_order, is_upsert
from glue_jobs.transforms.surrogate import surrogate_key
from schemas import columns as c
from schemas.model import Attribute, DeletePolicy, Dimension

_UPSERT = "_upsert"
_INSTANT = "_instant"
_TYPE1 = "_type1"
_TYPE2 = "_type2"
_UNKNOWN_AT_LAST = "_unknown_at_last"
_UNKNOWN_BEFORE = "_unknown_before"


def history(changes: DataFrame, dimension: Dimension, profile: LogProfile | None = None) -> DataFrame:
    """The versions that a set of changes gives, whatever its order, batches and repetitions.

    Args:
        changes: rows of the source's change log: every change of the keys concerned, every truncate, and every change
            of the keys that a key change came from.
        dimension: the contract.
        profile: what the log holds; read from the log if absent.

    Returns:
        Rows of the dimension, columns as `dimension_columns` names them.
    """
    keys = _keys(dimension)
    wanted = list(dict.fromkeys(attribute.source for attribute in dimension.attributes))
    return versions(whole_log(changes, keys, wanted, profile or LogProfile.of(changes, keys)), dimension)


def dimension_columns(dimension: Dimension) -> list[str]:
    """Column names of a dimension table, in order."""
    return [
        dimension.surrogate_key,
        *(key.name for key in dimension.business_key),
        *(attribute.name for attribute in dimension.attributes),
        c.EFFECTIVE_FROM,
        c.EFFECTIVE_TO,
        c.IS_CURRENT,
        c.IS_DELETED,
        c.IS_INFERRED,
        c.IS_INCOMPLETE,
        c.VERSION_IDENTITY,
    ]


def versions(log: DataFrame, dimension: Dimension) -> DataFrame:
    """Versions from a placed and filled log; columns as `dimension_columns` names them."""
    steps = (_shaped, _counting, _timed, _standing, _boundaries, _opened)
    return reduce(lambda rows, step: step(rows, dimension), steps, log)


def _keys(dimension: Dimension) -> list[str]:
    return [key.source for key in dimension.business_key]


def _values(attributes: Sequence[Attribute]) -> Column:
    """A struct is comparable, NULLs included; one without attributes still needs a field."""
    return F.struct(*(F.col(item.source).alias(item.name) for item in attributes), F.lit(0).alias("_"))


def _names(attributes: Sequence[Attribute]) -> Column:
    """Source columns of attributes, each once."""
    return F.array(*(F.lit(name) for name in dict.fromkeys(item.source for item in attributes))).cast("array<string>")


def _shaped(log: DataFrame, dimension: Dimension) -> DataFrame:
    """Only what the steps need, without the kinds of change that policy ignores."""
    policies = (("d", dimension.hard_delete), ("t", dimension.truncate))
    ignored = [op for op, policy in policies if policy is DeletePolicy.IGNORE]
    rows = log.where(~F.col(c.OP).isin(*ignored)) if ignored else log
    return rows.select(
        *_keys(dimension),
        *(c.EPOCH, c.POSITION, c.PARTITION, c.OFFSET, c.OP, c.IDENTITY, c.CHANGED_AT),
        is_upsert().alias(_UPSERT),
        _values(dimension.type1).alias(_TYPE1),
        _values(dimension.type2).alias(_TYPE2),
        F.array_intersect(_names(dimension.attributes), F.col(UNKNOWN)).alias(UNKNOWN),
    )


def _counting(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """Without truncates of a key that is not live and snapshot rows that change nothing."""
    before = in_order(_keys(dimension))
    was_live = F.coalesce(F.lag(_UPSERT).over(before), F.lit(False))
    unchanged = reduce(and_, (F.lag(name).over(before).eqNullSafe(F.col(name)) for name in (_TYPE1, _TYPE2, UNKNOWN)))
    idle_truncate = (F.col(c.OP) == "t") & ~was_live
    idle_snapshot = (F.col(c.OP) == "r") & was_live & unchanged
    return rows.withColumn("_idle", idle_truncate | idle_snapshot).where(~F.col("_idle")).drop("_idle")


def _timed(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """Instants that never run back; the first snapshot row at the beginning of time; what the last upsert left."""
    order = in_order(_keys(dimension))
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    always = order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    beginning = F.lit(c.BEGINNING_OF_TIME).cast("timestamp")
    at_origin = (F.row_number().over(order) == 1) & (F.col(c.OP) == "r") & F.lit(dimension.first_snapshot_at_origin)
    instant = F.when(at_origin, beginning).otherwise(F.greatest(F.col(c.CHANGED_AT), beginning))
    latest = F.when(F.col(_UPSERT), F.col(_TYPE1))
    known = F.when(F.col(_UPSERT), F.col(_TYPE2))
    unknown = F.when(F.col(_UPSERT), F.col(UNKNOWN))
    return rows.withColumn(_INSTANT, instant).withColumns(
        {
            _INSTANT: F.max(_INSTANT).over(so_far),
            _TYPE1: F.last(latest, ignorenulls=True).over(always),
            _TYPE2: F.last(known, ignorenulls=True).over(so_far),
            UNKNOWN: F.last(unknown, ignorenulls=True).over(so_far),
            _UNKNOWN_AT_LAST: F.last(unknown, ignorenulls=True).over(always),
        }
    )


def _standing(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """Of the changes at one instant, the last."""
    following = F.lead(_INSTANT).over(in_order(_keys(dimension)))
    marked = rows.withColumn("_overtaken", following.eqNullSafe(F.col(_INSTANT)))
    return marked.where(~F.col("_overtaken")).drop("_overtaken")


def _boundaries(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """The changes at which a version ends or starts, each with what the change before it leaves unknown."""
    before = in_order(_keys(dimension))
    was_live = F.coalesce(F.lag(_UPSERT).over(before), F.lit(False))
    same = F.lag(_TYPE2).over(before).eqNullSafe(F.col(_TYPE2))
    starts = F.col(_UPSERT) & ~(was_live & same)
    ends = ~F.col(_UPSERT) & was_live
    marked = rows.withColumns({"_boundary": starts | ends, _UNKNOWN_BEFORE: F.lag(UNKNOWN).over(before)})
    return marked.where(F.col("_boundary")).drop("_boundary")


def _opened(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """Versions, each open until the next boundary."""
    deleted = (F.col(c.OP) == "d") & F.lit(dimension.hard_delete is DeletePolicy.NEW_RECORD)
    until = F.lead(_INSTANT).over(in_order(_keys(dimension)))
    ended = rows.withColumns({"_until": until, c.IS_INCOMPLETE: _incomplete(dimension)}).where(F.col(_UPSERT) | deleted)
    at_beginning = F.col(_INSTANT) == F.lit(c.BEGINNING_OF_TIME).cast("timestamp")
    identity = F.when(at_beginning, F.lit(c.ORIGIN)).otherwise(F.col(c.IDENTITY))
    key = surrogate_key(dimension.name, [F.col(name) for name in _keys(dimension)], identity)
    attributes = ((_TYPE1 if item.scd == 1 else _TYPE2, item.name) for item in dimension.attributes)
    return ended.select(
        key.alias(dimension.surrogate_key),
        *(F.col(item.source).alias(item.name) for item in dimension.business_key),
        *(F.col(f"{values}.{name}").alias(name) for values, name in attributes),
        F.col(_INSTANT).alias(c.EFFECTIVE_FROM),
        F.col("_until").alias(c.EFFECTIVE_TO),
        F.col("_until").isNull().alias(c.IS_CURRENT),
        deleted.alias(c.IS_DELETED),
        F.lit(False).alias(c.IS_INFERRED),
        c.IS_INCOMPLETE,
        identity.alias(c.VERSION_IDENTITY),
    )


def _incomplete(dimension: Dimension) -> Column:
    """Whether an unknown value shows: of type 2 at the end of the version's run, of type 1 at the key's last upsert."""
    following = F.lead(_UNKNOWN_BEFORE).over(in_order(_keys(dimension)))
    at_end = F.when(F.col(_UPSERT), F.coalesce(following, F.col(_UNKNOWN_AT_LAST))).otherwise(F.col(UNKNOWN))
    type2 = F.arrays_overlap(at_end, _names(dimension.type2))
    return type2 | F.arrays_overlap(F.col(_UNKNOWN_AT_LAST), _names(dimension.type1))
