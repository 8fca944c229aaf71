"""Show the SQL of Redshift's streaming path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from redshift_sql.statements import Statement
    from redshift_sql.stream import Stage


@lake_command(
    "stream",
    example=(
        "lake warehouse stream > stream.sql",
        "lake warehouse stream --cluster arn:aws:kafka:… --role arn:aws:iam::… --function lake-decode:live",
        "lake warehouse stream --switch product --json",
    ),
)
@click.option("--cluster", metavar="ARN|BROKERS", help="The MSK cluster: its ARN, or host:9098,host:9098.")
@click.option("--role", metavar="ARN", help="The role by which Redshift reads topics and calls the function.")
@click.option("--function", metavar="NAME", help="The Lambda function, with :alias where there is one.")
@click.option("--json-table", "json_tables", multiple=True, metavar="TABLE", help="Its topic is JSON.")
@click.option("--version", "versions", multiple=True, metavar="TABLE=N", help="The present version of its view.")
@click.option("--epoch", "epochs", multiple=True, metavar="TABLE=N", help="The epoch of the topic that its view reads.")
@click.option("--switch", metavar="TABLE", help="Take one table to its next view instead.")
def stream(
    app: App,
    *,
    cluster: str | None,
    role: str | None,
    function: str | None,
    json_tables: tuple[str, ...],
    versions: tuple[str, ...],
    epochs: tuple[str, ...],
    switch: str | None,
) -> int:
    """Show what sets up the streaming path beside the batch, stage by stage, as SQL for Redshift. Runs nothing.

    Without cluster, role and function the SQL names examples. A stage in one transaction says so; a check must give no
    row before the next stage is run. `--json` also has the statements for a schedule, and the alarm on the lag.
    """
    from dataclasses import asdict, replace

    from redshift_sql.stream import EXAMPLE, lag_alarm, refresh_plan, retention_plan, stream_stages, switch_stages

    given = {"cluster": cluster, "role": role, "function": function}
    settings = replace(
        EXAMPLE,
        **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]
        json_tables=frozenset(_known(app, table) for table in json_tables),
        versions=_numbers(app, versions, "--version"),
        epochs=_numbers(app, epochs, "--epoch"),
    )
    if switch:
        stages = switch_stages(app.pipeline, settings, _known(app, switch))
    else:
        stages = stream_stages(app.pipeline, settings)
    document = {
        "stages": [
            {"name": stage.name, "transaction": stage.transaction, "statements": _texts(stage.plan)} for stage in stages
        ],
        "each_minute": _texts(refresh_plan(app.pipeline, settings)),
        "each_day": _texts(retention_plan(app.pipeline, settings)),
        "alarm": asdict(lag_alarm(app.pipeline, settings)),
    }
    app.emit(document, "\n\n".join(_shown(stage) for stage in stages))
    return 0


def _texts(plan: tuple[Statement, ...]) -> list[str]:
    return [statement.sql.strip() for statement in plan]


def _shown(stage: Stage) -> str:
    lines = "\n\n".join(f"{text};" for text in _texts(stage.plan))
    return f"-- Stage: {stage.name}.\n\n" + (f"begin;\n\n{lines}\n\ncommit;" if stage.transaction else lines)


def _known(app: App, table: str) -> str:
    from schemas.errors import ContractError

    if table not in app.pipeline.sources:
        remedy = f"use one of {', '.join(sorted(app.pipeline.sources))}"
        raise ContractError(f"no source table '{table}'", where=app.pipeline_name, remedy=remedy)
    return table


def _numbers(app: App, pairs: tuple[str, ...], option: str) -> dict[str, int]:
    """`TABLE=N` as a mapping."""
    found = {}
    for pair in pairs:
        table, _, number = pair.partition("=")
        if not number.isdecimal():
            raise click.BadParameter("write TABLE=N", param_hint=option)
        found[_known(app, table)] = int(number)
    return found
