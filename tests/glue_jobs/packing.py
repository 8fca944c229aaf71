"""Vector cases packed as distinct keys of one log, so that one Spark run tries many of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from tests.reference.history import Change, Key, Policies
from tests.reference.vectors import Case

STRIDE: Final = 100


@dataclass(frozen=True)
class Pack:
    """Cases of one policy in one log; each change comes with the clock tolerance of its case."""

    policies: Policies
    cases: tuple[Case, ...]
    changes: tuple[tuple[Change, int], ...]
    expected: tuple[tuple[object, ...], ...]


def packs(cases: Iterable[Case]) -> list[Pack]:
    """Few packs: a truncate acts on every key of a log, so each case that holds one stands alone."""
    groups: dict[tuple[object, ...], list[Case]] = defaultdict(list)
    for case in cases:
        alone = case.name if any(change.op == "t" for change in case.changes) else ""
        groups[case.policies.hard_delete, alone].append(case)
    return [pack_of(group) for group in groups.values()]


def pack_of(group: list[Case]) -> Pack:
    """Cases of one policy as one log."""
    changes = [
        (moved(change, number), case.policies.tolerance) for number, case in enumerate(group) for change in case.changes
    ]
    expected = [
        (_number(version[0], number), *version[1:]) for number, case in enumerate(group) for version in case.versions
    ]
    return Pack(group[0].policies, tuple(group), tuple(changes), tuple(expected))


def moved(change: Change, case: int) -> Change:
    """A change under keys and offsets that are its case's alone."""
    key, old_key = _key(change.key, case), _key(change.old_key, case)
    return replace(change, key=key, old_key=old_key, offset=change.offset + case * STRIDE)


def _key(key: Key | None, case: int) -> Key | None:
    return None if key is None else (_number(key[0], case),)


def _number(key: object, case: int) -> int:
    assert isinstance(key, int)
    return key + case * STRIDE


def case_rows(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Model rows as the file of cases writes versions."""
    shown: list[tuple[object, ...]] = []
    for key, start, end, attributes, *marks, _ in rows:
        values = dict(attributes)  # type: ignore[call-overload]
        shown.append((key[0], values["segment"], values["region"], values["address"], start, end, *marks))  # type: ignore[index]
    return shown
