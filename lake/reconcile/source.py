"""Oracle 2: the star's current state equals the source database, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from lake.reconcile.rows import keyed_hashes
from lake.reconcile.verdict import Finding
from schemas.model import SourceContract


def check_against_source(
    table: str,
    connection: psycopg.Connection[Any],
    warehouse_rows: Iterable[Sequence[Any]],
    source: SourceContract,
    columns: Sequence[str],
    quarantined: frozenset[int],
    *,
    incomplete: frozenset[int] = frozenset(),
) -> Finding:
    """Rows of a star table against the rows of the source table that it mirrors.

    Args:
        table: the star table, for the finding.
        connection: the source database.
        warehouse_rows: the star's current, live rows; values in the order of `columns`.
        source: contract of the source table.
        columns: source columns to compare; its key comes first.
        quarantined: hashes of the keys that have an open quarantined change (`row_hash` of the canonical key).
        incomplete: hashes of the keys of which the star lacks a value that no change gave.
    """
    width = len(source.key)
    json_columns = frozenset(i for i, name in enumerate(columns) if source.by_name[name].type.kind == "json")
    theirs = keyed_hashes(source_rows(connection, source, columns), width, json_columns)
    ours = keyed_hashes(warehouse_rows, width, json_columns)
    keys = (theirs.keys() | ours.keys()) - quarantined - incomplete
    differing = [key for key in keys if theirs.get(key) != ours.get(key)]
    missing = sum(key not in ours for key in differing)
    surplus = sum(key not in theirs for key in differing)
    unequal = len(differing) - missing - surplus
    apart = f"; {len(quarantined)} keys in quarantine" if quarantined else ""
    apart += f"; {len(incomplete)} incomplete" if incomplete else ""
    detail = f"{missing} missing, {surplus} too many, {unequal} unequal{apart}"
    return Finding("source", table, len(keys), len(differing), detail)


def source_rows(
    connection: psycopg.Connection[Any], source: SourceContract, columns: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The table's rows, streamed by a server-side cursor."""
    statement = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        sql.Identifier(source.source_schema, source.table),
    )
    with connection.transaction(), connection.cursor(name="lake_reconcile") as cursor:
        cursor.itersize = 10_000
        cursor.execute(statement)
        yield from cursor
