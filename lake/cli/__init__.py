"""The ``lake`` command. Each module of this package is one sub-command (those named ``_…`` are shared parts).

A sub-command's module has its one-line help as the first line of its docstring, and a click command or group called
``command`` made with :func:`lake.cli._base.lake_command` or :func:`lake.cli._base.lake_group`. Nothing else is
registered anywhere: ``lake --help`` reads the docstrings without importing the modules.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 1 (an error that names the remedy) or 2 (wrong usage).

    Called as a console script, the returned value becomes the exit code.
    """
    from lake.cli._main import run

    return run(list(sys.argv[1:] if argv is None else argv))
