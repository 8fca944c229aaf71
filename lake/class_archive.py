"""Spark's classes as the JVM keeps them in memory, in a file that local sessions map when they start.

A short session spends half its processor time on reading and checking classes. With the file (class data sharing,
JEP 350) the JVM takes them as they are. `python -m lake.class_archive` makes it once for a Java and a set of jars, in
the Python environment's own folder. A session without it works as well, and slower; a file that does not fit is passed
over.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from schemas.errors import LakeError

# What the JVM has to say of an archive that does not fit would stand among a command's own output.
_QUIET: Final = "-Xlog:cds*=off"
# By these a JVM is given agents and recorders, which look at each class; with an archive, Java 17 can end at that.
_OPTIONS: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_PATIENCE_SECONDS: Final = 300
_MAKING: Final = ".making-"


class ClassArchiveError(LakeError):
    """The archive could not be made; sessions start without it."""


def archive_flags(java: Path, jars: Sequence[Path]) -> tuple[str, ...]:
    """JVM flags by which a session maps the archive; none where none was made for this Java and these jars, and
    where the environment gives every JVM options of its own.

    Args:
        java: the Java home.
        jars: what stands on the class path before Spark's own jars.
    """
    base, archive = _files(java, jars)
    if not archive.exists() or any(os.environ.get(name) for name in _OPTIONS):
        return ()
    return (f"-XX:SharedArchiveFile={base}{os.pathsep}{archive}", _QUIET)


def make(java: Path, jars: Sequence[Path]) -> Path:
    """Makes the archive, unless it is there; its path.

    Raises:
        ClassArchiveError: Java cannot write one, or the folder is closed to this user.
    """
    base, archive = _files(java, jars)
    if archive.exists():
        return archive
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        for left in archive.parent.glob(f"{_MAKING}*"):
            shutil.rmtree(left, ignore_errors=True)  # of an attempt that was killed
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=_MAKING) as made:
            partial = Path(made)
            _run([str(java / "bin" / "java"), "-Xshare:dump", f"-XX:SharedArchiveFile={base}", "-XX:+UseParallelGC"])
            flags = (f"-XX:SharedArchiveFile={base}", f"-XX:ArchiveClassesAtExit={partial / archive.name}", _QUIET)
            _run([sys.executable, "-m", "lake.class_sample", *flags])
            (partial / archive.name).replace(archive)
        for old in archive.parent.glob("spark-*.jsa"):
            if old not in {base, archive}:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise ClassArchiveError(str(error), where=str(archive.parent), remedy=_REMEDY) from error
    return archive


_REMEDY: Final = "nothing must be done: sessions start without it, and slower"


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        what = f"not ended after {_PATIENCE_SECONDS} seconds"
        raise ClassArchiveError(what, where=command[0], remedy=_REMEDY) from None
    if done.returncode != 0:
        raise ClassArchiveError(done.stderr.strip()[-2000:], where=command[0], remedy=_REMEDY)


def _files(java: Path, jars: Sequence[Path]) -> tuple[Path, Path]:
    """The files of Java's own classes and of Spark's, named by all that the JVM compares when it maps them."""
    release = java / "release"
    seen = hashlib.sha256(release.read_bytes() if release.exists() else b"")
    for jar in (*jars, *sorted(_spark_folder().glob("*.jar"))):
        stat = jar.stat()
        seen.update(f"{jar}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    folder = Path(sys.prefix) / "share" / "medallion-lake"
    key = seen.hexdigest()[:16]
    return folder / f"spark-{key}-java.jsa", folder / f"spark-{key}.jsa"


def _spark_folder() -> Path:
    spec = find_spec("pyspark")
    return Path(spec.origin).parent / "jars" if spec and spec.origin else Path("pyspark")


def main() -> int:
    """Makes the archive; a failure is told and is no error, for nothing depends on it."""
    from infra.local.java import java_home
    from lake.session import spark_jars

    try:
        java, jars = java_home(), spark_jars()
        if not _files(java, jars)[1].exists():
            print("preparing Spark's classes, once: half a minute", file=sys.stderr, flush=True)
        make(java, jars)
    except LakeError as error:
        print(f"Spark's class archive is not made: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
