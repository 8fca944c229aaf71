"""Redshift SQL for other engines, by sqlglot: only for running it, never for showing or shipping it."""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp

_STORAGE: Final = (exp.DistStyleProperty, exp.DistKeyProperty, exp.SortKeyProperty)
_LONGEST: Final = 63
"""Bytes of a name in PostgreSQL; Redshift takes 127. Names are ASCII."""
_BINARY: Final = (exp.DataType.Type.VARBINARY, exp.DataType.Type.BINARY)


@lru_cache(maxsize=4096)
def transpiled(sql: str, dialect: str) -> str:
    """One statement for another engine, without what only Redshift stores by.

    Args:
        sql: a Redshift statement; `:name` is a parameter.
        dialect: sqlglot's name of the engine.

    Raises:
        sqlglot.errors.ParseError: it is no SQL.
    """
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    tree = sqlglot.parse_one(sql, read="redshift")
    for node in list(tree.find_all(*_STORAGE)):
        node.pop()
    if isinstance(tree, exp.Create):
        tree.set("no_schema_binding", None)
    for kind in list(tree.find_all(exp.DataType)):
        if kind.this in _BINARY:
            kind.set("expressions", [])
    if dialect == "postgres":
        _name_hexadecimal(tree)
        _shorten_names(tree)
    if tree.args.get("no_schema_binding"):
        tree.set("no_schema_binding", False)
    for principal in tree.find_all(exp.GrantPrincipal):
        # Redshift tells roles from users; PostgreSQL has but roles.
        principal.set("kind", None)
    return tree.sql(dialect=dialect, comments=False)


def _shorten_names(tree: exp.Expr) -> None:
    """Names beyond PostgreSQL's length, which it would cut without a word: two that begin alike would be one.

    Tables of a schema keep theirs, because they are named outside of statements too.
    """
    kept = {table.name for table in tree.find_all(exp.Table) if table.args.get("db")}
    for name in tree.find_all(exp.Identifier):
        text = name.this
        if len(text) > _LONGEST and text not in kept:
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            name.set("this", f"{text[: _LONGEST - 9]}_{digest}")


def _name_hexadecimal(tree: exp.Expr) -> None:
    """TO_HEX and FROM_HEX of bytes by the names that PostgreSQL has for them."""
    for node in list(tree.find_all(exp.Hex)):
        node.replace(exp.Anonymous(this="encode", expressions=[node.this.copy(), exp.Literal.string("hex")]))
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.lower() == "from_hex":
            call.set("this", "decode")
            call.append("expressions", exp.Literal.string("hex"))
