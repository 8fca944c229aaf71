"""Random change logs, packed: many keys in one table's log, so that one run tries hundreds of histories."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final, Literal

from tests.reference.history import UNAVAILABLE, Change, Key, Value, _Unavailable

_STRIDE: Final = 1_000_000
"""Offsets of one step of every key lie together, so that a truncate's offset falls between steps."""
_SEGMENTS: Final[tuple[Value, ...]] = ("A", "B", None)
_REGIONS: Final[tuple[Value, ...]] = ("n", "s")
_ADDRESSES: Final[tuple[Value, ...]] = ("x", "y", None)


def packed_log(seed: int, keys: int, *, steps: int = 8, truncates: int = 1) -> list[Change]:
    """A table's log of `keys` keys with every kind of trouble, the same for the same seed.

    Clocks run wild and back, positions repeat and come late, records are emitted again, snapshot rows stand anywhere,
    rows are deleted, inserted again and change their key, values are unavailable, and the table is truncated.
    """
    draw = random.Random(seed)
    log = [_truncate(draw, steps) for _ in range(draw.randint(0, truncates))]
    for number in range(keys):
        rows = _key_log(draw, (number,), number, draw.randint(1, steps))
        log += rows
        log += [_again(draw, row, steps, number) for row in rows if row.op != "r" and draw.random() < 0.15]
    draw.shuffle(log)
    return log


def batches(seed: int, log: list[Change], most: int = 4) -> list[list[Change]]:
    """The log cut into batches at random, in any order, some changes delivered twice."""
    draw = random.Random(seed)
    count = draw.randint(1, most)
    result: list[list[Change]] = [[] for _ in range(count)]
    for change in log:
        result[draw.randrange(count)].append(change)
        if draw.random() < 0.05:
            result[draw.randrange(count)].append(change)
    return result


def arrival_batches(seed: int, log: list[Change], most: int = 4) -> list[list[Change]]:
    """The log cut into batches in Kafka order, as a well-behaved source delivers it: what the tip path is for."""
    draw = random.Random(seed)
    ordered = sorted(log, key=lambda change: change.offset)
    cuts = sorted(draw.randrange(len(ordered) + 1) for _ in range(draw.randint(0, most - 1)))
    return [ordered[start:end] for start, end in pairwise([0, *cuts, len(ordered)])]


def _truncate(draw: random.Random, steps: int) -> Change:
    step = draw.randrange(1, steps + 1)
    position = 10 * step + draw.randrange(10)
    return Change(step * _STRIDE + _STRIDE - 1, "t", None, f"{position:020d}", 100 * step, (), 100 * step + 1)


def _attributes(draw: random.Random, *, unavailable: bool) -> tuple[tuple[str, Value | _Unavailable], ...]:
    names = (("segment", _SEGMENTS), ("region", _REGIONS), ("address", _ADDRESSES))
    return tuple(
        (name, UNAVAILABLE if unavailable and draw.random() < 0.2 else draw.choice(values)) for name, values in names
    )


def _key_log(draw: random.Random, key: Key, number: int, steps: int) -> list[Change]:
    rows: list[Change] = []
    for step in range(1, steps + 1):
        later: tuple[Literal["c", "u", "d", "r"], ...] = ("u", "u", "u", "c", "d", "r")
        first: tuple[Literal["c", "u", "d", "r"], ...] = ("c", "c", "r", "u", "d")
        op = draw.choice(later if rows else first)
        position = 10 * step + draw.choice((0, 0, 0, 0, -10, -15, 5))
        instant = 100 * step + draw.choice((0, 0, 0, 0, -100, -250, 10**9))
        moved = op == "c" and number > 0 and draw.random() < 0.3
        rows.append(
            Change(
                offset=step * _STRIDE + number,
                op=op,
                key=key,
                position=None if op == "r" else f"{max(position, 1):020d}",
                source_ts=max(instant, 1),
                attributes=_attributes(draw, unavailable=op == "u" or moved),
                kafka_ts=100 * step + 1,
                partition=number % 3,
                epoch=1 if step > steps - 2 and number % 7 == 0 else 0,
                old_key=(draw.choice((number - 1, max(0, number - 2))),) if moved else None,
            )
        )
    return rows


def _again(draw: random.Random, row: Change, steps: int, number: int) -> Change:
    """The same change emitted once more: later (or earlier) in Kafka, with other clocks."""
    step = draw.choice((0, steps + 1, steps + 2))
    return Change(
        offset=step * _STRIDE + number + draw.randrange(1, 400) * 1000,
        op=row.op,
        key=row.key,
        position=row.position,
        source_ts=row.source_ts + 5,
        attributes=row.attributes,
        kafka_ts=row.kafka_ts + 5,
        partition=row.partition,
        epoch=row.epoch,
        old_key=row.old_key,
    )
