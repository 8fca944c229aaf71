"""The file of Spark's classes: sessions map it where it fits, and start without it where it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from infra.local.java import java_home
from lake.class_archive import ClassArchiveError, archive_flags, make
from lake.session import spark_jars

SESSION: Final = """
import sys
from pathlib import Path
from lake.session import spark_session
root = Path(sys.argv[1])
spark = spark_session("maps", lake_uri=root.as_uri(), catalog_uri=f"jdbc:sqlite:{root}/c.db", memory="1g", scratch=root)
pid = spark._jvm.java.lang.ProcessHandle.current().pid()
print("\\n".join(line.split()[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()))
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not show what a process maps")
def test_a_session_maps_the_archive_that_setup_made(tmp_path: Path) -> None:
    archive = make(java_home(), spark_jars())
    done = subprocess.run([sys.executable, "-c", SESSION, str(tmp_path)], capture_output=True, text=True, check=True)
    assert str(archive.resolve()) in done.stdout.splitlines()


def test_other_jars_have_another_archive(tmp_path: Path) -> None:
    jar = tmp_path / "other.jar"
    jar.touch()
    assert archive_flags(java_home(), [*spark_jars(), jar]) == ()


@pytest.mark.parametrize("variable", ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"])
def test_a_jvm_that_the_environment_gives_options_gets_no_archive(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(java_home(), spark_jars())
    assert archive_flags(java_home(), spark_jars())
    monkeypatch.setenv(variable, "-XX:StartFlightRecording")
    assert archive_flags(java_home(), spark_jars()) == ()


def test_a_java_that_cannot_run_makes_none_and_says_that_nothing_depends_on_it(tmp_path: Path) -> None:
    with pytest.raises(ClassArchiveError, match="sessions start without it"):
        make(tmp_path, [])


def test_what_takes_too_long_is_an_error_that_setup_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\nexec sleep 60\n")
    java.chmod(0o755)
    monkeypatch.setattr("lake.class_archive._PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    with pytest.raises(ClassArchiveError, match="not ended after"):
        make(tmp_path, [])
