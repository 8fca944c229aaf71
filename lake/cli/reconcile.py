"""Compare source, Kafka, lake and warehouse, row by row, by second and independent answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command
from lake.cli._spark import lake_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.reconcile import Verdict


@lake_command("reconcile", example=("lake reconcile", "lake reconcile --json", "lake reconcile --without-source"))
@click.option("--without-source", is_flag=True, help="Leave out the comparison with the source database.")
def command(app: App, without_source: bool) -> int:
    """Ask eight oracles whether every record is where it must be; the exit code is 0 only when all hold.

    The source is compared as it is now: let it rest and `lake run` first, or leave it out. The verdict is kept in the
    lake, with the offsets that it was verified through.
    """
    with lake_session(app, "lake reconcile") as spark:
        verdict = reconcile_app(app, spark, with_source=not without_source)
    app.emit(verdict.as_dict(), verdict_text(verdict))
    return 0 if verdict.passed else 1


def reconcile_app(app: App, spark: SparkSession, *, with_source: bool = True) -> Verdict:
    """The verdict on the settings' pipeline, on the running stack.

    Raises:
        LakeError: a party does not answer.
    """
    from lake.reconcile.run import Parties, reconcile
    from lake.store import store_for

    name = app.pipeline_name
    with app.watched() as watch, app.warehouse(read_only=True) as warehouse:
        parties = Parties(
            spark=spark,
            pipeline=app.pipeline,
            store=store_for(app.lake_uri),
            warehouse=warehouse,
            bootstrap=app.bootstrap,
            kafka_auth=app.settings.kafka_auth,
            source_dsn=app.endpoints.source_dsn(name) if with_source else None,
        )
        return reconcile(parties, app.say, watch)


def verdict_text(verdict: Verdict) -> str:
    """The verdict as a table."""
    lines = [f"{'oracle':<9} {'table':<30} {'compared':>10} {'differ':>8}  detail"]
    for finding in verdict.findings:
        mark = "ok" if finding.passed else "DIFFERS"
        counts = f"{finding.compared:>10,} {finding.differences:>8,}"
        lines.append(f"{finding.oracle:<9} {finding.table:<30} {counts}  {mark}: {finding.detail}")
    lines.append("reconciled: every oracle holds" if verdict.passed else "NOT reconciled")
    return "\n".join(lines)
