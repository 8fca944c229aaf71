"""End the embedded stack; its data stays."""

from __future__ import annotations

from lake.cli._base import App, lake_command


@lake_command("down", example=("lake down", "LAKE_HOME=/tmp/other lake down"))
def command(app: App) -> None:
    """End the parts that `lake up` started, by their recorded processes only. Data and logs stay under LAKE_HOME."""
    ended = app.stack.down(lambda part, message: app.say(f"  {part:<10} {message}"))
    app.emit({"ended": ended}, "The stack is down." if ended else "No part was running.")
