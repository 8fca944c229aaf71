"""A release: what is built once and goes to every environment unchanged; each file known by its SHA-256."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from lake.deploy.errors import ArtefactError
from lake.store import Store

DOCUMENT: Final = "release.json"
CHECKSUMS: Final = "SHA256SUMS"
FOLDER: Final = "releases"
"""Where artefacts lie in the artifacts bucket: `releases/<sha256>/<file>`."""
ONE_EACH: Final = ("wheel", "script", "decode_function", "requirements", "sbom")
MANY: Final = ("jar", "connector")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Artefact:
    """A file of a release.

    Args:
        role: what it is for; one of `ONE_EACH` or `MANY`.
        file: its name, which it keeps in the bucket, as pip reads a wheel's name.
        sha256: of its bytes.
        bytes: how many.
    """

    role: str
    file: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        """Refuse a name that could leave its folder, and what is no hash."""
        if self.role not in (*ONE_EACH, *MANY):
            raise _damaged(f"no role {self.role!r}")
        if not _NAME.fullmatch(self.file) or not _SHA256.fullmatch(self.sha256):
            raise _damaged(f"the {self.role}'s name or hash is not one")

    @classmethod
    def of(cls, role: str, path: Path) -> Self:
        """The artefact that a file is."""
        data = path.read_bytes()
        return cls(role, path.name, hashlib.sha256(data).hexdigest(), len(data))

    @property
    def key(self) -> str:
        """Its key in the artifacts bucket: named by content, so never written twice with other bytes."""
        return f"{FOLDER}/{self.sha256}/{self.file}"


@dataclass(frozen=True)
class Release:
    """What one commit gives.

    Args:
        version: the wheel's version.
        commit: the Git commit it was built from, 40 hexadecimal digits.
        pipeline: whose contracts the decode function holds.
        artefacts: its files, ordered by role and name.
    """

    version: str
    commit: str
    pipeline: str
    artefacts: tuple[Artefact, ...]

    def __post_init__(self) -> None:
        """Refuse a release with a part missing or there twice."""
        if not _COMMIT.fullmatch(self.commit):
            raise _damaged("the commit is not one")
        roles = [item.role for item in self.artefacts]
        wrong = [role for role in ONE_EACH if roles.count(role) != 1]
        if wrong:
            raise _damaged(f"not exactly one {wrong[0]}")

    @classmethod
    def made(cls, version: str, commit: str, pipeline: str, artefacts: Iterable[Artefact]) -> Self:
        """A release with its artefacts in order."""
        ordered = sorted(artefacts, key=lambda item: (item.role, item.file))
        return cls(version, commit, pipeline, tuple(ordered))

    @property
    def id(self) -> str:
        """Twelve digits that name the release by all its bytes."""
        text = "".join(f"{item.role} {item.sha256} {item.file}\n" for item in self.artefacts)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def one(self, role: str) -> Artefact:
        """The artefact of a role that there is one of."""
        return next(item for item in self.artefacts if item.role == role)

    def keys(self) -> dict[str, Any]:
        """Keys in the artifacts bucket, as Terraform's variable `release` takes them."""
        many = {f"{role}s": [item.key for item in self.artefacts if item.role == role] for role in MANY}
        return {**{role: self.one(role).key for role in ONE_EACH if role != "sbom"}, **many}

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {**asdict(self), "artefacts": [asdict(item) for item in self.artefacts], "id": self.id}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The release that a document tells of.

        Raises:
            ArtefactError: a field is missing or wrong, or the id is not that of the artefacts.
        """
        try:
            artefacts = [Artefact(**item) for item in document["artefacts"]]
            found = cls.made(document["version"], document["commit"], document["pipeline"], artefacts)
        except (KeyError, TypeError) as error:
            raise _damaged("a field is missing or of a wrong type") from error
        if document.get("id") != found.id:
            raise _damaged("its id is not that of its artefacts")
        return found


def _damaged(what: str) -> ArtefactError:
    return ArtefactError(what, where=DOCUMENT, remedy="build the release again: lake deploy build")


def write_documents(release: Release, folder: Path) -> None:
    """Writes `release.json`, and `SHA256SUMS` as `sha256sum --check` reads it."""
    (folder / DOCUMENT).write_text(json.dumps(release.to_json(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sums = sorted((item.file, item.sha256) for item in release.artefacts)
    (folder / CHECKSUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums), encoding="utf-8")


def read_release(folder: Path) -> Release:
    """The release in a folder, every file checked against its hash.

    Raises:
        ArtefactError: no release there, or a file is missing or has other bytes.
    """
    try:
        document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError("no release", where=str(folder), remedy="make one with: lake deploy build") from None
    except ValueError:
        raise _damaged("is no JSON") from None
    release = Release.from_json(document)
    for item in release.artefacts:
        path = folder / item.file
        if not path.is_file() or Artefact.of(item.role, path) != item:
            what = "has other bytes than the release says" if path.is_file() else "is missing"
            raise ArtefactError(what, where=str(path), remedy="take the release whole from where it was built")
    return release


def upload(release: Release, folder: Path, store: Store) -> list[str]:
    """Puts the artefacts that are not there yet into the artifacts bucket.

    Returns:
        Keys that were written.

    Raises:
        ArtefactError: another object lies under a key.
        StoreError: the bucket cannot be written.
    """
    written = []
    for item in release.artefacts:
        if store.create_if_absent(item.key, (folder / item.file).read_bytes()):
            written.append(item.key)
        else:
            check_stored(item, store)
    return written


def check_stored(item: Artefact, store: Store) -> None:
    """That the bucket holds the artefact's bytes.

    Raises:
        ArtefactError: it does not.
    """
    try:
        same = hashlib.sha256(store.read(item.key)).hexdigest() == item.sha256
    except FileNotFoundError:
        raise ArtefactError(
            "is not in the bucket any more", where=f"{store.uri}/{item.key}", remedy="deploy a release that you have"
        ) from None
    if not same:
        what = "has other bytes than its name says"
        remedy = "find out who wrote it; delete it, and deploy the release again"
        raise ArtefactError(what, where=f"{store.uri}/{item.key}", remedy=remedy)
