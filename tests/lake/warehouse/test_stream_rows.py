"""The rows of source tables now, from mirror and stream: at every cut between them those of the whole log."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.warehouse.port import Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.plan import load_plan, schema_plan
from redshift_sql.render import Item
from redshift_sql.shapes import Columns, mirror_load, mirror_table
from redshift_sql.stream import EXAMPLE, views_plan
from schemas import load_pipeline
from schemas.model import Pipeline
from tests.reference.history import UNAVAILABLE, Change, Policies
from tests.reference.logs import packed_log
from tests.reference.vectors import Case, cases
from tests.support.engines import DUCK, Engine, Postgres
from tests.support.party import ATTRIBUTES, STREAM, current_rows, instant, party_pipeline, stream_rows

# A mirror has no policies: whatever is deleted or truncated is gone.
POLICIES: Final = Policies(type1=ATTRIBUTES, type2=())
PARTY: Final = replace(party_pipeline(POLICIES), dimensions={})
_LOAD: Final = pa.schema(
    [("id", pa.int64()), *((name, pa.string()) for name in ATTRIBUTES),
     ("_changed_at", pa.timestamp("us")), ("_is_deleted", pa.bool_())]
)  # fmt: skip
Row = tuple[Any, ...]


def rows_of(log: Sequence[Change]) -> list[Row]:
    """The model's rows: key and values."""
    return [row[:-1] for row in current_rows(log, POLICIES)]


class Bench:
    """A mirror that has loaded a part of a log, beside a stream that has all of it."""

    def __init__(self, log: Sequence[Change], engine: Engine = DUCK) -> None:
        self.log, self.engine = log, engine
        self.warehouse = engine.empty()
        run_plan(self.warehouse, schema_plan(PARTY), {})
        engine.run(self.warehouse, STREAM)
        for step in views_plan(PARTY, EXAMPLE):
            if step.subject == "party_now":
                self.warehouse.execute(step, {})

    def load(self, changes: Sequence[Change], *, kept: bool = True) -> None:
        """The mirror after a load of these changes; the stream keeps them, or not."""
        rows = {row[0]: row for row in rows_of(changes)}
        table = [
            {"id": key, **dict(zip(ATTRIBUTES, rows.get(key, (key, None, None, None))[1:], strict=True)),
             "_changed_at": instant(0), "_is_deleted": key not in rows}
            for key in sorted({change.key[0] for change in changes if change.key})
        ]  # fmt: skip
        self.engine.fill(self.warehouse, "staging.party_load", pa.Table.from_pylist(table, schema=_LOAD))
        with self.warehouse.transaction():
            run_plan(self.warehouse, load_plan(PARTY, {"party"}), {"load_seq": 1})
        self.stream(changes, kept=kept)

    def stream(self, loaded: Sequence[Change], *, kept: bool = True) -> None:
        """What the topic's view has; a load covers these changes."""
        shown = self.log if kept else [change for change in self.log if change not in loaded]
        self.engine.fill(self.warehouse, "staging.party_stream", stream_rows(shown, loaded, POLICIES))

    def now(self) -> list[Row]:
        found = self.warehouse.query(f"SELECT id, {', '.join(ATTRIBUTES)} FROM staging.party_now").rows
        return sorted(found, key=repr)

    def streamed(self) -> list[int]:
        """Keys of rows that are newer than the load."""
        return [
            row[0] for row in self.warehouse.query("SELECT id FROM staging.party_now WHERE is_streamed ORDER BY 1").rows
        ]


def every_cut(log: Sequence[Change], engine: Engine, steps: int, *, kept: bool = True) -> Iterator[tuple[int, Bench]]:
    """A bench after each of so many loads, in Kafka order."""
    ordered = sorted(log, key=lambda change: (change.epoch, change.offset))
    bench = Bench(ordered, engine)
    try:
        for step in range(steps + 1):
            done = len(ordered) * step // steps
            bench.load(ordered[:done], kept=kept)
            yield done, bench
    finally:
        bench.warehouse.close()


def without_links(log: Sequence[Change]) -> list[Change]:
    """The stream does not have the link between the keys of a key change."""
    return [replace(change, old_key=None) for change in log]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_at_every_cut_the_rows_are_those_of_the_whole_log(seed: int) -> None:
    log = without_links(packed_log(seed, keys=40))
    wanted = rows_of(log)
    for done, bench in every_cut(log, DUCK, 5):
        assert bench.now() == wanted, f"after {done} of {len(log)} changes"
    assert wanted


def test_a_server_gives_the_same_rows_at_every_cut(postgres_engine: Postgres) -> None:
    log = without_links(packed_log(11, keys=40))
    wanted = rows_of(log)
    for done, bench in every_cut(log, postgres_engine, 3):
        assert bench.now() == wanted, f"after {done} of {len(log)} changes"


@pytest.mark.parametrize(
    "case", [case for case in cases() if not any(c.old_key for c in case.changes)], ids=lambda c: c.name
)
def test_each_written_case_is_answered_at_every_cut(case: Case) -> None:
    wanted = rows_of(case.changes)
    for done, bench in every_cut(case.changes, DUCK, min(3, len(case.changes))):
        assert bench.now() == wanted, f"after {done} of {len(case.changes)} changes"


VALUES = (("segment", "A"), ("region", "n"), ("address", "x"))
CREATED = Change(1, "c", (1,), "10", 10, VALUES, 10)
UPDATED = Change(2, "u", (1,), "20", 20, (("segment", "B"), *VALUES[1:]), 20)
DELETED = Change(3, "d", (1,), "30", 30, (), 30)
LATE = replace(UPDATED, offset=4, position="05", source_ts=40)


def well_behaved_log(seed: int, count: int) -> list[Change]:
    """One partition, positions as offsets rise, an update only of a row that is there: what a single writer gives."""
    draw = random.Random(seed)
    there: set[int] = set()
    log = []
    for offset in range(1, count + 1):
        key = draw.randrange(8)
        op = draw.choice("uuud" if key in there else "c") if draw.random() > 0.04 else "t"
        values = tuple(
            (name, UNAVAILABLE if op == "u" and draw.random() < 0.3 else draw.choice(["a", "b", None]))
            for name in ATTRIBUTES
        )
        there = {"t": set(), "d": there - {key}}.get(op, there | {key})
        log.append(
            Change(
                offset,
                op,  # type: ignore[arg-type]
                None if op == "t" else (key,),
                f"{offset:020d}",
                offset,
                values if op in "cu" else (),
                offset,
            )
        )
    return log


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_the_stream_no_longer_keeps_is_taken_from_the_mirror(seed: int) -> None:
    log = well_behaved_log(seed, 120)
    wanted = rows_of(log)
    for done, bench in every_cut(log, DUCK, 8, kept=False):
        assert bench.now() == wanted, f"after {done} of {len(log)} changes"
    assert wanted


@pytest.mark.parametrize("seed", [4, 5])
def test_streamed_rows_are_those_of_keys_that_the_load_lacks_changes_of(seed: int) -> None:
    log = well_behaved_log(seed, 80)
    for done, bench in every_cut(log, DUCK, 4):
        touched = {change.key[0] for change in log[done:] if change.key}
        assert bench.streamed() == [row[0] for row in rows_of(log) if row[0] in touched], done


def test_a_late_change_does_not_hide_what_is_loaded(engine: Engine) -> None:
    bench = Bench([CREATED, UPDATED, LATE], engine)
    bench.load([CREATED, UPDATED])
    assert (bench.now(), bench.streamed()) == ([(1, "B", "n", "x")], [])
    bench.warehouse.close()


def test_a_late_change_brings_no_row_back_and_its_values_go_where_the_load_had_none(engine: Engine) -> None:
    bench = Bench([CREATED, DELETED, LATE], engine)
    bench.load([CREATED, DELETED])
    assert bench.now() == []
    bench.warehouse.close()
    partial = replace(UPDATED, attributes=(("segment", UNAVAILABLE), *VALUES[1:]))
    bench = Bench([partial, LATE], engine)
    bench.load([partial])
    assert (bench.now(), bench.streamed()) == ([(1, "B", "n", "x")], [1])
    bench.warehouse.close()


@pytest.mark.parametrize("repeated", [CREATED, UPDATED], ids=["an earlier one", "the last one"])
def test_a_change_that_is_emitted_again_is_not_newer(repeated: Change, engine: Engine) -> None:
    bench = Bench([CREATED, UPDATED, replace(repeated, offset=9, source_ts=90)], engine)
    bench.load([CREATED, UPDATED])
    assert (bench.now(), bench.streamed()) == ([(1, "B", "n", "x")], [])
    bench.warehouse.close()


def test_a_truncate_that_is_emitted_again_stands_at_its_first_place(engine: Engine) -> None:
    truncate = Change(2, "t", None, "20", 20, (), 20)
    after = replace(UPDATED, op="c", offset=3)
    log = [CREATED, truncate, after, replace(truncate, offset=9, source_ts=90)]
    bench = Bench(log, engine)
    for loaded in (log[:1], log[:3]):
        bench.load(loaded)
        assert bench.now() == rows_of(log) == [(1, "B", "n", "x")]
    bench.warehouse.close()


def test_a_repeated_change_is_newer_until_it_is_loaded_where_the_stream_keeps_nothing_of_it(engine: Engine) -> None:
    again = replace(CREATED, offset=9, source_ts=90)
    bench = Bench([CREATED, UPDATED, again], engine)
    bench.load([CREATED, UPDATED], kept=False)
    assert bench.now() == [(1, "A", "n", "x")]
    bench.load([CREATED, UPDATED, again], kept=False)
    assert bench.now() == [(1, "B", "n", "x")]
    bench.warehouse.close()


def test_a_row_that_changes_its_key_stands_under_the_new_one(engine: Engine) -> None:
    moved = Change(4, "c", (2,), "31", 30, (("segment", UNAVAILABLE), ("region", "s"), ("address", "x")), 30)
    log = [CREATED, DELETED, moved]
    bench = Bench(log, engine)
    bench.load([CREATED])
    assert bench.now() == [(2, None, "s", "x")], "the link to the old key's values comes with the load"
    bench.load([CREATED, DELETED, replace(moved, old_key=(1,))])
    assert bench.now() == [(2, "A", "s", "x")]
    bench.warehouse.close()


def test_what_the_batch_refused_is_not_shown_once_a_load_covers_it(engine: Engine) -> None:
    bench = Bench([CREATED, UPDATED], engine)
    bench.load([CREATED])
    assert bench.now() == [(1, "B", "n", "x")]
    bench.stream([CREATED, UPDATED])
    assert bench.now() == [(1, "A", "n", "x")]
    bench.warehouse.close()


@pytest.mark.parametrize(("taken", "refused"), [([], CREATED), ([CREATED], UPDATED)], ids=["a new row", "an update"])
def test_nor_when_it_is_emitted_again(taken: list[Change], refused: Change, engine: Engine) -> None:
    bench = Bench([*taken, refused, replace(refused, offset=9, source_ts=90)], engine)
    bench.load(taken)
    bench.stream([*taken, refused])
    assert bench.now() == rows_of(taken)
    bench.warehouse.close()


RETAIL: Final = load_pipeline("retail")
SHOP: Final = Pipeline("retail", "", {name: RETAIL.sources[name] for name in ("order", "order_item")}, {}, {}, {}, {})
_TECHNICAL: Final = (
    *(Item("epoch", "integer"), Item("kafka_partition", "integer"), Item("kafka_offset", "bigint")),
    *(Item("kafka_timestamp", "timestamp"), Item("reason", "varchar(64)"), Item("change_op", "varchar(1)")),
    *(Item("position", "varchar(64)"), Item("change_identity", "varchar(32)"), Item("unavailable", "varchar(4096)")),
    Item("is_new", "integer"),
)
TODAY: Final = datetime(2026, 5, 2)  # noqa: DTZ001 - the warehouse holds UTC without a zone
SALES: Final = f"""
    SELECT count(*), count(DISTINCT o.order_id), sum(i.quantity * i.unit_price - i.discount)
    FROM analytics.order_now AS o
    INNER JOIN analytics.order_item_now AS i ON i.order_id = o.order_id
    WHERE o.ordered_at >= TIMESTAMP '{TODAY}'"""


class Shop:
    """Orders and their lines as a source has them; each change is a row of the stream."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.tables: dict[str, dict[Row, dict[str, Any]]] = {"order": {}, "order_item": {}}
        self.stream: dict[str, list[dict[str, Any]]] = {"order": [], "order_item": []}
        self.states: dict[str, list[list[dict[str, Any]]]] = {"order": [[]], "order_item": [[]]}

    def change(self) -> None:
        table = self.draw.choice(["order", "order_item", "order_item"])
        row = self._order() if table == "order" else self._line()
        key = tuple(row[name] for name in SHOP.sources[table].key)
        rows = self.tables[table]
        op = "c" if key not in rows else self.draw.choice("uuud")
        if op == "d":
            del rows[key]
        else:
            rows[key] = row
        number = len(self.stream[table])
        place = {"epoch": 0, "kafka_partition": 0, "kafka_offset": number, "kafka_timestamp": TODAY, "change_op": op}
        said = {"reason": None, "position": f"{number:08d}", "change_identity": f"{number}", "unavailable": ""}
        hidden = {name: None for name in row if op == "d" and name not in SHOP.sources[table].key}
        self.stream[table].append({**place, **said, **row, **hidden})
        self.states[table].append(list(rows.values()))

    def sales(self) -> Row:
        """The model's answer to `SALES`."""
        orders = {key[0] for key, row in self.tables["order"].items() if row["ordered_at"] >= TODAY}
        lines = [row for row in self.tables["order_item"].values() if row["order_id"] in orders]
        total = sum((line["quantity"] * line["unit_price"] - line["discount"] for line in lines), Decimal(0))
        return len(lines), len({line["order_id"] for line in lines}), total

    def _order(self) -> dict[str, Any]:
        number = self.draw.randrange(6)
        at = TODAY + timedelta(hours=self.draw.randrange(-6, 12))
        return {
            "order_id": number, "customer_id": self.draw.choice([None, 1, 2]), "status": "new", "ordered_at": at,
            "shipped_at": None, "channel": "web", "currency": "EUR", "shipping_fee": Decimal("4.90"), "note": None,
            "updated_at": at,
        }  # fmt: skip

    def _line(self) -> dict[str, Any]:
        price = Decimal(self.draw.randrange(1, 2500)) / 50
        return {
            "order_id": self.draw.randrange(6), "line_no": self.draw.randrange(1, 4), "product_id": 1,
            "quantity": self.draw.randrange(1, 5), "unit_price": price, "discount": price / 2,
            "tax_rate": Decimal("0.1900"), "updated_at": TODAY,
        }  # fmt: skip


def fill(engine: Engine, warehouse: Warehouse, table: str, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows in place of the table's; what a row does not have is NULL."""
    names = [item.name for item in columns]
    schema = pa.schema([(item.name, _arrow(item.type)) for item in columns])
    filled = [{name: row.get(name) for name in names} for row in rows]
    engine.fill(warehouse, f'staging."{table}"', pa.Table.from_pylist(filled, schema=schema))


def _arrow(kind: str) -> pa.DataType:
    if kind.startswith("decimal"):
        return pa.decimal128(*(int(number) for number in re.findall(r"\d+", kind)))
    plain = {"integer": pa.int32(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "boolean": pa.bool_()}
    return plain.get(kind, pa.string())


@pytest.mark.parametrize("seed", [1, 2])
def test_orders_of_today_are_counted_once_wherever_each_tables_load_stands(seed: int, engine: Engine) -> None:
    shop = Shop(seed)
    for _ in range(90):
        shop.change()
    warehouse = engine.empty()
    run_plan(warehouse, schema_plan(SHOP), {})
    streams = {table: (*_TECHNICAL, *mirror_table(source)) for table, source in SHOP.sources.items()}
    for table, columns in streams.items():
        engine.run(
            warehouse, f"CREATE TABLE staging.{table}_stream ({', '.join(f'{c.name} {c.type}' for c in columns)})"
        )
    for step in views_plan(SHOP, EXAMPLE):
        if step.subject in ("order_now", "order_item_now"):
            warehouse.execute(step, {})
    wanted = shop.sales()
    for _ in range(5):
        for table, source in SHOP.sources.items():
            changes = shop.stream[table]
            done = shop.draw.randint(0, len(changes))
            there = {tuple(row[name] for name in source.key) for row in shop.states[table][done]}
            touched = {tuple(row[name] for name in source.key): row for row in changes[:done]}
            gone = [{**row, "_is_deleted": True} for key, row in touched.items() if key not in there]
            load = [{**row, "_is_deleted": False} for row in shop.states[table][done]] + gone
            fill(
                engine, warehouse, f"{table}_load", mirror_load(source), [{**row, "_changed_at": TODAY} for row in load]
            )
            run_plan(warehouse, load_plan(SHOP, {table}), {"load_seq": 1})
            rows = [{**row, "is_new": int(number >= done)} for number, row in enumerate(changes)]
            fill(engine, warehouse, f"{table}_stream", streams[table], rows)
        assert warehouse.query(SALES).rows == (wanted,)
    assert wanted[2] > 0
    warehouse.close()
