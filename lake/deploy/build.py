"""A release from a commit: wheel, Glue's script, the decode function's package, jars, requirements, SBOM, checksums.

What is built depends on the commit and the lock files alone: files come out of Git, archives are written in one order,
with one time and one mode.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from infra.local.jars import jar_paths, lock
from lake.deploy.errors import DeployError
from lake.deploy.release import Artefact, Release, write_documents
from lake.deploy.sbom import closure, installed_requires, locked, picked, requirements_text, sbom

JARS: Final = "glue"
"""The group of `jars.lock` that Glue does not bring."""
SCRIPT: Final = "glue_jobs/glue_script.py"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_WHEEL: Final = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-")


def build(
    checkout: Path,
    out: Path,
    pipeline: str,
    say: Callable[[str], None] = lambda _: None,
    connectors: Sequence[Path] = (),
) -> Release:
    """Builds the checkout's commit into an empty folder.

    Args:
        checkout: a Git checkout of the project; what is not committed does not count.
        out: where the files go; it must be empty or not there.
        pipeline: whose contracts the decode function gets.
        say: takes a line of progress.
        connectors: zips of Kafka Connect plugins that go along as they are.

    Raises:
        DeployError: no checkout, a folder that holds something, or a step failed.
        DownloadError: a jar cannot be fetched.
    """
    commit = _git(checkout, "rev-parse", "HEAD").strip()
    if out.exists() and any(out.iterdir()):
        raise DeployError("holds something already", where=str(out), remedy="name another folder, or empty it")
    if _git(checkout, "status", "--porcelain", "--untracked-files=no"):
        say(f"uncommitted changes are left out: this builds {commit[:12]}")
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        made.mkdir()
        export(checkout, commit, source)
        say("wheel")
        wheel = _wheel(source, made)
        say("decode function")
        _decode_function(source, pipeline, made / "decode.zip")
        shutil.copyfile(source / SCRIPT, made / Path(SCRIPT).name)
        say("jars")
        jars = _jars(made)
        packages = picked(_needed(source), locked((source / "requirements.lock").read_text()))
        (made / "requirements.txt").write_text(requirements_text(packages), encoding="utf-8")
        name, version = _identity(wheel)
        (made / "sbom.cdx.json").write_text(
            sbom(name, version, commit, packages, lock().get(JARS, ())), encoding="utf-8"
        )
        plugins = [Artefact.of("connector", Path(shutil.copyfile(path, made / path.name))) for path in connectors]
        release = Release.made(version, commit, pipeline, [*_artefacts(made, wheel, jars), *plugins])
        write_documents(release, made)
        shutil.copytree(made, out, dirs_exist_ok=True)
    return release


def _artefacts(made: Path, wheel: Path, jars: Iterable[Path]) -> list[Artefact]:
    ones = {
        "wheel": wheel,
        "script": made / Path(SCRIPT).name,
        "decode_function": made / "decode.zip",
        "requirements": made / "requirements.txt",
        "sbom": made / "sbom.cdx.json",
    }
    return [Artefact.of(role, path) for role, path in ones.items()] + [Artefact.of("jar", path) for path in jars]


def export(checkout: Path, commit: str, folder: Path) -> None:
    """A commit's files into a folder, with one mode each, whatever the umask was that they were checked out under."""
    folder.mkdir()
    command = ["git", "-C", str(checkout), "archive", "--format=tar", commit]
    done = subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _git(checkout: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(checkout), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        remedy = "run it in a clone of the project, with git installed"
        raise DeployError("is no Git checkout", where=str(checkout), remedy=remedy) from error


def _run(command: Sequence[str], source: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(source), "SOURCE_DATE_EPOCH": "315532800"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = " ".join(done.stderr.split())[-400:]
        raise DeployError(f"a step failed: {tail}", where=" ".join(command[1:4]), remedy="run: make setup")


def _wheel(source: Path, made: Path) -> Path:
    _run(
        [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--out-dir", str(made / "dist")],
        source,
    )
    (built,) = (made / "dist").glob("*.whl")
    wheel = made / built.name
    wheel.write_bytes(canonical(built.read_bytes()))
    shutil.rmtree(made / "dist")
    return wheel


def canonical(wheel: bytes) -> bytes:
    """A wheel's content in one form: names in order, metadata last, one time and mode, stored.

    Stored, not packed: what zlib makes of the same bytes differs from release to release. The order follows "Binary
    distribution format": archivers put `.dist-info` at the end.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(given.namelist(), key=lambda text: (".dist-info/" in text, text)):
            item = zipfile.ZipInfo(name, _EARLIEST)
            item.external_attr = _MODE
            item.create_system = 3
            archive.writestr(item, given.read(name))
    return out.getvalue()


def _decode_function(source: Path, pipeline: str, out: Path) -> None:
    _run([sys.executable, "-m", "streaming.udf.package", "--pipeline", pipeline, "--out", str(out)], source)


def _jars(made: Path) -> list[Path]:
    if JARS not in lock():
        return []
    return [Path(shutil.copyfile(path, made / path.name)) for path in jar_paths(JARS)]


def _needed(source: Path) -> tuple[str, ...]:
    """Names of the packages that the wheel leads to."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    names = locked((source / "requirements.lock").read_text())
    return closure(project["dependencies"], installed_requires(names))


def _identity(wheel: Path) -> tuple[str, str]:
    match = _WHEEL.match(wheel.name)
    assert match is not None
    return match["name"].replace("_", "-"), match["version"]
