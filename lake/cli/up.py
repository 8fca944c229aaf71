"""Start the embedded stack and the capture of the pipeline's tables."""

from __future__ import annotations

import time

import click

from lake.cli._base import App, lake_command


@lake_command("up", example=("lake up", "lake up --no-capture", "lake up --pipeline clinic --json"))
@click.option("--no-capture", is_flag=True, help="Only the four parts; no database, topics or connector of a pipeline.")
@click.option("--fetch-only", is_flag=True, help="Only fetch the JVM parts.")
def command(app: App, no_capture: bool, fetch_only: bool) -> None:
    """Start PostgreSQL, Kafka, the schema registry and Connect; then capture the pipeline's tables.

    What runs already is left alone, what died is started again. Ports are chosen at the first start and kept.
    """
    if fetch_only:
        from infra.local import jars

        count = jars.fetch_all(cache=app.settings.cache.expanduser().resolve(), base_url=app.settings.maven_url)
        app.emit({"fetched": count}, f"{count} files fetched")
        return
    begun = time.monotonic()
    captures = [] if no_capture else [app.capture()]
    endpoints = app.stack.up(captures, lambda part, message: app.say(f"  {part:<10} {message}"))
    addresses = {
        "bootstrap_servers": endpoints.bootstrap_servers,
        "registry_url": endpoints.registry_url,
        "connect_url": endpoints.connect_url,
        "home": str(app.home.root),
    }
    lines = [f"The stack runs ({time.monotonic() - begun:.0f} s)."] + [f"  {k:<18} {v}" for k, v in addresses.items()]
    app.emit(addresses, "\n".join(lines))
