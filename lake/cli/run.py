"""Take everything committed in Kafka through all hops once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.cli._base import App, lake_command
from lake.cli._spark import lake_session

if TYPE_CHECKING:
    from lake.route import Route, RouteSummary


@lake_command("run", example=("lake run", "lake run --json", "lake run --pipeline retail"))
def command(app: App) -> int:
    """Land, promote, curate and load what is there now; then end.

    A kill at any moment leaves nothing to repair: run it again. A table that its contract stops is named, the others go
    on, and the exit code is 1.
    """
    from lake.route import run_route

    route = route_of(app)
    with app.watched() as watch, lake_session(app, "lake run") as spark:
        summary = run_route(spark, route, app.say, watch)
    app.emit(summary.to_json(), _text(summary))
    return 1 if summary.failures else 0


def route_of(app: App) -> Route:
    """The route of the settings' pipeline, on the running stack."""
    from lake.cli.stream import settings_of
    from lake.route import Route

    name = app.pipeline_name
    return Route(
        pipeline=app.pipeline,
        migrations=app.migrations,
        stream=settings_of(app),
        warehouse_uri=app.warehouse_uri,
        copy_role=app.settings.copy_role,
        quality_uri=app.home.quality(name).as_uri(),
    )


def _text(summary: RouteSummary) -> str:
    lines = [f"{'table':<24} {'landed':>10} {'dead letters':>13} {'accepted':>10} {'quarantined':>12}"]
    staged = {outcome.table: outcome for outcome in summary.staging}
    for table in summary.landing.tables:
        outcome = staged[table.table]
        counts = f"{table.rows:>10,} {table.dead_letters:>13,} {outcome.accepted:>10,} {outcome.quarantined:>12,}"
        lines.append(f"{table.table:<24} {counts}")
    lines += [f"stopped: {failure}" for failure in summary.failures]
    return "\n".join(lines)
