"""Look after the warehouse: migrations, tables computed again, who may see what, upkeep."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command, lake_group
from lake.cli._warehouse_stream import stream

if TYPE_CHECKING:
    from lake.warehouse.migrate import Standing
    from lake.warehouse.outlook import Outlook, WaitingLoad
    from lake.warehouse.port import Warehouse
    from redshift_sql.evolve import Step
    from redshift_sql.migration import Migration

SOMETHING_TO_DO = 3
"""Exit code of `plan` and `status` where the warehouse is behind."""


@lake_group(
    "warehouse",
    example=("lake warehouse status", "lake warehouse plan --write", "lake warehouse migrate"),
)
def command() -> None:
    """Contracts are what the warehouse's tables should be; migrations, numbered files beside them, take it there."""


@lake_command("plan", example=("lake warehouse plan", "lake warehouse plan --write", "lake warehouse plan --json"))
@click.option("--write", is_flag=True, help="Write the steps as the next migration, beside the contracts.")
def plan(app: App, write: bool) -> int:
    """Compare the warehouse's tables with the contracts, and show the steps between them. Changes no table.

    Shown too are tables that were computed by rules (`scd`, policies, measures) which are no longer the contract's:
    no migration is written for them, `lake warehouse migrate` computes them again.

    Exit code 0: nothing to do; 3: there are steps (or a migration was written); 1: an error.

    Steps are shown as they are after the migrations that wait: apply those first. Loads that wait are shown too, and
    tables whose rows come as a whole with the next load, because their contract is another than the last load's.
    """
    from lake.warehouse.migrate import standing, unwritten
    from redshift_sql.migration import MigrationError, written

    with app.warehouse(read_only=True) as warehouse:
        now = standing(app.pipeline, warehouse, app.migrations)
        ahead = _ahead(app, warehouse)
    if not write:
        app.emit({**_document(now), "loads": asdict(ahead)}, _shown(now, ahead))
        return SOMETHING_TO_DO if now.behind else 0
    if now.pending:
        where = f"migrations/{now.pending[0].name}.sql"
        what = "a migration waits, and what follows it is not known before it is applied"
        raise MigrationError(what, where=where, remedy="apply it with: lake warehouse migrate")
    steps = unwritten(now.steps)
    if not steps:
        text = "Nothing to write: the tables fit their contracts."
        more = "\nnext: lake warehouse migrate, which computes tables again" if now.owing or now.outdated else ""
        app.emit({"written": None}, f"{text}{more}")
        return 0
    made = written(len(app.migrations) + 1, steps)
    path = _write(app, made)
    app.emit({"written": path, "destructive": made.destructive}, f"written: {path}\nnext: read it, then migrate")
    return SOMETHING_TO_DO


@lake_command("migrate", example=("lake warehouse migrate", "lake warehouse migrate --allow-destructive --json"))
@click.option("--allow-destructive", is_flag=True, help="Apply also what takes data away.")
def migrate(app: App, allow_destructive: bool) -> int:
    """Apply the migrations that the warehouse has not had, in order, each once and in one transaction.

    Then, in one transaction, compute again the tables whose rules changed in their contracts. Running again does
    nothing where none waits, and goes on where a run was killed.
    """
    from lake.warehouse.migrate import migrate as apply

    with app.warehouse() as warehouse:
        done = apply(
            app.pipeline,
            warehouse,
            app.migrations,
            allow_destructive=allow_destructive,
            progress=lambda item: app.say(f"applied {item.name}"),
        )
    many = "migration" if len(done.applied) == 1 else "migrations"
    lines = [f"{item.table} computed again: {item.what}" for item in done.computed]
    document = {"applied": [item.name for item in done.applied], "computed": [asdict(item) for item in done.computed]}
    app.emit(document, "\n".join([*lines, f"{len(done.applied)} {many} applied."]))
    return 0


@lake_command("status", example=("lake warehouse status", "lake warehouse status --json"))
def status(app: App) -> int:
    """Show the migrations that the warehouse has had, those that wait, and whether its tables fit the contracts.

    Also loads that wait, and tables whose rows the next load brings as a whole.

    Exit code 0: it is as the contracts say; 3: it is behind; 1: an error, such as an applied file that was changed.
    """
    from lake.warehouse.migrate import standing

    with app.warehouse(read_only=True) as warehouse:
        now = standing(app.pipeline, warehouse, app.migrations)
        ahead = _ahead(app, warehouse)
    document = {
        **_document(now),
        "loads": asdict(ahead),
        "applied": [
            {"name": row.name, "kind": row.kind, "at": row.applied_at, "checksum": row.checksum} for row in now.applied
        ],
    }
    lines = [f"{row.kind:<8} {row.applied_at:%Y-%m-%d %H:%M} UTC  {row.name}" for row in now.applied]
    app.emit(document, "\n".join([*lines, _shown(now, ahead)]))
    return SOMETHING_TO_DO if now.behind else 0


@lake_command(
    "recompute", example=("lake warehouse recompute dim_customer", "lake warehouse recompute dim_product --json")
)
@click.argument("tables", nargs=-1, required=True, metavar="DIMENSION...")
def recompute(app: App, tables: tuple[str, ...]) -> int:
    """Compute dimensions again, every key from its change log, and what follows from them; one transaction.

    Use it where history is in doubt; after a change of rules in a contract `lake warehouse migrate` does it. Only rows
    that differ are written; facts that get another version are in `analytics.restatements`, under load 0.
    """
    from lake.warehouse.migrate import check, ensure
    from lake.warehouse.migrate import recompute as run
    from schemas.errors import ContractError

    unknown = [name for name in tables if name not in app.pipeline.dimensions]
    if unknown:
        remedy = f"use one of {', '.join(sorted(app.pipeline.dimensions))}"
        raise ContractError(f"no dimension '{unknown[0]}'", where=app.pipeline_name, remedy=remedy)
    with app.warehouse() as warehouse:
        ensure(app.pipeline, warehouse, app.migrations)
        check(app.pipeline, warehouse, app.migrations, computing=True)
        run(app.pipeline, warehouse, tables)
    app.emit({"recomputed": list(tables)}, f"computed again: {', '.join(tables)}")
    return 0


@lake_command(
    "access",
    example=(
        "lake warehouse access > access.sql",
        "lake warehouse access --no-masking",
        "lake warehouse access --apply",
    ),
)
@click.option("--apply", "run", is_flag=True, help="Run it, in the session of who may grant; make what is missing.")
@click.option("--masking/--no-masking", default=None, help="With masks, or without; else as the warehouse can.")
def access(app: App, run: bool, masking: bool | None) -> int:
    """Show the roles, grants and masks that the contracts' classes ask for, as SQL; or make them.

    It is for the setting `warehouse_uri`: Redshift masks personal columns, PostgreSQL cannot; without the setting it is
    SQL for Redshift. Run it again after a migration that made a table anew, and after a contract's `pii` changed.
    """
    from lake.warehouse.port import WarehouseError
    from redshift_sql.people import Masks, access_plan
    from redshift_sql.statements import flat

    masks = not app.warehouse_uri.startswith("postgres") if masking is None else masking
    if run:
        from lake.warehouse.access import apply_access

        if app.warehouse_uri.startswith("duckdb:"):
            what = "the embedded warehouse has no roles: its file's rights say who may read it"
            raise WarehouseError(what, where=app.pipeline_name, remedy="name a server in the setting warehouse_uri")
        with app.warehouse() as warehouse:
            plan = apply_access(app.pipeline, warehouse, masking=masks)
    else:
        plan = access_plan(app.pipeline, masks=Masks() if masks else None)
    texts = [item.sql.strip() for item in flat(plan)]
    app.emit({"applied": run, "statements": texts}, "\n\n".join(f"{text};" for text in texts))
    return 0


@lake_command(
    "upkeep",
    example=("lake warehouse upkeep", "lake warehouse upkeep --ledger-days 90", "lake warehouse upkeep --statements"),
)
@click.option("--ledger-days", default=400, show_default=True, help="How long loads are told of.")
@click.option("--restatement-days", default=400, show_default=True, help="How long restatements are told of.")
@click.option("--statements", "shown", is_flag=True, help="Only show the VACUUM and ANALYZE statements for Redshift.")
def upkeep(app: App, ledger_days: int, restatement_days: int, shown: bool) -> int:
    """Forget old accounts of loads and restatements, and empty the load tables; one transaction.

    The newest load stays, and so do change logs, tips, versions, facts and mirrors: what is computed again needs them.
    Redshift vacuums and analyzes by itself when idle; `--statements` gives what to run after a backfill.
    """
    from datetime import UTC, datetime

    from lake.warehouse.upkeep import keep_up
    from redshift_sql.upkeep import Retention, storage_plan

    if shown:
        texts = [item.sql.strip() for item in storage_plan(app.pipeline)]
        app.emit({"statements": texts}, "\n".join(f"{text};" for text in texts))
        return 0
    retention = Retention(ledger_days, restatement_days)
    with app.warehouse() as warehouse:
        forgotten = keep_up(app.pipeline, warehouse, retention, datetime.now(UTC).replace(tzinfo=None))
    lines = [f"{table}: {rows:,} rows forgotten" for table, rows in forgotten.items()]
    app.emit({"forgotten": forgotten}, "\n".join(lines))
    return 0


for _member in (plan, migrate, status, recompute, access, stream, upkeep):
    command.add_command(_member)


def _document(now: Standing) -> dict[str, object]:
    return {
        "pending": [{"name": item.name, "destructive": item.destructive} for item in now.pending],
        "steps": [_step(step) for step in now.steps],
        "owing": [item.name for item in now.owing],
        "outdated": [asdict(item) for item in now.outdated],
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "table": step.table,
        "change": step.change.value,
        "what": step.what,
        "columns": list(step.columns),
        "destructive": step.destructive,
        "then": step.then,
        "sql": [statement.sql for statement in step.statements],
    }


def _shown(now: Standing, ahead: Outlook) -> str:
    lines = [f"waits    {item.name}{_loses(item)}" for item in now.pending]
    lines += [f"{step.change.value:<8} {step.table} {step.what}{_flags(step)}" for step in now.steps]
    why = "its contract is another than the newest load's, so the next load has all of it"
    lines += [f"computes what {item.name} left to compute" for item in now.owing]
    lines += [f"{item.verb:<8} analytics.{item.table} {item.what}" for item in now.outdated]
    said = [*map(_load, ahead.loads), *(f"owed     {table}: {why}" for table in ahead.owed)]
    if not lines:
        return "\n".join(["The tables fit their contracts, and no migration waits.", *said])
    return "\n".join([*lines, *said, f"next: {_next(now)}"])


def _load(load: WaitingLoad) -> str:
    whole = f"; all of {', '.join(load.whole)}" if load.whole else ""
    early = "".join(f"; {table} without {', '.join(columns)}" for table, columns in load.lacks.items())
    return f"waits    load {load.seq}{whole}{early}"


def _ahead(app: App, warehouse: Warehouse) -> Outlook:
    from lake.store import store_for
    from lake.warehouse.outlook import outlook

    return outlook(app.pipeline, store_for(app.home.lake_uri(app.pipeline_name)), warehouse)


def _loses(item: Migration) -> str:
    return "  (takes data away)" if item.destructive else ""


def _flags(step: Step) -> str:
    return ("  (takes data away)" if step.destructive else "") + (f", then {step.then}" if step.then else "")


def _next(now: Standing) -> str:
    from lake.warehouse.migrate import unwritten

    if not now.pending and unwritten(now.steps):
        return "lake warehouse plan --write"
    migrates = now.pending or now.owing or now.outdated
    return "lake warehouse migrate" if migrates else "lake load, which makes the tables"


def _write(app: App, made: Migration) -> str:
    from pathlib import Path

    from redshift_sql.migration import FOLDER, MigrationError
    from schemas.parse import pipeline_folder

    folder = pipeline_folder(app.pipeline_name, app.settings.search_path)
    if not isinstance(folder, Path):
        remedy = "write migrations in a checkout, or name the folder of your contracts in LAKE_PIPELINES"
        raise MigrationError("the pipeline's files are in an archive", where=str(folder), remedy=remedy)
    path = folder / FOLDER / f"{made.name}.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(made.text, encoding="utf-8")
    return str(path)
