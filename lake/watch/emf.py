"""CloudWatch's Embedded Metric Format: metrics as one line of JSON that CloudWatch Logs extracts. Pure.

Rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lake.metrics import BY_NAME, ENVIRONMENT, HOP, NAMESPACE, PIPELINE, TABLE, Hop

_MOST_CHARACTERS: Final = 1024
"""CloudWatch's limit on a dimension's value."""


@dataclass(frozen=True)
class Place:
    """The values of the dimensions; `table` is empty for metrics of the whole hop."""

    environment: str
    pipeline: str
    hop: Hop
    table: str = ""

    @property
    def dimensions(self) -> dict[str, str]:
        """By name, as CloudWatch takes them."""
        named = {ENVIRONMENT: self.environment, PIPELINE: self.pipeline, HOP: self.hop.value}
        return named | ({TABLE: self.table[:_MOST_CHARACTERS]} if self.table else {})


def line(
    place: Place, values: Mapping[str, float], milliseconds: int, properties: Mapping[str, object] | None = None
) -> str:
    """The metrics of one place at one moment.

    Args:
        place: the dimensions.
        values: by name of the catalogue, all by table or all by hop, as `place` is.
        milliseconds: since 1970, of the moment.
        properties: further members (ids to search the log by); no metric is made of them.

    Raises:
        ValueError: a metric is not in the catalogue, or not of this hop and place, or a value is no number.
    """
    metrics = [BY_NAME[name] for name in values if name in BY_NAME]
    strays = set(values) - {m.name for m in metrics if place.hop in m.hops and m.by_table == bool(place.table)}
    if strays:
        raise ValueError(f"not metrics of {place.hop}{' by table' if place.table else ''}: {', '.join(sorted(strays))}")
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(names) for names in metrics[0].dimension_sets],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit.value} for metric in metrics],
    }
    body = {"_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}}
    return json.dumps(
        {**(properties or {}), **place.dimensions, **values, **body}, separators=(",", ":"), allow_nan=False
    )
