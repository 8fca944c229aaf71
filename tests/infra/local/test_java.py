"""Which Java runs the JVM parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import java
from infra.local.errors import JavaNotFoundError


def fake_java(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch()
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


def test_a_java_home_of_17_or_newer_is_taken(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk", "21.0.2")
    assert java.java_home({"JAVA_HOME": str(home)}) == home


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22"])
def test_an_older_java_home_gives_way_to_the_bundled_one(version: str, tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk", version)
    assert java.java_home({"JAVA_HOME": str(home)}) == java.bundled_home()


def test_without_any_java_the_error_names_both_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "bundled_home", lambda: None)
    home = fake_java(tmp_path / "jdk", "1.8.0_402")
    with pytest.raises(JavaNotFoundError, match="JAVA_HOME names Java 8") as caught:
        java.java_home({"JAVA_HOME": str(home)})
    assert "make setup" in caught.value.remedy
    assert "JAVA_HOME" in caught.value.remedy


def test_a_java_home_without_java_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "bundled_home", lambda: None)
    with pytest.raises(JavaNotFoundError, match="names a folder without a Java"):
        java.java_home({"JAVA_HOME": "/nowhere"})
    with pytest.raises(JavaNotFoundError, match="is not set"):
        java.java_home({})
