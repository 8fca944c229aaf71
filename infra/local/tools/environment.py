"""Make ``.venv`` as ``requirements.lock`` says. Standard library only: runs with any Python 3.11 or newer.

    python3 infra/local/tools/environment.py

Each step leaves a stamp when it is done and does nothing while its stamp holds; a kill at any moment leaves a state
that the next run repairs. Packages are checked against the hashes of the lock. pip's own configuration (index,
certificate) and ``SSL_CERT_FILE`` are honoured.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMPS = VENV / ".stamps"
OLDEST, TOO_NEW = (3, 11), (3, 14)


class SetupError(Exception):
    """What went wrong and what to do."""


@contextmanager
def exclusive() -> Iterator[None]:
    """One setup of this checkout at a time; the system frees the lock when its holder dies."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def stamped(step: str, content: str) -> bool:
    """Whether ``step`` was finished with ``content``."""
    stamp = STAMPS / step
    return stamp.exists() and stamp.read_text() == content


def stamp(step: str, content: str) -> None:
    """Record that ``step`` is finished with ``content``."""
    STAMPS.mkdir(exist_ok=True)
    partial = STAMPS / f".{step}"
    partial.write_text(content)
    partial.replace(STAMPS / step)


def make_venv() -> None:
    """The virtual environment, made anew when an earlier attempt did not finish."""
    if PYTHON.exists() and stamped("venv", str(VENV)):
        return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        raise SetupError(f"{VENV} is not a virtual environment; move it away and run `make setup` again")
    say("making .venv")
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(VENV)
    except subprocess.CalledProcessError as error:
        raise SetupError(
            f"this Python ({sys.executable}) cannot make virtual environments; "
            "install its venv package (Debian, Ubuntu: apt install python3-venv), or use another Python: make PYTHON=…"
        ) from error
    stamp("venv", str(VENV))


def lock_entry(text: str, package: str) -> str:
    """The lines of ``package`` in a lock: its version and its hashes."""
    found = re.search(rf"^{re.escape(package)}==\S+.*?(?=^\S)", text + "end", re.MULTILINE | re.DOTALL)
    if found is None:
        raise SetupError(f"{LOCK.name} does not hold {package}; make it again with `make lock`")
    return found.group(0)


def install_uv(text: str) -> None:
    """The installer, itself by the lock."""
    entry = lock_entry(text, "uv")
    if stamped("uv", entry) and (VENV / "bin" / "uv").exists():
        return
    wanted = VENV / ".uv.txt"
    wanted.write_text(entry)
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(wanted)])
    stamp("uv", entry)


def install_packages(text: str) -> None:
    """Exactly the packages of the lock; all of them anew when an earlier attempt did not finish."""
    content = hashlib.sha256(text.encode()).hexdigest()
    if stamped("packages", content):
        return
    say("installing packages")
    unfinished = VENV / ".installing"
    again = ["--reinstall"] if unfinished.exists() else []
    unfinished.touch()
    uv("sync", "--require-hashes", *again, str(LOCK))
    unfinished.unlink()
    stamp("packages", content)
    (STAMPS / "project").unlink(missing_ok=True)  # sync took the project out again


def install_project() -> None:
    """The project itself, so that its packages are found wherever the command runs."""
    packages = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
    content = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + repr(packages).encode()).hexdigest()
    if stamped("project", content) and (VENV / "bin" / "lake").exists():
        return
    uv("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp("project", content)


def fetch_jvm_parts() -> None:
    """The JVM parts by their lock."""
    run([str(VENV / "bin" / "lake"), "up", "--fetch-only"])


def archive_classes() -> None:
    """Spark's class archive, by which sessions start in half the time; quick when it is there."""
    run([str(PYTHON), "-m", "lake.class_archive"])


def uv(command: str, *arguments: str) -> None:
    """``uv pip <command>`` on the virtual environment."""
    environment = uv_environment(os.environ, pip_configuration())
    run([str(VENV / "bin" / "uv"), "pip", command, "--python", str(PYTHON), *arguments], environment)


def pip_configuration() -> dict[str, str]:
    """The settings of pip from files and environment, by their short names (``index-url``, ``cert``)."""
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings = (re.fullmatch(r"[\w:.]*?\.([\w-]+)=(['\"])(.*)\2", line) for line in shown.splitlines())
    return {match.group(1): match.group(3) for match in settings if match}


def uv_environment(environment: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with pip's settings in uv's names, where uv has none of its own."""
    translated = {
        "UV_DEFAULT_INDEX": pip.get("index-url"),
        "UV_INDEX": pip.get("extra-index-url"),
        "UV_FIND_LINKS": pip.get("find-links") if pip.get("no-index") else None,
        "UV_OFFLINE": "1" if pip.get("no-index") and not pip.get("find-links") else None,
        "SSL_CERT_FILE": pip.get("cert"),
        "UV_HTTP_TIMEOUT": "180",
    }
    return {key: value for key, value in translated.items() if value} | dict(environment)


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a step; its own output tells what went wrong."""
    done = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SetupError(f"this step failed (exit code {done.returncode}): {' '.join(command[:4])} …; see above")


def say(message: str) -> None:
    """A line of progress."""
    print(f"setup: {message}", file=sys.stderr, flush=True)


def main() -> int:
    """All steps in order."""
    try:
        if not OLDEST <= sys.version_info[:2] < TOO_NEW:
            version = sys.version.split()[0]
            raise SetupError(f"Python {version} is none of 3.11, 3.12 and 3.13; name another: make PYTHON=python3.11")
        with exclusive():
            text = LOCK.read_text()
            make_venv()
            install_uv(text)
            install_packages(text)
            install_project()
            fetch_jvm_parts()
            archive_classes()
    except SetupError as error:
        print(f"setup: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
