"""Lint the warehouse's SQL as it is sent: rendered for the retail pipeline, by sqlfluff in Redshift's dialect.

    python infra/local/tools/lint_sql.py

The files under ``redshift_sql/`` hold places for tables and columns, so what is linted is every statement of a
pipeline. COPY is left out, and the streaming path's external schema and function: sqlfluff does not parse their forms.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from redshift_sql.catalogue import every_statement
from redshift_sql.statements import Kind
from schemas import Pipeline, load_pipeline

UNPARSED = ("streaming/800_schema.sql", "streaming/801_function.sql")
ROOT = Path(__file__).resolve().parents[3]


def rendered(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """File name and text of every statement of a pipeline, in running order."""
    for number, statement in enumerate(every_statement(pipeline)):
        if statement.kind is not Kind.COPY and statement.source not in UNPARSED:
            yield f"{number:03d}_{statement.subject}_{Path(statement.source).name}", statement.sql.strip() + ";\n"


def main() -> int:
    """Render, lint, and show what sqlfluff finds under the statements' names."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in rendered(load_pipeline("retail")):
            (Path(folder) / name).write_text(text)
        command = ["sqlfluff", "lint", "--config", str(ROOT / "pyproject.toml"), "--disable-progress-bar", "--nocolor"]
        done = subprocess.run([sys.executable, "-m", *command, folder], check=False, cwd=ROOT)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
