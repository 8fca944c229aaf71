"""Rows of the retail source, made from a seeded generator: pure functions, no database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

Row = dict[str, Any]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "customer": (
        *("customer_id", "customer_uuid", "full_name", "email", "phone", "address_line", "city", "postal_code"),
        *("country", "birth_date", "gender", "segment", "marital_status", "income_band", "marketing_opt_in"),
        *("preferences", "created_at", "updated_at"),
    ),
    "product": (
        *("product_id", "sku", "name", "description", "category", "subcategory", "brand", "list_price", "weight_kg"),
        *("active", "attributes", "launched_on", "updated_at"),
    ),
    "order": (
        *("order_id", "customer_id", "status", "ordered_at", "shipped_at", "channel", "currency", "shipping_fee"),
        *("note", "updated_at"),
    ),
    "order_item": (
        *("order_id", "line_no", "product_id", "quantity", "unit_price", "discount", "tax_rate", "updated_at"),
    ),
}
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "customer": ("customer_id",),
    "product": ("product_id",),
    "order": ("order_id",),
    "order_item": ("order_id", "line_no"),
}
SEGMENTS: Final = ("consumer", "corporate", "small_business", "vip")
MARITAL: Final = ("single", "married", "divorced", "widowed", None)
INCOME: Final = ("low", "middle", "high", None)
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "Kitchen": ("Knives", "Pans", "Kettles"),
    "Garden": ("Tools", "Seeds", "Furniture"),
    "Books": ("Novels", "Science", "Travel"),
    "Toys": ("Puzzles", "Models", "Games"),
    "Sports": ("Running", "Cycling", "Climbing"),
    "Office": ("Paper", "Desks", "Lamps"),
}
CHANNELS: Final = ("web", "app", "store", "phone")
_FIRST: Final = (
    *("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Fumiko"),
    *("Günther", "Hélène", "Ivo", "Jaya", "Kwame", "Lúcia"),
)
_LAST: Final = (
    *("Nowak", "Ozdemir", "Petit", "Quist", "Rossi", "Sato"),
    *("Tanaka", "Umar", "Virtanen", "Weiß", "Xu", "Young"),
)
_STREETS: Final = ("Mill Road", "Harbour Street", "Rue du Pont", "Lindenallee", "Via Roma", "Calle Mayor")
_PLACES: Final = (
    *(("Berlin", "DE"), ("Lyon", "FR"), ("Porto", "PT"), ("Turin", "IT"), ("Utrecht", "NL")),
    *(("Kraków", "PL"), ("Malmö", "SE"), ("Bristol", "GB")),
)
_WORDS: Final = (
    *("sturdy", "light", "hand-made", "recycled", "classic", "bright", "quiet", "folding", "steel", "oak", "cotton"),
    *("ceramic", "for daily use", "with warranty", "made to last", "easy to clean", "in three colours"),
)
_DAY_SECONDS: Final = 24 * 60 * 60


def customer(rng: Random, key: int, now: datetime) -> Row:
    """A customer who signed up in the two years before ``now``."""
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    created = now - timedelta(seconds=rng.randrange(1, 730 * _DAY_SECONDS))
    return {
        "customer_id": key,
        "customer_uuid": uuid.UUID(int=rng.getrandbits(128), version=4),
        "full_name": name,
        "email": email(rng, key),
        "phone": phone(rng),
        **address(rng),
        "birth_date": date(1940, 1, 1) + timedelta(days=rng.randrange(24000)),
        "gender": rng.choice(("female", "male", "other", None)),
        "segment": rng.choice(SEGMENTS),
        "marital_status": rng.choice(MARITAL),
        "income_band": rng.choice(INCOME),
        "marketing_opt_in": rng.random() < 0.4,
        "preferences": rng.choice(
            (None, '{"language": "en"}', '{"language": "de", "newsletter": {"weekly": true}}', '{"size": 42}')
        ),
        "created_at": created,
        "updated_at": created,
    }


def email(rng: Random, key: int) -> str:
    """An address in a domain that belongs to nobody."""
    return f"customer{key}.{rng.randrange(1000)}@example.org"


def phone(rng: Random) -> str | None:
    """A telephone number, or none."""
    return None if rng.random() < 0.3 else f"+49 30 {rng.randrange(1_000_000, 9_999_999)}"


def address(rng: Random) -> Row:
    """Street, city, postal code and country."""
    city, country = rng.choice(_PLACES)
    return {
        "address_line": f"{rng.choice(_STREETS)} {rng.randrange(1, 200)}",
        "city": city,
        "postal_code": f"{rng.randrange(10000, 99999)}",
        "country": country,
    }


def product(rng: Random, key: int, now: datetime) -> Row:
    """A product; every third has a description long enough to lie outside its row."""
    category = rng.choice(tuple(CATEGORIES))
    subcategory = rng.choice(CATEGORIES[category])
    launched = now.date() - timedelta(days=rng.randrange(30, 1500))
    return {
        "product_id": key,
        "sku": f"SKU-{key:06d}",
        "name": f"{rng.choice(_WORDS).capitalize()} {subcategory.rstrip('s').lower()} {key}",
        "description": description(rng, long=key % 3 == 0),
        "category": category,
        "subcategory": subcategory,
        "brand": rng.choice(("Aldora", "Brisk", "Corvo", "Dune", None)),
        "list_price": cents(rng, 200, 40000),
        "weight_kg": None if rng.random() < 0.1 else Decimal(rng.randrange(50, 30000)).scaleb(-3),
        "active": rng.random() < 0.95,
        "attributes": rng.choice((None, '{"colour": "red"}', '{"colour": "blue", "sizes": [1, 2, 3]}')),
        "launched_on": None if rng.random() < 0.05 else launched,
        "updated_at": now - timedelta(seconds=rng.randrange(1, 300 * _DAY_SECONDS)),
    }


def description(rng: Random, *, long: bool) -> str:
    """A text of one sentence, or of some four thousand characters."""
    return ", ".join(rng.choice(_WORDS) for _ in range(400 if long else 8))


def cents(rng: Random, low: int, high: int) -> Decimal:
    """An amount of money between ``low`` and ``high`` cents."""
    return Decimal(rng.randrange(low, high)).scaleb(-2)


def order(rng: Random, key: int, customer_id: int | None, ordered_at: datetime) -> Row:
    """An order; about two of three have been shipped."""
    shipped = ordered_at + timedelta(hours=rng.randrange(4, 90)) if rng.random() < 0.66 else None
    return {
        "order_id": key,
        "customer_id": customer_id,
        "status": "shipped" if shipped else "new",
        "ordered_at": ordered_at,
        "shipped_at": shipped,
        "channel": rng.choice(CHANNELS),
        "currency": "EUR",
        "shipping_fee": rng.choice((Decimal("0.00"), Decimal("3.90"), Decimal("6.50"))),
        "note": None if rng.random() < 0.8 else "Please ring twice",
        "updated_at": without_zone(ordered_at),
    }


def order_item(rng: Random, order_id: int, line_no: int, product_id: int, at: datetime) -> Row:
    """A line of an order."""
    quantity, price = rng.randrange(1, 6), cents(rng, 200, 40000)
    return {
        "order_id": order_id,
        "line_no": line_no,
        "product_id": product_id,
        "quantity": quantity,
        "unit_price": price,
        "discount": (price * quantity / 10).quantize(Decimal("0.01")) if rng.random() < 0.2 else Decimal("0.00"),
        "tax_rate": rng.choice((Decimal("0.1900"), Decimal("0.0700"))),
        "updated_at": at,
    }


def without_zone(instant: datetime) -> datetime:
    """As the column ``order.updated_at`` holds it: no time zone, UTC by convention."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def orders_with_items(
    rng: Random, count: int, customers: int, products: int, now: datetime
) -> Iterator[tuple[Row, list[Row]]]:
    """Orders of the 540 days before ``now``, in order of time, each with one to four lines; keys begin at 1."""
    start = now - timedelta(days=540)
    step = timedelta(days=540) / max(1, count)
    for index in range(count):
        at = start + step * index + step * rng.random()
        at -= timedelta(microseconds=at.microsecond % 1000)
        key = index + 1
        row = order(rng, key, rng.randrange(1, customers + 1) if customers else None, at)
        lines = rng.randrange(1, 5) if products else 0
        yield row, [order_item(rng, key, n, rng.randrange(1, products + 1), at) for n in range(1, lines + 1)]
