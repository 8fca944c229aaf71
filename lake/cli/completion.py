"""Print the shell completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lake.cli._base import App, lake_command


@lake_command(
    "completion",
    example=('eval "$(lake completion bash)"', "lake completion fish > ~/.config/fish/completions/lake.fish"),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(app: App, shell: str) -> None:
    """Print a script that completes `lake` commands and options in SHELL."""
    from lake.cli._main import root

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(root, {}, "lake", "_LAKE_COMPLETE").source()
    app.emit({"script": script}, script)
