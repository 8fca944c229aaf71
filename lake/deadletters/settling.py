"""Dead letters chosen, and settled: sent through again or discarded, each group by the commit record of its hop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lake.deadletters import load_log
from lake.deadletters.letters import DeadLetter, Letter, LoadLetter
from lake.deadletters.reading import Stores, UnknownDeadLetterError, Wanted, dead_letters
from schemas.errors import LakeError
from schemas.settlements import Hop, Verb
from streaming.settle import LetterGoneError, Letters, Settler, chunks

MOST: Final = 50_000
"""Letters in one commit: bounds memory, and the work lost by a crash."""


@dataclass(frozen=True)
class Outcome:
    """What became of some letters of a table and hop.

    Args:
        table: source table or fact.
        hop: the hop that had set them aside.
        verb: what was asked for.
        chosen: letters that were open when they were chosen.
        settled: of these, those that this run settled; others came first for the rest.
        failed_again: of these, those that are dead letters anew, for the reason that they have now; what hops 2 and 3
            say of theirs is known once they are promoted.
        seq: of the commit record, 0 where there is none.
        error: why the rest is still open.
    """

    table: str
    hop: Hop
    verb: Verb
    chosen: int
    settled: int = 0
    failed_again: int = 0
    seq: int = 0
    error: LakeError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "hop": self.hop.value,
            "verb": self.verb.value,
            "chosen": self.chosen,
            "settled": self.settled,
            "failed_again": self.failed_again,
            "seq": self.seq,
            "error": None if self.error is None else str(self.error),
        }


def hops_of(names: Sequence[str]) -> tuple[Hop, ...]:
    """Hops by their names.

    Raises:
        LakeError: one is none.
    """
    known = {hop.value: hop for hop in Hop}
    for name in names:
        if name not in known:
            raise LakeError(f"no hop {name!r}", where="hops", remedy=f"use some of {', '.join(known)}")
    return tuple(known[name] for name in names)


def chosen(stores: Stores, wanted: Wanted) -> list[Letter]:
    """The open letters that are wanted.

    Raises:
        UnknownDeadLetterError: no letter, in whatever state, has a wanted id.
    """
    wanted = wanted.in_one_form(stores.pipeline)
    letters = list(dead_letters(stores, wanted))
    missing = set(wanted.ids) - {letter.id for letter in letters}
    if missing:
        known = {letter.id for letter in dead_letters(stores, Wanted(ids=tuple(missing), states=()))}
        unknown = sorted(missing - known)
        if unknown:
            raise UnknownDeadLetterError(
                "no dead letter has this id", where=unknown[0], remedy="lake dlq list shows them"
            )
    return letters


def settled(letters: Sequence[Letter], settler: Settler, *, most: int = MOST) -> Iterator[Outcome]:
    """Settles letters, in commits of at most so many; gives the outcome of each commit.

    A failure of one group is its outcome, and the others go on; records whose files are gone are an outcome apart from
    the rest of their group. What was committed stays; running again goes on with what is still open.
    """
    for group in grouped(letters):
        for part in chunks(group, most):
            outcomes = list(_part_settled(part, settler))
            yield from outcomes
            if any(done.error is not None and not isinstance(done.error, LetterGoneError) for done in outcomes):
                break
    yield from _loads_settled(letters, settler)


def _part_settled(part: Letters, settler: Settler) -> Iterator[Outcome]:
    try:
        done = settler.settle(part)
    except LakeError as error:
        gone = error.places & part.seqs.keys() if isinstance(error, LetterGoneError) else frozenset(part.seqs)
        yield Outcome(part.table, part.hop, settler.verb, len(gone), error=error)
        rest = {place: seq for place, seq in part.seqs.items() if place not in gone}
        if gone and rest:
            yield from _part_settled(replace(part, seqs=rest), settler)
        return
    seq = done.manifest.seq if done.manifest else 0
    yield Outcome(part.table, part.hop, settler.verb, len(part.seqs), done.count, done.failed, seq)


def grouped(letters: Sequence[Letter]) -> list[Letters]:
    """Letters of Kafka records by table, hop and epoch."""
    found: dict[tuple[str, Hop, int], dict[tuple[int, int], int]] = {}
    for letter in letters:
        if isinstance(letter, DeadLetter):
            places = found.setdefault((letter.table, letter.hop, letter.epoch), {})
            places[letter.partition, letter.offset] = letter.seq
    return [Letters(*group, seqs=places) for group, places in found.items()]


def _loads_settled(letters: Sequence[Letter], settler: Settler) -> Iterator[Outcome]:
    mine = [letter for letter in letters if isinstance(letter, LoadLetter)]
    if not mine:
        return
    named = [(letter.table, (letter.seq, letter.number)) for letter in mine]
    record = load_log.settle(settler.store, settler.verb, named, settler.by, settler.reason)
    for table in dict.fromkeys(letter.table for letter in mine):
        count = sum(letter.table == table for letter in mine)
        done = len(record.letters.get(table, ())) if record else 0
        yield Outcome(table, Hop.CURATED, settler.verb, count, done, seq=record.seq if record else 0)
