"""Every hop tells what it did, under ids that tie the hops together, and nothing of the data."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import pytest
from pyspark.sql import SparkSession

from glue_jobs import iceberg, staging_tables
from glue_jobs.curated import tables
from glue_jobs.curated.promote import promote_curated
from glue_jobs.maintenance import maintain
from glue_jobs.staging import promote_staging
from lake.metrics import METRICS
from lake.store import store_for
from lake.warehouse.connect import connect, duckdb_uri
from lake.warehouse.load import load_pending
from lake.watch import Flow, logs
from lake.watch.flows import landing_flow
from lake.watch.names import Names
from schemas import load_pipeline
from schemas.manifests import LoadManifest, seq_name
from schemas.model import Expectation, Pipeline, Severity
from streaming.landing import TableLanding
from streaming.query import TableQuery, Trigger, lag_of
from streaming.registry import SchemaCache, StoppedError
from streaming.target import Target
from tests.support.envelopes import AVRO, Json, decimal, envelope_schema, key_schema, nullable, pg_change
from tests.support.landing import T0, Events, FixedRegistry, Record, kafka_frame
from tests.support.openlineage import validate
from tests.support.watched import Kept, column_lineage

MARK: Final = "Xq7Zw"
"""Stands in every text of the data; a charge and a number of beds of their own mark numbers."""
CHARGE: Final = Decimal("7654.32")
MICROS: Final = int(T0.timestamp()) * 1_000_000
WARD: Final[dict[str, Any]] = {
    "clinic_id": "int",
    "ward_code": "string",
    "title": "string",
    "speciality": nullable("string"),
}
WARD["beds"] = nullable(AVRO["smallint"])
STAY: Final[dict[str, Any]] = {
    "clinic_id": "int",
    "stay_no": "long",
    "ward_code": nullable("string"),
    "admitted_at": AVRO["timestamp_us"],
    "nights": "int",
    "charge": decimal(10, 2),
}
WARDS: Final = Events(
    key_schema("ward", {name: WARD[name] for name in ("clinic_id", "ward_code")}), envelope_schema("ward", WARD)
)
STAYS: Final = Events(
    key_schema("stay", {name: STAY[name] for name in ("clinic_id", "stay_no")}), envelope_schema("stay", STAY)
)


def ward(offset: int, code: str, **columns: Any) -> Record:
    row = {"clinic_id": 1, "ward_code": code + MARK, "title": MARK, "speciality": f"of {MARK}", "beds": 7, **columns}
    key = {name: row[name] for name in ("clinic_id", "ward_code")}
    return WARDS.record(
        key, pg_change("c", "ward", lsn=offset, ts_us=MICROS, after=row), offset, topic="clinic.ward.cdc"
    )


def stay(offset: int, code: str) -> Record:
    row: Json = {"clinic_id": 1, "stay_no": offset, "ward_code": code + MARK, "admitted_at": MICROS, "nights": 2}
    row["charge"] = CHARGE
    key = {"clinic_id": 1, "stay_no": offset}
    return STAYS.record(
        key, pg_change("c", "stay", lsn=offset, ts_us=MICROS, after=row), offset, topic="clinic.stay.cdc"
    )


def clinic(name: str) -> Pipeline:
    """The clinic under a name of its own; an expectation of its stays only warns, and fails."""
    found = load_pipeline("clinic", (Path(__file__).parents[2] / "pipelines",))
    sources = {table: replace(source, pipeline=name) for table, source in found.sources.items()}
    longer = Expectation("expect_column_min_to_be_between", (("column", "nights"), ("min_value", 5)), Severity.WARN)
    sources["stay"] = replace(sources["stay"], expectations=(longer,))
    return replace(found, name=name, sources=sources)


@dataclass
class Told:
    """A pipeline's run, and all that was told of it."""

    pipeline: Pipeline
    root: Path
    kept: Kept = field(default_factory=Kept)
    log: io.StringIO = field(default_factory=io.StringIO)

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        """Log lines with these fields."""
        found = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in found if fields.items() <= line.items()]

    @property
    def load(self) -> LoadManifest:
        return LoadManifest.from_json((self.root / "load/_manifests" / seq_name(1)).read_bytes())


def query(spark: SparkSession, told: Told, table: str, events: Events) -> TableQuery:
    """Hop 1 of a table, but for Kafka."""
    source = told.pipeline.sources[table]
    target = Target(told.pipeline.name, table, source.topic)
    cache = SchemaCache(FixedRegistry(events.texts), patience=0)
    landing = TableLanding.resume(spark, store_for(told.root.as_uri()), target, cache)

    def flow() -> Flow:
        return landing_flow(source, Names(told.pipeline.name, told.root.as_uri(), "broker:9092"))

    shared = (threading.Event(), lambda _: None, False, told.kept.watch(told.pipeline.name), flow)
    return TableQuery(spark, landing, {}, {}, Trigger(None, 1), *shared)


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Two wards, one refused, and a record of noise; a stay in a ward and one in none; through all four hops."""
    root = tmp_path_factory.mktemp("watched")
    told = Told(clinic("watched"), root)
    watch = told.kept.watch("watched")
    with logs.configured(logging.StreamHandler(told.log), {"run": watch.run_id}, as_json=True):
        noise = Record(MARK.encode(), MARK.encode(), 3, topic="clinic.ward.cdc")
        wards = [ward(0, "A"), ward(1, "B"), ward(2, "C", beds=-31313), noise]
        query(spark, told, "ward", WARDS)._watched(kafka_frame(spark, wards), {0: 0}, {0: 4})
        query(spark, told, "stay", STAYS)._watched(kafka_frame(spark, [stay(0, "A"), stay(1, "gone")]), {0: 0}, {0: 2})
        promote_staging(spark, told.pipeline, root.as_uri(), watch=watch)
        promote_curated(spark, told.pipeline, root.as_uri(), watch=watch)
        uri = duckdb_uri(root / "warehouse.duckdb")
        warehouse = connect(uri, root.as_uri())
        load_pending(told.pipeline, root.as_uri(), warehouse, watch=watch, warehouse_uri=uri)
        warehouse.close()
    return told


def test_landing_tells_records_dead_letters_and_how_long_they_waited(told: Told) -> None:
    found = told.kept.metrics("landing")
    assert (found["ward", "RowsIn"], found["ward", "RowsOut"], found["ward", "DeadLetters"]) == (4, 3, 1)
    assert (found["stay", "RowsIn"], found["stay", "RowsOut"], found["stay", "DeadLetters"]) == (2, 2, 0)
    assert found["ward", "LagSeconds"] == pytest.approx(found["ward", "FreshnessSeconds"], abs=60)
    assert found["ward", "LagSeconds"] > 365 * 86400  # the records are of 2024
    assert found["ward", "FilesWritten"] >= 2
    assert found["ward", "BytesWritten"] > 0


def test_staging_tells_what_the_checks_and_expectations_said(told: Told) -> None:
    found = told.kept.metrics("staging")
    names = ("RowsIn", "RowsOut", "DeadLetters", "ChecksFailed", "PendingManifests")
    assert [found["ward", name] for name in names] == [3, 2, 1, 0, 0]
    assert [found["stay", name] for name in names] == [2, 2, 0, 1, 0]
    assert found["ward", "FilesWritten"] >= 1
    assert (found["", "Failures"], found["stay", "FreshnessSeconds"] > 365 * 86400) == (0, True)


def test_curated_tells_versions_facts_and_load_files(told: Told) -> None:
    found = told.kept.metrics("curated")
    assert (found["ward", "RowsIn"], found["fact_stay", "RowsOut"], found["fact_stay", "FactsRestated"]) == (2, 2, 0)
    assert found["ward", "KeysRecomputed"] == 2
    assert (found["dim_ward", "FilesWritten"], found["fact_stay", "DeadLetters"]) == (1, 0)
    assert found["load_files", "BatchSeconds"] > 0
    assert found["stay", "FreshnessSeconds"] > 365 * 86400


def test_the_warehouse_tells_rows_and_how_old_the_newest_change_is(told: Told) -> None:
    found = told.kept.metrics("warehouse")
    assert {name: found[name, "RowsIn"] for name in ("dim_ward", "fact_stay", "ward", "stay")} == {
        "dim_ward": 2, "fact_stay": 2, "ward": 2, "stay": 2,
    }  # fmt: skip
    assert found["ward", "FreshnessSeconds"] > 365 * 86400
    assert (found["", "PendingLoads"], found["", "Failures"]) == (0, 0)
    assert found["", "LoadSeconds"] <= found["", "RunSeconds"]


def test_every_metric_of_the_four_hops_is_one_that_they_emit(told: Told) -> None:
    elsewhere = {"LagRecords"}  # only a running query knows it
    for hop in ("landing", "staging", "curated", "warehouse"):
        emitted = {name for _, name in told.kept.metrics(hop)} | elsewhere
        runs = {"RunSeconds", "Failures"} if hop == "landing" else set()
        assert {metric.name for metric in METRICS if hop in metric.hops} <= emitted | runs


def test_ids_lead_from_a_landed_batch_to_its_load(told: Told) -> None:
    (landed,) = told.lines(logger="lake.watch.steps", hop="landing", table="ward")
    (staged,) = told.lines(logger="lake.watch.steps", hop="staging", table="ward")
    (promoted,) = told.lines(logger="lake.watch.steps", hop="curated", table="ward")
    (files,) = told.lines(logger="lake.watch.steps", hop="curated", table="load_files")
    (loaded,) = told.lines(logger="lake.watch.steps", hop="warehouse")
    assert landed["landing_seq"] == staged["landing_last"] == promoted["landing_last"] == 1
    assert "ward=1" in files["landing_seqs"].split()
    assert (files["load_seq"], files["attempt"]) == (loaded["load_seq"], loaded["attempt"]) == (1, told.load.attempt)
    assert {line["run"] for line in told.lines(logger="lake.watch.steps")} == {"run-1"}
    assert staged["snapshot"] > 0


def test_each_step_starts_and_completes_and_is_openlineages(told: Told) -> None:
    for event in told.kept.events:
        validate(event)
    started = [event["job"]["name"] for event in told.kept.of("START")]
    assert sorted(started) == sorted(event["job"]["name"] for event in told.kept.of("COMPLETE"))
    assert set(started) == {
        *("watched.landing.ward", "watched.landing.stay", "watched.staging.ward", "watched.staging.stay"),
        *("watched.curated.ward", "watched.curated.stay", "watched.curated.fact_stay", "watched.curated.load_files"),
        "watched.warehouse.load",
    }
    assert len({event["run"]["facets"]["parent"]["run"]["runId"] for event in told.kept.events}) == 1


def test_lineage_leads_from_the_topic_to_the_warehouse(told: Told) -> None:
    names: dict[str, set[str]] = {}
    for event in told.kept.of("COMPLETE"):
        for item in event["outputs"]:
            names.setdefault(f"{item['namespace']} {item['name']}", set()).update(
                f"{read['namespace']} {read['name']}" for read in event["inputs"]
            )
    reached, waiting = set(), [name for name in names if name.endswith("analytics.fact_stay")]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += [read for read in names.get(name, ()) if read not in reached]
    assert {"kafka://broker:9092 clinic.ward.cdc", "kafka://broker:9092 clinic.stay.cdc"} <= reached


def test_the_schema_told_is_that_of_the_table(spark: SparkSession, told: Told) -> None:
    pipeline = told.pipeline
    for job, table in (
        ("watched.staging.ward", staging_tables.change_log_name("watched", "ward")),
        ("watched.curated.ward", tables.curated(pipeline, "dim_ward")),
        ("watched.curated.fact_stay", tables.curated(pipeline, "fact_stay")),
    ):
        *_, event = told.kept.of("COMPLETE", job)
        found = event["outputs"][0]["facets"]["schema"]["fields"]
        real = iceberg.columns(spark, table)
        assert [item["name"] for item in found] == list(real)
        # Iceberg has no type of two bytes.
        kinds = {item["name"]: re.sub("[` ]", "", item["type"]).replace("smallint", "int") for item in found}
        assert kinds == {name: kind.replace(" ", "") for name, kind in real.items()}


def test_quality_and_counts_are_told_with_the_lineage(told: Told) -> None:
    (event,) = told.kept.of("COMPLETE", "watched.staging.ward")
    (read,) = event["inputs"]
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3
    (check,) = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (check["assertion"], check["success"], check["severity"]) == ("beds_not_negative", False, "error")
    (event,) = told.kept.of("COMPLETE", "watched.staging.stay")
    (check,) = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (check["column"], check["success"], check["severity"]) == ("nights", False, "warn")
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert ("stay_state", "charge", "IDENTITY") in column_lineage(
        told.kept.of("COMPLETE", "watched.curated.fact_stay")[0], "fact_stay"
    )["charge"]


def test_nothing_that_is_told_holds_a_value_of_the_data(told: Told) -> None:
    everything = "\n".join([told.log.getvalue(), *told.kept.lines, *map(json.dumps, told.kept.events)])
    assert len(everything) > 10_000
    for value in (MARK, MARK.encode().hex(), str(CHARGE), "-31313"):
        assert value not in everything, value


def test_a_table_that_stops_is_told_with_what_waits(spark: SparkSession, told: Told, tmp_path: Path) -> None:
    kept = Kept()
    missing = next((told.root / "landing/ward").rglob("*.parquet"))
    (tmp_path / "landing").mkdir()
    for folder in ("_manifests", "_schemas"):
        (tmp_path / "landing" / folder).symlink_to(told.root / "landing" / folder)
    assert missing.exists()
    other = clinic("stopped")
    (outcome,) = promote_staging(spark, other, tmp_path.as_uri(), tables=("ward",), watch=kept.watch("stopped"))
    assert outcome.error
    found = kept.metrics("staging")
    assert (found["", "Failures"], found["ward", "PendingManifests"]) == (1, 1)
    (event,) = kept.of("FAIL")
    validate(event)
    assert event["run"]["facets"]["errorMessage"]["message"] == outcome.error.what


def test_maintenance_tells_its_run(spark: SparkSession) -> None:
    kept = Kept()
    maintain(spark, clinic("absent"), keep_days=7, collapse_days=1, watch=kept.watch("absent"))
    assert kept.metrics("maintenance").keys() == {("", "RunSeconds"), ("", "Failures")}


def test_a_batch_that_is_asked_to_end_is_no_failure(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    class Stopping:
        target = Target("watched", "ward", "clinic.ward.cdc")

        def land(self, *_: Any) -> None:
            raise StoppedError

    kept = Kept()
    flow = Flow()
    shared = (threading.Event(), lambda _: None, False, kept.watch("watched"), lambda: flow)
    stopped = TableQuery(cast("Any", None), cast("Any", Stopping()), {}, {}, Trigger(None, 1), *shared)
    with pytest.raises(StoppedError):
        stopped._watched(cast("Any", None), {}, {})
    assert [event["eventType"] for event in kept.events] == ["START", "ABORT"]
    assert kept.lines == []
    assert "stopped after" not in caplog.text


@pytest.mark.parametrize(
    ("source", "lag"),
    [
        ({"endOffset": {"t": {"0": 5, "1": 7}}, "latestOffset": {"t": {"0": 9, "1": 7}}}, 4),
        ({"endOffset": '{"t":{"0":5}}', "latestOffset": '{"t":{"0":6,"1":3}}'}, 1),
        ({"endOffset": {"t": {"0": 5}}, "latestOffset": None}, None),
        ({}, None),
    ],
)
def test_lag_is_what_the_newest_batch_did_not_reach(source: dict[str, Any], lag: int | None) -> None:
    assert lag_of({"sources": [source]}) == lag
