"""The wheel's jobs take a lake on S3 to the warehouse, through Spark's own S3A and Glue's catalog, whatever S3 answers.

S3 and the catalog are moto's. One run of the route, with faults on its way, is what all tests look at.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from glue_jobs import curated_to_warehouse
from lake.cli import main
from lake.reconcile.landing import written_coordinates
from tests.support import s3
from tests.support.s3_session import LAKE, ROWS, FailedError, S3Session
from tests.support.wheel import Installed

pytestmark = pytest.mark.slow

SALES: Final = """
SELECT f.line_no, c.full_name, p.sku, f.net_amount
FROM analytics.fact_sales AS f
JOIN analytics.dim_customer AS c ON c.customer_sk = f.customer_sk
JOIN analytics.dim_product AS p ON p.product_sk = f.product_sk
ORDER BY f.line_no
"""


@dataclass
class Route:
    """What the route met and made."""

    server: s3.S3
    installed: Installed
    met: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    between: dict[str, list[str]] = field(default_factory=dict)
    staged: list[Any] = field(default_factory=list)
    curated: list[Any] = field(default_factory=list)
    where: str = ""
    first_bytes: bytes = b""

    def keys(self, prefix: str) -> list[str]:
        """Keys of the lake under a folder."""
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix=f"retail/{prefix}")
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def read(self, key: str) -> Any:
        """A JSON object of the lake."""
        return json.loads(self.server.client().get_object(Bucket="lake", Key=key)["Body"].read())


@dataclass
class Greeted:
    """A server that keeps the first bytes it is sent, and answers nothing."""

    address: str
    first_bytes: bytes = b""

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Greeted]:
        """The server, for as long as the block runs."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = cls(f"127.0.0.1:{server.getsockname()[1]}")

            def greet() -> None:
                with suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            found.first_bytes = found.first_bytes or connection.recv(5)

            thread = threading.Thread(target=greet, daemon=True)
            thread.start()
            yield found
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.fixture(scope="module")
def route(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Route]:
    folder = tmp_path_factory.mktemp("route")
    with s3.running("lake") as server:
        environment = os.environ | installed.environment(folder, also=True) | server.environment
        with S3Session.running(environment, folder) as session:
            run = Route(server, installed, where=session.ask("where"))
            with Greeted.listening() as broker, pytest.raises(FailedError) as refused:
                session.ask("describe", broker.address)
            run.failed["msk"], run.first_bytes = str(refused.value), broker.first_bytes
            _land(run, session)
            _stage(run, session)
            _curate(run, session)
        yield run


def _fails(run: Route, name: str, session: S3Session, *asked: str, part: str) -> None:
    """A step whose PUTs under a path are all refused."""
    with run.server.fault("PUT", part, status=403, times=1000) as fault, pytest.raises(FailedError) as caught:
        session.ask(*asked)
    run.met[name], run.failed[name] = fault.met, caught.value.kind


def _land(run: Route, session: S3Session) -> None:
    _fails(run, "landing files", session, "land", "product", part="landing/product/")
    run.between["landing files"] = run.keys("landing/_manifests")
    server = run.server
    with (
        server.fault("PUT", "landing/customer/", status=503, times=2) as busy,
        server.fault("PUT", "_manifests/customer/", status=503) as busy_commit,
        server.fault("PUT", "_manifests/order/", status=500, lost=True) as lost,
        server.fault("HEAD", "landing/order/", seconds=0.5, times=2) as slow,
    ):
        session.ask("land", *ROWS)
    run.met |= {"busy": busy.met, "busy commit": busy_commit.met, "lost commit": lost.met, "slow": slow.met}


def _stage(run: Route, session: S3Session) -> None:
    part = "iceberg/retail_staging.db/product"
    _fails(run, "staging", session, "run", "landing_to_staging", "--tables", "product", part=part)
    with run.server.fault("PUT", "iceberg/retail_staging.db/customer", status=503, times=2) as busy:
        run.staged = session.ask("run", "landing_to_staging")
    run.met["busy staging"] = busy.met


def _curate(run: Route, session: S3Session) -> None:
    with run.server.fault("PUT", "load/_manifests", status=500, lost=True) as lost:
        run.curated = session.ask("run", "staging_to_curated")
    run.met["lost load"] = lost.met


def test_the_code_that_ran_is_the_wheels(route: Route) -> None:
    assert Path(route.where).is_relative_to(route.installed.site)


def test_the_jvms_kafka_client_has_iams_plugin_and_speaks_tls(route: Route) -> None:
    """A client whose plug-in is not there cannot be made, and says nothing to a broker."""
    assert "BrokerUnavailableError" in route.failed["msk"]
    assert route.first_bytes[:2] == b"\x16\x03"  # a TLS handshake


def test_a_refused_landing_file_commits_nothing(route: Route) -> None:
    assert route.met["landing files"] > 0
    assert route.between["landing files"] == []


def test_every_landing_batch_is_there_once_though_s3_was_busy_slow_and_lost_answers(route: Route) -> None:
    assert [route.met[name] for name in ("busy", "busy commit", "lost commit", "slow")] == [2, 1, 1, 2]
    manifests = route.keys("landing/_manifests")
    assert manifests == [f"retail/landing/_manifests/{table}/000000000001.json" for table in sorted(ROWS)]
    rows = {m["table"]: sum(file["rows"] for file in m["files"]) for m in map(route.read, manifests)}
    assert rows == {table: len(found) for table, found in ROWS.items()}


def test_commits_are_conditional_writes(route: Route) -> None:
    commits = [request for request in route.server.puts("_manifests/") if "_temporary" not in request.path]
    assert len(commits) >= 5
    assert all(request.conditional for request in commits)
    assert [r.status for r in commits if "/order/" in r.path] == [500, 412]


def test_a_refused_staging_commit_is_done_again_whole(route: Route) -> None:
    assert route.met["staging"] > 0
    assert route.met["busy staging"] == 2
    assert {line["table"]: (line["accepted"], line["quarantined"], line["error"]) for line in route.staged} == {
        "customer": (1, 1, None),
        "product": (1, 0, None),
        "order": (1, 0, None),
        "order_item": (2, 0, None),
    }


def test_tables_are_in_glues_catalog_and_lie_on_s3(route: Route) -> None:
    glue = route.server.client("glue")
    found = glue.get_table(DatabaseName="retail_staging", Name="customer")["Table"]
    assert found["Parameters"]["table_type"] == "ICEBERG"
    assert found["Parameters"]["metadata_location"].startswith(f"{LAKE}/iceberg/")
    curated = {table["Name"] for table in glue.get_tables(DatabaseName="retail_curated")["TableList"]}
    assert {"dim_customer", "dim_product", "dim_date", "fact_sales", "fact_orders"} <= curated


def test_a_load_whose_commit_lost_its_answer_is_there_once(route: Route) -> None:
    assert route.met["lost load"] == 1
    (summary,) = route.curated
    assert (summary["load"]["seq"], summary["load"]["rows"]["fact_sales"]) == (1, 2)
    assert [request.status for request in route.server.puts("load/_manifests")] == [500, 412]


def test_copy_manifests_name_s3_and_the_length_of_each_file(route: Route) -> None:
    (load,) = route.keys("load/_manifests")
    tables = route.read(load)["tables"]
    assert {"dim_customer", "fact_sales"} <= set(tables)
    for table in tables.values():
        for entry in route.read(f"retail/{table['manifest']}")["entries"]:
            assert entry["url"].startswith(f"{LAKE}/load/")
            head = route.server.client().head_object(Bucket="lake", Key=entry["url"].removeprefix("s3://lake/"))
            assert entry["meta"]["content_length"] == head["ContentLength"]


@pytest.fixture
def on_s3(route: Route, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of a `lake` command that works on the lake on S3."""
    named = {"LAKE_LAKE_URI": f"{LAKE}/", "LAKE_CATALOG_URI": "glue", "LAKE_HOME": str(tmp_path / "home")}
    for name, value in (route.server.environment | named).items():
        monkeypatch.setenv(name, value)


def test_a_command_finds_the_dead_letters_of_a_lake_on_s3(on_s3: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq", "list", "--json"]) == 0
    assert "email_has_at" in capsys.readouterr().out


def test_reconciliation_reads_landed_rows_on_s3(route: Route, on_s3: None) -> None:
    (manifest,) = [route.read(key) for key in route.keys("landing/_manifests/order_item")]
    rows = written_coordinates(LAKE, [file["path"] for file in manifest["files"]])
    assert sorted(rows.column("_offset").to_pylist()) == [0, 1]


def test_the_warehouse_loads_from_s3(
    route: Route, on_s3: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "star.duckdb"
    words = ["--pipeline", "retail", "--lake-uri", LAKE, "--warehouse-uri", f"duckdb://{database}"]
    with route.server.fault("GET", "/fact_sales/", status=503) as busy:
        assert curated_to_warehouse.main(["job", *words]) == 0
    assert busy.met == 1
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [1]
    with duckdb.connect(str(database), read_only=True) as warehouse:
        sales = warehouse.execute(SALES).fetchall()
    assert sales == [(1, "N1", "S1", Decimal("18.00")), (2, "N1", "S1", Decimal("8.50"))]
