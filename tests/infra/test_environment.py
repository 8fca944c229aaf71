"""The setup script: pip's settings reach uv, and the lock gives up the installer's own lines."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / "infra/local/tools/environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_names_no_index_and_hashes_every_package() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if "://" in line or "index-url" in line]
    packages = [index for index, line in enumerate(lines) if line[:1].isalnum()]
    assert len(packages) > 50
    assert all("--hash=sha256:" in lines[index + 1] for index in packages)


def test_one_entry_of_the_lock_is_found_whole(environment: ModuleType) -> None:
    text = "tzlocal==1 \\\n    --hash=sha256:a\n    # via x\nuv==2 \\\n    --hash=sha256:b \\\n    --hash=sha256:c\n"
    assert environment.lock_entry(text, "uv") == "uv==2 \\\n    --hash=sha256:b \\\n    --hash=sha256:c\n"
    with pytest.raises(environment.SetupError, match="does not hold uvx"):
        environment.lock_entry(text, "uvx")


def test_pips_index_and_certificate_become_uvs(environment: ModuleType) -> None:
    made = environment.uv_environment({"PATH": "/bin"}, {"index-url": "https://mirror/simple", "cert": "/ca.pem"})
    assert made["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert made["SSL_CERT_FILE"] == "/ca.pem"
    assert made["PATH"] == "/bin"


def test_what_is_set_for_uv_already_wins(environment: ModuleType) -> None:
    own = {"UV_DEFAULT_INDEX": "https://own/simple", "SSL_CERT_FILE": "/own.pem"}
    made = environment.uv_environment(own, {"index-url": "https://mirror/simple", "cert": "/ca.pem"})
    assert own.items() <= made.items()


def test_make_help_lists_the_targets() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "test-fast", "lint", "bench", "up", "down", "lock", "clean"):
        assert f"  {target} " in shown


def test_a_checkout_is_needed_to_clean(tmp_path: Path) -> None:
    (tmp_path / "kept.py").touch()
    done = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "clean"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert (tmp_path / "kept.py").exists()


def test_the_script_runs_without_any_package() -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='checked')"
    script = str(ROOT / "infra/local/tools/environment.py")
    subprocess.run([sys.executable, "-I", "-S", "-c", code, script], check=True, timeout=60)
