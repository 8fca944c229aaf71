"""Whether an environment works: each part asked once, read-only, with what to do where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from lake.deploy import records
from lake.deploy.aws import client, refused
from lake.deploy.places import Places
from lake.deploy.release import check_stored
from lake.deploy.run import cluster_of
from lake.deploy.topics import missing
from lake.store import store_for
from schemas.errors import LakeError

FAILED_RUNS: Final = ("FAILED", "TIMEOUT", "ERROR")


@dataclass(frozen=True)
class Check:
    """One answer.

    Args:
        part: what was asked.
        ok: whether it is as it should be.
        found: what was found.
        remedy: what to do; empty where all is well.
    """

    part: str
    ok: bool
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def checks(places: Places) -> Iterator[Check]:
    """Asks every part, one after the other; a part that fails does not hide the next."""
    for use, bucket in sorted(places.buckets.items()):
        yield _asked(f"bucket {use}", partial(_bucket, bucket))
    yield _asked("release", partial(_release, places))
    wheel = _wheel(places)
    for zone, database in sorted(places.databases.items()):
        yield _asked(f"catalog {zone}", partial(_database, database))
    for entry, job in sorted(places.jobs.items()):
        yield _asked(f"job {entry}", partial(_job, job, wheel))
    yield _asked("topics", partial(_topics, places))
    yield _asked("warehouse", partial(_warehouse, places))
    yield _asked("alarms", partial(_alarms, places.name))


Answer = tuple[bool, str, str]


def _asked(part: str, ask: Callable[[], Answer]) -> Check:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return Check(part, *ask())
    except LakeError as error:
        return Check(part, False, f"{error.where}: {error.what}" if error.where else error.what, error.remedy)
    except (BotoCoreError, ClientError) as error:
        failed = refused(error, part, "AWS")
        return Check(part, False, failed.what, failed.remedy)


def _fine(found: str) -> Answer:
    return True, found, ""


def _bucket(name: str) -> Answer:
    s3 = client("s3")
    s3.head_bucket(Bucket=name)
    versioned = s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled"
    blocked = all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    lacks = [word for word, there in (("versioning", versioned), ("its block of public access", blocked)) if not there]
    if lacks:
        return False, f"{name} lacks {' and '.join(lacks)}", "somebody changed it by hand: plan and apply again"
    return _fine(name)


def _release(places: Places) -> Answer:
    store = store_for(places.artifacts_uri)
    newest = records.last(store)
    if newest is None:
        return False, "nothing is recorded as deployed", "plan and apply: lake deploy plan"
    for item in newest.release.artefacts:
        check_stored(item, store)
    return _fine(
        f"deployment {newest.seq} ({newest.kind}), release {newest.release.id}, {newest.at:%Y-%m-%d %H:%M} UTC"
    )


def _database(name: str) -> Answer:
    client("glue").get_database(Name=name)
    return _fine(name)


def _wheel(places: Places) -> str:
    """The key of the wheel that was deployed last; empty where that cannot be told, which `_release` says."""
    try:
        newest = records.last(store_for(places.artifacts_uri))
    except LakeError:
        return ""
    return newest.release.one("wheel").key if newest else ""


def _job(name: str, wheel: str) -> Answer:
    glue = client("glue")
    modules = glue.get_job(JobName=name)["Job"].get("DefaultArguments", {}).get("--additional-python-modules", "")
    if modules and wheel not in modules:
        return False, f"{name} runs another release than was deployed last", "plan and apply again"
    runs = glue.get_job_runs(JobName=name, MaxResults=1).get("JobRuns", [])
    if not runs:
        return _fine(f"{name}, no run yet")
    state, run = runs[0]["JobRunState"], runs[0]["Id"]
    if state in FAILED_RUNS:
        return False, f"{name}: its last run ended as {state}", f"read that run's log: {run}, in CloudWatch /aws-glue/"
    return _fine(f"{name}, last run {state}")


def _topics(places: Places) -> Answer:
    lacks = missing(places.topics, cluster_of(places)) if places.topics else []
    if lacks:
        return False, "; ".join(lacks), "plan and apply again: apply makes topics"
    return _fine(f"{len(places.topics)} topics")


def _warehouse(places: Places) -> Answer:
    from lake.warehouse.connect import connect

    warehouse = connect(places.warehouse_uri, places.lake_uri, read_only=True, copy_role=places.copy_role)
    try:
        found = warehouse.query("SELECT count(*) AS tables FROM information_schema.tables")
    finally:
        warehouse.close()
    return _fine(f"answers, {found.rows[0][0]} tables")


def _alarms(prefix: str) -> Answer:
    found: list[dict[str, Any]] = []
    for page in client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix):
        found += [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
    ringing = sorted(item["AlarmName"] for item in found if item["StateValue"] == "ALARM")
    if ringing:
        return False, f"in ALARM: {', '.join(ringing)}", "docs/operations.md says what each alarm means"
    if not found:
        return False, f"none is named {prefix}…", "plan and apply again: alarms are part of the environment"
    return _fine(f"{len(found)}, none in ALARM")


def report(found: Sequence[Check]) -> str:
    """The answers as a table, with remedies under those that are not well."""
    lines = []
    for item in found:
        lines.append(f"{'ok' if item.ok else 'FAILS':<6} {item.part:<28} {item.found}")
        if item.remedy:
            lines.append(f"{'':<6} {'':<28} → {item.remedy}")
    failing = sum(not item.ok for item in found)
    return "\n".join([*lines, f"{failing} of {len(found)} checks fail" if failing else f"all {len(found)} checks pass"])
