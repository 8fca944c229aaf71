"""Sessions by URI."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlparse

from lake.store import store_for
from lake.warehouse.port import Warehouse, WarehouseError

_KNOWN: Final = (
    "duckdb:///<file>, postgresql://<user>@<host>:<port>/<database>, redshift-data://workgroup/<name>/<database> or "
    "redshift-data://cluster/<id>/<database>"
)
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def duckdb_uri(path: Path) -> str:
    """The address of an embedded warehouse."""
    return f"duckdb://{quote(str(path.absolute()))}"


def connect(uri: str, lake_uri: str, *, read_only: bool = False, copy_role: str = "") -> Warehouse:
    """A session with a warehouse.

    Args:
        uri: `duckdb:///<absolute path of the file>`, `postgresql://…`, `redshift-data://…`.
        lake_uri: root of the pipeline's lake, where load files lie.
        read_only: the session must not write, and may share the file with other readers.
        copy_role: for Redshift, ARN of the role that COPY reads load files with, or `default`.

    Raises:
        WarehouseError: the scheme is not known, or the warehouse cannot be opened.
    """
    parsed = urlparse(uri)
    if parsed.scheme in _POSTGRES:
        from lake.warehouse.postgres import PostgresWarehouse

        return PostgresWarehouse.open(uri, store_for(lake_uri), read_only=read_only)
    if parsed.scheme == "redshift-data":
        from lake.warehouse.data_api import DataApiWarehouse

        return DataApiWarehouse.open(uri, store_for(lake_uri), copy_role=copy_role)
    if parsed.scheme != "duckdb" or not parsed.path.startswith("/"):
        shown = f"{parsed.scheme}://…" if parsed.scheme else uri
        raise WarehouseError("not the address of a warehouse", where=shown, remedy=f"write {_KNOWN}")
    from lake.warehouse.duck import DuckWarehouse

    return DuckWarehouse.open(Path(unquote(parsed.path)), store_for(lake_uri), read_only=read_only)
