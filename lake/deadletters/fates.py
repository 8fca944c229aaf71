"""Which commit record settled a dead letter: the first one after its own that names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lake.deadletters.letters import OPEN, Fate, State
from schemas.manifests import LandingManifest
from schemas.settlements import Hop, LoadSettlement, Settlement, Verb

_STATES = {Verb.REDRIVE: State.REDRIVEN, Verb.DISCARD: State.DISCARDED}


@dataclass(frozen=True)
class RecordFates:
    """Settlements of one table's Kafka records, each with its landing sequence, ascending."""

    settlements: tuple[tuple[int, Settlement], ...] = ()

    @classmethod
    def of(cls, manifests: Iterable[LandingManifest]) -> RecordFates:
        """From landing manifests, oldest first."""
        return cls(tuple((m.seq, m.settles) for m in manifests if m.settles is not None))

    def fate(self, hop: Hop, epoch: int, partition: int, offset: int, seq: int) -> Fate:
        """What became of the letter that sequence `seq` set aside at a place."""
        for later, settles in self.settlements:
            same = later > seq and (settles.hop, settles.epoch) == (hop, epoch)
            if same and settles.holds(partition, offset):
                return Fate(_STATES[settles.verb], later, settles.by, settles.reason)
        return OPEN


@dataclass(frozen=True)
class LoadFates:
    """Settlements of letters of loads, ascending."""

    settlements: tuple[LoadSettlement, ...] = ()

    def fate(self, table: str, load: int, number: int) -> Fate:
        """What became of a load's letter."""
        for settles in self.settlements:
            if (load, number) in settles.letters.get(table, ()):
                return Fate(_STATES[settles.verb], settles.seq, settles.by, settles.reason)
        return OPEN
