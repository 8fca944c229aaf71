"""The table `party` of the written history cases as contracts, and its changes as load rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from schemas.model import Attribute, DeletePolicy, Dimension, KeyColumn, Pipeline, SourceColumn, SourceContract, Storage
from schemas.types import ColumnType
from tests.reference.history import BEGINNING_OF_TIME, ORIGIN, Change, Policies, Version, _Unavailable, history

_EPOCH: Final = datetime(2020, 1, 1)  # noqa: DTZ001 - load rows hold UTC without a zone
_BIGINT: Final = ColumnType("bigint")
_TEXT: Final = ColumnType("varchar(16)")
ATTRIBUTES: Final = ("segment", "region", "address")


def party_pipeline(policies: Policies) -> Pipeline:
    """A pipeline of one dimension, `dim_party`, with the given policies."""
    columns = tuple(SourceColumn(name, _TEXT) for name in ATTRIBUTES)
    source = SourceContract("party", "party", "party.cdc", ("id",), (SourceColumn("id", _BIGINT, False), *columns))
    return Pipeline("party", "", {"party": source}, {"dim_party": party_dimension(policies)}, {}, {}, {})


def party_dimension(policies: Policies) -> Dimension:
    """`segment` and `region` are type 2, `address` is type 1."""
    return Dimension(
        name="dim_party",
        grain="one row per party and version",
        source="party",
        surrogate_key="party_sk",
        business_key=(KeyColumn("id", _BIGINT, "id"),),
        attributes=tuple(Attribute(n, _TEXT, n, 1 if n in policies.type1 else 2) for n in ATTRIBUTES),
        hard_delete=DeletePolicy(policies.hard_delete),
        truncate=DeletePolicy(policies.truncate),
        first_snapshot_at_origin=policies.first_snapshot_at_origin,
        storage=Storage("all", None, ("id", "effective_from")),
    )


def instant(number: int) -> datetime:
    """An instant of the model as a timestamp; the model's beginning of time is the contract's."""
    return datetime(1900, 1, 1) if number == BEGINNING_OF_TIME else _EPOCH + timedelta(seconds=number)  # noqa: DTZ001


def surrogate(key: object, identity: str) -> int:
    """Any stable 64-bit hash does."""
    digest = hashlib.blake2b(f"{key}|{identity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


SCHEMA: Final = pa.schema(
    [
        ("id", pa.int64()),
        ("change_identity", pa.string()),
        ("change_op", pa.string()),
        ("epoch", pa.int32()),
        ("position", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("changed_at", pa.timestamp("us")),
        ("unavailable", pa.string()),
        ("old_id", pa.int64()),
        ("change_sk", pa.int64()),
        ("origin_sk", pa.int64()),
        *((name, pa.string()) for name in ATTRIBUTES),
    ]
)


STREAM: Final = """CREATE TABLE staging.party_stream (
    epoch integer, kafka_partition integer, kafka_offset bigint, kafka_timestamp timestamp, reason varchar(64),
    change_op varchar(1), position varchar(64), change_identity varchar(32), unavailable varchar(4096), is_new integer,
    id bigint, segment varchar(16), region varchar(16), address varchar(16))"""
"""Stands for the view of the topic, which only Redshift can make."""


def stream_rows(log: Iterable[Change], loaded: Collection[Change], policies: Policies) -> pa.Table:
    """Changes as rows of `staging.party_stream`, those that are loaded no longer new."""
    rows = load_rows(log, policies)
    old = {(change.epoch, change.partition, change.offset) for change in loaded}
    places = zip(*(rows[name].to_pylist() for name in ("epoch", "kafka_partition", "kafka_offset")), strict=True)
    # The function gives a snapshot row no identity; its place in Kafka is one.
    pairs = zip(rows["change_op"].to_pylist(), rows["change_identity"].to_pylist(), strict=True)
    columns = {name: rows[name] for name in rows.column_names} | {
        "kafka_timestamp": rows["changed_at"],
        "reason": pa.nulls(len(rows), pa.string()),
        "change_identity": pa.array([None if op == "r" else identity for op, identity in pairs], pa.string()),
        "is_new": pa.array([int(place not in old) for place in places], pa.int32()),
    }
    names = ["epoch", "kafka_partition", "kafka_offset", "kafka_timestamp", "reason", "change_op", "position",
             "change_identity", "unavailable", "is_new", "id", *ATTRIBUTES]  # fmt: skip
    return pa.table({name: columns[name] for name in names})


def current_rows(log: Iterable[Change], policies: Policies) -> list[tuple[object, ...]]:
    """The model's rows that are there: key, attributes, incomplete; sorted."""
    versions = [v for v in history(log, policies) if v.effective_to is None and not v.deleted]
    return sorted(
        ((v.key[0], *(dict(v.attributes)[name] for name in ATTRIBUTES), v.incomplete) for v in versions), key=repr
    )


def load_rows(changes: Iterable[Change], policies: Policies) -> pa.Table:
    """Changes as rows of `staging.dim_party_load`."""
    return pa.Table.from_pylist([_row(change, policies) for change in changes], schema=SCHEMA)


def _row(change: Change, policies: Policies) -> dict[str, object]:
    key = None if change.key is None else change.key[0]
    values = dict(change.attributes)
    hidden = [name for name in ATTRIBUTES if isinstance(values.get(name), _Unavailable)]
    return {
        "id": key,
        "change_identity": change.identity,
        "change_op": change.op,
        "epoch": change.epoch,
        "position": change.position,
        "kafka_partition": change.partition,
        "kafka_offset": change.offset,
        "changed_at": instant(min(change.source_ts, change.kafka_ts + policies.tolerance)),
        "unavailable": f",{','.join(hidden)}," if hidden else "",
        "old_id": None if change.old_key is None else change.old_key[0],
        "change_sk": None if key is None else surrogate(key, change.identity),
        "origin_sk": None if key is None else surrogate(key, ORIGIN),
        **{name: None if name in hidden else values.get(name) for name in ATTRIBUTES},
    }


def expected_rows(versions: Sequence[Version]) -> list[tuple[object, ...]]:
    """The model's versions as rows of the dimension table, sorted."""
    return sorted((_version_row(version) for version in versions), key=repr)


def _version_row(version: Version) -> tuple[object, ...]:
    values = dict(version.attributes)
    key = version.key[0]
    end = None if version.effective_to is None else instant(version.effective_to)
    return (
        surrogate(key, version.identity),
        key,
        *(values[name] for name in ATTRIBUTES),
        instant(version.effective_from),
        end,
        end is None,
        version.deleted,
        False,
        version.incomplete,
        version.identity,
    )
