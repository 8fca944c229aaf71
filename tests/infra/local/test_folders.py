"""Only folders that are surely ours are ever removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.errors import UnsafeRemovalError
from infra.local.folders import remove_folder


def test_a_folder_below_ours_is_removed_and_its_absence_is_fine(tmp_path: Path) -> None:
    (tmp_path / "ours" / "data").mkdir(parents=True)
    remove_folder(tmp_path / "ours" / "data", inside=tmp_path / "ours")
    remove_folder(tmp_path / "ours" / "data", inside=tmp_path / "ours")
    assert list((tmp_path / "ours").iterdir()) == []


@pytest.mark.parametrize("folder", [Path(), Path("data"), Path("..")])
def test_a_relative_path_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeRemovalError, match="the path is relative"):
        remove_folder(folder, inside=tmp_path)
    assert (tmp_path / "kept").exists()


def test_the_own_root_and_anything_outside_are_refused(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    ours.mkdir()
    other.mkdir()
    (ours / "link").symlink_to(other)
    for folder in (ours, other, ours / ".." / "other", ours / "link"):
        with pytest.raises(UnsafeRemovalError, match="does not lie below"):
            remove_folder(folder, inside=ours)
    assert other.exists()


def test_home_and_the_root_of_the_system_are_no_folders_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "documents").mkdir()
    with pytest.raises(UnsafeRemovalError, match="no folder of ours"):
        remove_folder(tmp_path / "documents", inside=tmp_path)
    with pytest.raises(UnsafeRemovalError, match="no folder of ours"):
        remove_folder(tmp_path / "documents", inside=Path("/"))


def test_a_git_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    with pytest.raises(UnsafeRemovalError, match="git repository"):
        remove_folder(tmp_path / "clone", inside=tmp_path)
