"""The warehouse as a port: one small set of verbs, an embedded engine behind it, and the load that uses them."""

from __future__ import annotations

from lake.warehouse.port import QueryResult, Warehouse, WarehouseError

__all__ = ["QueryResult", "Warehouse", "WarehouseError"]
