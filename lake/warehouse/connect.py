"""Sessions by URI."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlparse

from lake.store import Store, store_for
from lake.warehouse.port import Warehouse, WarehouseError

_KNOWN: Final = (
    "write duckdb:///<file>, postgresql://<user>@<host>:<port>/<database>, redshift://<user>@<host>:<port>/<database>, "
    "redshift-data://workgroup/<name>/<database> or redshift-data://cluster/<id>/<database>"
)
_EXTRAS: Final = {"psycopg": "postgres", "redshift_connector": "redshift", "boto3": "local", "botocore": "local"}


def duckdb_uri(path: Path) -> str:
    """The address of an embedded warehouse."""
    return f"duckdb://{quote(str(path.absolute()))}"


def connect(uri: str, lake_uri: str, *, read_only: bool = False, copy_role: str = "") -> Warehouse:
    """A session with a warehouse.

    Args:
        uri: `duckdb:///<absolute path of the file>`, `postgresql://…`, `redshift://…` or `redshift-data://…`.
        lake_uri: root of the pipeline's lake, where load files lie.
        read_only: the session must not write, and may share the file with other readers.
        copy_role: for Redshift, ARN of the role that COPY reads load files with, or `default`.

    Raises:
        WarehouseError: the scheme is not known, its driver is not installed, or the warehouse cannot be opened.
    """
    try:
        return _opened(uri, store_for(lake_uri), read_only=read_only, copy_role=copy_role)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name))
        if extra is None:
            raise
        what = f"the package {error.name} is not installed"
        remedy = f"pip install 'medallion-lake[{extra}]'"
        raise WarehouseError(what, where=urlparse(uri).scheme, remedy=remedy) from None


def _opened(uri: str, store: Store, *, read_only: bool, copy_role: str) -> Warehouse:
    parsed = urlparse(uri)
    if parsed.scheme == "duckdb" and parsed.path.startswith("/"):
        from lake.warehouse.duck import DuckWarehouse

        return DuckWarehouse.open(Path(unquote(parsed.path)), store, read_only=read_only)
    if parsed.scheme in ("postgresql", "postgres"):
        from lake.warehouse.postgres import PostgresWarehouse

        return PostgresWarehouse.open(uri, store, read_only=read_only)
    if parsed.scheme == "redshift-data":
        from lake.warehouse.data_api import DataApiWarehouse

        return DataApiWarehouse.open(uri, store, copy_role=copy_role)
    if parsed.scheme == "redshift":
        from lake.warehouse.redshift import RedshiftWarehouse

        return RedshiftWarehouse.open(uri, store, copy_role=copy_role)
    shown = f"{parsed.scheme}://…" if parsed.scheme else "warehouse_uri"
    raise WarehouseError("not the address of a warehouse", where=shown, remedy=_KNOWN)
