"""What a plan leaves for its apply: the saved plan, and what it was made from; both checked before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from lake.deploy.errors import ArtefactError, DeployError
from lake.deploy.release import Release

PLAN: Final = "plan.tfplan"
DOCUMENT: Final = "bundle.json"
SUMMARY: Final = "summary.md"


@dataclass(frozen=True)
class Bundle:
    """A plan that waits to be applied.

    Args:
        environment: dev, qa or prod.
        kind: `first`, `deploy` or `rollback`.
        release: what it brings.
        folder: where the release's files are; empty for a rollback, whose files are in the bucket.
        plan: SHA-256 of the saved plan.
        digest: of its changes.
        after: number of the environment's last deployment when it was made; 0 where there was none.
        artifacts: the artifacts bucket, as a store's root; empty for `first`, which makes it.
        back_to: for a rollback, the number of the deployment that comes back.
    """

    environment: str
    kind: str
    release: Release
    folder: str
    plan: str
    digest: str
    after: int
    artifacts: str
    back_to: int | None = None

    def write(self, folder: Path) -> None:
        """Puts it beside the saved plan."""
        document = {**asdict(self), "release": self.release.to_json()}
        (folder / DOCUMENT).write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, environment: str) -> Self:
        """The bundle in a folder, if its plan is still the one it was written for.

        Raises:
            DeployError: there is none, or it is another environment's.
            ArtefactError: the saved plan is another.
        """
        try:
            document: Mapping[str, Any] = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
            found = cls(**{**document, "release": Release.from_json(document["release"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            remedy = f"plan first: lake deploy plan {environment}"
            raise DeployError("no plan waits here", where=str(folder), remedy=remedy) from error
        if found.environment != environment:
            what = f"is a plan for {found.environment}, not for {environment}"
            raise DeployError(what, where=str(folder), remedy=f"plan again: lake deploy plan {environment}")
        if not (folder / PLAN).is_file() or sha256(folder / PLAN) != found.plan:
            raise ArtefactError("is not the plan that was made", where=str(folder / PLAN), remedy="plan again")
        return found


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
