"""Records of a stranger on the change topics: what no schema can read, so that the dead letters hold something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import LakeError

_UNKNOWN_SCHEMA: Final = (0x7FFF_FFF0).to_bytes(4, "big")
_TIMEOUT: Final = 30.0


@dataclass(frozen=True)
class Stray:
    """A record that is no change: its topic and the bytes of its value; it has no key."""

    topic: str
    value: bytes


def strays(topics: Sequence[str]) -> tuple[Stray, ...]:
    """One broken record of each kind, dealt out over the topics: other text, no registered schema, cut short."""
    values = (
        b'{"note": "JSON, where Avro is agreed"}',
        b"\x00" + _UNKNOWN_SCHEMA + b"\x02\x04\x06",
        b"\x00\x01",
        b"<xml>not this either</xml>",
    )
    return tuple(Stray(topics[i % len(topics)], value) for i, value in enumerate(values)) if topics else ()


def send(bootstrap: str, records: Sequence[Stray]) -> int:
    """Sends the records, and waits until the broker has them; how many.

    Raises:
        LakeError: the broker did not take one.
    """
    from confluent_kafka import Producer

    failed: list[str] = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.timeout.ms": 20_000})
    for record in records:
        producer.produce(
            record.topic,
            value=record.value,
            on_delivery=lambda error, _: failed.append(error.name()) if error else None,
        )
    waiting = producer.flush(_TIMEOUT)
    if failed or waiting:
        reason = failed[0] if failed else "no answer in time"
        raise LakeError(f"the broker refused a record ({reason})", where="kafka", remedy="check it with: lake status")
    return len(records)
