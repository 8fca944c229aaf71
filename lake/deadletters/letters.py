"""A dead letter as a value, without a value of the data, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from schemas.settlements import Hop


class State(StrEnum):
    """Where a dead letter stands."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True)
class Fate:
    """What became of a letter: its state; the sequence of the record that settled it, by whom, and why."""

    state: State
    seq: int = 0
    by: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        if self.state is State.OPEN:
            return {"state": self.state.value}
        return {
            "state": self.state.value,
            "settled_seq": self.seq,
            "settled_by": self.by,
            "settled_reason": self.reason,
        }


OPEN: Final = Fate(State.OPEN)


@dataclass(frozen=True)
class DeadLetter:
    """A record that is in no table, and why. It holds no value of the data.

    `hop` is `landing` (it could not be decoded) or `staging` (a check rejected it); `seq` the landing sequence that
    set it aside.
    """

    hop: Hop
    table: str
    epoch: int
    partition: int
    offset: int
    seq: int
    kafka_ts: datetime
    reasons: tuple[str, ...]
    fate: Fate = OPEN

    @property
    def id(self) -> str:
        """`<table>/<epoch>/<partition>/<offset>`: its place in Kafka."""
        return f"{self.table}/{self.epoch}/{self.partition}/{self.offset}"

    @property
    def at(self) -> datetime:
        """The record's Kafka time."""
        return self.kafka_ts

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "id": self.id,
            "hop": self.hop.value,
            "table": self.table,
            "partition": self.partition,
            "offset": self.offset,
            "epoch": self.epoch,
            "ingest_seq": self.seq,
            "kafka_ts": self.kafka_ts.isoformat(),
            "reasons": list(self.reasons),
            **self.fate.to_json(),
        }


@dataclass(frozen=True)
class LoadLetter:
    """A fact, or a row of a mirror, that is not in the star because a column cannot hold its value.

    It holds no value of the data. `seq` is the load that set it aside, `number` its place there; `reasons` are the
    columns, each after `misfit:`.
    """

    table: str
    seq: int
    number: int
    at: datetime
    reasons: tuple[str, ...]
    fate: Fate = OPEN
    hop: Hop = Hop.CURATED

    @property
    def id(self) -> str:
        """`<fact or source>/<load seq>/<number>`."""
        return f"{self.table}/{self.seq}/{self.number}"

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "id": self.id,
            "hop": self.hop.value,
            "table": self.table,
            "load_seq": self.seq,
            "number": self.number,
            "committed_at": self.at.isoformat(),
            "reasons": list(self.reasons),
            **self.fate.to_json(),
        }


Letter = DeadLetter | LoadLetter
