"""Iceberg tables without Spark: found in the catalog, read by pyiceberg, for commands that must answer at once."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lake.arrow import iceberg_properties
from lake.session import CATALOG
from schemas.errors import LakeError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import StaticTable

PROGRESS: Final = "lake.progress"
_JDBC: Final = "jdbc:sqlite:"


class CatalogError(LakeError):
    """The catalog cannot be read."""


def find_table(catalog_uri: str, namespace: str, table: str) -> StaticTable | None:
    """A table at its current state; None where the catalog has none of this name.

    Args:
        catalog_uri: `jdbc:sqlite:<file>` or `glue`.
        namespace: such as `retail_staging`.
        table: its name.

    Raises:
        CatalogError: the catalog is damaged or of another kind.
    """
    location = _from_glue(namespace, table) if catalog_uri == "glue" else _from_sqlite(catalog_uri, namespace, table)
    if location is None:
        return None
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(location, iceberg_properties(location))


def progress_of(table: StaticTable) -> dict[str, int]:
    """Progress of the newest commit that carries one; empty where none does."""
    snapshot = table.current_snapshot()
    while snapshot is not None:
        text = snapshot.summary.additional_properties.get(PROGRESS) if snapshot.summary else None
        if text is not None:
            return {str(name): int(value) for name, value in json.loads(text).items()}
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else table.snapshot_by_id(parent)
    return {}


def rows(table: StaticTable, row_filter: str, columns: tuple[str, ...]) -> pa.Table:
    """Rows for which `row_filter` (SQL-like text of names and numbers) holds."""
    return table.scan(row_filter=row_filter, selected_fields=columns).to_arrow()


def _from_sqlite(catalog_uri: str, namespace: str, table: str) -> str | None:
    if not catalog_uri.startswith(_JDBC):
        raise CatalogError("the catalog is neither SQLite nor Glue", where=catalog_uri, remedy="use jdbc:sqlite:<file>")
    file = catalog_uri.removeprefix(_JDBC)
    query = (
        "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
    )
    try:
        connection = sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return None  # no catalog yet: nothing was promoted
    try:
        found = connection.execute(query, (CATALOG, namespace, table)).fetchone()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        raise CatalogError("the catalog is damaged", where=file, remedy="restore it from a backup") from error
    finally:
        connection.close()
    return None if found is None else str(found[0])


def _from_glue(namespace: str, table: str) -> str | None:
    import boto3

    client: Any = boto3.client("glue")
    try:
        found = client.get_table(DatabaseName=namespace, Name=table)
    except client.exceptions.EntityNotFoundException:
        return None
    return str(found["Table"]["Parameters"]["metadata_location"])
