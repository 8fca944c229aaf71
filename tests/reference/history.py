"""The history rules as a plain-Python model: slow, sequential, and written without a look at Spark or SQL.

A log is a set of changes; `history` gives the versions it must have, whatever order the set is handed over in. Instants
are integers here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Value = str | None
Key = tuple[int, ...]
BEGINNING_OF_TIME: Final = -(10**15)
ORIGIN: Final = "origin"


class _Unavailable:
    """Debezium's placeholder: the source did not send the value."""

    def __repr__(self) -> str:
        return "?"


UNAVAILABLE: Final = _Unavailable()
Attributes = tuple[tuple[str, "Value | _Unavailable"], ...]


@dataclass(frozen=True)
class Change:
    """One record of a table's change log. `key` is None for a truncate; `position` is None for a snapshot row."""

    offset: int
    op: Literal["c", "u", "d", "r", "t"]
    key: Key | None
    position: str | None
    source_ts: int
    attributes: Attributes = ()
    kafka_ts: int = 0
    partition: int = 0
    epoch: int = 0
    old_key: Key | None = None

    @property
    def identity(self) -> str:
        """What makes two records one change; a snapshot row is only itself."""
        what: object = (self.epoch, self.key, self.position, self.op, self.attributes)
        if self.op == "r":
            what = (self.epoch, "r", self.partition, self.offset)
        return hashlib.md5(repr(what).encode(), usedforsecurity=False).hexdigest()

    @property
    def is_upsert(self) -> bool:
        """Whether the row exists after this change."""
        return self.op in "cur"


@dataclass(frozen=True)
class Policies:
    """What the dimension's contract says."""

    type1: tuple[str, ...]
    type2: tuple[str, ...]
    tolerance: int = 10**12
    hard_delete: Literal["close", "new_record", "ignore"] = "close"
    truncate: Literal["close", "ignore"] = "close"
    first_snapshot_at_origin: bool = True


@dataclass(frozen=True, order=True)
class Version:
    """One version of one key; `effective_to` None is open."""

    key: Key
    effective_from: int
    effective_to: int | None = field(compare=False)
    attributes: tuple[tuple[str, Value], ...] = field(compare=False)
    deleted: bool = field(default=False, compare=False)
    incomplete: bool = field(default=False, compare=False)
    identity: str = field(default="", compare=False)

    def as_row(self) -> tuple[object, ...]:
        """A comparable row: key, from, to, attributes by name, deleted, incomplete, identity."""
        span = (self.key, self.effective_from, self.effective_to)
        return (*span, self.attributes, self.deleted, self.incomplete, self.identity)


def history(log: Iterable[Change], policies: Policies) -> list[Version]:
    """The versions of every key of a log, sorted by key and start."""
    ordered = _ordered(_merged(log))
    filled = _filled(ordered)
    return sorted(version for key in filled for version in _versions(key, filled[key], policies))


def _merged(log: Iterable[Change]) -> list[Change]:
    """Step 1: records of equal identity are one, the one at the earliest (partition, offset)."""
    kept: dict[str, Change] = {}
    for change in log:
        other = kept.get(change.identity)
        if other is None or (change.partition, change.offset) < (other.partition, other.offset):
            kept[change.identity] = change
    return list(kept.values())


OrderKey = tuple[int, str, int, int]


def _ordered(changes: list[Change]) -> dict[Key, list[tuple[OrderKey, Change]]]:
    """Step 1: each key's changes with the table's truncates, in order; a truncate is a change of every key."""
    own: dict[Key, list[Change]] = defaultdict(list)
    for change in changes:
        if change.key is not None:
            own[change.key].append(change)
    truncates = [change for change in changes if change.op == "t"]
    return {
        key: sorted(((_order_key(change, rows + truncates), change) for change in rows + truncates), key=lambda p: p[0])
        for key, rows in own.items()
    }


def _order_key(change: Change, siblings: list[Change]) -> OrderKey:
    """(epoch, position, partition, offset); a snapshot row takes the highest position below it in its partition."""
    position = change.position
    if change.op == "r":
        before = [
            other.position
            for other in siblings
            if other.op != "r"
            and (other.epoch, other.partition) == (change.epoch, change.partition)
            and other.offset < change.offset
        ]
        position = max((p for p in before if p is not None), default=None)
    return (change.epoch, position or "", change.partition, change.offset)


def _filled(ordered: dict[Key, list[tuple[OrderKey, Change]]]) -> dict[Key, list[_Filled]]:
    """Step 1: an unavailable value is that of the last upsert before it; across a key change, of the old key's."""
    everything = sorted(
        ((order, key, change) for key, rows in ordered.items() for order, change in rows if change.op != "t"),
        key=lambda item: item[0],
    )
    upserts: dict[Key, _Filled] = {}
    done: dict[tuple[Key, OrderKey], _Filled] = {}
    for order, key, change in everything:
        if change.is_upsert:
            source = change.old_key if change.old_key is not None else key
            upserts[key] = done[key, order] = _Filled.of(change, upserts.get(source))
    return {
        key: [done.get((key, order)) or _Filled.of(change) for order, change in rows] for key, rows in ordered.items()
    }


@dataclass(frozen=True)
class _Filled(Change):
    """A change with all its values. `original` is the identity of the record as it came, `unknown` what nothing gave."""

    original: str = ""
    unknown: frozenset[str] = frozenset()

    @staticmethod
    def of(change: Change, before: _Filled | None = None) -> _Filled:
        known = {} if before is None else {n: v for n, v in before.values.items() if n not in before.unknown}
        missing = {name for name, value in change.attributes if isinstance(value, _Unavailable)}
        filled = tuple((name, known.get(name) if name in missing else value) for name, value in change.attributes)
        fields = change.__dict__ | {"attributes": filled}
        return _Filled(**fields, original=change.identity, unknown=frozenset(missing - known.keys()))

    @property
    def values(self) -> dict[str, Value]:
        return {name: value for name, value in self.attributes if not isinstance(value, _Unavailable)}


def _versions(key: Key, rows: list[_Filled], policies: Policies) -> list[Version]:
    effective = _effective(rows, policies)
    upserts = [change for _, change in effective if change.is_upsert]
    if not upserts:
        return []
    latest = upserts[-1]
    standing = dict(effective)
    versions: list[Version] = []
    last_known = latest
    state: tuple[object, ...] | None = None
    seen = iter(effective)
    for instant, change in standing.items():
        for _, passed in seen:
            last_known = passed if passed.is_upsert else last_known
            if passed is change:
                break
        new_state = _state_after(state, change, policies)
        gap = bool(last_known.unknown & set(policies.type2) or latest.unknown & set(policies.type1))
        if new_state == state:
            if change.is_upsert:
                versions[-1] = replace(versions[-1], incomplete=gap)
            continue
        if state is not None:
            versions[-1] = replace(versions[-1], effective_to=instant)
        if new_state is not None:
            attributes = {name: last_known.values[name] for name in policies.type2} | {
                name: latest.values[name] for name in policies.type1
            }
            identity = ORIGIN if instant == BEGINNING_OF_TIME else change.original
            shown = tuple(sorted(attributes.items()))
            versions.append(Version(key, instant, None, shown, new_state == ("deleted",), gap, identity))
        state = new_state
    return versions


def _state_after(state: tuple[object, ...] | None, change: _Filled, policies: Policies) -> tuple[object, ...] | None:
    """What a key's version is told by: its type-2 attributes, that it is a deleted one, or None where there is none."""
    live = state is not None and state[0] == "live"
    if change.is_upsert:
        return ("live", tuple(change.values[name] for name in policies.type2))
    if change.op == "d" and policies.hard_delete == "new_record":
        return ("deleted",) if live or state == ("deleted",) else None
    return None if change.op == "d" or live else state


def _effective(changes: list[_Filled], policies: Policies) -> list[tuple[int, _Filled]]:
    """Steps 2 and 5: the changes that count, with their instants; ignored ones and idle snapshot rows are out."""
    if policies.hard_delete == "ignore":
        changes = [change for change in changes if change.op != "d"]
    if policies.truncate == "ignore":
        changes = [change for change in changes if change.op != "t"]
    tracked = (*policies.type1, *policies.type2)
    result: list[tuple[int, _Filled]] = []
    live_state: list[tuple[Value, bool]] | None = None
    instant = BEGINNING_OF_TIME
    for change in changes:
        if change.op == "t" and live_state is None:
            continue
        state = [(change.values[name], name in change.unknown) for name in tracked] if change.is_upsert else None
        if change.op == "r" and state == live_state:
            continue
        at_origin = not result and change.op == "r" and policies.first_snapshot_at_origin
        if not at_origin:
            instant = max(instant, min(change.source_ts, change.kafka_ts + policies.tolerance))
        result.append((instant, change))
        live_state = state
    return result
