"""The catalogue holds what CloudWatch takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore.model import StringShape
from botocore.session import get_session

from lake.metrics import BY_NAME, METRICS, NAMESPACE, Metric


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_one_that_cloudwatch_takes(metric: Metric) -> None:
    assert metric.unit in _words_of("StandardUnit")
    assert metric.statistic in _words_of("Statistic")
    assert re.fullmatch(r"[A-Z][A-Za-z]{0,254}", metric.name)
    assert metric.hops
    assert len(set(metric.hops)) == len(metric.hops)


def test_the_namespace_is_none_of_awss_own() -> None:
    assert re.fullmatch(r"[0-9A-Za-z./_#:-]{1,255}", NAMESPACE)
    assert not NAMESPACE.startswith("AWS/")


def test_the_operators_page_shows_the_catalogue() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if line.startswith(tuple(f"| `{name}` |" for name in BY_NAME))]
    assert shown == [
        f"| `{m.name}` | {m.unit} | {m.statistic} | {'yes' if m.by_table else 'no'} | {', '.join(m.hops)} | {m.meaning} |"
        for m in METRICS
    ]
    assert f"namespace `{NAMESPACE}`" in page


def _words_of(shape: str) -> list[str]:
    """What CloudWatch's API takes for a closed set of words."""
    found = get_session().get_service_model("cloudwatch").shape_for(shape)
    assert isinstance(found, StringShape)
    return found.enum
