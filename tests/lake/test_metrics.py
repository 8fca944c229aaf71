"""The catalogue holds what CloudWatch takes."""

from __future__ import annotations

import re

import pytest
from botocore.session import get_session

from lake.metrics import BY_NAME, METRICS, NAMESPACE, Metric


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_one_that_cloudwatch_takes(metric: Metric) -> None:
    shapes = get_session().get_service_model("cloudwatch")
    assert metric.unit in shapes.shape_for("StandardUnit").enum
    assert metric.statistic in shapes.shape_for("Statistic").enum
    assert re.fullmatch(r"[A-Z][A-Za-z]{0,254}", metric.name)
    assert metric.hops
    assert len(set(metric.hops)) == len(metric.hops)


def test_the_namespace_is_none_of_awss_own() -> None:
    assert re.fullmatch(r"[0-9A-Za-z./_#:-]{1,255}", NAMESPACE)
    assert not NAMESPACE.startswith("AWS/")
