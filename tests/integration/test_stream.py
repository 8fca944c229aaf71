"""Hop 1 on a real broker and registry: every committed record is in exactly one place, whatever happens in between."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from pyspark.sql import SparkSession

from infra.local.parts.base import Options
from infra.local.stack import Endpoints, Stack
from lake.home import Home
from lake.reconcile.landing import check_landing
from lake.settings import load_settings
from lake.store import LocalStore
from schemas.errors import CommitConflictError, GapError, LakeError
from schemas.manifests import LandedFile, LandingManifest, WrittenFile, check_successor
from streaming import manifest_log
from streaming.job import StreamSettings, Summary, run_once, run_until_stopped
from streaming.kafka import BrokerUnavailableError, TopicMissingError
from streaming.lease import Lease
from streaming.progress import TopicRecreatedError
from streaming.registry import RegistryUnavailableError
from tests.integration.conftest import run_lake
from tests.integration.kafka_topics import TABLE, TestTopic
from tests.support.wheel import ROOT, Installed, build, few_rows

pytestmark = pytest.mark.integration
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The folder of this module's stack."""
    return Home(tmp_path_factory.mktemp("broker"))


@pytest.fixture(scope="module")
def broker(home: Home) -> Iterator[Endpoints]:
    """A stack of this module alone, ended with it: topics and offsets are broken on purpose here."""
    stack = Stack(home.root, Options(cache=load_settings().cache.expanduser()))
    try:
        yield stack.up()
    finally:
        stack.down()


@pytest.fixture
def topic(broker: Endpoints, tmp_path: Path) -> TestTopic:
    name = f"pipe{next(_NUMBERS)}x{uuid.uuid4().hex[:6]}.item.cdc"
    return TestTopic(broker.bootstrap_servers, broker.ccompat_url, tmp_path / "pipelines", name).create()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def settings_of(topic: TestTopic, lake: Path, **more: Any) -> StreamSettings:
    defaults: dict[str, Any] = {"registry": topic.ccompat_url, "bootstrap": topic.bootstrap, "patience_seconds": 0.0}
    return StreamSettings(topic.pipeline, lake_uri=lake.as_uri(), search_path=(topic.folder,), **{**defaults, **more})


def manifests(lake: Path) -> list[LandingManifest]:
    return list(manifest_log.after(LocalStore(lake), TABLE, 0))


def landed(spark: SparkSession, lake: Path) -> list[tuple[int, int]]:
    """Coordinates of every landed row and dead letter that the manifests name."""
    named: list[LandedFile | WrittenFile] = []
    for manifest in manifests(lake):
        named += [*manifest.files]
        named += [*manifest.dead_letters]
    if not named:
        return []
    paths = [str(lake / file.path) for file in named]
    rows = spark.read.schema("_kafka_partition int, _offset bigint").parquet(*paths).collect()
    assert len(rows) == sum(file.rows for file in named)
    return sorted((row[0], row[1]) for row in rows)


def assert_exactly_once(spark: SparkSession, topic: TestTopic, lake: Path) -> None:
    found = manifests(lake)
    for previous, following in itertools.pairwise([None, *found]):
        assert following is not None
        check_successor(previous, following)
    in_lake = landed(spark, lake)
    assert [c for c, count in Counter(in_lake).items() if count > 1] == []
    assert in_lake == topic.coordinates()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def wait_for_rows(lake: Path, rows: int) -> None:
    wait_for(lambda: sum(m.rows for m in manifests(lake)) == rows)


class Continuous:
    """The continuous mode in a thread."""

    def __init__(self, spark: SparkSession, settings: StreamSettings, trigger_seconds: float = 0.3) -> None:
        self.stopping = threading.Event()
        self.summary: Summary | None = None
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(spark, settings, trigger_seconds), daemon=True)

    def _run(self, spark: SparkSession, settings: StreamSettings, trigger_seconds: float) -> None:
        try:
            self.summary = run_until_stopped(spark, settings, trigger_seconds, self.stopping)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.failure = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_everything_committed_lands_once_and_a_second_run_adds_nothing(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    topic.send(range(20))
    topic.send_raw(None, 3)
    topic.send_raw(b"poison")
    summary = run_once(spark, settings_of(topic, lake))
    assert (summary.rows, summary.dead_letters) == (21, 1)
    assert_exactly_once(spark, topic, lake)
    assert run_once(spark, settings_of(topic, lake)).rows == 0
    topic.send(range(20, 25))
    assert run_once(spark, settings_of(topic, lake)).rows == 5
    assert_exactly_once(spark, topic, lake)


def test_a_backlog_is_taken_in_bounded_batches(spark: SparkSession, topic: TestTopic, lake: Path) -> None:
    topic.send(range(50))
    summary = run_once(spark, settings_of(topic, lake, max_offsets_per_trigger=20))
    assert (summary.rows, summary.tables[0].manifests) == (50, 3)
    assert_exactly_once(spark, topic, lake)


def test_aborted_records_do_not_land_and_their_offsets_are_passed(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    topic.send(range(4))
    topic.send_aborted(range(4, 10))
    assert run_once(spark, settings_of(topic, lake)).rows == 4
    topic.send_aborted(range(10, 14))
    assert run_once(spark, settings_of(topic, lake)).rows == 0
    topic.send(range(20, 24))
    assert run_once(spark, settings_of(topic, lake)).rows == 4
    assert_exactly_once(spark, topic, lake)


def test_continuous_mode_takes_new_schemas_and_partitions_ends_and_resumes(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    settings = settings_of(topic, lake, kafka_options={"metadata.max.age.ms": "1000"})
    with Continuous(spark, settings) as job:
        for round_number in range(3):
            topic.send(range(round_number * 4, round_number * 4 + 4))
            wait_for_rows(lake, round_number * 4 + 4)
        topic.evolve()
        topic.send(range(12, 16), evolved=True)
        wait_for_rows(lake, 16)
        topic.add_partition()
        topic.send(range(16, 18), evolved=True, partition=2)
        wait_for_rows(lake, 18)
    assert job.failure is None
    assert job.summary is not None
    assert job.summary.rows == 18
    assert job.summary.tables[0].manifests >= 5
    assert sum(m.dead_letter_rows for m in manifests(lake)) == 0
    topic.send(range(18, 20), evolved=True)
    assert run_once(spark, settings).rows == 2
    assert_exactly_once(spark, topic, lake)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system; tests/lake/warehouse limits the size of files instead")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_in_mid_batch_commits_nothing_and_with_room_the_job_goes_on(
    spark: SparkSession, topic: TestTopic, small_disk: Path
) -> None:
    topic.send(range(20))
    settings = settings_of(topic, small_disk)
    assert run_once(spark, settings).rows == 20
    (small_disk / "filler").write_bytes(bytes(210_000))
    topic.send(range(20, 6000))
    with pytest.raises(LakeError, match=r"not written: No space left"):
        run_once(spark, settings)
    assert len(manifests(small_disk)) == 1
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert run_once(spark, settings).rows == 5980
    assert_exactly_once(spark, topic, small_disk)


def arguments_of(topic: TestTopic, lake: Path) -> dict[str, str]:
    return {
        "--pipeline": topic.pipeline,
        "--bootstrap": topic.bootstrap,
        "--registry": topic.ccompat_url,
        "--lake-uri": lake.as_uri(),
        "--contracts-path": str(topic.folder),
    }


def test_the_wheels_entry_lands_what_is_committed_and_ends(
    spark: SparkSession, topic: TestTopic, lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    installed = Installed.of(build(tmp_path_factory.mktemp("wheel")), tmp_path_factory.mktemp("site"))
    work = tmp_path_factory.mktemp("work")
    (origin,) = installed.origins("streaming.kafka_to_landing", cwd=work)
    assert origin.is_relative_to(installed.site)
    topic.send(range(8))
    installed.run_job("kafka_to_landing", {**arguments_of(topic, lake), "--once": "true"}, work)
    assert sum(m.rows for m in manifests(lake)) == 8
    assert_exactly_once(spark, topic, lake)


def run_job(topic: TestTopic, lake: Path, *more: str) -> subprocess.Popen[bytes]:
    words = itertools.chain(*arguments_of(topic, lake).items())
    command = [sys.executable, "-m", "streaming.kafka_to_landing", *words, *more]
    # A working folder and a process group of its own: the kill reaches its JVM, and nothing else.
    work = lake.parent / "work"
    work.mkdir(exist_ok=True)
    environment = {**os.environ, **few_rows(), "PYTHONPATH": str(ROOT), "TMPDIR": str(work)}
    with (work / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=work, env=environment, stdout=log, stderr=log, start_new_session=True)


def test_a_killed_job_and_a_terminated_one_lose_and_double_nothing(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    topic.send(range(1500))
    continuous = ("--trigger-seconds", "0.1", "--max-offsets-per-trigger", "100")
    job = run_job(topic, lake, *continuous)
    try:
        # A write in hand: the committer's temporary folder is there.
        writing = lake / "landing" / TABLE / "_temporary"
        wait_for(lambda: len(manifests(lake)) >= 2 and writing.exists(), 120)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait(30)
    killed_at = len(manifests(lake))
    assert 2 <= killed_at < 12
    job = run_job(topic, lake, *continuous)
    try:
        wait_for(lambda: len(manifests(lake)) >= killed_at + 3, 120)
        job.send_signal(signal.SIGTERM)
        assert job.wait(60) == 0, (lake.parent / "work" / "log").read_text()
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    run_once(spark, settings_of(topic, lake))
    assert_exactly_once(spark, topic, lake)


@pytest.fixture
def switchable(broker: Endpoints) -> Iterator[tuple[str, threading.Event]]:
    """A registry in front of the real one that answers 503 until its event is set."""
    import urllib.request

    is_up = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not is_up.is_set():
                self.send_error(503)
                return
            with urllib.request.urlopen(f"{broker.registry_url}{self.path}", timeout=20) as answer:
                body = answer.read()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/apis/ccompat/v7", is_up
    server.shutdown()
    server.server_close()


def test_a_registry_that_is_down_makes_batches_wait_and_loses_nothing(
    spark: SparkSession, topic: TestTopic, lake: Path, switchable: tuple[str, threading.Event]
) -> None:
    address, is_up = switchable
    topic.send(range(4))
    with pytest.raises(RegistryUnavailableError, match="HTTP 503"):
        run_once(spark, settings_of(topic, lake, registry=address))
    assert manifests(lake) == []
    with Continuous(spark, settings_of(topic, lake, registry=address, patience_seconds=None)) as job:
        time.sleep(3)
        assert manifests(lake) == []
        is_up.set()
        wait_for(lambda: len(manifests(lake)) == 1)
        is_up.clear()
        topic.send(range(4, 8))
        wait_for(lambda: len(manifests(lake)) == 2)
    assert job.failure is None
    assert [m.dead_letter_rows for m in manifests(lake)] == [0, 0]
    assert_exactly_once(spark, topic, lake)


def test_waiting_for_the_registry_ends_when_the_job_is_to_end(
    spark: SparkSession, topic: TestTopic, lake: Path, switchable: tuple[str, threading.Event]
) -> None:
    topic.send(range(4))
    with Continuous(spark, settings_of(topic, lake, registry=switchable[0], patience_seconds=None)) as job:
        time.sleep(2)
    assert job.failure is None
    assert manifests(lake) == []


def test_a_schema_id_the_registry_does_not_hold_is_a_dead_letter(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    topic.send(range(2))
    topic.send_raw(b"\x00\x7f\xff\xff\xffabc")
    assert run_once(spark, settings_of(topic, lake)).dead_letters == 1
    assert_exactly_once(spark, topic, lake)


def test_retention_that_passed_halts_and_a_raised_epoch_goes_on(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    topic.send(range(4), partition=0)
    run_once(spark, settings_of(topic, lake))
    topic.send(range(4, 10), partition=0)
    topic.delete_records(0, 7)
    with pytest.raises(GapError, match=r"retention has removed offsets 4 to 6 of partition 0"):
        run_once(spark, settings_of(topic, lake))
    assert len(manifests(lake)) == 1
    assert run_once(spark, settings_of(topic, lake, epochs={TABLE: 1})).rows == 3
    topic.send([10], partition=0)
    assert run_once(spark, settings_of(topic, lake, epochs={TABLE: 1})).rows == 1
    assert [m.epoch for m in manifests(lake)] == [0, 1, 1]


def test_reconciliation_goes_on_without_landed_files_that_are_gone_and_misses_what_kafka_still_has(
    spark: SparkSession, topic: TestTopic, lake: Path
) -> None:
    def differences() -> int:
        client = {"bootstrap.servers": topic.bootstrap}
        return check_landing(LocalStore(lake), client, TABLE, topic.name)[0].differences

    topic.send(range(4), partition=0)
    run_once(spark, settings_of(topic, lake))
    topic.send(range(4, 10), partition=0)
    run_once(spark, settings_of(topic, lake))
    assert differences() == 0
    for file in manifests(lake)[0].files:
        (lake / file.path).unlink()
    assert differences() == 4
    topic.delete_records(0, 3)
    assert differences() == 1
    topic.delete_records(0, 7)
    assert differences() == 0


def test_a_topic_made_anew_halts_until_its_epoch_is_raised(
    spark: SparkSession, topic: TestTopic, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_PIPELINES", str(topic.folder))
    lake = home.lake(topic.pipeline)

    def recover(*words: str) -> tuple[int, Any]:
        done = run_lake(home, "recover", "--pipeline", topic.pipeline, "--json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    topic.send(range(4))
    run_once(spark, settings_of(topic, lake))
    topic.delete_topic()
    time.sleep(1)
    topic.make_topic()
    topic.send(range(10))
    with pytest.raises(TopicRecreatedError, match="was deleted and made again") as halted:
        run_once(spark, settings_of(topic, lake))
    assert f"lake recover --table {TABLE}" in halted.value.remedy

    code, shown = recover()
    assert (code, shown["raised"], shown["tables"][0]["verdict"]) == (1, [], "halts")
    assert (shown["tables"][0]["raise_to"], "made again" in shown["tables"][0]["reason"]) == (1, True)
    assert recover("--yes")[1]["raised"] == [TABLE]
    code, shown = recover("--yes", "--table", TABLE, "--force")
    assert (code, shown["raised"], shown["tables"][0]["verdict"]) == (0, [], "raised")

    assert run_once(spark, settings_of(topic, lake)).rows == 10
    topic.send([10])
    assert run_once(spark, settings_of(topic, lake)).rows == 1
    code, shown = recover()
    assert (code, shown["tables"][0]["verdict"], shown["tables"][0]["epoch"]) == (0, "agrees", 1)
    found = manifests(lake)
    assert [m.epoch for m in found] == [0, 1, 1]
    in_epoch = [path for m in found[1:] for path in (str(lake / file.path) for file in m.files)]
    rows = spark.read.schema("_kafka_partition int, _offset bigint").parquet(*in_epoch).collect()
    assert sorted((row[0], row[1]) for row in rows) == topic.coordinates()


def test_a_topic_that_is_not_there_is_named(spark: SparkSession, topic: TestTopic, lake: Path) -> None:
    topic.delete_topic()
    with pytest.raises(TopicMissingError, match=topic.name):
        run_once(spark, settings_of(topic, lake))


def test_a_broker_that_is_down_is_named(
    spark: SparkSession, topic: TestTopic, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"default.api.timeout.ms": "2000", "request.timeout.ms": "1000"}
    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1: Kafka does not answer"):
        run_once(spark, settings_of(topic, lake, bootstrap="127.0.0.1:1", kafka_options=options))


def test_a_second_job_on_a_table_is_refused_at_its_start(spark: SparkSession, topic: TestTopic, lake: Path) -> None:
    lease = Lease.take(LocalStore(lake), TABLE)
    try:
        with pytest.raises(CommitConflictError, match=f"another job is landing table {TABLE}"):
            run_once(spark, settings_of(topic, lake))
    finally:
        lease.release()
    assert run_once(spark, settings_of(topic, lake)).rows == 0
