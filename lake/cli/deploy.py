"""Deliver to AWS: build a release, plan it, apply it, look whether it works, go back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lake.cli._base import App, lake_command, lake_group

if TYPE_CHECKING:
    from lake.deploy.changes import Changes
    from lake.deploy.run import Applied, Wish
    from lake.deploy.terraform import Terraform

SOMETHING_TO_DO = 3
"""Exit code of `plan` and `rollback` where the plan changes something."""


@lake_group(
    "deploy",
    example=(
        "lake deploy build --out dist",
        "lake deploy plan dev --release dist",
        "lake deploy apply dev",
        "lake deploy smoke dev",
        "lake deploy rollback dev --yes",
    ),
)
def command() -> None:
    """A release is built once, and the same files go to dev, qa and prod; Terraform makes what they run on.

    Workflows run these commands, and so do people: what one prints, the other has seen. Credentials are those of AWS's
    own tools (AWS_PROFILE, AWS_REGION); Terraform's variables come as TF_VAR_… or from the environment's tfvars files.
    """


def _on_environment(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and options of every sub-command that works on an environment."""
    for decorate in (
        click.argument("environment"),
        click.option(
            "--environments",
            type=click.Path(path_type=Path),
            default=Path("infra/terraform/environments"),
            show_default=True,
            help="Folder that holds a Terraform root module for each environment.",
        ),
        click.option("--backend-config", "backend", multiple=True, metavar="KEY=VALUE", help="For terraform init."),
        click.option("--terraform-binary", "binary", default="terraform", show_default=True, help="The program."),
    ):
        function = decorate(function)
    return function


_RELEASE = click.option(
    "--release",
    "release",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Folder of the release, as `lake deploy build` made it.",
)
_LOSE = click.option(
    "--allow-destroy", "may_lose", multiple=True, metavar="ADDRESS", help="This may be destroyed, with its data."
)
_EXPECT = click.option("--expect", metavar="DIGEST", help="Refuse any plan but the one with this digest.")
_SUMMARY = click.option(
    "--summary", type=click.Path(path_type=Path, dir_okay=False), help="Append the summary to this file, in Markdown."
)


@lake_command("build", example=("lake deploy build", "lake deploy build --out dist --json"))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("dist"), show_default=True)
@click.option("--checkout", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="A Git clone.")
@click.option(
    "--connector",
    "connectors",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The zip of a Kafka Connect plugin, which goes along as it is.",
)
def build(app: App, out: Path, checkout: Path, connectors: tuple[Path, ...]) -> int:
    """Build the release of the checkout's commit: wheel, script, decode function, jars, SBOM, checksums.

    The same commit gives the same bytes, wherever and whenever it is built; what is not committed is left out.
    """
    from lake.deploy.build import build as made

    release = made(checkout, out, app.pipeline_name, app.say, connectors)
    lines = [f"{item.sha256[:12]}  {item.bytes:>10,}  {item.file}" for item in release.artefacts]
    app.emit(release.to_json(), "\n".join([*lines, f"release {release.id}, in {out}"]))
    return 0


@lake_command(
    "plan",
    example=(
        "lake deploy plan dev --release dist",
        "lake deploy plan dev --first",
        "lake deploy plan prod --expect DIGEST --summary plan.md --json",
    ),
)
@_on_environment
@_RELEASE
@click.option("--first", is_flag=True, help="Only the buckets, which must be there before a release can go up.")
@_LOSE
@_EXPECT
@_SUMMARY
@click.option("--no-lock", is_flag=True, help="Only look: take no lock, as a role that may only read.")
def plan(
    app: App,
    environment: str,
    *,
    release: Path,
    first: bool,
    may_lose: tuple[str, ...],
    expect: str | None,
    summary: Path | None,
    no_lock: bool,
    **where: Any,
) -> int:
    """Show what a release would change in an environment, and save that plan for `lake deploy apply`.

    Addresses, verbs and names of attributes are shown, values never. A plan that destroys what holds data is refused
    unless each of its addresses is allowed. Exit code 0: nothing changes; 3: something does; 1: an error.
    """
    from lake.deploy import records
    from lake.deploy.release import read_release
    from lake.deploy.run import FIRST, Wish

    found = read_release(release)
    terraform = _terraform(app, environment, **where)
    wish = Wish(
        environment=environment,
        release=found,
        files=release,
        kind=FIRST if first else records.DEPLOY,
        out=_bundle(app, environment),
        may_lose=may_lose,
        expected=expect,
        lock=not no_lock,
    )
    changes = _planned(app, wish, terraform, summary)
    _show(app, wish, changes)
    return SOMETHING_TO_DO if changes.items else 0


@lake_command("apply", example=("lake deploy apply dev", "lake deploy apply prod --json"))
@_on_environment
def apply(app: App, environment: str, **where: Any) -> int:
    """Apply the plan that `lake deploy plan` or `rollback` saved: artefacts, Terraform, topics, migrations, record.

    Files go up under their SHA-256, so nothing is ever written over. A plan is applied once; if a step fails, plan and
    apply again: what was done is not done twice.
    """
    terraform = _terraform(app, environment, **where)
    _said(app, environment, _apply(app, environment, terraform))
    return 0


@lake_command("smoke", example=("lake deploy smoke dev", "lake deploy smoke prod --json"))
@_on_environment
def smoke(app: App, environment: str, **where: Any) -> int:
    """Ask each part of an environment whether it works; what fails is told with its remedy. Changes nothing.

    Exit code 0: all is well; 1: something fails.
    """
    from lake.deploy.places import places_of
    from lake.deploy.smoke import checks, report

    found = []
    for check in checks(places_of(_terraform(app, environment, **where).outputs())):
        app.say(f"{check.part}: {'ok' if check.ok else 'fails'}")
        found.append(check)
    well = all(check.ok for check in found)
    app.emit({"ok": well, "checks": [check.to_json() for check in found]}, report(found))
    return 0 if well else 1


@lake_command(
    "rollback",
    example=("lake deploy rollback dev", "lake deploy rollback prod --to 41", "lake deploy rollback dev --yes"),
)
@_on_environment
@click.option("--to", type=int, metavar="NUMBER", help="Back to this deployment; else to the release before.")
@click.option("--yes", is_flag=True, help="Apply it too; without, it is planned and shown.")
@_LOSE
@_EXPECT
@_SUMMARY
def rollback(
    app: App,
    environment: str,
    *,
    to: int | None,
    yes: bool,
    may_lose: tuple[str, ...],
    expect: str | None,
    summary: Path | None,
    **where: Any,
) -> int:
    """Point an environment back to the artefacts of an earlier deployment, taken from its bucket by their hashes.

    Terraform's code is the checkout's; migrations of the warehouse stay, as releases are written to work with a newer
    warehouse. Exit codes are those of `plan`; with --yes, 0 once it is applied.
    """
    from dataclasses import replace

    from lake.deploy import records
    from lake.deploy.run import artifacts_of, rollback_wish
    from lake.store import store_for

    terraform = _terraform(app, environment, **where)
    store = store_for(artifacts_of(terraform))
    wish = rollback_wish(environment, records.history(store), store, _bundle(app, environment), to)
    wish = replace(wish, may_lose=may_lose, expected=expect)
    changes = _planned(app, wish, terraform, summary)
    if not yes:
        _show(app, wish, changes)
        return SOMETHING_TO_DO if changes.items else 0
    _said(app, environment, _apply(app, environment, terraform))
    return 0


@lake_command("history", example=("lake deploy history dev", "lake deploy history prod --json"))
@_on_environment
def history(app: App, environment: str, **where: Any) -> int:
    """Show the deployments of an environment: number, when, what, by whom."""
    from lake.deploy import records
    from lake.deploy.run import artifacts_of
    from lake.store import store_for

    found = records.history(store_for(artifacts_of(_terraform(app, environment, **where))))
    lines = [
        f"{item.seq:>5}  {item.at:%Y-%m-%d %H:%M} UTC  {item.kind:<8}  {item.release.id}  "
        f"{item.release.commit[:12]}  {item.who}"
        for item in found
    ]
    app.emit({"deployments": [item.to_json() for item in found]}, "\n".join(lines) or "Nothing was deployed yet.")
    return 0


for _member in (build, plan, apply, smoke, rollback, history):
    command.add_command(_member)


def _terraform(app: App, environment: str, *, environments: Path, backend: tuple[str, ...], binary: str) -> Terraform:
    """Terraform in the environment's folder, ready."""
    import os

    from lake.deploy.errors import DeployError
    from lake.deploy.terraform import Terraform

    folder = environments / environment
    if not folder.is_dir():
        known = sorted(path.name for path in environments.glob("*/")) if environments.is_dir() else []
        remedy = f"use one of {', '.join(known)}" if known else "run it in a checkout, or name --environments"
        raise DeployError(f"no environment {environment!r}", where=str(environments), remedy=remedy)
    # Beside the plans, not in the checkout: what Terraform keeps of one clone's backend is no other's.
    data = app.home.deploy(environment) / "terraform"
    data.mkdir(parents=True, exist_ok=True)
    made = Terraform(folder.resolve(), binary, {**os.environ, "TF_DATA_DIR": str(data)}, app.say)
    app.say(f"terraform init in {folder}")
    made.init(backend)
    return made


def _bundle(app: App, environment: str) -> Path:
    return app.home.deploy(environment) / "plan"


def _planned(app: App, wish: Wish, terraform: Terraform, summary: Path | None) -> Changes:
    """The plan's changes; its summary is appended also where the plan is refused."""
    from lake.deploy.bundle import SUMMARY
    from lake.deploy.run import plan as planned

    app.say(f"terraform plan for {wish.environment}")
    try:
        return planned(wish, terraform)
    finally:
        if summary is not None and (wish.out / SUMMARY).is_file():
            with summary.open("a", encoding="utf-8") as file:
                file.write((wish.out / SUMMARY).read_text(encoding="utf-8"))


def _show(app: App, wish: Wish, changes: Changes) -> None:
    from lake.deploy.changes import text_of

    document = {"environment": wish.environment, "kind": wish.kind, "release": wish.release.id, **changes.to_json()}
    following = f"next: lake deploy apply {wish.environment}"
    app.emit(document, f"{text_of(changes)}\n{following}")


def _apply(app: App, environment: str, terraform: Terraform) -> Applied:
    from lake.deploy.run import apply as applied

    return applied(environment, _bundle(app, environment), terraform, app.say)


def _said(app: App, environment: str, done: Applied) -> None:
    made = done.deployment
    if made is None:
        app.emit({"deployment": None}, f"The buckets are there. next: lake deploy plan {environment}")
        return
    text = f"deployment {made.seq} of {environment}: release {made.release.id}\nnext: lake deploy smoke {environment}"
    app.emit({"deployment": made.to_json(), "steps": list(done.steps)}, text)
