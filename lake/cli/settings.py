"""Show every setting with its value, unit and environment variable."""

from __future__ import annotations

from dataclasses import asdict

from lake.cli._base import App, lake_command
from lake.settings import table


@lake_command("settings", example=("lake settings", "LAKE_TRIGGER_SECONDS=10 lake settings --json"))
def command(app: App) -> None:
    """Show all settings: lake.toml (or the file that LAKE_CONFIG names), overridden by LAKE_* variables."""
    rows = table(app.settings)
    lines = [f"{'setting':<24} {'value':<38} {'unit':<11} meaning"]
    lines += [f"{row.key:<24} {row.value:<38} {row.unit:<11} {row.description}" for row in rows]
    lines += ["", "The environment variable of a setting is LAKE_ and its name in capitals: LAKE_TRIGGER_SECONDS=10."]
    app.emit([asdict(row) for row in rows], "\n".join(lines))
