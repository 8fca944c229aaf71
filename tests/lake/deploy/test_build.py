"""A release is built from a commit alone: the same bytes twice, complete, and listed for those who ask what is in it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.local.jars import lock
from lake.deploy.build import build, canonical
from lake.deploy.errors import DeployError
from lake.deploy.release import Release, read_release
from lake.deploy.sbom import closure, locked, requirements_text
from tests.support.delivery import ROOT
from tests.support.workflows import Runner, run_steps


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """The release of this checkout's commit."""
    folder = tmp_path_factory.mktemp("release")
    return folder / "dist", build(ROOT, folder / "dist", "retail")


def test_the_workflows_step_builds_the_same_bytes_from_another_clone_under_another_umask(
    built: tuple[Path, Release], tmp_path: Path
) -> None:
    out, release = built
    clone, steps = tmp_path / "clone", run_steps()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    (clone / ".venv").symlink_to(Path(sys.executable).parent.parent)
    runner = Runner(clone, {"PYTHONPATH": str(ROOT), "TZ": "Pacific/Auckland"})
    assert runner.run(steps["checks.yml build: Build"], umask=0o077)["release"] == release.id
    for path in sorted(out.iterdir()):
        assert path.read_bytes() == (clone / "dist" / path.name).read_bytes(), path.name
    runner.run(steps["checks.yml build: Checksums"])
    (clone / "dist/decode.zip").write_bytes(b"another")
    assert runner.tried(steps["checks.yml build: Checksums"]).returncode != 0


def test_a_release_holds_what_glue_and_lambda_run_and_its_checksums(built: tuple[Path, Release]) -> None:
    out, release = built
    assert read_release(out) == release
    assert len((out / "SHA256SUMS").read_text().splitlines()) == len(release.artefacts)
    with zipfile.ZipFile(out / release.one("wheel").file) as wheel:
        names = wheel.namelist()
        assert wheel.testzip() is None
    assert "schemas/retail/pipeline.yaml" in names
    assert ".dist-info/" in names[-1]
    with zipfile.ZipFile(out / "decode.zip") as zipped:
        assert "streaming/udf/handler.py" in zipped.namelist()
    jars = {item.file for item in release.artefacts if item.role == "jar"}
    assert jars == {item.file_name for item in lock().get("glue", ())}


def test_the_sbom_is_valid_and_names_every_package_that_glue_installs(built: tuple[Path, Release]) -> None:
    out, _ = built
    text = (out / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    names = {item["name"] for item in document["components"]}
    required = set(locked((out / "requirements.txt").read_text()))
    assert {"duckdb", "fastavro", "great-expectations", "pydantic-core", "pandas"} <= required <= names
    assert not {"pytest", "pyspark", "moto"} & names


def test_a_folder_that_holds_something_is_not_built_into(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(DeployError, match="holds something"):
        build(ROOT, tmp_path, "retail")


def test_a_folder_that_is_no_clone_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no Git checkout"):
        build(tmp_path, tmp_path / "out", "retail")


def test_a_wheel_packed_anew_installs_as_before(built: tuple[Path, Release], tmp_path: Path) -> None:
    out, release = built
    wheel = out / release.one("wheel").file
    assert canonical(wheel.read_bytes()) == wheel.read_bytes()
    command = [sys.executable, "-m", "uv", "pip", "install", "--no-deps", "--no-index", "--target", str(tmp_path)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    assert (tmp_path / "lake" / "deploy" / "build.py").is_file()


def test_what_a_release_needs_follows_markers_of_glue_and_extras() -> None:
    requires = {
        "a": ["b[fast]>=1; python_version < '3.12'", "c; sys_platform == 'win32'", "d; extra == 'test'"],
        "b": ["e", "f; extra == 'fast'", "g; extra == 'slow'"],
        "f": ["A"],
    }
    assert closure(["A"], requires) == ("a", "b", "e", "f")


def test_locked_packages_keep_all_their_hashes() -> None:
    one, two = "0" * 64, "1" * 64
    text = f"# made\nA.b==1.0 ; python_version < '4' \\\n    --hash=sha256:{two} \\\n    --hash=sha256:{one}\n    # via x\nc==2\n"
    found = locked(text)
    assert (found["a-b"].version, found["a-b"].hashes) == ("1.0", (one, two))
    assert locked(requirements_text(found.values())) == found
