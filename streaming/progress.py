"""Where a table's reading starts, by its manifests and the broker's state; and the reasons to halt instead. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from schemas.errors import GapError, LakeError
from schemas.manifests import LandingManifest
from streaming.kafka import TopicState


class TopicRecreatedError(LakeError):
    """The topic is not the one the manifests speak of, or its positions run back."""


_RAISE_EPOCH: Final = (
    "find out what happened to the topic; if it was restored or made anew on purpose, raise the epoch and take a new "
    "snapshot: lake recover --table {table} --yes (of a job on Glue: --epochs {table}={epoch})"
)


def starting_offsets(table: str, state: TopicState, last: LandingManifest | None, epoch: int) -> dict[int, int]:
    """First offset to read, by partition.

    Args:
        table: contract name.
        state: the topic now.
        last: newest manifest of the table.
        epoch: epoch to read in; later than the manifest's means a fresh start at the earliest offsets.

    Raises:
        GapError: records after the committed ones are gone by retention; names topic, partition and offsets.
        TopicRecreatedError: another topic of the same name, or its partitions or offsets end before the committed ones.
    """
    if last is None or epoch > last.epoch:
        return dict(state.earliest)
    remedy = _RAISE_EPOCH.format(table=table, epoch=last.epoch + 1)
    if last.topic == state.topic and last.topic_id and state.topic_id and last.topic_id != state.topic_id:
        what = f"was deleted and made again: id {state.topic_id}, the manifests have {last.topic_id}"
        raise TopicRecreatedError(what, where=f"topic {state.topic}", remedy=remedy)
    for partition, committed in sorted(last.committed.items()):
        _check_partition(state, partition, committed, remedy)
    new = {p: earliest for p, earliest in state.earliest.items() if p not in last.committed}
    for partition, earliest in sorted(new.items()):
        if earliest > 0:
            raise _gap(state.topic, partition, 0, earliest, remedy)
    return {**last.committed, **new}


def _check_partition(state: TopicState, partition: int, committed: int, remedy: str) -> None:
    where = f"topic {state.topic}"
    if partition not in state.latest:
        raise TopicRecreatedError(f"has no partition {partition} any more", where=where, remedy=remedy)
    latest, earliest = state.latest[partition], state.earliest[partition]
    if latest < committed:
        what = f"partition {partition} ends at offset {latest}, but offsets up to {committed} are committed"
        raise TopicRecreatedError(what, where=where, remedy=remedy)
    if earliest > committed:
        raise _gap(state.topic, partition, committed, earliest, remedy)


def _gap(topic: str, partition: int, start: int, end: int, remedy: str) -> GapError:
    what = f"retention has removed offsets {start} to {end - 1} of partition {partition} before they were read"
    return GapError(what, where=f"topic {topic}", remedy=remedy)


def offsets_json(topic: str, offsets: Mapping[int, int]) -> str:
    """Offsets as Spark's `startingOffsets` takes them."""
    return json.dumps({topic: {str(p): offset for p, offset in sorted(offsets.items())}})


def logged_offsets(text: str, topic: str) -> dict[int, int]:
    """End offsets by partition from an entry of Structured Streaming's offset log.

    Args:
        text: content of `<checkpoint>/offsets/<batch id>`.
        topic: the only topic of the query.
    """
    _version, _metadata, *sources = text.strip().split("\n")
    entry: dict[str, dict[str, int]] = json.loads(sources[0])
    return {int(p): int(offset) for p, offset in entry.get(topic, {}).items()}
