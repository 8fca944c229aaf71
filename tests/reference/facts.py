"""The fact rules as a plain-Python model: which version each fact refers to, and which members must be inferred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.reference.history import Key, Version

UNKNOWN: Final = "unknown"
INFERRED: Final = "inferred"


@dataclass(frozen=True)
class Referring:
    """A live fact: when its event was (None while unknown) and which member it names (None: none)."""

    event: int | None
    member: Key | None


def referred(facts: Mapping[object, Referring], versions: Iterable[Version]) -> dict[object, str]:
    """For each fact the identity of the version it refers to, else `unknown` or `inferred`."""
    by_key: dict[Key, list[Version]] = {}
    for version in versions:
        by_key.setdefault(version.key, []).append(version)
    return {name: _one(fact, by_key) for name, fact in facts.items()}


def inferred_members(facts: Mapping[object, Referring], versions: Iterable[Version]) -> set[Key]:
    """The members that some live fact needs and no version gives."""
    found = referred(facts, versions)
    return {fact.member for name, fact in facts.items() if found[name] == INFERRED and fact.member is not None}


def _one(fact: Referring, by_key: Mapping[Key, list[Version]]) -> str:
    if fact.event is None or fact.member is None:
        return UNKNOWN
    line = sorted(by_key.get(fact.member, []), key=lambda version: version.effective_from)
    if not line:
        return INFERRED
    started = [version for version in line if version.effective_from <= fact.event]
    return (started[-1] if started else line[0]).identity
