"""Upkeep: what may be forgotten, what to vacuum and analyze, and the limits of use, as data.

Change logs, truncates and tips are never pruned: history is computed again from them. Redshift vacuums, sorts and
analyzes by itself when it is idle; the statements here are for after a backfill, a migration that made tables anew, or
a load that touched a large part of a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from redshift_sql import contexts, shapes
from redshift_sql.plan import begin_plan
from redshift_sql.render import statements, step
from redshift_sql.statements import Plan, Statement
from schemas.errors import LakeError
from schemas.model import Pipeline

LEAST_DAYS: Final = 7
"""Topics keep that long: a younger account of loads is still asked for."""


class UpkeepError(LakeError):
    """A setting of upkeep is out of its range."""


@dataclass(frozen=True)
class Retention:
    """Days that the account of loads and of restatements is kept.

    Raises:
        UpkeepError: fewer than `LEAST_DAYS`.
    """

    ledger_days: int = 400
    restatement_days: int = 400

    def __post_init__(self) -> None:
        for name, days in (("ledger", self.ledger_days), ("restatements", self.restatement_days)):
            if days < LEAST_DAYS:
                remedy = f"keep {LEAST_DAYS} days at least, as long as topics keep their records"
                raise UpkeepError(f"{days} days is too short", where=f"retention of {name}", remedy=remedy)


@dataclass(frozen=True)
class UsageLimit:
    """A limit of use, as `aws_redshiftserverless_usage_limit` and `aws_redshift_usage_limit` take it.

    `amount` is in RPU-hours (serverless) or minutes (concurrency scaling) per `period`; `action` is what happens there.
    """

    name: str
    feature: str
    amount: int
    period: str
    action: str


USAGE_LIMITS: Final = (
    UsageLimit("compute", "serverless-compute", 60, "daily", "log"),
    UsageLimit("compute_most", "serverless-compute", 120, "daily", "deactivate"),
    UsageLimit("concurrency", "concurrency-scaling", 60, "daily", "disable"),
)
"""Redshift sets limits of use by its API, not by SQL: Terraform takes these."""


def ledger_plan() -> Plan:
    """Loads older than `:keep_from` forgotten, the newest aside; under the loads' lock."""
    lock = begin_plan()
    old = step("upkeep/910_old.bind.sql", "load_ledger", {})
    return (*lock, *old, *statements("upkeep/911_ledger.sql", "load_ledger", {}))


def restatement_plan() -> Plan:
    """Restatements older than `:keep_from` forgotten."""
    return statements("upkeep/912_restatements.sql", "restatements", {})


def load_tables_plan(pipeline: Pipeline) -> Plan:
    """Load tables emptied."""
    names = (table.removeprefix("staging.").removesuffix("_load") for table in sorted(shapes.load_tables(pipeline)))
    return tuple(
        chain.from_iterable(statements("upkeep/913_load_table.sql", n, {"t": contexts.word(n)}) for n in names)
    )


def storage_plan(pipeline: Pipeline) -> tuple[Statement, ...]:
    """VACUUM and ANALYZE of every table that keeps rows; for Redshift, outside of transactions."""
    return tuple(_storage(pipeline))


def _storage(pipeline: Pipeline) -> Iterator[Statement]:
    for table in shapes.columns_of(pipeline):
        if table not in shapes.load_tables(pipeline):
            schema, name = (contexts.word(part) for part in table.split("."))
            for file in ("920_vacuum", "921_sort", "930_analyze"):
                yield from statements(f"upkeep/{file}.sql", name, {"schema": schema, "t": name})
