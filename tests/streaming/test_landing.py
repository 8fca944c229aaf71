"""A batch becomes typed rows, dead letters and a manifest; each record is in exactly one place, whatever its bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from lake.store import LocalStore
from schemas.errors import CommitConflictError
from schemas.manifests import LandingManifest
from streaming import manifest_log, write
from streaming.landing import TableLanding
from streaming.reasons import EXPLANATIONS, Reason
from streaming.registry import RegistryUnavailableError, SchemaCache
from streaming.target import Target
from tests.support.envelopes import (
    Json,
    avro_bytes,
    change,
    decimal,
    envelope_schema,
    framed,
    framed_glue,
    key_schema,
    nullable,
    pg_change,
    schema_text,
    source_block,
)
from tests.support.landing import T0, Events, FixedRegistry, Record, kafka_frame, land

TS = 1_714_564_800_000_000
COLUMNS: dict[str, Any] = {"id": "long", "name": nullable("string"), "amount": nullable(decimal(10, 2))}
KEY = key_schema("customer", {"id": "long"})
V1 = Events(KEY, envelope_schema("customer", COLUMNS))
V2 = Events(KEY, envelope_schema("customer", {**COLUMNS, "city": nullable("string")}), value_id=3)
TEXTS = V1.texts | V2.texts


def row(number: int, **more: Any) -> Json:
    return {"id": number, "name": f"n{number}", "amount": Decimal("1.25"), **more}


def insert(offset: int, events: Events = V1, **more: Any) -> Record:
    after = row(offset, city="c") if events is V2 else row(offset)
    return events.record(
        {"id": offset}, pg_change("c", "customer", lsn=100 + offset, ts_us=TS, after=after), offset, **more
    )


def value_record(value: bytes | None, offset: int, key: bytes | None = b"") -> Record:
    return Record(value, insert(offset).key if key == b"" else key, offset)


def landed(spark: SparkSession, root: Path, manifest: LandingManifest) -> list[Row]:
    rows = [r for f in manifest.files for r in spark.read.parquet(str(root / f.path)).collect()]
    return sorted(rows, key=lambda r: (r["_kafka_partition"], r["_offset"]))


def dead(spark: SparkSession, root: Path, manifest: LandingManifest) -> dict[int, Row]:
    frame = [spark.read.parquet(str(root / f.path)) for f in manifest.dead_letters]
    return {r["_offset"]: r for part in frame for r in part.collect()}


def resume(spark: SparkSession, root: Path, registry: Any = None, **target: Any) -> TableLanding:
    cache = SchemaCache(registry or FixedRegistry(TEXTS), patience=0)
    return TableLanding.resume(spark, LocalStore(root), Target("retail", "customer", "t", **target), cache)


def batch(spark: SparkSession, landing: TableLanding, records: Sequence[Record]) -> LandingManifest | None:
    offsets = [r.offset for r in records]
    return landing.land(kafka_frame(spark, records), {0: min(offsets)}, {0: max(offsets) + 1})


def test_rows_carry_kafkas_and_the_sources_coordinates(spark: SparkSession, tmp_path: Path) -> None:
    update = pg_change("u", "customer", lsn=150, ts_us=TS + 7, before=row(1), after=row(1, name=None, amount=None))
    records = [insert(0, headers=[("h", b"x"), ("h", None)]), V1.record({"id": 1}, update, 1)]
    manifest = land(spark, tmp_path.as_uri(), records, TEXTS)
    first, second = landed(spark, tmp_path, manifest)
    assert (first["_topic"], first["_kafka_partition"], first["_kafka_ts"]) == (
        "retail.customer.cdc",
        0,
        datetime.fromtimestamp(T0.timestamp()),  # noqa: DTZ006 - Spark gives local times
    )
    assert [(h.key, h.value) for h in first["_headers"]] == [("h", b"x"), ("h", None)]
    assert (first["_key_schema_id"], first["_schema_id"], first["_epoch"]) == ("1", "2", 0)
    assert (first["_op"], first["_position"], first["key"].id) == ("c", f"{100:020d}", 0)
    assert first["before"] is None
    assert first["after"].asDict() == row(0)
    assert second["after"].asDict() == {"id": 1, "name": None, "amount": None}
    assert second["source"].lsn == 150
    assert {first["_rejected"], second["_rejected"]} == {None}


def test_the_manifest_tells_ranges_files_schemas_and_counts(spark: SparkSession, tmp_path: Path) -> None:
    manifest = land(spark, tmp_path.as_uri(), [insert(0), insert(1), insert(4)], TEXTS)
    assert (manifest.ranges, manifest.rows, manifest.dead_letter_rows) == ({0: (0, 5)}, 3, 0)
    for file in manifest.files:
        assert f"year=2024/month=05/day=01/hour=12/batch=1-{manifest.attempt}/" in file.path
        assert (tmp_path / file.path).stat().st_size == file.bytes
        assert (file.schema_id, file.key_schema_id) == ("2", "1")
    assert (tmp_path / manifest.schemas["2"]).read_text() == TEXTS["2"]
    assert manifest_log.newest(LocalStore(tmp_path), "customer") == manifest


def test_each_record_is_decoded_by_its_own_writer_schema_in_one_batch(spark: SparkSession, tmp_path: Path) -> None:
    records = [insert(0), insert(1, V2), insert(2), insert(3, V2)]
    manifest = land(spark, tmp_path.as_uri(), records, TEXTS)
    rows = landed(spark, tmp_path, manifest)
    assert [r["_schema_id"] for r in rows] == ["2", "3", "2", "3"]
    assert rows[1]["after"].city == "c"
    assert "city" not in rows[0]["after"].asDict()
    assert set(manifest.schemas) == {"1", "2", "3"}
    assert not manifest.dead_letters


def test_tombstone_truncate_delete_and_snapshot_rows(spark: SparkSession, tmp_path: Path) -> None:
    truncate = pg_change("t", "customer", lsn=201, ts_us=TS)
    delete = pg_change("d", "customer", lsn=200, ts_us=TS, before=row(0))
    snapshot = pg_change("r", "customer", lsn=None, ts_us=TS, after=row(9))
    records = [
        insert(0),
        V1.record({"id": 0}, delete, 1),
        V1.record({"id": 0}, None, 2),
        V1.record(None, truncate, 3),
        V1.record({"id": 9}, snapshot, 4),
    ]
    manifest = land(spark, tmp_path.as_uri(), records, TEXTS)
    rows = landed(spark, tmp_path, manifest)
    assert [r["_op"] for r in rows] == ["c", "d", "x", "t", "r"]
    assert [r["_position"] is None for r in rows] == [False, False, True, False, True]
    assert (rows[2]["key"].id, rows[2]["_schema_id"], rows[2]["source"]) == (0, None, None)
    assert rows[3]["key"] is None
    assert len({f.schema_id for f in manifest.files}) == 1


def test_a_batch_of_tombstones_alone_lands(spark: SparkSession, tmp_path: Path) -> None:
    manifest = land(spark, tmp_path.as_uri(), [V1.record({"id": 5}, None, 0)], TEXTS)
    (only,) = landed(spark, tmp_path, manifest)
    assert (only["_op"], only["key"].id) == ("x", 5)
    assert [(f.schema_id, f.key_schema_id) for f in manifest.files] == [("", "1")]


def envelope_bytes(**fields: Any) -> bytes:
    sound = pg_change("c", "customer", lsn=1, ts_us=TS, after=row(1))
    return framed(2, avro_bytes(V1.value_schema, sound | fields))


NO_LSN = {"source": source_block("customer", ts_us=TS, lsn=None)}
HUGE = b"\x02" + b"\x02" + b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
PLAIN = framed(4, avro_bytes({"type": "record", "name": "P", "fields": [{"name": "a", "type": "long"}]}, {"a": 1}))
MORE_TEXTS = {"4": '{"type":"record","name":"P","fields":[{"name":"a","type":"long"}]}', "5": '{"type":"JSON"}'}

POISON: list[tuple[Callable[[int], Record], Reason]] = [
    (lambda o: value_record(b"", o), Reason.SHORT_HEADER),
    (lambda o: value_record(b"\x00\x00\x00", o), Reason.SHORT_HEADER),
    (lambda o: value_record(b"\x03\x00" + b"\x01" * 9, o), Reason.SHORT_HEADER),
    (lambda o: value_record(b'{"op": "c"}', o), Reason.UNKNOWN_MAGIC),
    (lambda o: value_record(framed(99, b"abc"), o), Reason.UNKNOWN_SCHEMA_ID),
    (lambda o: value_record(framed_glue("7d444840-9dc0-11d1-b245-5ffdce74fad2", b"abc"), o), Reason.UNKNOWN_SCHEMA_ID),
    (lambda o: value_record(framed(5, b"{}"), o), Reason.SCHEMA_UNUSABLE),
    (lambda o: value_record(framed(2, b""), o), Reason.UNDECODABLE_VALUE),
    (lambda o: value_record(framed(2, b"\xff" * 30), o), Reason.UNDECODABLE_VALUE),
    (lambda o: value_record(framed(2, HUGE), o), Reason.UNDECODABLE_VALUE),
    (lambda o: value_record(envelope_bytes()[:40], o), Reason.UNDECODABLE_VALUE),
    (lambda o: value_record(PLAIN, o), Reason.NO_OP),
    (lambda o: value_record(envelope_bytes(op="m"), o), Reason.UNKNOWN_OP),
    (lambda o: value_record(envelope_bytes(**NO_LSN), o), Reason.NO_POSITION),
    (lambda o: value_record(envelope_bytes(), o, b"junk!"), Reason.UNDECODABLE_KEY),
    (lambda o: value_record(envelope_bytes(), o, framed(1, b"")), Reason.UNDECODABLE_KEY),
    (lambda o: value_record(envelope_bytes(), o, framed(98, b"\x02")), Reason.UNKNOWN_SCHEMA_ID),
    (lambda o: value_record(None, o, None), Reason.EMPTY_RECORD),
]


def test_every_kind_of_poison_is_a_dead_letter_with_its_reason_and_raw_bytes(
    spark: SparkSession, tmp_path: Path
) -> None:
    records = [insert(0), *(make(n + 1) for n, (make, _) in enumerate(POISON)), insert(len(POISON) + 1)]
    manifest = land(spark, tmp_path.as_uri(), records, TEXTS | MORE_TEXTS)
    letters = dead(spark, tmp_path, manifest)
    expected = {n + 1: str(reason) for n, (_, reason) in enumerate(POISON)}
    assert {offset: letter["reason"] for offset, letter in letters.items()} == expected
    assert [r["_offset"] for r in landed(spark, tmp_path, manifest)] == [0, len(POISON) + 1]
    assert manifest.rows + manifest.dead_letter_rows == len(records)
    for record in records[1:-1]:
        letter = letters[record.offset]
        assert (letter["raw_key"], letter["raw_value"]) == (record.key, record.value)
        assert letter["detail"].startswith(EXPLANATIONS[Reason(letter["reason"])])
    assert "schema 99" in letters[5]["detail"]


def test_poison_alone_is_all_dead_letters(spark: SparkSession, tmp_path: Path) -> None:
    manifest = land(spark, tmp_path.as_uri(), [value_record(b"junk", 0), value_record(b"more junk", 1)], TEXTS)
    assert (manifest.rows, manifest.dead_letter_rows, manifest.ranges) == (0, 2, {0: (0, 2)})


def test_what_was_set_aside_on_the_way_is_removed(spark: SparkSession, tmp_path: Path) -> None:
    manifest = land(spark, tmp_path.as_uri(), [insert(0), insert(1, V2), value_record(b"junk", 2)], TEXTS)
    on_disk = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "landing" / "customer").rglob("*.parquet")}
    assert on_disk == {file.path for file in manifest.files}


@pytest.mark.parametrize("compressed", [False, True])
def test_glue_registry_records_land_plain_and_compressed(spark: SparkSession, tmp_path: Path, compressed: bool) -> None:
    key_id, value_id = "7d444840-9dc0-11d1-b245-5ffdce74fad1", "7d444840-9dc0-11d1-b245-5ffdce74fad2"
    event = pg_change("c", "customer", lsn=1, ts_us=TS, after=row(1))
    key = framed_glue(key_id, avro_bytes(KEY, {"id": 1}), compressed=compressed)
    good = framed_glue(value_id, avro_bytes(V1.value_schema, event), compressed=compressed)
    bad = framed_glue(value_id, b"")[:1] + b"\x05" + framed_glue(value_id, b"")[2:] + b"no zlib"
    texts = {key_id: schema_text(KEY), value_id: schema_text(V1.value_schema)}
    manifest = land(spark, tmp_path.as_uri(), [Record(good, key, 0), Record(bad, key, 1)], texts)
    (only,) = landed(spark, tmp_path, manifest)
    assert (only["_schema_id"], only["_key_schema_id"], only["after"].asDict()) == (value_id, key_id, row(1))
    assert dead(spark, tmp_path, manifest)[1]["reason"] == Reason.UNDECODABLE_VALUE


def test_nested_types_unions_and_defaults_keep_their_values(spark: SparkSession, tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "id": "long",
        "tags": nullable({"type": "array", "items": ["null", "string"]}),
        "place": nullable(
            {
                "type": "record",
                "name": "Point",
                "fields": [{"name": "x", "type": "double"}, {"name": "y", "type": "double"}],
            }
        ),
        "facts": nullable({"type": "map", "values": "long"}),
        "big": nullable(decimal(38, 10)),
        "raw": nullable(decimal(50, 2)),
        "mixed": ["null", "long", "string"],
    }
    events = Events(KEY, envelope_schema("customer", columns))
    after = {
        "id": 1,
        "tags": ["a", None],
        "place": {"x": 1.5, "y": -2.0},
        "facts": {"k": 7},
        "big": Decimal("1234567890123456789012345678.0123456789"),
        "raw": Decimal("12345678901234567890123456789012345678901234567.89"),
        "mixed": "text",
    }
    record = events.record({"id": 1}, pg_change("c", "customer", lsn=1, ts_us=TS, after=after), 0)
    (only,) = landed(spark, tmp_path, land(spark, tmp_path.as_uri(), [record], events.texts))
    found = only["after"].asDict(recursive=True)
    assert (found["tags"], found["place"], found["facts"], found["big"]) == (
        ["a", None],
        {"x": 1.5, "y": -2.0},
        {"k": 7},
        after["big"],
    )
    assert int.from_bytes(found["raw"], "big", signed=True) == int(str(after["raw"]).replace(".", ""))
    assert found["mixed"] == {"member0": None, "member1": "text"}


@pytest.mark.parametrize(
    ("connector", "own", "position", "position_id"),
    [
        (
            "sqlserver",
            {"commit_lsn": "0000002a:000007c8:0005", "change_lsn": "0000002a:000007c8:0002", "event_serial_no": 2},
            "0000002a:000007c8:0005",
            "0000002a:000007c8:0002/2",
        ),
        ("mysql", {"file": "mysql-bin.000003", "pos": 154, "row": 1}, f"{3:020d}:{154:020d}", "1"),
    ],
)
def test_other_databases_events_get_their_positions(
    spark: SparkSession, tmp_path: Path, connector: str, own: Json, position: str, position_id: str
) -> None:
    events = Events(KEY, envelope_schema("customer", COLUMNS, connector=connector))
    event = change("u", before=row(1), after=row(1), source=source_block("c", connector=connector, ts_us=TS, **own))
    manifest = land(spark, tmp_path.as_uri(), [events.record({"id": 1}, event, 0)], events.texts)
    (only,) = landed(spark, tmp_path, manifest)
    assert (only["_position"], only["_position_id"]) == (position, position_id)


def test_hours_are_kafkas_in_utc(spark: SparkSession, tmp_path: Path) -> None:
    late = datetime(2024, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    times = [late, late + timedelta(milliseconds=1), datetime(2001, 2, 3, 4, tzinfo=UTC)]
    records = [insert(n, timestamp=when) for n, when in enumerate(times)]
    manifest = land(spark, tmp_path.as_uri(), records, TEXTS)
    folders = {f.path.split("/batch=")[0].removeprefix("landing/customer/") for f in manifest.files}
    assert folders == {
        "year=2024/month=12/day=31/hour=23",
        "year=2025/month=01/day=01/hour=00",
        "year=2001/month=02/day=03/hour=04",
    }
    assert manifest.rows == 3


def test_a_replayed_batch_adds_only_what_is_not_committed(spark: SparkSession, tmp_path: Path) -> None:
    landing = resume(spark, tmp_path)
    records = [insert(n) for n in range(6)]
    assert batch(spark, landing, records[:4]) is not None
    assert batch(spark, landing, records[:4]) is None
    again = resume(spark, tmp_path)
    manifest = batch(spark, again, records)
    assert manifest is not None
    assert (manifest.seq, manifest.ranges) == (2, {0: (4, 6)})
    assert [r["_offset"] for r in landed(spark, tmp_path, manifest)] == [4, 5]


def test_a_batch_without_records_commits_its_offsets(spark: SparkSession, tmp_path: Path) -> None:
    landing = resume(spark, tmp_path)
    manifest = landing.land(kafka_frame(spark, []), {0: 0}, {0: 3})
    assert manifest is not None
    assert (manifest.rows, manifest.files, manifest.ranges) == (0, (), {0: (0, 3)})


def test_of_two_jobs_on_one_table_the_second_is_refused_and_lands_nothing(spark: SparkSession, tmp_path: Path) -> None:
    one, two = resume(spark, tmp_path), resume(spark, tmp_path)
    first = batch(spark, one, [insert(0)])
    with pytest.raises(CommitConflictError, match="another job has committed batch 1"):
        batch(spark, two, [insert(0)])
    assert manifest_log.newest(LocalStore(tmp_path), "customer") == first


class Down:
    """A registry that is down."""

    name = "down"

    def schema(self, schema_id: str) -> str | None:  # noqa: ARG002 - the port's signature
        raise RegistryUnavailableError("schema registry does not answer", where=self.name)


def test_a_cold_registry_outage_commits_and_dead_letters_nothing(spark: SparkSession, tmp_path: Path) -> None:
    landing = resume(spark, tmp_path, Down())
    with pytest.raises(RegistryUnavailableError):
        batch(spark, landing, [insert(0)])
    assert manifest_log.newest(LocalStore(tmp_path), "customer") is None
    assert not (tmp_path / "deadletters").exists()


def test_known_schemas_need_no_registry_after_a_restart(spark: SparkSession, tmp_path: Path) -> None:
    batch(spark, resume(spark, tmp_path), [insert(0)])
    manifest = batch(spark, resume(spark, tmp_path, Down()), [insert(1)])
    assert manifest is not None
    assert manifest.rows == 1


def test_an_outage_for_a_new_schema_keeps_the_batch_whole(spark: SparkSession, tmp_path: Path) -> None:
    batch(spark, resume(spark, tmp_path), [insert(0)])
    with pytest.raises(RegistryUnavailableError):
        batch(spark, resume(spark, tmp_path, Down()), [insert(1), insert(2, V2)])
    manifest = batch(spark, resume(spark, tmp_path), [insert(1), insert(2, V2)])
    assert manifest is not None
    assert (manifest.seq, manifest.rows, manifest.dead_letter_rows) == (2, 2, 0)


def test_the_registry_is_asked_once_per_schema_over_many_batches(spark: SparkSession, tmp_path: Path) -> None:
    registry = FixedRegistry(TEXTS)
    landing = resume(spark, tmp_path, registry)
    for number in range(3):
        batch(spark, landing, [insert(number)])
    assert sorted(registry.asked) == ["1", "2"]


def test_a_steady_schema_is_written_in_one_pass(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = resume(spark, tmp_path)
    batch(spark, landing, [insert(0), insert(1, V2, timestamp=T0 + timedelta(seconds=1))])
    passes: list[str] = []
    original = write.landing_files

    def counted(records: DataFrame, group: Any, *rest: Any) -> write.Written:
        passes.append(group.value_id)
        return original(records, group, *rest)

    monkeypatch.setattr(write, "landing_files", counted)
    batch(spark, landing, [insert(2, V2), insert(3, V2)])
    assert passes == ["3"]


def test_a_raised_epoch_stamps_rows_and_keeps_its_schemas_apart(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, tmp_path.as_uri(), [insert(0)], TEXTS)
    other = {**TEXTS, "2": schema_text(V2.value_schema)}
    event = pg_change("c", "customer", lsn=1, ts_us=TS, after=row(0, city="new"))
    record = replace(V2, value_id=2).record({"id": 0}, event, 0)
    manifest = land(spark, tmp_path.as_uri(), [record], other, epoch=1)
    (only,) = landed(spark, tmp_path, manifest)
    assert (only["_epoch"], only["after"].city, manifest.ranges) == (1, "new", {0: (0, 1)})
    assert manifest.schemas["2"] == "landing/_schemas/customer/epoch=1/2.avsc"
    assert (tmp_path / "landing/_schemas/customer/2.avsc").read_text() == TEXTS["2"]
