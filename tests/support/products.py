"""A topic of products as a connector writes it, and what the source table then holds."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from tests.support.envelopes import Json, pg_change
from tests.support.landing import T0, Events, Record
from tests.support.retail import AVRO, product

PLACEHOLDER: Final = "__debezium_unavailable_value"
TOPIC: Final = "retail.product.cdc"
MICROS: Final = int(T0.timestamp()) * 1_000_000


def events(table: str = "product") -> Events:
    """The writer schemas that the pipeline ships."""
    return Events(*(json.loads((AVRO / f"retail.{table}.cdc-{side}.avsc").read_text()) for side in ("key", "value")))


class Log:
    """A topic of products as a connector writes it: keys spread over two partitions, some changes emitted again."""

    def __init__(self, seed: int, changes: int) -> None:
        self.draw = random.Random(seed)
        self.events = events()
        self.rows: dict[int, Json] = {}
        self.offsets = [0, 0]
        self.records: list[Record] = []
        self.snapshots: list[Record] = []
        for number in range(changes):
            self._change(number)
            if number % 9 == 8:
                # The connector was killed before its offsets were flushed. A snapshot would read the row anew.
                for old in [record for record in self.records[-3:] if record not in self.snapshots]:
                    self._append(old.key, old.value, old.partition)

    @property
    def state(self) -> list[tuple[Any, ...]]:
        """The source table, as the view shows it."""
        names = ("product_id", "name", "description", "category", "list_price", "active")
        return [
            (*(row[name] for name in names), date_of(row["launched_on"]), False) for _, row in sorted(self.rows.items())
        ]

    def _change(self, number: int) -> None:
        key = self.draw.randrange(1, 6)
        before = self.rows.get(key)
        lsn, ts = 1000 + 10 * number, MICROS + number * 1_000_000
        if self.draw.random() < 0.05:
            self.rows.clear()
            self._append(None, self._value(pg_change("t", "product", lsn=lsn, ts_us=ts)), 0)
            return
        if before is not None and self.draw.random() < 0.25:
            del self.rows[key]
            self._emit(key, pg_change("d", "product", lsn=lsn, ts_us=ts, before=before))
            self._append(self._key(key), None, key % 2)
            return
        price = Decimal(self.draw.randrange(1, 10_000)).scaleb(-2)
        row = product(key, name=f"P{number}", list_price=price, active=self.draw.random() < 0.5)
        row["category"], row["description"] = self.draw.choice("abc"), self.draw.choice(["long", None])
        self.rows[key] = row
        sent = dict(row)
        if before is not None and self.draw.random() < 0.4:
            row["description"] = before["description"]
            sent["description"] = PLACEHOLDER
        op = "c" if before is None else "u"
        self._emit(key, pg_change(op, "product", lsn=lsn, ts_us=ts, before=None, after=sent))
        if self.draw.random() < 0.1:
            self._emit(key, pg_change("r", "product", lsn=None, ts_us=ts, after=row))
            self.snapshots.append(self.records[-1])

    def _emit(self, key: int, change: Json) -> None:
        self._append(self._key(key), self._value(change), key % 2)

    def _key(self, key: int) -> bytes | None:
        return self.events.record({"product_id": key}, None, 0).key

    def _value(self, change: Json) -> bytes | None:
        return self.events.record(None, change, 0).value

    def _append(self, key: bytes | None, value: bytes | None, partition: int) -> None:
        offset = self.offsets[partition]
        self.offsets[partition] += 1
        at = T0 + timedelta(seconds=len(self.records))
        self.records.append(Record(value, key, offset, partition, TOPIC, at))


def date_of(days: int) -> date:
    return date(1970, 1, 1) + timedelta(days=days)
