"""Draft contracts for a table never seen before; check contracts against what exists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command, lake_group

if TYPE_CHECKING:
    from lake.contracts.draft import Draft
    from lake.contracts.shapes import FoundTable


@lake_group(
    "contract",
    example=(
        "lake contract check",
        "lake contract new --from supplier",
        "lake contract new --from retail.supplier.cdc",
    ),
)
def command() -> None:
    """Contracts say what a table looks like at every hop; a table is added by adding its files."""


@lake_command("check", example=("lake contract check", "lake contract check --pipeline retail --json"))
def checked(app: App) -> int:
    """Hold contracts against each other, the registry, the change logs and the warehouse.

    Says what would break, where and what to do; the exit code is 1 where something would. A place that is not there
    (a stack that is down, a warehouse never loaded) is not looked at, and named.
    """
    from lake.contracts.facts import Places, findings

    pipeline = app.pipeline
    url = _registry(app)
    if url is None:
        app.say("the stack is down: contracts are not held against the registry")
    name = app.pipeline_name
    # Another warehouse than the embedded one is what `lake warehouse plan` compares.
    warehouse = None if app.settings.warehouse_uri else app.home.warehouse(name)
    found = list(findings(pipeline, Places(url, app.home.catalog_uri(name), warehouse)))
    broken = sum(item.breaks for item in found)
    lines = [
        f"{'breaks' if item.breaks else 'note  '}  {item.where}: {item.what}\n        remedy: {item.remedy}"
        for item in found
    ]
    tables = len(pipeline.sources)
    lines.append(f"{tables} source contracts: {broken} would break, {len(found) - broken} to note")
    app.emit({"breaks": broken, "findings": [item.to_json() for item in found]}, "\n".join(lines))
    return int(broken > 0)


@lake_command(
    "new", example=("lake contract new --from supplier", "lake contract new --from retail.supplier.cdc --show")
)
@click.option(
    "--from", "origin", required=True, metavar="TOPIC|TABLE", help="A topic, or [schema.]table of the source."
)
@click.option(
    "--into", type=click.Path(path_type=Path), help="Folder of the pipeline; where its files are, if not given."
)
@click.option("--show", is_flag=True, help="Print the drafts, write nothing.")
def new(app: App, origin: str, into: Path | None, show: bool) -> int:
    """Draft a source contract and a star contract from the registry's schema or from the live table.

    Types, key and nullability are the source's. What is personal (pii) and what keeps history (scd) is guessed by name
    and marked, as is everything else that a person must decide. No file is overwritten.
    """
    from lake.contracts.draft import drafts

    folder = into or _folder(app)
    fresh = not (folder / "pipeline.yaml").is_file()
    made = drafts(_found(app, origin), {} if fresh else app.pipeline.dimensions)
    if show:
        app.emit({draft.path: draft.text for draft in made}, "\n".join(f"# {d.path}\n{d.text}" for d in made))
        return 0
    written = _write(folder, made, app.pipeline_name if fresh else "")
    app.emit({"written": written}, "\n".join(f"written: {path}" for path in written) + "\nnext: lake contract check")
    return 0


command.add_command(checked)
command.add_command(new)


def _registry(app: App) -> str | None:
    from schemas.errors import LakeError

    try:
        return app.endpoints.ccompat_url
    except LakeError:
        return None


def _found(app: App, origin: str) -> FoundTable:
    """The table: a topic that the registry knows, else a table of the source database."""
    from lake.contracts.shapes import from_postgres, from_registry, newest_schema

    url = app.endpoints.ccompat_url
    for topic in (origin, f"{app.pipeline_name}.{origin}.cdc"):
        if newest_schema(url, f"{topic}-value") is not None:
            return from_registry(url, topic)
    schema, _, table = origin.rpartition(".")
    topic = f"{app.pipeline_name}.{table}.cdc"
    return from_postgres(app.endpoints.source_dsn(app.pipeline_name), table, topic, schema or "public")


def _folder(app: App) -> Path:
    from schemas.errors import ContractError
    from schemas.parse import pipeline_folder

    folder = pipeline_folder(app.pipeline_name, app.settings.search_path)
    if not isinstance(folder, Path):
        raise ContractError(
            "the pipeline's files are in an archive", where=str(folder), remedy="name a folder with --into"
        )
    return folder


def _write(folder: Path, made: tuple[Draft, ...], fresh: str) -> list[str]:
    """Writes every draft or none; a new folder gets a `pipeline.yaml`."""
    from lake.contracts.draft import Draft
    from schemas.errors import ContractError

    files = [*([Draft("pipeline.yaml", f"pipeline: {fresh}\n")] if fresh else []), *made]
    for draft in files:
        if (folder / draft.path).exists():
            remedy = "move it away, or see the draft with --show"
            raise ContractError("the contract is there already", where=str(folder / draft.path), remedy=remedy)
    for draft in files:
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft.text, encoding="utf-8")
    return [str(folder / draft.path) for draft in files]
