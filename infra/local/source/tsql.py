"""The seeded rows of the retail source as T-SQL, for a SQL Server that no driver of ours reaches.

    python -m infra.local.source.tsql --customers 200 --products 50 --orders 500 > rows.sql

What it makes, equal seeds make again; a source that holds customers is left alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any, Final
from uuid import UUID

from infra.local.source import rows
from infra.local.source.seed import Size

_ROWS: Final = 500
"""Rows of one INSERT: SQL Server takes at most 1,000."""


def literal(value: Any) -> str:
    """A value of a source row in T-SQL.

    Raises:
        TypeError: no literal is known for its type.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return f"'{value.isoformat(sep='T', timespec='microseconds')}'"
    if isinstance(value, date | UUID):
        return f"'{value}'"
    if isinstance(value, str):
        return f"N'{value.replace(chr(39), chr(39) * 2)}'"
    raise TypeError(f"no T-SQL literal for {type(value).__name__}")


def inserts(table: str, made: Iterable[rows.Row]) -> Iterator[str]:
    """INSERT statements for the rows of a table, each a batch of its own."""
    columns = rows.COLUMNS[table]
    names = ", ".join(f"[{column}]" for column in columns)
    for some in _some(made):
        values = ",\n".join(f"({', '.join(literal(row[column]) for column in columns)})" for row in some)
        yield f"INSERT INTO dbo.[{table}] ({names}) VALUES\n{values};\n"


def _some(made: Iterable[rows.Row]) -> Iterator[list[rows.Row]]:
    left = iter(made)
    while some := list(islice(left, _ROWS)):
        yield some


def script(size: Size, *, seed: int, now: datetime) -> Iterator[str]:
    """The statements that fill an empty source, in one transaction.

    Args:
        size: rows to make.
        seed: equal seeds and ``now`` make equal rows, the same as :func:`infra.local.source.seed.seed` makes.
        now: the end of the orders' time.
    """

    def orders() -> Iterator[tuple[rows.Row, list[rows.Row]]]:
        return rows.orders_with_items(Random(f"{seed}/order"), size.orders, size.customers, size.products, now)

    customers, products = Random(f"{seed}/customer"), Random(f"{seed}/product")
    yield "SET NOCOUNT, XACT_ABORT ON;\n"
    yield "IF EXISTS (SELECT 1 FROM dbo.customer) SET NOEXEC ON;\n"
    yield "BEGIN TRANSACTION;\n"
    yield from inserts("customer", (rows.customer(customers, key, now) for key in range(1, size.customers + 1)))
    yield from inserts("product", (rows.product(products, key, now) for key in range(1, size.products + 1)))
    yield from inserts("order", (row for row, _ in orders()))
    yield from inserts("order_item", (item for _, items in orders() for item in items))
    yield "COMMIT;\n"


def main() -> int:
    """Write the script to standard output, each statement a batch of its own (GO)."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.source.tsql")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--products", type=int, default=50)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    now = datetime.now(UTC).replace(microsecond=0)
    for statement in script(Size(args.customers, args.products, args.orders), seed=args.seed, now=now):
        sys.stdout.write(f"{statement}GO\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
