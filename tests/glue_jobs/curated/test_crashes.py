"""A promotion that dies after any of its commits is finished by the next ones: the star is as if it had not died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession

from glue_jobs import iceberg
from tests.glue_jobs.curated.shop import Shop, line_log, sale_log
from tests.reference.logs import packed_log

COMMITS: Final = ("append", "overwrite", "publish", "commit_progress")


class CrashError(Exception):
    """The process dies here."""


@contextmanager
def dying_after(writes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Dies directly after the first of these writes to a table's main state; a branch is not that."""

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            result = write(*args, **named)
            if named.get("branch") is None:
                raise CrashError
            return result

        return call

    with monkeypatch.context() as patch:
        for name in writes:
            patch.setattr(iceberg, name, dying(getattr(iceberg, name)))
        yield


def staged(spark: SparkSession) -> tuple[Shop, list[tuple[str, Any]]]:
    """A shop with a first part promoted, and what is to come."""
    seed = 31
    logs = {"party": packed_log(seed, 12, truncates=0), "order": sale_log(seed, 20), "line": line_log(seed, 40, 22, 15)}
    shop = Shop(spark)
    rest = []
    for name, log in logs.items():
        arrived = sorted(log, key=lambda change: change.offset)
        shop.stage(name, arrived[: len(arrived) // 2])
        rest.append((name, arrived[len(arrived) // 2 :]))
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
    with pytest.raises(CrashError), dying_after(("sql",), monkeypatch):
        killed.promote()
    crashes = 0
    # An attempt that gets one commit further each time ends some day.
    while crashes < 30:
        try:
            with dying_after(COMMITS, monkeypatch):
                killed.promote()
            break
        except CrashError:
            crashes += 1
    assert 5 <= crashes < 30
    assert killed.star() == whole.star()
    # Facts are restated where a promotion finds them, so the killed one may say more; it says nothing twice.
    restated = [tuple(row) for row in killed.rows("restatements")]
    assert len(set(restated)) == len(restated)
    written = [(outcome.written, outcome.removed) for outcome in killed.promote().facts]
    assert written == [(0, 0)]
