"""What a release is made of: the locked packages that it needs, as requirements with hashes and as a CycloneDX SBOM."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lake.deploy.errors import DeployError

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from packaging.requirements import Requirement

    from infra.local.jars import Artifact

GLUE: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""The environment of Glue 5.1 as markers see it (AWS Glue, "Release notes": Python 3.11)."""
_ENTRY: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAMESPACE: Final = uuid.UUID("9d5f1f39-4a52-4f58-9a43-0d4f5f0c9c11")


@dataclass(frozen=True)
class Locked:
    """A package of the lock file: name (normalised), version and the SHA-256 of each of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


def locked(text: str) -> dict[str, Locked]:
    """The packages of a lock file with hashes, by name; where one has several versions by marker, the first."""
    found: dict[str, Locked] = {}
    for part in re.split(r"\n(?=\S)", text):
        match = _ENTRY.match(part)
        if match:
            name = normal(match[1])
            found.setdefault(name, Locked(name, match[2], tuple(sorted(set(_HASH.findall(part))))))
    return found


def normal(name: str) -> str:
    """A package's name, normalised (Python Packaging, "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(roots: Iterable[str], requires: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All packages that some requirements lead to on Glue, by name.

    Args:
        roots: requirements, as a wheel's metadata writes them.
        requires: those of each package, by normalised name.
    """
    waiting = _asked(roots)
    seen: set[tuple[str, str]] = set()
    while waiting:
        item = waiting.pop()
        # An extra asks for its package's optional requirements: a package is followed once, and once for each extra.
        for step in ((normal(item.name), extra) for extra in ("", *sorted(item.extras))):
            if step not in seen:
                seen.add(step)
                waiting += _asked(requires.get(step[0], ()), step[1])
    return tuple(sorted({name for name, _ in seen}))


def _asked(texts: Iterable[str], extra: str = "") -> list[Requirement]:
    """The requirements that count on Glue, under an extra of the package that has them."""
    from packaging.requirements import Requirement

    found = map(Requirement, texts)
    return [item for item in found if item.marker is None or item.marker.evaluate({**GLUE, "extra": extra})]


def installed_requires(names: Iterable[str]) -> dict[str, list[str]]:
    """What each installed package requires, as its metadata says; packages that are not installed have nothing."""
    from importlib import metadata

    found = {}
    for name in names:
        try:
            found[name] = list(metadata.distribution(name).requires or [])
        except metadata.PackageNotFoundError:
            found[name] = []
    return found


def picked(names: Iterable[str], packages: Mapping[str, Locked]) -> list[Locked]:
    """The locked packages of these names.

    Raises:
        DeployError: one is not locked.
    """
    absent = [name for name in names if name not in packages]
    if absent:
        raise DeployError(f"{absent[0]} is not locked", where="requirements.lock", remedy="run: make lock")
    return [packages[name] for name in names]


def requirements_text(packages: Iterable[Locked]) -> str:
    """Requirements with hashes, as pip's `--require-hashes` takes them."""
    lines = []
    for item in packages:
        hashes = "".join(f" \\\n    --hash=sha256:{digest}" for digest in item.hashes)
        lines.append(f"{item.name}=={item.version}{hashes}\n")
    return "".join(lines)


def sbom(name: str, version: str, commit: str, packages: Iterable[Locked], jars: Iterable[Artifact]) -> str:
    """A CycloneDX 1.6 SBOM in JSON, the same bytes for the same release.

    Args:
        name: the wheel's name.
        version: its version.
        commit: the commit that it is built from.
        packages: the Python packages it needs.
        jars: the JVM's parts that go with it.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    purl = PackageURL("pypi", None, name, version)
    root = Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=f"{name}@{commit}", purl=purl)
    parts = [*map(_python, packages), *map(_jar, jars)]
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, f"{name} {version} {commit}"), components=parts)
    bom.metadata.component = root
    bom.register_dependency(root, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp")  # optional, and the one part that differs from run to run
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _python(item: Locked) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = PackageURL("pypi", None, item.name, item.version)
    # No hashes here: those of the lock are of files, one a platform, and a component has one file's.
    return Component(
        name=item.name, version=item.version, type=ComponentType.LIBRARY, bom_ref=purl.to_string(), purl=purl
    )


def _jar(item: Artifact) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    qualifiers = {"classifier": item.classifier} if item.classifier else None
    purl = PackageURL("maven", item.group, item.name, item.version, qualifiers)
    digest = HashType(alg=HashAlgorithm.SHA_256, content=item.sha256)
    return Component(
        name=item.name,
        group=item.group,
        version=item.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[digest],
    )
