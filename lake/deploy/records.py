"""The log of deployments, kept in the artifacts bucket: one immutable record each, numbered without a gap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from lake.deploy.errors import DeployError
from lake.deploy.release import Release
from lake.store import Store

FOLDER: Final = "deployments"
DEPLOY: Final = "deploy"
ROLLBACK: Final = "rollback"


@dataclass(frozen=True)
class Deployment:
    """What was applied.

    Args:
        seq: its number, from 1.
        environment: dev, qa or prod.
        kind: `deploy` or `rollback`.
        release: what runs since then.
        who: the caller's ARN, as STS tells it.
        at: when the apply ended, UTC.
        plan: digest of the changes.
        back_to: for a rollback, the number of the deployment whose release came back.
    """

    seq: int
    environment: str
    kind: str
    release: Release
    who: str
    at: datetime
    plan: str
    back_to: int | None = None

    @property
    def key(self) -> str:
        """Its key in the bucket."""
        return key_of(self.seq)

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {**asdict(self), "release": self.release.to_json(), "at": self.at.astimezone(UTC).isoformat()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The deployment that a record tells of.

        Raises:
            DeployError: the record is damaged.
        """
        try:
            at = datetime.fromisoformat(document["at"])
            return cls(**{**document, "release": Release.from_json(document["release"]), "at": at})
        except (KeyError, TypeError, ValueError) as error:
            raise DeployError(
                "is no record of a deployment", where=FOLDER, remedy="restore an older version of the object"
            ) from error


def key_of(seq: int) -> str:
    """A record's key, so that keys sort as numbers do."""
    return f"{FOLDER}/{seq:08d}.json"


def history(store: Store) -> list[Deployment]:
    """All deployments, the oldest first."""
    return [_read(store, key) for key in store.list(FOLDER)]


def last(store: Store) -> Deployment | None:
    """The newest deployment; None before the first."""
    keys = store.list(FOLDER)
    return _read(store, keys[-1]) if keys else None


def _read(store: Store, key: str) -> Deployment:
    try:
        document = json.loads(store.read(key))
    except ValueError:
        document = {}
    return Deployment.from_json(document)


def record(deployment: Deployment, store: Store) -> Deployment:
    """Adds a record under the first free number from its own on; nothing is ever written over.

    Returns:
        The deployment with the number that it got.
    """
    while True:
        data = json.dumps(deployment.to_json(), indent=1, sort_keys=True).encode()
        if store.create_if_absent(deployment.key, data):
            return deployment
        deployment = Deployment(**{**deployment.__dict__, "seq": deployment.seq + 1})


def before(deployments: list[Deployment], to: int | None = None) -> Deployment:
    """What a rollback goes back to.

    Args:
        deployments: the history, the oldest first.
        to: the number of the deployment to go back to; without it the newest with another release than the present one.

    Raises:
        DeployError: there is none.
    """
    if not deployments:
        raise DeployError("nothing was deployed yet", where=FOLDER, remedy="deploy first: lake deploy plan")
    if to is not None:
        found = next((item for item in deployments if item.seq == to), None)
        if found is None:
            known = f"1 to {deployments[-1].seq}"
            raise DeployError(f"no deployment {to}", where=FOLDER, remedy=f"there are {known}: lake deploy history")
        return found
    present = deployments[-1]
    # A rollback that is rolled back goes further back, not to what was left.
    start = present.back_to or present.seq
    earlier = [item for item in deployments if item.seq < start and item.release.id != present.release.id]
    if not earlier:
        raise DeployError("no other release was ever deployed", where=FOLDER, remedy="deploy a mended one instead")
    return earlier[-1]
