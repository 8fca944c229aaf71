"""A landing zone of the retail pipeline, a few rows a table, in the writer schemas that the pipeline ships."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from tests.support.envelopes import Json, pg_change
from tests.support.landing import T0, Events, land

AVRO: Final = Path(__file__).parents[2] / "schemas" / "retail" / "avro"
_INSTANT: Final = "2024-05-01T11:00:00Z"
_MICROS: Final = int(T0.timestamp()) * 1_000_000
_DAY: Final = 19_000
"""A date, as days since 1970."""


def customer(number: int, **columns: Any) -> Json:
    """A row of `customer`."""
    row = {"customer_id": number, "customer_uuid": f"00000000-0000-4000-8000-{number:012d}", "full_name": f"N{number}"}
    row |= {"email": f"n{number}@example.org", "phone": None, "address_line": "1 Road", "city": "Town"}
    row |= {"postal_code": "1000", "country": "NL", "birth_date": _DAY, "gender": None, "segment": "consumer"}
    row |= {"marital_status": None, "income_band": None, "marketing_opt_in": True, "preferences": "{}"}
    return row | {"created_at": _INSTANT, "updated_at": _INSTANT} | columns


def product(number: int, **columns: Any) -> Json:
    """A row of `product`."""
    row = {"product_id": number, "sku": f"S{number}", "name": f"P{number}", "description": None, "category": "toys"}
    row |= {"subcategory": None, "brand": None, "list_price": Decimal("9.50"), "weight_kg": None, "active": True}
    return row | {"attributes": None, "launched_on": _DAY, "updated_at": _INSTANT} | columns


def order(number: int, **columns: Any) -> Json:
    """A row of `order`."""
    row = {"order_id": number, "customer_id": 1, "status": "paid", "ordered_at": _INSTANT, "shipped_at": None}
    row |= {"channel": "web", "currency": "EUR", "shipping_fee": Decimal("2.00"), "note": None}
    return row | {"updated_at": _MICROS} | columns


def order_item(number: int, line: int, **columns: Any) -> Json:
    """A row of `order_item`."""
    row = {"order_id": number, "line_no": line, "product_id": 1, "quantity": 2, "unit_price": Decimal("9.50")}
    row |= {"discount": Decimal("1.00"), "tax_rate": Decimal("0.2000"), "updated_at": _INSTANT}
    return row | columns


def land_retail(spark: SparkSession, lake_uri: str, tables: Mapping[str, Sequence[Json]]) -> None:
    """Lands the rows as inserts, a batch a table."""
    for table, rows in tables.items():
        topic = f"retail.{table}.cdc"
        key, value = (json.loads((AVRO / f"{topic}-{side}.avsc").read_text()) for side in ("key", "value"))
        events = Events(key, value)
        names = [field["name"] for field in key["fields"]]
        records = [
            events.record(
                {name: row[name] for name in names},
                pg_change("c", table, lsn=offset + 1, ts_us=_MICROS, after=row),
                offset,
                topic=topic,
            )
            for offset, row in enumerate(rows)
        ]
        land(spark, lake_uri, records, events.texts, table=table)
