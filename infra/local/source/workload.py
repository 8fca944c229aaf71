"""Runs the planned workload on the source database and tells the ledger what was committed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from infra.local.errors import SourceError
from infra.local.source import rows
from infra.local.source.churn import Change, Shop, Transaction, plan
from infra.local.source.ledger import Entry, Ledger

Progress = Callable[[int], None]


def churn(
    dsn: str,
    *,
    seed: int,
    changes: int,
    ledger: Ledger,
    duration_seconds: float | None = None,
    rate: float | None = None,
    progress: Progress | None = None,
) -> int:
    """Commit transactions until ``changes`` row changes are made, or ``duration_seconds`` are over.

    Args:
        dsn: the source database, seeded.
        seed: equal seeds on equal sources do the same; only times differ.
        changes: row changes to make (the last transaction may go a little beyond).
        ledger: gets each committed change.
        duration_seconds: end after that time; without a rate the changes are spread over it.
        rate: row changes per second at most.
        progress: called with the number of changes of each transaction.

    Returns:
        row changes made.

    Raises:
        SourceError: the source is empty.
    """
    begun, made = time.monotonic(), 0
    if duration_seconds and not rate:
        rate = changes / duration_seconds
    with psycopg.connect(dsn, autocommit=True) as connection:
        for transaction in plan(open_shop(connection, seed)):
            elapsed = time.monotonic() - begun
            if made >= changes or (duration_seconds and elapsed >= duration_seconds):
                break
            if rate:
                time.sleep(max(0.0, made / rate - elapsed))
            _run(connection, transaction, ledger)
            made += 0 if transaction.rolled_back else len(transaction.changes)
            if progress:
                progress(len(transaction.changes))
    return made


def open_shop(connection: psycopg.Connection[Any], seed: int) -> Shop:
    """The live keys of the source.

    Raises:
        SourceError: there are too few customers, products or order lines.
    """

    def keys(statement: str) -> list[Any]:
        return [row[0] if len(row) == 1 else row for row in connection.execute(statement.encode()).fetchall()]

    customers = keys("SELECT customer_id FROM customer ORDER BY 1")
    products = keys("SELECT product_id FROM product ORDER BY 1")
    orders = keys('SELECT order_id FROM "order" ORDER BY 1')
    items = keys("SELECT order_id, line_no FROM order_item ORDER BY 1, 2")
    if len(customers) < 2 or not products or not orders or not items:
        raise SourceError(
            "has too few customers, products or orders to change",
            where="source database",
            remedy="run `lake source seed`",
        )
    ordered_by = keys('SELECT max(customer_id) FROM "order"')[0] or 0
    return Shop(
        rng=Random(f"{seed}/churn"),
        clock=lambda: datetime.now(UTC),
        customers=customers,
        products=products,
        orders=orders,
        items=items,
        next_customer=max(customers[-1], ordered_by) + 1,
        next_product=products[-1] + 1,
        next_order=orders[-1] + 1,
    )


def _run(connection: psycopg.Connection[Any], transaction: Transaction, ledger: Ledger) -> None:
    with connection.transaction(force_rollback=transaction.rolled_back):
        for change in transaction.changes:
            statement, values = compiled(change)
            connection.execute(statement, values)
    if transaction.rolled_back:
        return
    ledger.append(
        Entry(c.table, c.op, c.key, transaction.kind, tuple(sorted(c.values)) if c.op == "u" else ())
        for c in transaction.changes
    )


def compiled(change: Change) -> tuple[sql.Composed, list[Any]]:
    """A change as a statement and its parameters."""
    table = sql.Identifier(change.table)
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in change.key)
    if change.op == "c":
        columns = rows.COLUMNS[change.table]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, names, places)
        return statement, [change.values[column] for column in columns]
    if change.op == "d":
        return sql.SQL("DELETE FROM {} WHERE {}").format(table, where), list(change.key.values())
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in change.values)
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(table, assignments, where)
    return statement, [*change.values.values(), *change.key.values()]
