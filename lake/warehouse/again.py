"""A transaction that another one got in the way of runs again, as a whole."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from lake.warehouse.port import ConflictError

T = TypeVar("T")

MOST_RUNS: Final = 8
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0


def pause_before(run: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds to wait before a run: anything up to a bound that doubles, so that two in each other's way drift apart.

    Args:
        run: the number of the run to come, from 2 on.
        draw: a number in [0, 1).
    """
    return draw() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(run - 2, 20))


def run_again(transaction: Callable[[], T], sleep: Callable[[float], object] = time.sleep) -> T:
    """Runs a transaction until nothing gets in its way, at most `MOST_RUNS` times.

    Args:
        transaction: from its beginning to its commit; leaves no trace when it raises.
        sleep: waits for some seconds.

    Raises:
        ConflictError: something got in the way each time.
        LakeError: whatever else it raises, at once.
    """
    for run in range(2, MOST_RUNS + 1):
        try:
            return transaction()
        except ConflictError:
            sleep(pause_before(run))
    return transaction()
