"""Change events as Debezium and an Avro converter write them, made fast and produced fast.

The events are lines of orders: mostly inserts, some updates, and deletes with their tombstones, at rates that a shop's
busiest table has. They are a function of their number, so any part of a topic can be made again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import fastavro
from confluent_kafka import Producer

from infra.local.topics import change_topic, ensure_topics
from schemas.errors import LakeError
from tests.support.envelopes import AVRO, decimal, envelope_schema, key_schema

TABLE: Final = "order_item"
TOPIC: Final = "retail.order_item.cdc"
PARTITIONS: Final = 4
KEY_SCHEMA_ID: Final = 101
VALUE_SCHEMA_ID: Final = 102
FIRST_INSTANT_MS: Final = 1_767_225_600_000
"""2026-01-01 00:00:00 UTC."""
BACKLOG_MS: Final = 3 * 3600 * 1000
"""The events of a topic are spread evenly over so long: a backlog that lies in a few hours of landing."""

_KEY: Final = {"order_id": AVRO["bigint"], "line_no": AVRO["int"]}
_ROW: Final = {
    **_KEY,
    "product_id": AVRO["bigint"],
    "quantity": AVRO["int"],
    "unit_price": decimal(12, 2),
    "discount": decimal(12, 2),
    "tax_rate": decimal(5, 4),
    "updated_at": AVRO["timestamptz"],
}
_FLUSH_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Event:
    """A Kafka record: framed key and value (none for a tombstone), and its timestamp in milliseconds."""

    key: bytes
    value: bytes | None
    timestamp: int


def schemas() -> dict[int, str]:
    """The writer schemas by registry id."""
    return {KEY_SCHEMA_ID: json.dumps(key_schema(TABLE, _KEY)), VALUE_SCHEMA_ID: json.dumps(value_schema())}


def value_schema() -> dict[str, Any]:
    """Writer schema of the values."""
    return envelope_schema(TABLE, _ROW)


def events(count: int) -> Iterator[Event]:
    """The first `count` events of the topic; of a hundred, 88 insert, 10 update, one deletes, one is its tombstone."""
    step = BACKLOG_MS / max(1, count)
    for number in range(count):
        yield event(number, FIRST_INSTANT_MS + int(number * step))


def event(number: int, at_ms: int) -> Event:
    """One event."""
    kind = number % 100
    # Updates, the delete and its tombstone concern lines inserted before them.
    line = number if kind < 88 else number - 88 if kind < 99 else number - 89
    key = {"order_id": 1_000_000 + line // 5, "line_no": line % 5 + 1}
    framed_key = _header(KEY_SCHEMA_ID) + _encoded(_writer("key"), key)
    if kind == 99:
        return Event(framed_key, None, at_ms)
    op = "c" if kind < 88 else "u" if kind < 98 else "d"
    envelope = _envelope(op, number, key, at_ms)
    return Event(framed_key, _header(VALUE_SCHEMA_ID) + _encoded(_writer("value"), envelope), at_ms)


def _envelope(op: str, number: int, key: dict[str, int], at_ms: int) -> dict[str, Any]:
    changed_us = (at_ms - 200) * 1000 + number % 1000
    source = {
        "version": "3.4.1.Final",
        "connector": "postgresql",
        "name": "retail",
        "ts_ms": changed_us // 1000,
        "snapshot": "false",
        "db": "retail",
        "sequence": f'["{23_000_000 + number * 96}","{23_000_000 + number * 104}"]',
        "ts_us": changed_us,
        "ts_ns": changed_us * 1000,
        "schema": "public",
        "table": TABLE,
        "txId": 700 + number // 5,
        "lsn": 23_000_000 + number * 104,
        "xmin": None,
    }
    row = _row(op, number, key, at_ms)
    return {
        "before": row if op == "d" else None,
        "after": None if op == "d" else row,
        "source": source,
        "transaction": None,
        "op": op,
        "ts_ms": at_ms,
        "ts_us": at_ms * 1000,
        "ts_ns": at_ms * 1_000_000,
    }


def _row(op: str, number: int, key: dict[str, int], at_ms: int) -> dict[str, Any]:
    if op == "d":
        # Without a full replica identity the database tells of a deleted row no more than its key.
        return {**key, "product_id": 0, "quantity": 0, **_prices(0, 0, 0), "updated_at": "1970-01-01T00:00:00.000000Z"}
    seconds, millis = divmod(at_ms - FIRST_INSTANT_MS, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis * 1000 + number % 1000:06}"
    return {
        **key,
        "product_id": 1 + number * 7919 % 20_000,
        "quantity": 1 + number % 9,
        **_prices(99 + number * 31 % 40_000, number % 90, 700 + number % 1300),
        "updated_at": f"2026-01-01T{clock}Z",
    }


def _prices(price: int, discount: int, tax: int) -> dict[str, bytes]:
    return {"unit_price": _unscaled(price), "discount": _unscaled(discount), "tax_rate": _unscaled(tax)}


def _unscaled(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _header(schema_id: int) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big")


@cache
def _writer(part: str) -> Any:
    """The parsed schema without decimals' logical type: the bytes are the same, and are given unscaled."""
    schema = key_schema(TABLE, _KEY) if part == "key" else value_schema()
    text = json.dumps(schema).replace('"logicalType": "decimal"', '"logicalName": "decimal"')
    return fastavro.parse_schema(json.loads(text))


def _encoded(schema: Any, value: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def produce(bootstrap_servers: str, topic: str, count: int, *, repeat: int = 1) -> int:
    """Makes the topic and fills it, round robin over its partitions; how many records it holds then.

    Args:
        bootstrap_servers: the broker.
        topic: name; must not be there yet.
        count: distinct events.
        repeat: how often each is produced, one after the other.

    Raises:
        LakeError: the broker did not take all records.
    """
    ensure_topics(bootstrap_servers, [change_topic(topic, partitions=PARTITIONS, retention_days=36500)])
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 50,
            "batch.num.messages": 20_000,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "compression.type": "lz4",
        }
    )
    number = 0
    for item in events(count):
        for _ in range(repeat):
            _send(producer, topic, item, number % PARTITIONS)
            number += 1
    left = producer.flush(_FLUSH_SECONDS)
    if left:
        raise LakeError(f"{left} records were not taken", where=f"broker, topic {topic}", remedy="see the broker's log")
    return number


def _send(producer: Producer, topic: str, item: Event, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value=item.value, key=item.key, partition=partition, timestamp=item.timestamp)
        except BufferError:
            producer.poll(0.1)
        else:
            return
