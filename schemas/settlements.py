"""What becomes of dead letters, as a commit record says it: sent through again, or discarded, by whom and why.

Dead letters of Kafka records (hops 1 and 2) are settled by a landing manifest of the table, those of a load (hop 3) by
a record of their own; either takes its place in a sequence, so that of two settlements of one letter one comes first.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, TypeVar

from schemas.records import VERSION, Reader, mapping, parsed, require

Range = tuple[int, int]
"""Offsets from the first up to, and without, the second."""


class Hop(StrEnum):
    """Where a dead letter was set aside."""

    LANDING = "landing"
    STAGING = "staging"
    CURATED = "curated"


class Verb(StrEnum):
    """What becomes of a dead letter."""

    REDRIVE = "redrive"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Dead letters of one table, hop and epoch that a landing manifest settles.

    `places` are their offsets by partition: ranges that ascend and do not touch. `by` is who asked, `reason` why.

    Raises:
        ManifestError: a range is empty or out of order, or a discard gives no reason.
    """

    hop: Hop
    verb: Verb
    epoch: int
    places: Mapping[int, tuple[Range, ...]]
    by: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        where = "settlement"
        require(self.hop is not Hop.CURATED, "a landing manifest settles no letter of the hop curated", where)
        require(self.verb is Verb.REDRIVE or bool(self.reason.strip()), "a discard gives no reason", where)
        require(bool(self.count), "no letter is settled", where)
        for partition, ranges in self.places.items():
            edges = [edge for pair in ranges for edge in pair]
            ascending = all(one < other for one, other in pairwise(edges))
            require(ascending, f"places of partition {partition} do not ascend", where)

    @property
    def count(self) -> int:
        """Letters settled."""
        return sum(end - start for ranges in self.places.values() for start, end in ranges)

    def holds(self, partition: int, offset: int) -> bool:
        """Whether the letter at this place is among those settled."""
        return within(self.places.get(partition, ()), offset)

    @property
    def coordinates(self) -> list[tuple[int, int]]:
        """Partition and offset of each letter."""
        return [(p, o) for p, ranges in sorted(self.places.items()) for pair in ranges for o in range(*pair)]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "hop": self.hop.value,
            "verb": self.verb.value,
            "epoch": self.epoch,
            "places": {str(p): [list(pair) for pair in ranges] for p, ranges in sorted(self.places.items())},
            "by": self.by,
            "reason": self.reason,
        }

    @classmethod
    def read(cls, reader: Reader) -> Settlement:
        """From a landing manifest's field.

        Raises:
            ManifestError: names the field.
        """
        return cls(
            _word(reader, "hop", Hop),
            _word(reader, "verb", Verb),
            reader.get("epoch", int),
            {int(p): _pairs(ranges, f"{reader.where}: places.{p}") for p, ranges in _by_number(reader).items()},
            reader.get("by", str),
            reader.get("reason", str),
        )


def within(ranges: Sequence[Range], offset: int) -> bool:
    """Whether an offset lies in one of some ranges, which ascend and do not overlap."""
    found = bisect_right(ranges, offset, key=lambda pair: pair[0])
    return found > 0 and offset < ranges[found - 1][1]


def ranges_of(offsets: Iterable[int]) -> tuple[Range, ...]:
    """Offsets as the fewest ranges."""
    found: list[Range] = []
    for offset in sorted(set(offsets)):
        if found and found[-1][1] == offset:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
    return tuple(found)


def places_of(coordinates: Iterable[tuple[int, int]]) -> dict[int, tuple[Range, ...]]:
    """Partitions and offsets as `Settlement.places`."""
    offsets: dict[int, list[int]] = {}
    for partition, offset in coordinates:
        offsets.setdefault(partition, []).append(offset)
    return {partition: ranges_of(found) for partition, found in sorted(offsets.items())}


@dataclass(frozen=True, slots=True)
class LoadSettlement:
    """Letters of loads that are settled, by table: each the load that set it aside, and its number there.

    Raises:
        ManifestError: it settles none, or a discard gives no reason.
    """

    seq: int
    verb: Verb
    letters: Mapping[str, tuple[tuple[int, int], ...]]
    by: str = ""
    reason: str = ""
    recorded_at: str = ""

    def __post_init__(self) -> None:
        where = f"settlement {self.seq}"
        require(self.seq >= 1, "seq starts at 1", where)
        require(any(self.letters.values()), "no letter is settled", where)
        require(self.verb is Verb.REDRIVE or bool(self.reason.strip()), "a discard gives no reason", where)

    def to_json(self) -> str:
        """The record as JSON text."""
        body = {
            "version": VERSION,
            "seq": self.seq,
            "verb": self.verb.value,
            "letters": {table: [list(pair) for pair in pairs] for table, pairs in sorted(self.letters.items())},
            "by": self.by,
            "reason": self.reason,
            "recorded_at": self.recorded_at,
        }
        return json.dumps(body, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "settlement") -> LoadSettlement:
        """Parses and validates.

        Raises:
            ManifestError: names the first field that is missing, of a wrong type or contradictory.
        """
        reader = Reader(parsed(text, where), where)
        return cls(
            reader.get("seq", int),
            _word(reader, "verb", Verb),
            {t: _pairs(pairs, f"{where}: letters.{t}") for t, pairs in reader.get("letters", dict).items()},
            reader.get("by", str),
            reader.get("reason", str),
            reader.get("recorded_at", str),
        )


_PLACES: Final = "places"
_Word = TypeVar("_Word", bound=StrEnum)


def _by_number(reader: Reader) -> Mapping[str, Any]:
    found = mapping(reader.get(_PLACES, dict), _PLACES, reader.where)
    require(all(p.isdecimal() for p in found), "places names a partition that is no number", reader.where)
    return found


def _pairs(value: object, where: str) -> tuple[tuple[int, int], ...]:
    sound = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair) for pair in value
    )
    require(sound, "is no list of pairs of numbers", where)
    assert isinstance(value, list)
    return tuple((pair[0], pair[1]) for pair in value)


def _word(reader: Reader, name: str, kind: type[_Word]) -> _Word:
    word = reader.get(name, str)
    require(word in {item.value for item in kind}, f"{name} is {word!r}", reader.where)
    return kind(word)
