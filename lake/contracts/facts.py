"""Asks registry, catalog and warehouse what exists, and holds a pipeline's contracts against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lake import catalog
from lake.contracts import check
from lake.contracts.check import Finding
from lake.contracts.shapes import FoundTable, ShapeError, from_registry, newest_schema
from schemas.errors import ContractError, LakeError
from schemas.model import Pipeline, SourceContract

if TYPE_CHECKING:
    from pyiceberg.table import StaticTable


@dataclass(frozen=True)
class Places:
    """Where to look; what is None or not there is not looked at."""

    registry_url: str | None
    catalog_uri: str
    warehouse: Path | None


def findings(pipeline: Pipeline, places: Places) -> Iterator[Finding]:
    """Everything that does not fit.

    Raises:
        LakeError: a place is there and does not answer.
    """
    for contract in pipeline.sources.values():
        yield from check.expressions(contract)
        yield from check.against_stream(contract)
        yield from _expectations(contract)
        if places.registry_url:
            yield from check.against_registry(contract, _registered(places.registry_url, contract))
        log = catalog.find_table(places.catalog_uri, pipeline.staging_namespace, contract.table)
        if log is not None:
            yield from check.against_change_log(contract, _types(log))
    if places.warehouse and places.warehouse.exists():
        yield from check.against_warehouse(pipeline, _wanted(pipeline), _warehouse(places.warehouse))


def _expectations(contract: SourceContract) -> Iterator[Finding]:
    if not contract.expectations:
        return
    from glue_jobs.expectations import Suite

    try:
        Suite(contract)
    except ContractError as error:
        yield Finding(error.where, error.what, error.remedy)


def _registered(url: str, contract: SourceContract) -> FoundTable | None:
    if newest_schema(url, f"{contract.topic}-value") is None:
        return None
    try:
        return from_registry(url, contract.topic, contract.table)
    except ShapeError:
        return None


_SPARK = {"long": "bigint", "timestamptz": "timestamp", "fixed": "binary"}


def _types(table: StaticTable) -> dict[str, str]:
    types = {field.name: str(field.field_type).replace(" ", "") for field in table.schema().fields}
    return {name: _SPARK.get(kind, kind) for name, kind in types.items()}


_DUCK = {
    "boolean": "BOOLEAN",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def _duck_type(redshift: str) -> str:
    if redshift.startswith("decimal"):
        return redshift.upper().replace(" ", "")
    if redshift.startswith("varchar"):
        return "VARCHAR"
    return "BLOB" if redshift.startswith("varbyte") else _DUCK.get(redshift, redshift.upper())


def _wanted(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    from redshift_sql.shapes import columns_of

    return {
        table: {item.name: _duck_type(item.type) for item in columns} for table, columns in columns_of(pipeline).items()
    }


def _warehouse(file: Path) -> dict[str, dict[str, str]]:
    import duckdb

    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error:
        remedy = "wait for the load that uses it, or end the process that holds it"
        raise LakeError("the warehouse cannot be opened", where=str(file), remedy=remedy) from None
    try:
        rows = connection.execute(
            "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema IN ('staging', 'analytics')"
        ).fetchall()
    finally:
        connection.close()
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in rows:
        tables.setdefault(f"{schema}.{table}", {})[column] = kind
    return tables
