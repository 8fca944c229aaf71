"""Roles, grants and masks in a warehouse: what is there is asked, what is missing is made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from lake.warehouse.again import run_again
from lake.warehouse.port import Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.people import Masks, access_plan
from redshift_sql.statements import Plan
from schemas.model import Pipeline

_REDSHIFT_ROLES: Final = "SELECT role_name FROM svv_roles"
_POSTGRES_ROLES: Final = "SELECT rolname FROM pg_roles"
_POLICIES: Final = "SELECT policy_name FROM svv_masking_policy"
_ATTACHED: Final = (
    "SELECT policy_name, schema_name, table_name, output_columns, grantee FROM svv_attached_masking_policy"
)


def apply_access(pipeline: Pipeline, warehouse: Warehouse, *, masking: bool) -> Plan:
    """Makes roles, grants and masks that are missing, in one transaction; running it again changes nothing.

    Args:
        pipeline: the contracts.
        warehouse: a session of who may grant (on Redshift with `sys:secadmin`).
        masking: whether the engine masks: Redshift does, PostgreSQL does not.

    Raises:
        WarehouseError: the session may not, or a statement failed.
    """
    roles = [str(row[0]) for row in warehouse.query(_REDSHIFT_ROLES if masking else _POSTGRES_ROLES).rows]
    plan = access_plan(pipeline, roles=roles, masks=found_masks(warehouse) if masking else None)
    run_again(partial(_run, warehouse, plan))
    return plan


def found_masks(warehouse: Warehouse) -> Masks:
    """The masking policies of a Redshift warehouse, and where they are attached."""
    policies = frozenset(str(row[0]) for row in warehouse.query(_POLICIES).rows)
    return Masks(policies, frozenset(attachments(warehouse.query(_ATTACHED).rows)))


def attachments(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[str, str, str, str]]:
    """Rows of `svv_attached_masking_policy`, one per column; that view lists columns as a JSON array."""
    for policy, schema, table, columns, grantee in rows:
        for column in json.loads(columns):
            yield str(policy), f"{schema}.{table}", str(column), str(grantee)


def _run(warehouse: Warehouse, plan: Plan) -> None:
    with warehouse.transaction():
        run_plan(warehouse, plan, {})
