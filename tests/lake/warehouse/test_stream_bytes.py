"""Kafka bytes to rows: through the packaged function into the views, beside loads of a part of them."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from lake.warehouse.run import run_plan
from redshift_sql.plan import end_plan, load_plan, schema_plan
from redshift_sql.stream import (
    EXAMPLE,
    StreamSettings,
    moved,
    refresh_plan,
    retention_plan,
    stream_stages,
    switch_stages,
)
from schemas import load_pipeline
from schemas.manifests import Covered, LoadManifest
from schemas.model import Pipeline, SourceColumn
from schemas.streamed import RECORD_BYTES, StreamedContract
from schemas.types import ColumnType
from streaming.udf.handler import Decoder
from streaming.udf.schema_cache import SchemaCache
from tests.support.awkward import awkward_pipelines
from tests.support.decode_function import PackagedFunction, RegistryServer
from tests.support.envelopes import pg_change
from tests.support.landing import T0, Events, FixedRegistry, Record
from tests.support.products import MICROS, Log, events
from tests.support.retail import product
from tests.support.streamed import Streamed

RETAIL = load_pipeline("retail")
ONE = replace(
    RETAIL,
    sources={"product": RETAIL.sources["product"]},
    dimensions={"dim_product": RETAIL.dimensions["dim_product"]},
    facts={},
    aggregates={},
    calendars={},
)
NOW = "SELECT product_id, product_name, description, category, list_price, active, launched_on, is_incomplete FROM analytics.dim_product_now ORDER BY 1"

ROWS = "SELECT product_id, name, description, category, list_price, active, launched_on FROM staging.product_now ORDER BY 1"


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackagedFunction]:
    with (
        RegistryServer.serving(events().texts) as registry,
        PackagedFunction.running(RETAIL, tmp_path_factory.mktemp("function"), registry.address) as running,
    ):
        yield running


def surrogate(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big", signed=True)


class Beside:
    """A warehouse with a topic's stream and, beside it, loads of its first records."""

    def __init__(
        self, function: PackagedFunction, pipeline: Pipeline = ONE, settings: StreamSettings = EXAMPLE
    ) -> None:
        self.pipeline, self.settings = pipeline, settings
        self.streamed = Streamed(function.decoded)
        for source in pipeline.sources.values():
            self.streamed.topic(source.topic)
        run_plan(self.streamed.warehouse, schema_plan(pipeline), {})
        for stage in stream_stages(pipeline, settings):
            self.streamed.execute(stage.plan)
        self.loads = 0

    def refresh(self, records: Sequence[Record]) -> None:
        self.streamed.produce(records)
        self.streamed.execute(refresh_plan(self.pipeline, self.settings))

    def load(self, upto: Mapping[int, int], epoch: int = 0) -> None:
        """A load of what the stream has before these offsets: its rows are the function's own, as the batch's would be."""
        before = " OR ".join(f"(kafka_partition = {p} AND kafka_offset < {offset})" for p, offset in upto.items())
        attributes = {item.name: item.source for item in self.pipeline.dimensions["dim_product"].attributes}
        rows = self.streamed.run(
            f"""SELECT product_id, coalesce(change_identity, kafka_partition || '/' || kafka_offset), change_op, epoch, position, kafka_partition,
            kafka_offset, least(source_ts, kafka_timestamp + INTERVAL 5 MINUTE), unavailable, NULL, 0, 0, {", ".join(attributes.values())}
            FROM staging.product_stream WHERE reason IS NULL AND change_op <> 'x' AND is_new = 1 AND ({before})"""
        )
        load = "staging.dim_product_load"
        self.streamed.run(f"DELETE FROM {load}")
        for row in rows:
            identity = [row[1], row[2], *row[3:10], surrogate(row[0], row[1]), surrogate(row[0]), *row[12:]]
            self.streamed.warehouse.connection.execute(
                f"INSERT INTO {load} VALUES ({', '.join('?' * len(row))})", [row[0], *identity]
            )
        self.loads += 1
        manifest = LoadManifest(
            "retail", self.loads, "a", {"product": self.loads}, offsets={"product": Covered(epoch, dict(upto))}
        )
        values: dict[str, Any] = {
            "load_seq": self.loads,
            "attempt": "a",
            "progress": manifest.ledger_progress,
            "row_counts": "{}",
            "loaded_at": T0.replace(tzinfo=None),
            "finished_at": T0.replace(tzinfo=None),
        }
        with self.streamed.warehouse.transaction():
            run_plan(
                self.streamed.warehouse,
                (*load_plan(self.pipeline, {"dim_product"} if rows else ()), *end_plan()),
                values,
            )

    def now(self) -> list[tuple[Any, ...]]:
        return self.streamed.run(NOW)


Make = Callable[..., Beside]


@pytest.fixture
def beside(function: PackagedFunction) -> Iterator[Make]:
    """Makes warehouses with a stream, and ends them."""
    made: list[Beside] = []

    def make(**given: Any) -> Beside:
        made.append(Beside(function, **given))
        return made[-1]

    yield make
    for item in made:
        item.streamed.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_bytes_become_rows_and_at_every_cut_the_answer_is_the_source_table(seed: int, beside: Make) -> None:
    log = Log(seed, 45)
    made = beside()
    made.refresh(log.records)
    assert made.now() == log.state
    assert made.streamed.run(ROWS) == [row[:-1] for row in log.state]
    done = {0: 0, 1: 0}
    draw = random.Random(seed)
    while done[0] < log.offsets[0] or done[1] < log.offsets[1]:
        partition = draw.choice([p for p in done if done[p] < log.offsets[p]])
        done[partition] = min(log.offsets[partition], done[partition] + draw.randrange(3, 12))
        made.load(done)
        assert made.now() == log.state, done
        assert made.streamed.run("SELECT * FROM staging.load_offsets ORDER BY 3") == [
            ("product", 0, p, offset) for p, offset in sorted(done.items())
        ]
    assert not made.streamed.run("SELECT 1 FROM staging.product_stream WHERE is_new = 1")
    assert made.streamed.decoded == len(log.records), "a record is decoded once"


def test_what_gives_no_change_stands_in_a_view_with_its_place_and_reason(beside: Make) -> None:
    log = Log(3, 4)
    good = log.records[0]
    assert good.value is not None
    long = log.events.record(
        {"product_id": 9}, pg_change("c", "product", lsn=1, ts_us=1, after=product(9, description="x" * 50_000)), 0
    )
    wide = log.events.record(
        {"product_id": 9}, pg_change("c", "product", lsn=2, ts_us=1, after=product(9, description='"' * 40_000)), 0
    )
    bad = log.events.record(
        {"product_id": 9}, pg_change("c", "product", lsn=3, ts_us=1, after=product(9, sku="s" * 65)), 0
    )
    assert len(long.value or b"") > RECORD_BYTES
    records = [
        replace(item, offset=100 + n, topic=good.topic)
        for n, item in enumerate(
            [long, wide, bad, replace(good, value=b"\x00\x01"), replace(good, value=good.value[:30])]
        )
    ]
    made = beside()
    made.refresh([*log.records, *records])
    assert made.now() == log.state
    assert made.streamed.run(ROWS) == [row[:-1] for row in log.state]
    found = made.streamed.run(
        "SELECT source, kafka_partition, kafka_offset, reason, detail FROM staging.stream_errors ORDER BY kafka_offset"
    )
    assert [(row[2], row[3]) for row in found] == [
        ("100", "value_too_long"), ("101", "result_too_long"), ("102", "rejected"), ("103", "short_header"), ("104", "undecodable_value"),
    ]  # fmt: skip
    assert found[2][4] == "type:sku,null:sku"
    made.streamed.run(
        "INSERT INTO sys_stream_scan_errors VALUES ('msk', 't', 'product_stream_v1', 1, 1, 'C', TIMESTAMP '2024-05-01 12:00:00', NULL, '0', '7', 16, 'too large')"
    )
    assert ("product_stream_v1", "0", "7", "redshift:16", "too large") in made.streamed.run(
        "SELECT source, kafka_partition, kafka_offset, reason, detail FROM staging.stream_errors"
    )


def test_lag_is_the_age_of_the_last_refresh_that_did_its_work(beside: Make) -> None:
    made = beside()
    made.refresh(Log(1, 3).records)
    for status, minute in (
        ("Refresh successfully updated MV incrementally", 2),
        ("MV was already updated", 4),
        ("Refresh failed. Internal error", 9),
    ):
        made.streamed.run(
            f"INSERT INTO sys_mv_refresh_history VALUES ('staging', 'product_stream_v1', '{status}', TIMESTAMP '2024-05-01 12:0{minute}:00')"
        )
    found = made.streamed.run("SELECT source, lag_seconds, most_lag_seconds FROM staging.stream_freshness")
    assert found == [("product", 360, 180)]


def test_a_raised_epoch_is_new_to_the_loads_before_it_and_old_to_those_after(beside: Make) -> None:
    log = Log(4, 10)
    whole = dict(enumerate(log.offsets))
    made = beside(settings=replace(EXAMPLE, epochs={"product": 1}))
    made.refresh(log.records)
    made.load({0: 0, 1: 0}, epoch=0)
    made.streamed.run(f"UPDATE staging.load_ledger SET progress = replace(progress, ':0:0:0', ':0:0:{whole[0]}')")
    assert not made.streamed.run("SELECT 1 FROM staging.product_stream WHERE is_new = 0")
    made.load(whole, epoch=2)
    assert not made.streamed.run("SELECT 1 FROM staging.product_stream WHERE is_new = 1")


BASE = events()


def later_events() -> Events:
    """The table's events once it has one column more."""
    schema = json.loads(json.dumps(BASE.value_schema))
    schema["fields"][0]["type"][1]["fields"].append({"name": "colour", "type": ["null", "string"], "default": None})
    return replace(BASE, value_schema=schema, value_id=3)


LATER = later_events()
PRODUCT = RETAIL.sources["product"]
COLOURED = replace(PRODUCT, columns=(*PRODUCT.columns, SourceColumn("colour", ColumnType("varchar(16)"))))
WIDER = replace(ONE, sources={"product": COLOURED})


def decoder(pipeline: Pipeline) -> Any:
    """The function in this process, packaged with these contracts."""
    contract = StreamedContract.of(pipeline.sources["product"])
    made = Decoder({"product": contract}, SchemaCache(FixedRegistry(BASE.texts | LATER.texts)))

    def arguments(table: str, record: Sequence[bytes | None]) -> list[str | None]:
        return [table, *(None if part is None else b64encode(part).decode() for part in record)]

    return lambda table, records: [made.result(arguments(table, record)) for record in records]


def created(made: Events, offset: int, **values: Any) -> Record:
    """A product that is created at this offset."""
    change = pg_change("c", "product", lsn=offset + 1, ts_us=MICROS, after=product(offset, **values))
    return made.record({"product_id": offset}, change, offset, topic="retail.product.cdc")


@pytest.fixture
def before_colour() -> Iterator[Streamed]:
    """A stream by the first contract, whose second record has the new column."""
    streamed = Streamed(decoder(ONE))
    streamed.topic("retail.product.cdc")
    run_plan(streamed.warehouse, schema_plan(ONE), {})
    for stage in stream_stages(ONE, EXAMPLE):
        streamed.execute(stage.plan)
    streamed.produce([created(BASE, 0), created(LATER, 1, colour="red")])
    streamed.execute(refresh_plan(ONE, EXAMPLE))
    yield streamed
    streamed.close()


def switched(streamed: Streamed) -> None:
    """The table at its next view, by the wider contract; a record that it lacks at first holds the switch up."""
    stages = {stage.name: stage for stage in switch_stages(WIDER, EXAMPLE, "product")}
    assert [stage.transaction for stage in stages.values()] == [False, False, False, True, False]
    streamed.decode = decoder(WIDER)
    streamed.execute(stages["next view"].plan)
    streamed.run("DELETE FROM staging.product_stream_v2 WHERE kafka_offset = 1")
    assert streamed.execute(stages["nothing is lost"].plan), "the new view is behind"
    streamed.execute(stages["catch up"].plan)
    assert not streamed.execute(stages["nothing is lost"].plan)
    # What the migration to the new contract does to the mirror.
    streamed.run("ALTER TABLE staging.product ADD COLUMN colour varchar(16)")
    streamed.execute(stages["switch"].plan)
    streamed.execute(stages["retire"].plan)


def test_a_new_column_comes_with_a_new_view_and_no_record_is_lost_by_the_switch(before_colour: Streamed) -> None:
    streamed = before_colour
    assert "colour" not in [row[0] for row in streamed.run("DESCRIBE staging.product_stream")]
    switched(streamed)
    assert streamed.run("SELECT product_id, colour, reason FROM staging.product_stream ORDER BY 1") == [
        (0, None, None),
        (1, "red", None),
    ]
    assert len(streamed.run("SELECT * FROM analytics.dim_product_now")) == 2
    assert streamed.run("SELECT colour FROM analytics.product_now ORDER BY 1 NULLS FIRST") == [(None,), ("red",)]


def test_what_the_function_of_another_contract_decoded_is_not_taken_for_the_views(before_colour: Streamed) -> None:
    switched(before_colour)
    before_colour.decode = decoder(ONE)
    before_colour.produce([created(LATER, 2, colour="blue")])
    before_colour.execute(refresh_plan(WIDER, moved(EXAMPLE, "product")))
    assert before_colour.run("SELECT kafka_offset, reason FROM staging.stream_rejected") == [(2, "other_contract")]


def test_a_json_topic_needs_no_function_and_shows_what_is_no_json(beside: Make) -> None:
    settings = replace(EXAMPLE, json_tables=frozenset({"product"}))
    made = beside(settings=settings)
    values = [b'{"op": "c", "after": {"product_id": 7}}', b"{broken", None]
    made.refresh([Record(value, b"1", n, topic="retail.product.cdc") for n, value in enumerate(values)])
    found = made.streamed.run(
        "SELECT kafka_offset, cast(p.record.after.product_id as varchar), reason FROM staging.product_stream AS p ORDER BY 1"
    )
    assert found == [(0, "7", None), (1, None, "no_json"), (2, None, None)]
    assert made.streamed.decoded == 0
    assert [row[3] for row in made.streamed.run("SELECT kafka_offset, 1, 1, reason FROM staging.stream_errors")] == [
        "no_json"
    ]


def test_records_that_are_loaded_long_since_leave_the_view(beside: Make) -> None:
    log = Log(5, 12)
    made = beside()
    made.refresh(log.records)
    made.load(dict(enumerate(log.offsets)))
    (statement,) = retention_plan(ONE, EXAMPLE)
    made.streamed.warehouse.execute(statement, {"before": (T0 + timedelta(seconds=6)).replace(tzinfo=None)})
    assert 0 < len(made.streamed.run("SELECT 1 FROM staging.product_stream")) < len(log.records)
    assert made.now() == log.state


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(awkward_pipelines())
def test_no_name_a_contract_may_use_breaks_a_view(pipeline: Pipeline) -> None:
    streamed = Streamed(lambda _table, records: ["{}"] * len(records))
    try:
        for source in pipeline.sources.values():
            streamed.topic(source.topic)
        run_plan(streamed.warehouse, schema_plan(pipeline), {})
        for stage in stream_stages(pipeline, EXAMPLE):
            streamed.execute(stage.plan)
        for name in pipeline.dimensions:
            assert streamed.run(f'SELECT * FROM analytics."{name}_now"') == []
        for name in pipeline.sources:
            assert streamed.run(f'SELECT * FROM staging."{name}_now"') == []
            assert streamed.run(f'SELECT * FROM analytics."{name}_now"') == []
    finally:
        streamed.close()
