"""Migrations applied: each once, in order, its ledger row in the same transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from lake.warehouse.again import run_again
from lake.warehouse.port import Parameters, Warehouse, WarehouseError
from lake.warehouse.run import run_plan
from redshift_sql import rules
from redshift_sql.evolve import Change, Found, Step, evolution, fits
from redshift_sql.migration import Migration, MigrationError, begin_plan, computed_plan, end_plan
from redshift_sql.operations import definition, drop_plan, views_plan
from redshift_sql.plan import base_plan, schema_plan, tables_plan
from redshift_sql.statements import Plan, flat
from schemas.model import Pipeline

_COLUMNS: Final = (
    "SELECT table_schema, table_name, column_name, data_type, character_maximum_length, numeric_precision, "
    "numeric_scale FROM information_schema.columns WHERE table_schema IN ('staging', 'analytics', 'ops') "
    "ORDER BY table_schema, table_name, ordinal_position"
)
_LEDGER: Final = "SELECT number, name, checksum, kind, applied_at FROM staging.migration_ledger ORDER BY number"
_CREATED: Final = re.compile(r"^create table if not exists (\S+)", re.MULTILINE)
_ALTERED: Final = re.compile(r"^alter table (\S+) alter column (\S+) type (.+)$", re.MULTILINE)
_NAMES: Final = {
    "character varying": "varchar",
    "text": "varchar",
    "numeric": "decimal",
    "timestamp without time zone": "timestamp",
    "double": "double precision",
    "float": "real",
    "blob": "varbyte",
    "bytea": "varbyte",
    "binary varying": "varbyte",
}
_DEFINITION: Final = "ops.definition"
_COMMAND: Final = "lake warehouse migrate"
_APPLY: Final = f"apply it with: {_COMMAND}"


@dataclass(frozen=True)
class Applied:
    """A row of the ledger.

    `kind` is `applied`; `made` where the warehouse was made when the file was there already; `owes` where something is
    still to be computed.
    """

    number: int
    name: str
    checksum: str
    kind: str
    applied_at: datetime


@dataclass(frozen=True)
class Standing:
    """Where a warehouse stands: migrations it has had, those it has not, what sets its tables apart, and which of them
    were computed by rules that are no longer the contracts'.
    """

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    steps: tuple[Step, ...]
    outdated: tuple[rules.Outdated, ...]

    @property
    def owing(self) -> tuple[Applied, ...]:
        """Migrations that were applied and left something to compute, which is not done."""
        return tuple(row for row in self.applied if row.kind == "owes")

    @property
    def behind(self) -> bool:
        """Whether a migration, a step or a table to compute again is left."""
        return bool(self.pending or self.steps or self.outdated or self.owing)


@dataclass(frozen=True)
class Migrated:
    """What one call did: the migrations applied, and the tables that were computed again by their contract's rules."""

    applied: tuple[Migration, ...] = ()
    computed: tuple[rules.Outdated, ...] = ()


def found_tables(warehouse: Warehouse) -> Found:
    """The tables of the schemas `staging` and `analytics`, types by Redshift's names."""
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, kind, length, precision, scale in warehouse.query(_COLUMNS).rows:
        tables.setdefault(f"{schema}.{table}", {})[column] = redshift_type(kind, length, precision, scale)
    return tables


def redshift_type(kind: str, length: int | None, precision: int | None, scale: int | None) -> str:
    """A type of an engine's information schema by the name that contracts use."""
    name, _, size = kind.lower().partition("(")
    name = _NAMES.get(name.strip(), name.strip())
    if name == "decimal":
        return f"decimal({precision},{scale})"
    if name in ("varchar", "varbyte"):
        return f"{name}({length})" if length else name
    return f"{name}({size}" if size else name


def standing(pipeline: Pipeline, warehouse: Warehouse, migrations: Sequence[Migration]) -> Standing:
    """Compares; writes nothing.

    Raises:
        MigrationError: an applied migration's file is changed or gone.
    """
    found = found_tables(warehouse)
    applied = _applied(warehouse) if "staging.migration_ledger" in found else ()
    _hold(applied, migrations)
    ledger = _rules(warehouse) if rules.TABLE in found else {}
    pending = tuple(migrations[len(applied) :])
    return Standing(applied, pending, evolution(pipeline, found), rules.outdated(pipeline, ledger))


def ensure(pipeline: Pipeline, warehouse: Warehouse, migrations: Sequence[Migration]) -> None:
    """Makes the tables that are not there. A warehouse made now has had every migration: contracts hold their sum.

    Where all are there nothing is run, so the role that loads from day to day need not be one that may create.

    Raises:
        WarehouseError: a statement failed.
    """
    found = found_tables(warehouse)
    if not _created(schema_plan(pipeline)) <= found.keys():
        run_again(partial(_create, warehouse, base_plan(pipeline), ()))
        # Two that create the same tables at once would each add the unknown members: the ledger's lock comes first.
        made = [] if "staging.load_ledger" in found else [_row(migration, "made") for migration in migrations]
        run_again(partial(_create, warehouse, (*begin_plan(), *tables_plan(pipeline)), made))
    if rules.completed(pipeline, _rules(warehouse)):
        run_again(partial(_complete_rules, pipeline, warehouse))
    _ensure_views(pipeline, warehouse)


def _rules(warehouse: Warehouse) -> dict[str, rules.Rules]:
    return rules.parsed(warehouse.query(rules.FOUND).rows)


def _complete_rules(pipeline: Pipeline, warehouse: Warehouse) -> None:
    with warehouse.transaction():
        run_plan(warehouse, begin_plan(), {})
        _record(warehouse, rules.completed(pipeline, _rules(warehouse)))


def _record(warehouse: Warehouse, ledger: rules.Ledger) -> None:
    for table, stated in ledger.items():
        run_plan(warehouse, rules.record_plan(), rules.record_row(table, stated))


def _created(plan: Plan) -> set[str]:
    """The tables that a plan makes where they are not there."""
    matches = (_CREATED.search(statement.sql) for statement in flat(plan))
    return {match[1].replace('"', "") for match in matches if match}


def _ensure_views(pipeline: Pipeline, warehouse: Warehouse) -> None:
    """The views of `ops`, made where they are not there or were made from another text."""
    there = _DEFINITION in found_tables(warehouse)
    if there and warehouse.query(f"SELECT checksum FROM {_DEFINITION}").rows == ((definition(pipeline),),):
        return
    run_again(partial(_create, warehouse, (*begin_plan(), *views_plan(pipeline)), ()))


def _create(warehouse: Warehouse, plan: Plan, made: Sequence[Parameters]) -> None:
    with warehouse.transaction():
        values = run_plan(warehouse, plan, {})
        for row in made if made and values["last_number"] == 0 else ():
            run_plan(warehouse, end_plan(), row)


def check(
    pipeline: Pipeline, warehouse: Warehouse, migrations: Sequence[Migration], *, computing: bool = False
) -> None:
    """That a load may run: tables fit their contracts, no migration waits, and no table owes a computing.

    Args:
        pipeline: the contracts.
        warehouse: any session.
        migrations: the pipeline's files.
        computing: whether tables are computed again next, so that other rules than the rows' are no hindrance.

    Raises:
        WarehouseError: the warehouse is behind; names the first table and the command.
        MigrationError: as `standing`.
    """
    now = standing(pipeline, warehouse, migrations)
    if now.owing:
        what = "a migration has left something to compute"
        raise WarehouseError(what, where=f"migrations/{now.owing[0].name}.sql", remedy=f"go on with: {_COMMAND}")
    if now.pending:
        what = "the warehouse is behind its contracts: the migration is not applied"
        raise WarehouseError(what, where=f"migrations/{now.pending[0].name}.sql", remedy=_APPLY)
    for step in now.steps:
        what = f"its columns are not those of its contract: {', '.join(step.columns) or 'their order differs'}"
        remedy = f"see what differs with: lake warehouse plan; write a migration with --write, {_APPLY}"
        raise WarehouseError(what, where=step.table, remedy=remedy)
    for item in () if computing else now.outdated:
        what = f"its rows were computed by other rules than its contract's: {item.what}"
        raise WarehouseError(what, where=f"analytics.{item.table}", remedy=f"compute them again with: {_COMMAND}")


def migrate(
    pipeline: Pipeline,
    warehouse: Warehouse,
    migrations: Sequence[Migration],
    *,
    allow_destructive: bool = False,
    progress: Callable[[Migration], None] | None = None,
) -> Migrated:
    """Applies the migrations that the warehouse has not had, in order, and computes again what contracts ask for.

    Each is one transaction with its ledger row; before it run those of its statements that no transaction may hold.
    What they leave to compute, and tables whose rules changed, come last, in one transaction. The next run goes on with
    one that was killed.

    Args:
        pipeline: the contracts.
        warehouse: a session that may write.
        migrations: the pipeline's files.
        allow_destructive: whether one may run that takes data away; else nothing runs where one is pending.
        progress: called after each commit.

    Returns:
        What this call did.

    Raises:
        MigrationError: a destructive one is pending without leave, or an applied one's file is changed.
        WarehouseError: a statement failed; migrations before it stay, this one leaves no trace.
    """
    ensure(pipeline, warehouse, migrations)
    pending = standing(pipeline, warehouse, migrations).pending
    losing = [item for item in pending if item.destructive]
    if losing and not allow_destructive:
        remedy = "read it; if the data may go, run again with --allow-destructive"
        raise MigrationError("it takes data away", where=f"migrations/{losing[0].name}.sql", remedy=remedy)
    done = []
    for migration in pending:
        if _apply(warehouse, migration):
            done.append(migration)
            if progress is not None:
                progress(migration)
    computed = _compute(pipeline, warehouse, migrations)
    _ensure_views(pipeline, warehouse)
    return Migrated(tuple(done), computed)


def unwritten(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps that need a migration: all but tables to make."""
    return tuple(step for step in steps if step.change is not Change.CREATE)


def _apply(warehouse: Warehouse, migration: Migration) -> bool:
    """False where another session applied it meanwhile."""
    found = found_tables(warehouse)
    for statement in migration.outside:
        if not _is_done(statement.sql, found):
            warehouse.execute(statement, {})
    return run_again(partial(_commit, warehouse, migration))


def _commit(warehouse: Warehouse, migration: Migration) -> bool:
    row = _row(migration, "owes" if migration.owed else "applied")
    with warehouse.transaction():
        if run_plan(warehouse, begin_plan(), {})["last_number"] != migration.number - 1:
            return False
        # An engine that binds views at once would let no table go that one reads; they are made again at the end.
        run_plan(warehouse, drop_plan(), {})
        run_plan(warehouse, migration.inside, {})
        run_plan(warehouse, end_plan(), row)
    return True


def _compute(pipeline: Pipeline, warehouse: Warehouse, migrations: Sequence[Migration]) -> tuple[rules.Outdated, ...]:
    owing = [migrations[row.number - 1] for row in _applied(warehouse) if row.kind == "owes"]
    changed = rules.outdated(pipeline, _rules(warehouse))
    owed = [pair for migration in owing for pair in migration.owed] + [(item.verb, item.table) for item in changed]
    if owed:
        run_again(partial(_compute_again, pipeline, warehouse, owed, computed_plan()))
    return changed


def recompute(pipeline: Pipeline, warehouse: Warehouse, names: Iterable[str]) -> None:
    """Dimensions computed again by their contracts' rules, in one transaction that no load can be in.

    Raises:
        WarehouseError: a statement failed; nothing was written.
        CheckFailedError: a rule of the star does not hold; likewise.
    """
    run_again(partial(_compute_again, pipeline, warehouse, [("recompute", name) for name in names]))


def _compute_again(pipeline: Pipeline, warehouse: Warehouse, owed: Sequence[tuple[str, str]], then: Plan = ()) -> None:
    tables = {name for _, name in owed}
    # It is written like a load, but belongs to none.
    parameters: Parameters = {"load_seq": 0, "loaded_at": datetime.now(UTC).replace(tzinfo=None)}
    with warehouse.transaction():
        run_plan(warehouse, begin_plan(), {})
        run_plan(warehouse, (*rules.computing_plan(pipeline, owed), *then), parameters)
        _record(warehouse, {table: stated for table, stated in rules.rules_of(pipeline).items() if table in tables})


def _is_done(sql: str, found: Found) -> bool:
    match = _ALTERED.search(sql)
    if match is None:
        return False
    table, column, kind = (part.replace('"', "").strip() for part in match.groups())
    return fits(found.get(table, {}).get(column, ""), kind)


def _row(migration: Migration, kind: str) -> Parameters:
    return {
        "number": migration.number,
        "name": migration.name,
        "checksum": migration.checksum,
        "kind": kind,
        "applied_at": datetime.now(UTC).replace(tzinfo=None),
    }


def _applied(warehouse: Warehouse) -> tuple[Applied, ...]:
    return tuple(Applied(int(row[0]), *row[1:]) for row in warehouse.query(_LEDGER).rows)


def _hold(applied: Sequence[Applied], migrations: Sequence[Migration]) -> None:
    for number, row in enumerate(applied):
        where = f"migrations/{row.name}.sql"
        if number >= len(migrations) or migrations[number].name != row.name:
            what = "the warehouse has had a migration that is not there"
            raise MigrationError(what, where=where, remedy="restore the file, or use the release that holds it")
        if migrations[number].checksum != row.checksum:
            what = "the file was changed after it was applied"
            raise MigrationError(what, where=where, remedy="restore it, and put the change into a new migration")
