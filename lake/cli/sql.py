"""Ask the warehouse."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from lake.warehouse.port import QueryResult
    from redshift_sql.questions import Question

_WIDE = 10_000


@lake_command(
    "sql",
    example=(
        'lake sql "SELECT segment, count(*) FROM analytics.dim_customer WHERE is_current GROUP BY 1"',
        'lake sql --csv "SELECT * FROM analytics.agg_daily_sales_by_category ORDER BY 1" > sales.csv',
        'lake sql --json "SELECT max(load_seq) FROM staging.load_ledger"',
        "lake sql --list",
        "lake sql --saved sales_by_category",
    ),
)
@click.option("--csv", "as_csv", is_flag=True, help="Answer as CSV with a header.")
@click.option("--saved", metavar="NAME", help="Run the saved query of this name.")
@click.option("--list", "listing", is_flag=True, help="List the saved queries and what they ask.")
@click.argument("query", required=False)
def command(app: App, as_csv: bool, saved: str | None, listing: bool, query: str | None) -> int:
    """Run one query on the warehouse, read-only, and show its rows. `-` reads the query from standard input.

    Tables lie in the schemas `analytics` (the star), `staging` (change logs, the load ledger) and `ops` (loads, row
    counts, freshness).
    """
    if listing:
        return _list(app)
    if (query is None) == (saved is None):
        raise click.UsageError("give a query, or the name of a saved one with --saved (lake sql --list shows them)")
    question = _question(app, saved) if saved else None
    with app.warehouse(read_only=True) as warehouse:
        if question is not None:
            result = warehouse.ask(question.statement, {})
        else:
            result = warehouse.query(sys.stdin.read() if query == "-" else str(query))
    if as_csv:
        click.echo(as_csv_text(result), nl=False)
    else:
        app.emit({"columns": result.columns, "rows": result.rows}, as_table(result))
    return 0


def _list(app: App) -> int:
    from redshift_sql.questions import questions

    found = questions(app.pipeline_name)
    width = max((len(name) for name in found), default=0)
    lines = [f"{name:<{width}}  {question.asks}" for name, question in found.items()]
    app.emit({name: question.asks for name, question in found.items()}, "\n".join(lines) or "No saved queries.")
    return 0


def _question(app: App, name: str) -> Question:
    from redshift_sql.questions import questions
    from schemas.errors import LakeError

    found = questions(app.pipeline_name)
    if name not in found:
        remedy = "list them with: lake sql --list"
        raise LakeError(f"no saved query '{name}'", where=f"pipeline {app.pipeline_name}", remedy=remedy)
    return found[name]


def as_csv_text(result: QueryResult) -> str:
    """Header and rows as CSV; NULL is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.rows)
    return text.getvalue()


def as_table(result: QueryResult) -> str:
    """The rows as a table as wide as the terminal, or as the rows where there is none.

    NULL is a dot, numbers stand right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(result.columns):
        numeric = all(isinstance(row[number], int | float) or row[number] is None for row in result.rows)
        table.add_column(Text(name), justify="right" if numeric and result.rows else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*(Text("·", style="dim") if value is None else Text(str(value)) for value in row))
    console = Console(file=io.StringIO(), width=None if sys.stdout.isatty() else _WIDE, color_system=None)
    console.print(table)
    rows = "1 row" if len(result.rows) == 1 else f"{len(result.rows):,} rows"
    lines = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
    return f"{lines.strip(chr(10))}\n({rows})"
