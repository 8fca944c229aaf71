"""Great Expectations' metrics as Spark aggregates, so that the pass that writes a batch also measures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F

_COUNT: Final = ".unexpected_count"


def aggregate(metric: str, arguments: Mapping[str, Any], among: Column) -> Column | None:
    """The aggregate that gives a metric's value over the rows for which `among` holds; None where there is none.

    Args:
        metric: name as Great Expectations has it, such as `column_values.between.unexpected_count`.
        arguments: the expectation's own, `column` among them.
        among: a predicate.
    """
    if metric == "table.row_count":
        return F.count_if(among)
    if metric in _AGGREGATES:
        return _AGGREGATES[metric](F.when(among, F.col(arguments["column"])))
    kind = metric.removesuffix(_COUNT)
    if metric.endswith(_COUNT) and kind in _UNEXPECTED:
        unexpected = _UNEXPECTED[kind](F.col(arguments["column"]), arguments)
        return F.count_if(F.coalesce(among & unexpected, F.lit(False)))
    return None


def known(metric: str) -> bool:
    """Whether `aggregate` has the metric; needs no session."""
    counted = metric.endswith(_COUNT) and metric.removesuffix(_COUNT) in _UNEXPECTED
    return metric == "table.row_count" or metric in _AGGREGATES or counted


def _out_of_set(value: Column, arguments: Mapping[str, Any]) -> Column:
    return ~_in_set(value, arguments)


def _in_set(value: Column, arguments: Mapping[str, Any]) -> Column:
    found: Column = value.isin(list(arguments["value_set"]))
    return found


def _out_of_range(value: Column, arguments: Mapping[str, Any]) -> Column:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    outside: Column = F.lit(False)
    if low is not None:
        outside = outside | ((value <= low) if arguments.get("strict_min") else (value < low))
    if high is not None:
        outside = outside | ((value >= high) if arguments.get("strict_max") else (value > high))
    return outside


def _length_out_of_range(value: Column, arguments: Mapping[str, Any]) -> Column:
    return _out_of_range(F.length(value), arguments)


def _length_differs(value: Column, arguments: Mapping[str, Any]) -> Column:
    return ~(F.length(value) == F.lit(arguments["value"]))


def _unlike(value: Column, arguments: Mapping[str, Any]) -> Column:
    return ~value.cast("string").rlike(arguments["regex"])


def _like(value: Column, arguments: Mapping[str, Any]) -> Column:
    return value.cast("string").rlike(arguments["regex"])


_UNEXPECTED: Final[Mapping[str, Callable[[Column, Mapping[str, Any]], Column]]] = {
    "column_values.nonnull": lambda value, _: value.isNull(),
    "column_values.null": lambda value, _: value.isNotNull(),
    "column_values.in_set": _out_of_set,
    "column_values.not_in_set": _in_set,
    "column_values.between": _out_of_range,
    "column_values.value_length.between": _length_out_of_range,
    "column_values.value_length.equals": _length_differs,
    "column_values.match_regex": _unlike,
    "column_values.not_match_regex": _like,
}
_AGGREGATES: Final[Mapping[str, Callable[[Column], Column]]] = {
    "column.min": F.min,
    "column.max": F.max,
    "column.mean": F.mean,
    "column.sum": F.sum,
    "column.standard_deviation": F.stddev_samp,
}
