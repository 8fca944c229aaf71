"""JVM artefacts: resumed, checked, never kept when wrong, and a clear error when there is no network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.local import jars
from infra.local.errors import DownloadError
from infra.local.jars import Artifact

CONTENT = bytes(range(256)) * 4000
ARTIFACT = Artifact("org.example", "thing", "jar", "", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@dataclass
class Repository:
    """A Maven repository on this machine: what it serves, how, and what was asked of it."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def repository() -> Iterator[Repository]:
    served = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            if not self.path.endswith(ARTIFACT.relative_path):
                self.send_error(404)
                return
            start = int(wanted.split("=")[1].rstrip("-")) if wanted and served.ranges else 0
            body = served.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cut_after.pop(0)] if served.cut_after else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base class's signature
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/maven2"
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.jars.time.sleep", lambda _seconds: None)


def fetch(repository: Repository, cache: Path) -> int:
    return jars.fetch([ARTIFACT], cache=cache, base_url=repository.url)


def test_a_file_is_fetched_once_and_then_found_in_the_cache(repository: Repository, tmp_path: Path) -> None:
    assert fetch(repository, tmp_path) == 1
    assert jars.location(ARTIFACT, tmp_path).read_bytes() == CONTENT
    assert fetch(repository, tmp_path) == 0
    assert len(repository.asked) == 1


def test_a_broken_download_goes_on_where_it_stopped(repository: Repository, tmp_path: Path) -> None:
    repository.cut_after = [300_000]
    fetch(repository, tmp_path)
    assert jars.location(ARTIFACT, tmp_path).read_bytes() == CONTENT
    assert repository.asked[0] is None
    assert repository.asked[1] is not None
    assert 0 < int(repository.asked[1].removeprefix("bytes=").rstrip("-")) <= 300_000


def test_a_download_killed_before_is_resumed_by_the_next_run(repository: Repository, tmp_path: Path) -> None:
    target = jars.location(ARTIFACT, tmp_path)
    target.parent.mkdir(parents=True)
    target.with_name(target.name + ".part").write_bytes(CONTENT[:1000])
    fetch(repository, tmp_path)
    assert repository.asked == ["bytes=1000-"]
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_is_read_from_the_beginning(repository: Repository, tmp_path: Path) -> None:
    repository.ranges, repository.cut_after = False, [300_000]
    fetch(repository, tmp_path)
    assert jars.location(ARTIFACT, tmp_path).read_bytes() == CONTENT


def test_wrong_bytes_are_thrown_away_and_the_error_names_both_sums_and_the_remedy(
    repository: Repository, tmp_path: Path
) -> None:
    repository.content = CONTENT[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"SHA-256 is .* the lock says ") as caught:
        fetch(repository, tmp_path)
    assert "LAKE_MAVEN_URL" in caught.value.remedy
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    repository.content = CONTENT
    assert fetch(repository, tmp_path) == 1


def test_an_artefact_that_is_not_there_fails_at_once_with_its_address(repository: Repository, tmp_path: Path) -> None:
    absent = Artifact("org.example", "other", "jar", "", "2.0", "0" * 64, 10)
    with pytest.raises(DownloadError, match=r"other-2.0.jar: cannot be fetched \(Not Found\)"):
        jars.fetch([absent], cache=tmp_path, base_url=repository.url)
    assert len(repository.asked) == 1


def test_no_network_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched") as caught:
        jars.fetch([ARTIFACT], cache=tmp_path, base_url="http://127.0.0.1:9/maven2")
    assert "network" in caught.value.remedy


def test_an_unknown_group_names_the_groups_there_are() -> None:
    with pytest.raises(DownloadError, match="no group 'sparc'") as caught:
        jars.jar_paths("sparc")
    assert "spark" in caught.value.remedy


def test_coordinates_become_repository_paths() -> None:
    archive = Artifact.parse("io.debezium:debezium-connector-mysql:tar.gz:plugin:3.4.1.Final", "0" * 64, 1)
    assert archive.relative_path == (
        "io/debezium/debezium-connector-mysql/3.4.1.Final/debezium-connector-mysql-3.4.1.Final-plugin.tar.gz"
    )


def test_the_lock_holds_every_group_with_plausible_entries() -> None:
    lock = jars.lock()
    assert set(lock) == {
        *("spark", "spark-s3", "glue", "msk", "broker", "connect", "registry", "avro-converter", "mariadb"),
        *("debezium-postgres", "debezium-sqlserver", "debezium-mysql"),
    }
    assert all(len(a.sha256) == 64 and a.size > 500 for group in lock.values() for a in group)


def test_the_spark_group_holds_nothing_that_pyspark_ships() -> None:
    names = {artifact.name for artifact in jars.lock()["spark"]}
    assert {"spark-sql-kafka-0-10_2.12", "spark-avro_2.12", "iceberg-spark-runtime-3.5_2.12", "sqlite-jdbc"} <= names
    assert not names & {"scala-library", "slf4j-api", "snappy-java", "lz4-java", "hadoop-client-api"}


def test_a_folder_is_provided_with_jars_and_with_archives_unpacked_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "image"
    archive = tmp_path / "plugin.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("plugin/inside.jar", "content")
    content = archive.read_bytes()
    plugin = Artifact("org.example", "plugin", "zip", "", "1.0", hashlib.sha256(content).hexdigest(), len(content))
    for artifact, text in ((ARTIFACT, CONTENT), (plugin, content)):
        place = jars.location(artifact, cache)
        place.parent.mkdir(parents=True)
        place.write_bytes(text)
    monkeypatch.setattr(jars, "lock", lambda: {"things": (ARTIFACT,), "plugin": (plugin,)})

    jars.provide(["things", "plugin"], folder, cache=cache, base_url="http://127.0.0.1:9")

    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["thing-1.0.jar", "inside.jar"]
    assert jars.jar_paths("things", cache=folder, base_url="http://127.0.0.1:9") == [jars.location(ARTIFACT, folder)]
    found = jars.unpacked("plugin", cache=folder, base_url="http://127.0.0.1:9")
    assert (found / "plugin" / "inside.jar").read_text() == "content"
