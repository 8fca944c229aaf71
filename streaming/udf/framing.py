"""The registry's header in front of Avro bytes, on bytes; `streaming.framing` has the same rules as Columns."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import dataclass
from typing import Final

from schemas.streamed import PAYLOAD_BYTES
from streaming.reasons import Reason
from streaming.udf.faults import Fault, FaultError

_CONFLUENT_BYTES: Final = 5
_GLUE_BYTES: Final = 18
_PLAIN: Final = b"\x03\x00"
_ZLIB: Final = b"\x03\x05"


@dataclass(frozen=True)
class Framed:
    """A schema id (a number, or a Glue version UUID) and the Avro bytes after the header, unpacked."""

    schema_id: str
    payload: bytes


def opened(data: bytes) -> Framed:
    """Takes the header off.

    Raises:
        FaultError: the header is short or unknown, or the payload unpacks to more than `PAYLOAD_BYTES`.
    """
    if data[:1] == b"\x00" and len(data) >= _CONFLUENT_BYTES:
        return Framed(str(int.from_bytes(data[1:_CONFLUENT_BYTES], "big")), data[_CONFLUENT_BYTES:])
    if data[:2] in (_PLAIN, _ZLIB) and len(data) >= _GLUE_BYTES:
        body = data[_GLUE_BYTES:]
        version = str(uuid.UUID(bytes=data[2:_GLUE_BYTES]))
        return Framed(version, _inflated(body) if data[:2] == _ZLIB else body)
    short = len(data) < _CONFLUENT_BYTES or (data[:1] == b"\x03" and len(data) < _GLUE_BYTES)
    raise FaultError(Reason.SHORT_HEADER if short else Reason.UNKNOWN_MAGIC)


def _inflated(body: bytes) -> bytes:
    packed = zlib.decompressobj()
    try:
        payload = packed.decompress(body, PAYLOAD_BYTES + 1)
    except zlib.error:
        raise FaultError(Reason.UNDECODABLE_VALUE, "not zlib") from None
    if len(payload) > PAYLOAD_BYTES:
        raise FaultError(Fault.PAYLOAD_TOO_LONG)
    if not packed.eof:
        raise FaultError(Reason.UNDECODABLE_VALUE, "zlib ends early")
    return payload
