"""Runs a plan in a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lake.warehouse.port import Parameters, Value, Warehouse, WarehouseError
from redshift_sql.statements import Kind, Repeat, Statement, Step
from schemas.errors import LakeError

MOST_ROUNDS: Final = 10_000
"""A repeated step needs as many rounds as a chain of key changes is long."""


class CheckFailedError(LakeError):
    """A check that must give no row gave one: the load is rolled back."""


def run_plan(warehouse: Warehouse, plan: Iterable[Step], parameters: Parameters) -> dict[str, Value]:
    """Runs every step in order, inside the caller's transaction.

    Args:
        warehouse: the session.
        plan: statements without COPY.
        parameters: values the statements name; a BIND statement adds its own.

    Returns:
        The parameters, with what was bound.

    Raises:
        WarehouseError: a statement failed.
        CheckFailedError: a check gave a row.
    """
    values: dict[str, Value] = dict(parameters)
    for step in plan:
        if isinstance(step, Repeat):
            _repeat(warehouse, step, values)
        elif step.kind is Kind.BIND:
            result = warehouse.ask(step, values)
            values.update(zip(result.columns, result.rows[0], strict=True))
        elif step.kind is Kind.CHECK:
            _check(warehouse, step, values)
        else:
            warehouse.execute(step, values)
    return values


def _repeat(warehouse: Warehouse, step: Repeat, values: Parameters) -> None:
    for _ in range(MOST_ROUNDS):
        changed = 0
        for statement in step.statements:
            changed = warehouse.execute(statement, values)
        if changed == 0:
            return
    raise WarehouseError("rows still change after many rounds", where=step.statements[-1].where)


def _check(warehouse: Warehouse, statement: Statement, values: Parameters) -> None:
    result = warehouse.ask(statement, values)
    if result.rows:
        rule = statement.sql.split("\n", 1)[0].lstrip("- ")
        what = f"{len(result.rows)} rows break the rule: {rule}"
        remedy = "the load was rolled back and nothing was written; see what differs with: lake reconcile"
        raise CheckFailedError(what, where=statement.where, remedy=remedy)
