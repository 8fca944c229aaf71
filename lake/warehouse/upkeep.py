"""Upkeep of a warehouse: old accounts of loads and restatements forgotten, load tables emptied."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from lake.warehouse.again import run_again
from lake.warehouse.port import Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.upkeep import Retention, ledger_plan, load_tables_plan, restatement_plan
from schemas.model import Pipeline

_COUNTED: Final = ("staging.load_ledger", "analytics.restatements")


def keep_up(pipeline: Pipeline, warehouse: Warehouse, retention: Retention, now: datetime) -> dict[str, int]:
    """Forgets what the retention lets go, in one transaction. What a recomputation needs is never touched.

    Args:
        pipeline: the contracts.
        warehouse: a session that may write.
        retention: how long accounts are kept.
        now: the clock, UTC without a zone.

    Returns:
        Rows forgotten, by table.

    Raises:
        WarehouseError: a statement failed; nothing was forgotten.
    """
    before = _rows(warehouse)
    run_again(partial(_forget, pipeline, warehouse, retention, now))
    after = _rows(warehouse)
    return {table: before[table] - after[table] for table in _COUNTED}


def _forget(pipeline: Pipeline, warehouse: Warehouse, retention: Retention, now: datetime) -> None:
    with warehouse.transaction():
        run_plan(warehouse, ledger_plan(), {"keep_from": now - timedelta(days=retention.ledger_days)})
        run_plan(warehouse, restatement_plan(), {"keep_from": now - timedelta(days=retention.restatement_days)})
        run_plan(warehouse, load_tables_plan(pipeline), {})


def _rows(warehouse: Warehouse) -> dict[str, int]:
    return {table: int(warehouse.query(f"SELECT count(*) FROM {table}").rows[0][0]) for table in _COUNTED}
