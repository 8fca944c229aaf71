"""What a Terraform plan would do, told without any value: addresses, verbs and the names of attributes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

HOLDS_DATA: Final = frozenset(
    """
    aws_backup_vault aws_cloudwatch_log_group aws_db_instance aws_dynamodb_table aws_ebs_volume
    aws_efs_file_system aws_glue_catalog_database aws_glue_catalog_table aws_glue_registry aws_glue_schema
    aws_kms_key aws_msk_cluster aws_msk_serverless_cluster aws_rds_cluster aws_redshift_cluster
    aws_redshift_cluster_snapshot aws_redshiftserverless_namespace aws_redshiftserverless_snapshot aws_s3_bucket
    aws_secretsmanager_secret aws_sqs_queue
    """.split()  # noqa: SIM905 - twenty names read better as a paragraph
)
"""Types whose destruction loses data, or the key, schema or place without which data cannot be read."""


class Verb(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    FORGET = "forget"


_SIGNS: Final = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.REPLACE: "-/+",
    Verb.DESTROY: "-",
    Verb.FORGET: "forget",
}
_VERBS: Final = {
    ("create",): Verb.CREATE,
    ("update",): Verb.UPDATE,
    ("delete",): Verb.DESTROY,
    ("delete", "create"): Verb.REPLACE,
    ("create", "delete"): Verb.REPLACE,
    ("forget",): Verb.FORGET,
}


@dataclass(frozen=True)
class Change:
    """One resource's change.

    Args:
        address: the resource's address.
        type: its type.
        verb: what happens to it.
        attributes: names of the top-level attributes that differ; none where it is created or destroyed.
        forces: those of them that force a replacement.
    """

    address: str
    type: str
    verb: Verb
    attributes: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()

    @property
    def loses_data(self) -> bool:
        """Whether it destroys what holds data."""
        return self.verb in (Verb.DESTROY, Verb.REPLACE) and self.type in HOLDS_DATA


@dataclass(frozen=True)
class Changes:
    """All changes of a plan, by address, and a digest that two plans share only if they would do the same."""

    items: tuple[Change, ...]
    digest: str

    def count(self, *verbs: Verb) -> int:
        """How many resources have one of these changes."""
        return sum(item.verb in verbs for item in self.items)

    @property
    def losing(self) -> tuple[Change, ...]:
        """The changes that destroy what holds data."""
        return tuple(item for item in self.items if item.loses_data)

    @property
    def sentence(self) -> str:
        """The numbers in one line."""
        made, gone = self.count(Verb.CREATE, Verb.REPLACE), self.count(Verb.DESTROY, Verb.REPLACE)
        return f"{made} to add, {self.count(Verb.UPDATE)} to change, {gone} to destroy"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        shown = [
            {
                "address": item.address,
                "change": item.verb.value,
                "attributes": list(item.attributes),
                "loses_data": item.loses_data,
            }
            for item in self.items
        ]
        return {"summary": self.sentence, "digest": self.digest, "changes": shown}


def changes_of(plan: Mapping[str, Any]) -> Changes:
    """The changes of a plan.

    Args:
        plan: what `terraform show -json` tells of it (Terraform, "JSON Output Format", `resource_changes` and
            `output_changes`).
    """
    resources = [item for item in plan.get("resource_changes", ()) if tuple(item["change"]["actions"]) in _VERBS]
    items = sorted((_change(item) for item in resources), key=lambda item: item.address)
    told = sorted(_fingerprint(item["address"], item["change"]) for item in resources)
    outputs = plan.get("output_changes") or {}
    told += sorted(_fingerprint(f"output.{name}", change) for name, change in outputs.items() if _differs(change))
    return Changes(tuple(items), hashlib.sha256("\n".join(told).encode()).hexdigest())


def _change(item: Mapping[str, Any]) -> Change:
    change = item["change"]
    forces = sorted({str(path[0]) for path in change.get("replace_paths", ()) if path})
    verb = _VERBS[tuple(change["actions"])]
    differing = _differing(change) if verb in (Verb.UPDATE, Verb.REPLACE) else ()
    return Change(item["address"], item["type"], verb, differing, tuple(forces))


def _differing(change: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return tuple(sorted(n for n in {*before, *after, *unknown} if before.get(n) != after.get(n) or unknown.get(n)))


def _differs(change: Mapping[str, Any]) -> bool:
    return list(change["actions"]) != ["no-op"]


def _fingerprint(address: str, change: Mapping[str, Any]) -> str:
    """What is compared of a change: everything of it, but for sensitive values, which even a digest could betray."""
    after = _open(change.get("after"), change.get("after_sensitive"))
    return json.dumps([address, change["actions"], after, change.get("after_unknown")], sort_keys=True)


def _open(value: Any, sensitive: Any) -> Any:
    """`value` without what Terraform marks as sensitive."""
    if sensitive is True:
        return "(sensitive)"
    if isinstance(value, dict):
        marks = sensitive if isinstance(sensitive, dict) else {}
        return {name: _open(part, marks.get(name)) for name, part in value.items()}
    if isinstance(value, list):
        each = sensitive if isinstance(sensitive, list) else []
        return [_open(part, mark) for part, mark in zip_longest(value, each)][: len(value)]
    return value


def text_of(changes: Changes) -> str:
    """For a terminal."""
    return "\n".join([*(f"{_sign(item)} {_told(item)}" for item in changes.items), changes.sentence])


def _sign(item: Change) -> str:
    return f"{_SIGNS[item.verb]:>6}"


def _told(item: Change) -> str:
    notes = []
    if item.attributes and item.verb == Verb.UPDATE:
        notes.append(", ".join(item.attributes))
    if item.forces:
        notes.append(f"because of {', '.join(item.forces)}")
    if item.loses_data:
        notes.append("LOSES DATA")
    return item.address + (f"  ({'; '.join(notes)})" if notes else "")


def markdown_of(changes: Changes, title: str, notes: Sequence[str] = ()) -> str:
    """For a pull request or a run's summary: GitHub's Markdown, colours by its `diff` blocks."""
    lines = [f"### {title}", "", f"**{changes.sentence}**", ""]
    lines += [f"- {note}" for note in notes]
    if changes.losing:
        lines += ["", "> [!CAUTION]", "> These lose data: " + ", ".join(f"`{item.address}`" for item in changes.losing)]
    if changes.items:
        lines += ["", "```diff", *_diff(changes.items), "```"]
    return "\n".join([*lines, ""])


def _diff(items: Iterable[Change]) -> list[str]:
    marks = {Verb.CREATE: "+", Verb.UPDATE: "!", Verb.REPLACE: "-", Verb.DESTROY: "-", Verb.FORGET: "#"}
    return [f"{marks[item.verb]} {item.verb.value:<8} {_told(item)}" for item in items]
