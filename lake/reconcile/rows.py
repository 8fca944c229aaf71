"""Row hashes that do not depend on the engine a row came from, nor on the order of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

_MASK: Final = (1 << 64) - 1


def canonical(value: object, *, json_text: bool = False) -> str:
    """One text per value, whatever driver it came from: UTC instants, plain decimals, JSON with sorted keys."""
    if value is None:
        return "\u0000"
    if json_text or isinstance(value, (dict, list)):
        parsed = json.loads(value) if isinstance(value, str) else value
        return json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return naive.isoformat(timespec="microseconds")
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    return str(value)


def row_hash(values: Iterable[str]) -> int:
    """A 64-bit hash of canonical values."""
    joined = "\u001f".join(values).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big")


def table_hash(rows: Iterable[int]) -> int:
    """The order-independent hash of a table: the sum of its row hashes, modulo 2^64."""
    return sum(rows) & _MASK


def keyed_hashes(rows: Iterable[Sequence[Any]], key_width: int, json_columns: frozenset[int]) -> dict[int, int]:
    """Row hash by key hash; the first `key_width` values are the key."""
    result: dict[int, int] = {}
    for row in rows:
        texts = [canonical(value, json_text=i in json_columns and value is not None) for i, value in enumerate(row)]
        result[row_hash(texts[:key_width])] = row_hash(texts)
    return result
