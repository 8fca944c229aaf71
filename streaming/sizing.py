"""Partitions of a topic, from the throughput that is stated for it.

Kafka cannot take partitions away, and adding some sends a key's later changes elsewhere; so a topic gets at its making
what its stated peak will need once it has grown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from schemas.errors import LakeError


class ThroughputError(LakeError):
    """A stated throughput is not above 0."""


@dataclass(frozen=True)
class Sizing:
    """What one partition takes, and what is left for growth.

    Args:
        bytes_per_second: 5 MB, the most that a partition of MSK Serverless takes (Amazon MSK, "Amazon MSK quota").
        records_per_second: a third of what one core of the streaming job landed (docs/performance.md).
        growth: times the stated peak that a topic must take without further partitions.
        multiple: partitions come in multiples of it, so that brokers of as many zones lead equally many.
    """

    bytes_per_second: int = 5_000_000
    records_per_second: int = 20_000
    growth: int = 2
    multiple: int = 3


SIZING: Final = Sizing()


def partitions(records_per_second: float, record_bytes: float, sizing: Sizing = SIZING) -> int:
    """Partitions of a topic whose peak is `records_per_second` records of `record_bytes` bytes each.

    Raises:
        ThroughputError: one of them is not above 0.
    """
    if not (records_per_second > 0 and record_bytes > 0):
        remedy = "state the peak: records a second, and bytes of a record"
        raise ThroughputError("throughput is not above 0", where="partitions", remedy=remedy)
    by_records = records_per_second * sizing.growth / sizing.records_per_second
    by_bytes = records_per_second * record_bytes * sizing.growth / sizing.bytes_per_second
    needed = max(math.ceil(by_records), math.ceil(by_bytes))
    return math.ceil(needed / sizing.multiple) * sizing.multiple
