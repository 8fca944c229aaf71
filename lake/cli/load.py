"""Bring load files into the warehouse: hop 4."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from lake.warehouse.load import LoadedBatch, LoadSummary


@lake_command("load", example=("lake load", "lake load --json"))
def command(app: App) -> int:
    """Apply every load that the warehouse's ledger does not hold, in sequence, each in one transaction.

    A load is there wholly or not at all; running again does nothing where nothing is pending. Tables that are not there
    are made. A warehouse whose tables are not as the contracts say is left alone: see `lake warehouse plan`.
    """
    summary = run_load(app)
    document = {"last_seq": summary.last_seq, "rows": summary.rows, "loads": [asdict(item) for item in summary.batches]}
    app.emit(document, _text(summary))
    return 0


def run_load(app: App) -> LoadSummary:
    """Hop 4 on the embedded warehouse.

    Raises:
        LakeError: as `load_pending`.
    """
    from lake.warehouse.connect import connect, duckdb_uri
    from lake.warehouse.load import load_pending

    lake_uri = app.home.lake_uri(app.pipeline_name)
    warehouse = connect(duckdb_uri(app.home.warehouse(app.pipeline_name)), lake_uri)
    try:
        return load_pending(
            app.pipeline,
            lake_uri,
            warehouse,
            progress=lambda batch: app.say(_line(batch)),
            migrations=app.migrations,
        )
    finally:
        warehouse.close()


def _line(batch: LoadedBatch) -> str:
    tables = ", ".join(f"{count:,} {table}" for table, count in batch.rows.items())
    return f"load {batch.seq}: {tables or 'no rows'}; {batch.seconds:.1f} s"


def _text(summary: LoadSummary) -> str:
    if not summary.batches:
        return f"Nothing was pending; the newest load in the warehouse is {summary.last_seq}."
    many = "load" if len(summary.batches) == 1 else "loads"
    return f"{len(summary.batches)} {many} applied, {summary.rows:,} rows; the newest is {summary.last_seq}."
