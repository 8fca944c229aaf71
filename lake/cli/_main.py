"""The root group, and the one place where errors become a message and an exit code."""

from __future__ import annotations

import ast
import errno
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import click

from lake.cli._base import examples
from schemas.errors import LakeError

ORDER = (
    *("demo", "up", "down", "status", "source", "stream", "promote", "load", "run"),
    *("reconcile", "recover", "sql", "warehouse", "dlq", "contract", "deploy", "submit", "cost"),
    *("settings", "completion"),
)
_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parent.parent
_OURS = ("schemas", "streaming", "redshift_sql", "glue_jobs", "lake", "infra")
_NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


class LazyGroup(click.Group):
    """A group whose commands are the modules of this package, imported only when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of a day's work, then any other by name."""
        found = {path.stem for path in _FOLDER.glob("*.py") if not path.stem.startswith("_")}
        return [name for name in ORDER if name in found] + sorted(found - set(ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command ``cmd_name``; None where there is no such module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"lake.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and one-line helps, read from the modules' docstrings."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one_line_help(_FOLDER / f"{name}.py")) for name in self.list_commands(ctx)])


def one_line_help(module: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").split("\n", 1)[0]


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples("lake up", "lake source seed", "lake run", "lake sql 'SELECT count(*) FROM analytics.fact_sales'"),
)
@click.version_option(package_name="medallion-lake", prog_name="lake")
def root() -> None:
    """A medallion data lake on this machine: change data capture to a star schema.

    State lies under LAKE_HOME (default ./.lake). `lake settings` lists what can be set.
    """


def run(argv: list[str]) -> int:
    """Run ``argv``; the exit code."""
    try:
        result = root.main(args=argv, prog_name="lake", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        return _usage(error, argv)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost frame: everything becomes one message
        return _failure(error, argv)
    return result if isinstance(result, int) else 0


def _usage(error: click.UsageError, argv: list[str]) -> int:
    if "--json" in argv:
        _print_json({"error": {"type": "UsageError", "what": error.format_message(), "where": "", "remedy": "--help"}})
    else:
        error.show()
    return 2


def _failure(error: Exception, argv: list[str]) -> int:
    if "--debug" in argv:
        traceback.print_exc()
    shown = explained(error)
    if "--json" in argv:
        kind = type(error).__name__
        _print_json({"error": {"type": kind, "what": shown.what, "where": shown.where, "remedy": shown.remedy}})
    else:
        click.echo(f"{click.style('error', fg='red')}: {shown}", err=True)
    return 1


def explained(error: Exception) -> LakeError:
    """``error`` as one that says what, where and what to do.

    The text of an unknown error may hold values from the data, so only its type and place are told.
    """
    if isinstance(error, LakeError):
        return error
    if isinstance(error, OSError) and error.strerror:
        full = error.errno in _NO_SPACE
        remedy = "free some space, or move LAKE_HOME" if full else "check that path and its rights"
        return LakeError(error.strerror, where=str(error.filename or "file system"), remedy=remedy)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(tuple(str(_ROOT / name) for name in _OURS))]
    place = f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}" if ours else ""
    return LakeError(
        f"unexpected {type(error).__name__}", where=place, remedy="run it again with --debug for all details"
    )


def _print_json(document: object) -> None:
    click.echo(json.dumps(document), err=True)
