"""What every way to Amazon Redshift shares: COPY's text, errors by their text, load errors without values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp

from lake.store import Store
from lake.warehouse.messages import without_values
from lake.warehouse.port import CONFLICT, LOST, ConflictError, ConnectionLostError, WarehouseError
from redshift_sql.statements import Statement

COPIED: Final = "select pg_last_copy_count()"
"""Rows that the session's last COPY loaded (Redshift's PG_LAST_COPY_COUNT)."""

LOAD_ERRORS: Final = """\
select trim(file_name), line_number, trim(column_name), trim(column_type), trim(column_length), error_code,
    trim(error_message)
from sys_load_error_detail
where {by} = :id
order by start_time desc
limit 3"""
"""What COPY found wrong, by `query_id` or `session_id`: regular users see their own, also of a transaction undone."""

_ROLE: Final = re.compile(
    r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}(,arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128})*$"
)
_PLACE: Final = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[\w!.*()/=+@-]{1,900}$")
_CONFLICT: Final = re.compile(
    r"error:\s*10(23|18)\b|serializable isolation violation|could not serialize|deadlock detected"
    r"|conflict with concurrent transaction",
    re.IGNORECASE,
)
_LOST: Final = re.compile(
    r"terminating connection|connection (was |has been )?(closed|lost|reset|terminated)|server closed"
    r"|session .*(expired|closed)",
    re.IGNORECASE,
)
_REMEDIES: Final = (
    ("permission denied", "grant it to this role, or connect as the role that loads"),
    ("s3 prefix", "restore the load files, or remove the load manifest and make the load again"),
    ("nosuchkey", "restore the load files, or remove the load manifest and make the load again"),
    ("not authorized", "let the COPY role read the load files, and the warehouse use the role"),
    ("does not exist", "create schemas and tables: lake load does it, with a role that may create"),
    ("password authentication failed", "put the right password into the secret, or give another user"),
    ("disk full", "make room: drop what is not needed, or resize; nothing was written"),
)
_AGAIN: Final = "nothing was written; mend the cause and run it again"


def copy_text(statement: Statement, store: Store, manifest: str, role: str) -> str:
    """A COPY with the manifest's address and the role in place of its parameters, which COPY takes as texts only.

    Args:
        statement: COPY with `:manifest` and `:iam_role`.
        store: of the lake; it must be on S3.
        manifest: the manifest's path in the store.
        role: ARN of an IAM role, several chained by commas, or `default`: the warehouse's own.

    Raises:
        WarehouseError: the lake is not on S3, or a text is none that COPY may hold.
    """
    place = f"{store.uri.replace('s3a://', 's3://', 1)}/{manifest}"
    if not _PLACE.match(place):
        what = "COPY reads from S3 only, and this is no address there"
        raise WarehouseError(what, where=place, remedy="give the lake as s3://<bucket>/<prefix>")
    if role != "default" and not _ROLE.match(role):
        what = "COPY needs an IAM role that reads the load files"
        remedy = "give its ARN, or `default` for the warehouse's own, as --copy-role or setting copy_role"
        raise WarehouseError(what, where=statement.where, remedy=remedy)
    given = role if role == "default" else f"'{role}'"
    return statement.sql.replace(":manifest", f"'{place}'").replace(":iam_role", given)


def refuse_writing(sql: str) -> None:
    """That a person's text is one query; the session's read-only transaction is the second guard.

    Raises:
        WarehouseError: it is none, or more than one statement.
    """
    try:
        parsed = [item for item in sqlglot.parse(sql, read="redshift") if item is not None]
    except sqlglot.errors.SqlglotError:
        parsed = []
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query) or parsed[0].find(exp.Into):
        what = "only one query at a time, and none that writes"
        raise WarehouseError(what, where="lake sql", remedy='start with SELECT, as in: lake sql "SELECT 1"')


def failed(where: str, message: str, details: Sequence[str] = ()) -> WarehouseError:
    """A statement's failure, by its text: the only thing that the Data API gives."""
    if _CONFLICT.search(message):
        return ConflictError("another transaction got in the way", where=where, remedy=CONFLICT)
    if _LOST.search(message):
        return ConnectionLostError("the session with the warehouse ended", where=where, remedy=LOST)
    shown = "; ".join([without_values(message), *details])
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in message.lower()), _AGAIN)
    return WarehouseError(f"the statement failed: {shown}", where=where, remedy=remedy)


def load_error(row: Sequence[Any]) -> str:
    """A row of `LOAD_ERRORS` as one sentence, without the value that COPY met."""
    file, line, column, kind, length, code, message = row
    size = f"({length})" if length and str(length) != "0" else ""
    place = f"{str(file).rsplit('/', 1)[-1]}, row {line}" if file else "the load files"
    of = f", column {column} {kind}{size}" if column else ""
    return f"{place}{of}: {without_values(str(message))} (code {code})"
