"""Bring load files into the warehouse: hop 4."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from lake.warehouse.load import LoadedBatch, LoadSummary


@lake_command(
    "load",
    example=(
        "lake load",
        "lake load --json",
        "lake load --warehouse-uri postgresql://loader@db.example:5432/retail",
        "lake load --warehouse-uri redshift-data://workgroup/retail/dev --copy-role default --lake-uri s3://bucket/retail",
    ),
)
@click.option("--warehouse-uri", metavar="URI", help="Another warehouse than the setting `warehouse_uri` names.")
@click.option("--copy-role", metavar="ARN", help="IAM role for Redshift's COPY, or `default`; else the setting's.")
@click.option("--lake-uri", metavar="URI", help="Another lake than this LAKE_HOME's, as file:///… or s3://….")
def command(app: App, warehouse_uri: str | None, copy_role: str | None, lake_uri: str | None) -> int:
    """Apply every load that the warehouse's ledger does not hold, in sequence, each in one transaction.

    A load is there wholly or not at all; running again does nothing where nothing is pending. Tables that are not there
    are made. A warehouse whose tables are not as the contracts say is left alone: see `lake warehouse plan`.
    """
    settings = replace(
        app.settings,
        warehouse_uri=warehouse_uri or app.settings.warehouse_uri,
        copy_role=copy_role or app.settings.copy_role,
    )
    summary = run_load(replace(app, settings=settings), lake_uri)
    document = {"last_seq": summary.last_seq, "rows": summary.rows, "loads": [asdict(item) for item in summary.batches]}
    app.emit(document, _text(summary))
    return 0


def run_load(app: App, lake_uri: str | None = None) -> LoadSummary:
    """Hop 4 on the settings' warehouse.

    Args:
        app: the run.
        lake_uri: where load manifests lie; this LAKE_HOME's lake when None.

    Raises:
        LakeError: as `load_pending`.
    """
    from lake.warehouse.load import load_pending

    lake_uri = lake_uri or app.lake_uri
    with app.watched() as watch, app.warehouse(lake_uri=lake_uri) as warehouse:
        return load_pending(
            app.pipeline,
            lake_uri,
            warehouse,
            progress=lambda batch: app.say(_line(batch)),
            migrations=app.migrations,
            watch=watch,
            warehouse_uri=app.warehouse_uri,
        )


def _line(batch: LoadedBatch) -> str:
    tables = ", ".join(f"{count:,} {table}" for table, count in batch.rows.items())
    return f"load {batch.seq}: {tables or 'no rows'}; {batch.seconds:.1f} s"


def _text(summary: LoadSummary) -> str:
    if not summary.batches:
        return f"Nothing was pending; the newest load in the warehouse is {summary.last_seq}."
    many = "load" if len(summary.batches) == 1 else "loads"
    return f"{len(summary.batches)} {many} applied, {summary.rows:,} rows; the newest is {summary.last_seq}."
