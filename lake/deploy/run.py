"""Plan, apply and roll back: the steps in order, each done by a module of its own."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lake.deploy import records
from lake.deploy.aws import caller, client
from lake.deploy.bundle import PLAN, SUMMARY, Bundle, sha256
from lake.deploy.changes import Changes, changes_of, markdown_of
from lake.deploy.errors import DataLossError, DeployError, StalePlanError
from lake.deploy.places import ARTIFACTS, Places, bucket_of, places_of
from lake.deploy.records import Deployment
from lake.deploy.release import Release, check_stored, read_release, upload
from lake.deploy.terraform import Terraform, planned_outputs
from lake.deploy.topics import KafkaTopics, MskTopics, Topics, ensure
from lake.store import Store, StoreError, store_for

FIRST: Final = "first"
STORAGE: Final = ("module.lake.module.storage",)
"""What must be there before a release can be uploaded: the buckets, and by their references the keys."""
Say = Callable[[str], None]
_NO_BUCKET: Final = "(NoSuchBucket)"


@dataclass(frozen=True)
class Wish:
    """What a plan is asked for.

    Args:
        environment: dev, qa or prod.
        release: what it should bring, whether its files are here or in the bucket.
        files: where the release's files are; None where they are in the bucket.
        kind: `first`, `deploy` or `rollback`.
        out: folder of the plan.
        may_lose: addresses of data-holding resources that may be destroyed.
        expected: the digest that an earlier plan had and that was approved; None where none was.
        lock: take the state's lock.
        back_to: for a rollback, the deployment that comes back.
    """

    environment: str
    release: Release
    files: Path | None
    kind: str
    out: Path
    may_lose: Sequence[str] = ()
    expected: str | None = None
    lock: bool = True
    back_to: int | None = None


def plan(wish: Wish, terraform: Terraform) -> Changes:
    """Plans, checks what the plan would do, and leaves it to be applied.

    Raises:
        DataLossError: it destroys what holds data, and that was not allowed by address.
        StalePlanError: it is not the plan that was approved.
        DeployError: the buckets are still to be made.
        TerraformError: it cannot be made.
    """
    shutil.rmtree(wish.out, ignore_errors=True)
    wish.out.mkdir(parents=True, mode=0o700)
    targets = STORAGE if wish.kind == FIRST else ()
    shown = terraform.plan(wish.out / PLAN, {"release": wish.release.keys()}, targets=targets, lock=wish.lock)
    changes = changes_of(shown)
    # The summary is there also for a plan that is refused: it says why.
    (wish.out / SUMMARY).write_text(markdown_of(changes, _title(wish), _notes(wish)), encoding="utf-8")
    try:
        refuse_loss(changes, wish.may_lose)
        _refuse_another(changes, wish)
        artifacts = "" if wish.kind == FIRST else _artifacts(shown, wish.environment)
    except DeployError:
        _spent(wish.out)
        raise
    Bundle(
        environment=wish.environment,
        kind=wish.kind,
        release=wish.release,
        folder=str(wish.files.resolve()) if wish.files else "",
        plan=sha256(wish.out / PLAN),
        digest=changes.digest,
        after=_last(artifacts) if artifacts else 0,
        artifacts=artifacts,
        back_to=wish.back_to,
    ).write(wish.out)
    return changes


def _refuse_another(changes: Changes, wish: Wish) -> None:
    if wish.expected is not None and changes.digest != wish.expected:
        remedy = "somebody changed the environment or the code meanwhile: look at the new plan, and approve that"
        raise StalePlanError("is not the plan that was approved", where=wish.environment, remedy=remedy)


def _artifacts(shown: Mapping[str, Any], environment: str) -> str:
    """The artifacts bucket; Terraform knows its name once it is made."""
    outputs = planned_outputs(shown)
    if not outputs.get(ARTIFACTS):
        raise _no_bucket(environment, f"output {ARTIFACTS}")
    return f"s3://{bucket_of(outputs, ARTIFACTS)}"


def _no_bucket(environment: str, where: str) -> DeployError:
    remedy = f"make it first: lake deploy plan {environment} --first, apply that, then plan again"
    return DeployError("the bucket for artefacts is not there", where=where, remedy=remedy)


def refuse_loss(changes: Changes, allowed: Sequence[str]) -> None:
    """Stop a plan that destroys what holds data, but for what is allowed by its address.

    Raises:
        DataLossError: names the addresses.
    """
    losing = [item.address for item in changes.losing if item.address not in allowed]
    if losing:
        remedy = f"if that is meant: {' '.join(f'--allow-destroy {_quoted(address)}' for address in losing)}"
        raise DataLossError("would be destroyed, with the data in it", where=", ".join(losing), remedy=remedy)


def _quoted(address: str) -> str:
    return f"'{address}'" if '"' in address else address


def _title(wish: Wish) -> str:
    return f"{wish.environment}: {wish.kind} of release {wish.release.id}"


def _notes(wish: Wish) -> list[str]:
    notes = [f"version {wish.release.version}, commit `{wish.release.commit[:12]}`"]
    if wish.kind == FIRST:
        notes.append(f"only {', '.join(STORAGE)}: plan and apply again after it")
    return notes


def _last(artifacts: str) -> int:
    """The number of the last deployment; 0 where there is none yet, or the bucket is still to be made."""
    try:
        found = records.last(store_for(artifacts))
    except StoreError as error:
        if _NO_BUCKET in error.what:
            return 0
        raise
    return found.seq if found else 0


def rollback_wish(environment: str, deployments: list[Deployment], store: Store, out: Path, to: int | None) -> Wish:
    """The wish for going back.

    Args:
        environment: dev, qa or prod.
        deployments: its history.
        store: its artifacts bucket.
        out: folder of the plan.
        to: the number of the deployment that should come back; without it the one before.

    Raises:
        DeployError: there is nothing to go back to.
        ArtefactError: a file of that release is not in the bucket any more, or is another.
    """
    target = records.before(deployments, to)
    for item in target.release.artefacts:
        check_stored(item, store)
    return Wish(environment, target.release, None, records.ROLLBACK, out, back_to=target.seq)


def artifacts_of(terraform: Terraform) -> str:
    """The artifacts bucket of an environment that was applied.

    Raises:
        DeployError: it never was.
    """
    outputs = terraform.outputs()
    if not outputs:
        raise DeployError("nothing was applied yet", where=str(terraform.folder), remedy="plan first: lake deploy plan")
    return f"s3://{bucket_of(outputs, ARTIFACTS)}"


@dataclass(frozen=True)
class Applied:
    """What an apply did: the deployment as it is recorded (none for a first one), and steps beyond Terraform."""

    deployment: Deployment | None
    steps: tuple[str, ...]


def apply(environment: str, folder: Path, terraform: Terraform, say: Say = lambda _: None) -> Applied:
    """Applies the plan that waits in a folder, all of it; each step does nothing where it was done already.

    Order: artefacts go up, Terraform points to them, topics are made, migrations run (not in a rollback), and the
    deployment is recorded. After a failure, plan and apply again.

    Raises:
        StalePlanError: the environment changed since the plan.
        ArtefactError: a file is not what the release says.
        LakeError: a step failed.
    """
    bundle = Bundle.read(folder, environment)
    who = caller()
    if bundle.kind == FIRST:
        terraform.apply(folder / PLAN)
        _spent(folder)
        return Applied(None, ())
    store = store_for(bundle.artifacts)
    _bring(bundle, store, say)
    terraform.apply(folder / PLAN)
    _spent(folder)
    places = places_of(terraform.outputs())
    steps = _ensure_topics(places, say)
    if bundle.kind == records.DEPLOY:
        steps += migrate(bundle.release, store, places, say)
    made = Deployment(
        seq=bundle.after + 1,
        environment=environment,
        kind=bundle.kind,
        release=bundle.release,
        who=who,
        at=datetime.now(UTC),
        plan=bundle.digest,
        back_to=bundle.back_to,
    )
    return Applied(records.record(made, store), tuple(steps))


def _bring(bundle: Bundle, store: Store, say: Say) -> None:
    """The release's files into the bucket, or the check that they are there."""
    newest = _last(bundle.artifacts)
    if newest != bundle.after:
        what = f"deployment {newest} was made after this plan"
        raise StalePlanError(what, where=bundle.environment, remedy="plan again: lake deploy plan")
    if not bundle.folder:
        for item in bundle.release.artefacts:
            check_stored(item, store)
        return
    files = Path(bundle.folder)
    if read_release(files) != bundle.release:
        raise StalePlanError("is another release than was planned", where=str(files), remedy="plan again")
    try:
        for key in upload(bundle.release, files, store):
            say(f"uploaded {key.rpartition('/')[2]}")
    except StoreError as error:
        if _NO_BUCKET not in error.what:
            raise
        raise _no_bucket(bundle.environment, store.uri) from error


def _spent(folder: Path) -> None:
    """A plan is applied once, and may hold secrets: it goes."""
    (folder / PLAN).unlink(missing_ok=True)


def cluster_of(places: Places) -> Topics:
    """The way to an environment's topics."""
    if places.cluster_kind == "provisioned":
        return MskTopics(client("kafka"), places.cluster_arn)
    from lake.kafka_auth import IAM, NONE, client_options

    # A serverless cluster has no API of topics, and takes IAM only.
    return KafkaTopics(client_options(places.bootstrap, IAM if places.cluster_kind == "serverless" else NONE))


def _ensure_topics(places: Places, say: Say) -> list[str]:
    done = ensure(places.topics, cluster_of(places)) if places.topics else []
    for step in done:
        say(step)
    return done


def migrate(release: Release, store: Store, places: Places, say: Say) -> list[str]:
    """The warehouse's migrations, as the release's wheel has them, whatever code runs here.

    Returns:
        What was applied, in words.

    Raises:
        LakeError: the warehouse cannot be reached, or a migration takes data away (run it by hand).
    """
    from lake.warehouse.connect import connect
    from lake.warehouse.migrate import migrate as migrate_warehouse
    from redshift_sql.migration import migrations_of
    from schemas import load_pipeline

    with _contracts(store.read(release.one("wheel").key)) as search_path:
        pipeline = load_pipeline(release.pipeline, search_path)
        migrations = migrations_of(release.pipeline, search_path)
        warehouse = connect(places.warehouse_uri, places.lake_uri, copy_role=places.copy_role)
        try:
            done = migrate_warehouse(
                pipeline, warehouse, migrations, progress=lambda item: say(f"migration {item.name}")
            )
        finally:
            warehouse.close()
    return [*(f"migration {item.name}" for item in done.applied), *(f"{i.verb} {i.table}" for i in done.computed)]


@contextmanager
def _contracts(wheel: bytes) -> Iterator[tuple[Path, ...]]:
    """A folder of pipelines: those that a wheel holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.whl"
        path.write_bytes(wheel)
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.startswith("schemas/")]
            archive.extractall(folder, members)  # its hash is that of the release
        yield (Path(folder) / "schemas",)
