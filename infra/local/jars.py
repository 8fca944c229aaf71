"""JVM artefacts named by ``jars.lock``: fetched from Maven Central in parallel, checked by SHA-256, cached.

``jar_paths(group)`` gives the local files of one group and fetches what is missing; ``python -m infra.local.jars``
fetches all groups, ``… --to FOLDER GROUP…`` puts into a folder what these need to run. ``LAKE_CACHE`` places the cache,
``LAKE_MAVEN_URL`` names another Maven repository.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as memoised
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from infra.local.errors import DownloadError
from infra.local.folders import remove_folder

DEFAULT_CACHE = Path("~/.cache/medallion-lake")
DEFAULT_MAVEN_URL = "https://repo1.maven.org/maven2"
#: groups that no part of the stack needs: tests and a delivery to Glue ask for them
ON_DEMAND = frozenset({"mariadb", "spark-s3", "msk", "glue"})
THREADS = 8
ATTEMPTS = 5
_CHUNK = 256 * 1024
_TIMEOUT_SECONDS = 60
_PERMANENT = frozenset({401, 403, 404, 410})

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository, with the SHA-256 and size it must have."""

    group: str
    name: str
    kind: str
    classifier: str
    version: str
    sha256: str
    size: int

    @classmethod
    def parse(cls, coordinate: str, sha256: str, size: int) -> Artifact:
        """From ``group:artifact:type[:classifier]:version``."""
        group, name, kind, *rest = coordinate.split(":")
        return cls(group, name, kind, rest[0] if len(rest) == 2 else "", rest[-1], sha256, size)

    @property
    def file_name(self) -> str:
        """The file's name in the repository."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.kind}"

    @property
    def relative_path(self) -> str:
        """Its path below the repository's root, the same in the cache."""
        return f"{self.group.replace('.', '/')}/{self.name}/{self.version}/{self.file_name}"


@memoised
def lock() -> dict[str, tuple[Artifact, ...]]:
    """``jars.lock``: group name → artefacts."""
    content = json.loads((files("infra.local") / "jars.lock").read_text())
    known = {c: Artifact.parse(c, a["sha256"], a["size"]) for c, a in content["artifacts"].items()}
    return {group: tuple(known[c] for c in coordinates) for group, coordinates in content["groups"].items()}


def cache_folder() -> Path:
    """Where artefacts are kept: ``LAKE_CACHE``, default ``~/.cache/medallion-lake``."""
    return Path(os.environ.get("LAKE_CACHE") or DEFAULT_CACHE).expanduser().resolve()


def maven_url() -> str:
    """The Maven repository's base URL: ``LAKE_MAVEN_URL``, default Maven Central."""
    return (os.environ.get("LAKE_MAVEN_URL") or DEFAULT_MAVEN_URL).rstrip("/")


def jar_paths(group: str, *, cache: Path | None = None, base_url: str | None = None) -> list[Path]:
    """The local files of ``group``; those not in the cache are fetched first.

    Args:
        group: a group of ``jars.lock`` (``spark``, ``broker``, ``connect``, ``avro-converter``, …).
        cache: default :func:`cache_folder`.
        base_url: default :func:`maven_url`.

    Raises:
        DownloadError: no such group, no network, or a file that does not match the lock.
    """
    if group not in lock():
        raise DownloadError(f"no group {group!r}", where="jars.lock", remedy=f"one of: {', '.join(sorted(lock()))}")
    cache = cache or cache_folder()
    fetch(lock()[group], cache=cache, base_url=base_url)
    return [location(artifact, cache) for artifact in lock()[group]]


def unpacked(group: str, *, cache: Path | None = None, base_url: str | None = None) -> Path:
    """The folder that holds the unpacked archive of a group with exactly one zip or tar.gz."""
    cache = cache or cache_folder()
    (artifact,) = lock()[group]
    target = _unpacked_folder(artifact, cache)
    if target.exists():
        return target
    (archive,) = jar_paths(group, cache=cache, base_url=base_url)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as folder:
        _extract(archive, Path(folder) / "content")
        try:
            (Path(folder) / "content").rename(target)
        except OSError:
            if not target.exists():  # else another process was faster, with the same content
                raise
    return target


def _unpacked_folder(artifact: Artifact, cache: Path) -> Path:
    return cache / "unpacked" / f"{artifact.name}-{artifact.version}-{artifact.sha256[:8]}"


def provide(groups: Iterable[str], folder: Path, *, cache: Path | None = None, base_url: str | None = None) -> None:
    """Make ``folder`` a cache that holds just what the groups need to run: jars, and archives unpacked only.

    Args:
        groups: groups of ``jars.lock``.
        folder: the new cache; may exist.
        cache: where artefacts are fetched into first, default :func:`cache_folder`.
        base_url: default :func:`maven_url`.

    Raises:
        DownloadError: as :func:`jar_paths`.
    """
    for group in groups:
        paths = jar_paths(group, cache=cache, base_url=base_url)
        for artifact, path in zip(lock()[group], paths, strict=True):
            if artifact.kind == "jar":
                target = location(artifact, folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            elif not (target := _unpacked_folder(artifact, folder)).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _extract(path, target)


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir()
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)  # noqa: S202 - the lock's SHA-256 has vouched for its content
    else:
        with tarfile.open(archive) as tarred:
            if hasattr(tarfile, "data_filter"):  # absent before Python 3.11.4
                tarred.extraction_filter = tarfile.data_filter
            tarred.extractall(folder)  # noqa: S202 - likewise


def location(artifact: Artifact, cache: Path) -> Path:
    """Where ``artifact`` lies in the cache."""
    return cache / "maven" / artifact.relative_path


def missing(artifacts: Iterable[Artifact], cache: Path) -> list[Artifact]:
    """Those not in the cache. A file gets its name only after its SHA-256 matched, so its size tells enough."""

    def present(artifact: Artifact) -> bool:
        path = location(artifact, cache)
        return path.exists() and path.stat().st_size == artifact.size

    return [artifact for artifact in dict.fromkeys(artifacts) if not present(artifact)]


def fetch(artifacts: Iterable[Artifact], *, cache: Path, base_url: str | None = None) -> int:
    """Fetch what is missing, eight at a time, the largest first, and show progress on stderr.

    Returns:
        how many files were fetched.

    Raises:
        DownloadError: the first failure.
    """
    wanted = sorted(missing(artifacts, cache), key=lambda a: -a.size)
    if not wanted:
        return 0
    from infra.local.progress import DownloadProgress  # not in the images of parts, which fetch nothing

    base = (base_url or maven_url()).rstrip("/")
    total = sum(artifact.size for artifact in wanted)
    with DownloadProgress(f"JVM parts ({len(wanted)} files)", total) as progress, ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(download, artifact, cache, base, progress.advance) for artifact in wanted]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(wanted)


def download(artifact: Artifact, cache: Path, base_url: str, advance: Advance) -> None:
    """Fetch one artefact into the cache, going on where an earlier attempt stopped.

    Raises:
        DownloadError: the repository does not have it, cannot be reached, or gives other bytes than the lock says.
    """
    target = location(artifact, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with part.open("ab") as output:
        fcntl.flock(output, fcntl.LOCK_EX)  # another process may be fetching into the same cache
        if not missing([artifact], cache):
            advance(artifact.size)
            part.unlink(missing_ok=True)
            return
        if part.exists():
            _complete(artifact, part, f"{base_url}/{artifact.relative_path}", output, advance)
            part.replace(target)
            return
    download(artifact, cache, base_url, advance)  # the process that held the lock threw its bytes away: begin anew


def _complete(artifact: Artifact, part: Path, url: str, output: BinaryIO, advance: Advance) -> None:
    _transfer(artifact, url, output, advance)
    output.flush()
    found = _sha256(part)
    if found != artifact.sha256:
        part.unlink()
        raise DownloadError(
            f"SHA-256 is {found}, the lock says {artifact.sha256}; the file was thrown away",
            where=url,
            remedy="run the command again; if it happens again the repository serves a changed file: "
            "set LAKE_MAVEN_URL to a repository you trust",
        )


def _transfer(artifact: Artifact, url: str, output: BinaryIO, advance: Advance) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if _append(artifact, url, output, advance):
                return
            error: Exception = DownloadError("the connection ended early")
        except urllib.error.HTTPError as failure:
            error = failure
            if failure.code in _PERMANENT:
                break
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as failure:
            error = failure
        if attempt < ATTEMPTS:
            time.sleep(min(8.0, 0.5 * 2 ** (attempt - 1)))
    reason = getattr(error, "reason", None) or error
    raise DownloadError(
        f"cannot be fetched ({reason})",
        where=url,
        remedy="check the network, the proxy and SSL_CERT_FILE, or set LAKE_MAVEN_URL to a repository within reach; "
        "what is already here is kept, so running the command again goes on",
    ) from error


def _append(artifact: Artifact, url: str, output: BinaryIO, advance: Advance) -> bool:
    """Append the bytes still missing to the part file; whether it is complete then."""
    output.flush()
    have = os.fstat(output.fileno()).st_size
    if have > artifact.size:
        output.truncate(0)
        have = 0
    if have == artifact.size:
        return True
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        if have and response.status == 200:  # the server ignores ranges: from the beginning
            output.truncate(0)
            have = 0
        while chunk := response.read(_CHUNK):
            output.write(chunk)
            advance(len(chunk))
            have += len(chunk)
    return have >= artifact.size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_all(*, cache: Path | None = None, base_url: str | None = None) -> int:
    """Fetch every group that the stack needs and unpack the archives; how many files were fetched."""
    cache = cache or cache_folder()
    needed = [artifact for group, artifacts in lock().items() if group not in ON_DEMAND for artifact in artifacts]
    count = fetch(needed, cache=cache, base_url=base_url)
    for group, artifacts in lock().items():
        if len(artifacts) == 1 and artifacts[0].kind != "jar":  # a jar is used as it is
            unpacked(group, cache=cache)
    _remove_leftovers(cache)
    return count


def _remove_leftovers(cache: Path, older_than_seconds: float = 3600.0) -> None:
    """Unpacking folders of processes that were killed."""
    for leftover in (cache / "unpacked").glob(".unpacking-*"):
        if time.time() - leftover.stat().st_mtime > older_than_seconds:
            remove_folder(leftover, inside=cache)


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch all groups, or provide a folder with some; 1 with a message on failure."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.jars", description=main.__doc__)
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="put into it what the groups need to run")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"with --to: of {', '.join(sorted(lock()))}")
    args = parser.parse_args(argv)
    try:
        if args.to is not None:
            provide(args.groups, args.to)
            return 0
        count = fetch_all()
    except DownloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"JVM parts: {count} fetched, {sum(map(len, lock().values()))} in place under {cache_folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
