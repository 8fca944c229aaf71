"""Fills the retail source by COPY: customers, products, and orders of the last eighteen months with their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from infra.local.source import rows
from infra.local.source.ledger import Entry, Ledger


@dataclass(frozen=True)
class Size:
    """How many rows to make; an order has one to four lines."""

    customers: int = 1000
    products: int = 200
    orders: int = 5000


def seed(dsn: str, size: Size, *, seed: int, ledger: Ledger, now: datetime | None = None) -> dict[str, int]:
    """Fill the empty source in one transaction.

    Args:
        dsn: the source database.
        size: rows to make.
        seed: equal seeds and ``now`` make equal rows.
        ledger: gets one line per table.
        now: the end of the orders' time; default the present second.

    Returns:
        rows made per table; all 0 when the source holds rows already.
    """
    now = now or datetime.now(UTC).replace(microsecond=0)
    with psycopg.connect(dsn) as connection:
        if _filled(connection):
            return dict.fromkeys(rows.COLUMNS, 0)
        customers, products = Random(f"{seed}/customer"), Random(f"{seed}/product")
        made_customers = (rows.customer(customers, key, now) for key in range(1, size.customers + 1))
        made_products = (rows.product(products, key, now) for key in range(1, size.products + 1))
        counts = {
            "customer": _copy(connection, "customer", made_customers),
            "product": _copy(connection, "product", made_products),
            **_copy_orders(connection, size, seed, now),
        }
    ledger.append(
        Entry(table, "c", {"first": 1, "last": count}, "seed", rows=count) for table, count in counts.items() if count
    )
    return counts


def _filled(connection: psycopg.Connection[Any]) -> bool:
    found = connection.execute('SELECT EXISTS (TABLE customer) OR EXISTS (TABLE product) OR EXISTS (TABLE "order")')
    row = found.fetchone()
    return bool(row and row[0])


def _copy_orders(connection: psycopg.Connection[Any], size: Size, seed: int, now: datetime) -> dict[str, int]:
    """Orders, then the lines: made twice from the same seed rather than held in memory."""

    def made() -> Iterator[tuple[rows.Row, list[rows.Row]]]:
        return rows.orders_with_items(Random(f"{seed}/order"), size.orders, size.customers, size.products, now)

    orders = _copy(connection, "order", (row for row, _ in made()))
    return {"order": orders, "order_item": _copy(connection, "order_item", (i for _, items in made() for i in items))}


def _copy(connection: psycopg.Connection[Any], table: str, made: Iterable[rows.Row]) -> int:
    columns = rows.COLUMNS[table]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in made:
            copy.write_row([row[column] for column in columns])
            count += 1
    return count
