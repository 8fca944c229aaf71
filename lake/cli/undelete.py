"""Bring back objects of a lake on S3 that were deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from lake.cli._base import App, lake_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.versions import Deleted

_SHOWN = 20


@lake_command(
    "undelete",
    example=(
        "lake undelete s3://retail-datalake-dev --prefix landing/customer/",
        "lake undelete s3://retail-datalake-dev --prefix landing/ --since 2026-11-25T10:00:00 --yes",
    ),
)
@click.argument("lake_uri", metavar="s3://BUCKET[/FOLDER]")
@click.option("--prefix", default="", help="Only keys that start so.")
@click.option("--since", type=click.DateTime(), help="Only what was deleted then or later (UTC).")
@click.option("--yes", is_flag=True, help="Bring them back; without it, only show them.")
def command(app: App, lake_uri: str, prefix: str, since: datetime | None, yes: bool) -> int:
    """Show what was deleted in a bucket that keeps versions, and bring it back: the newest version, as it was.

    Files of landing that a lifecycle rule removed after their time are deleted too: name a prefix or a time.
    """
    from lake.versions import VersionedBucket

    bucket = VersionedBucket(lake_uri)
    found = bucket.deleted(prefix, since=since.replace(tzinfo=UTC) if since else None)
    back = bucket.bring_back(found) if yes else 0
    document = {
        "deleted": [{"key": item.key, "deleted_at": item.deleted_at, "bytes": item.size} for item in found],
        "brought_back": back,
    }
    app.emit(document, report(found, back))
    return 0


def report(found: Sequence[Deleted], back: int) -> str:
    """The objects as a table, and what to do next."""
    if not found:
        return "Nothing is deleted there."
    lines = [f"{item.deleted_at:%Y-%m-%d %H:%M:%S}  {item.size:>12,}  {item.key}" for item in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"… and {len(found) - _SHOWN:,} more (--json has all of them)")
    many = "object" if len(found) == 1 else "objects"
    lines.append(f"{back:,} {many} brought back." if back else f"With --yes, {len(found):,} {many} come back.")
    return "\n".join(lines)
