"""One wheel for all tests of the folder, which are one unit of scheduling (tests/conftest.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.wheel import Installed, build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel's content, in front of everything else on the path."""
    return Installed.of(wheel, tmp_path_factory.mktemp("site"))
