from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stack import Stack
from lake.demo.home import MARKER, DemoHomeError, held, made_fresh


class Recorded(Stack):
    """A stack that only remembers that it was ended."""

    ended = 0

    def down(self, *_: object) -> list[str]:
        self.ended += 1
        return []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "lake-home" / "demo"


def test_a_new_home_is_made_and_marked(home: Path) -> None:
    made_fresh(home, Recorded(home))
    assert [path.name for path in home.iterdir()] == [MARKER]


def test_an_earlier_demonstration_is_ended_before_its_folder_goes(home: Path) -> None:
    stack = Recorded(home)
    made_fresh(home, stack)
    (home / "lake").mkdir()
    (home / "lake" / "file").write_text("old")
    made_fresh(home, stack)
    assert stack.ended == 1
    assert [path.name for path in home.iterdir()] == [MARKER]


def test_a_folder_that_no_demonstration_made_is_left_alone(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "thesis.tex").write_text("years of work")
    with pytest.raises(DemoHomeError, match="not made by a demonstration"):
        made_fresh(home, Recorded(home))
    assert (home / "thesis.tex").read_text() == "years of work"


def test_a_marked_folder_with_a_git_repository_is_left_alone(home: Path) -> None:
    made_fresh(home, Recorded(home))
    (home / ".git").mkdir()
    with pytest.raises(Exception, match="git repository"):
        made_fresh(home, Recorded(home))
    assert (home / ".git").is_dir()


def test_what_a_link_points_to_is_left_alone(home: Path, tmp_path: Path) -> None:
    made_fresh(home, Recorded(home))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (home / "link").symlink_to(outside)
    made_fresh(home, Recorded(home))
    assert (outside / "file").read_text() == "kept"


def test_two_demonstrations_of_one_home_do_not_run_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lake.demo.home import held, DemoHomeError\n"
        "try:\n    with held(Path(sys.argv[1])): print('held')\nexcept DemoHomeError: print('refused')"
    )
    root = Path(__file__).parents[3]
    with held(tmp_path):
        inside = subprocess.run(
            [sys.executable, "-c", program, tmp_path], cwd=root, capture_output=True, text=True, check=True
        )
    after = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=root, capture_output=True, text=True, check=True
    )
    assert (inside.stdout.strip(), after.stdout.strip()) == ("refused", "held")
