"""A promotion that dies after any of its commits is finished by the next ones: the star is as if it had not died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession

from glue_jobs import iceberg
from tests.glue_jobs.curated.shop import Shop, line_log, sale_log
from tests.reference.logs import arrival_batches, packed_log

COMMITS: Final = ("append", "overwrite", "publish", "commit_progress", "sql")


class Crash(Exception):
    """The process dies here."""


@contextmanager
def dying_after(commits: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets that many writes succeed, then dies directly after the last of them."""
    left = commits

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            nonlocal left
            result = write(*args, **named)
            left -= 1
            if left == 0:
                raise Crash
            return result

        return call

    with monkeypatch.context() as patch:
        for name in COMMITS:
            patch.setattr(iceberg, name, dying(getattr(iceberg, name)))
        yield


def staged(spark: SparkSession) -> tuple[Shop, list[tuple[str, Any]]]:
    """A shop with a first part promoted, and what is to come."""
    seed = 31
    logs = {"party": packed_log(seed, 12, truncates=0), "order": sale_log(seed, 20), "line": line_log(seed, 40, 22, 15)}
    shop = Shop(spark)
    rest = []
    for name, log in logs.items():
        first, *more = arrival_batches(3, log, most=3)
        shop.stage(name, first)
        rest.append((name, [change for batch in more for change in batch]))
    shop.promote()
    return shop, rest


def test_a_promotion_killed_after_each_commit_ends_as_one_that_was_not(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, rest = staged(spark)
    killed, _ = staged(spark)
    for shop in (whole, killed):
        for name, batch in rest:
            shop.stage(name, batch)
    whole.promote()
    crashes = 0
    # Each attempt dies later than the last: writes of a branch are lost with the attempt, so one more each time.
    for commits in range(1, 60):
        try:
            with dying_after(commits, monkeypatch):
                killed.promote()
            break
        except Crash:
            crashes += 1
    assert crashes >= 5
    assert killed.star() == whole.star()
    restated = [sorted(tuple(row)[:8] for row in shop.rows("restatements")) for shop in (killed, whole)]
    assert restated[0] == restated[1]
    written = [(outcome.written, outcome.removed) for outcome in killed.promote().facts]
    assert written == [(0, 0)]
