"""Mirrors on each engine: any batching of a source's changes gives the rows that the source has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lake.warehouse.load import ensure_tables, load_one
from lake.warehouse.migrate import found_tables, migrate, standing
from lake.warehouse.port import Warehouse
from lake.warehouse.run import run_plan
from redshift_sql.evolve import evolution
from redshift_sql.migration import MigrationError, written
from redshift_sql.plan import load_plan
from schemas.manifests import LoadManifest, LoadTable
from schemas.model import Mirror, Pipeline, SourceColumn, SourceContract
from schemas.types import ColumnType
from tests.support.engines import Engine
from tests.support.party import instant

SHIP = SourceContract(
    "port",
    "order",
    "port.order",
    ("dock", "name"),
    (
        SourceColumn("dock", ColumnType("bigint"), False),
        SourceColumn("crew", ColumnType("int")),
        SourceColumn("name", ColumnType("varchar(8)"), False),
    ),
)
PIPELINE = Pipeline("port", "", {"order": SHIP}, {}, {}, {}, {})
FIELDS = (("dock", pa.int64()), ("crew", pa.int32()), ("name", pa.string()))
SCHEMA = pa.schema([*FIELDS, ("_changed_at", pa.timestamp("us")), ("_is_deleted", pa.bool_())])


@dataclass(frozen=True)
class Step:
    """A change of the source: a row is there with this crew from now on, or (None) is gone; or the table is emptied."""

    dock: int
    name: str
    crew: int | None
    truncates: bool = False


STEPS = st.builds(
    Step, st.integers(1, 2), st.sampled_from(["a", "b"]), st.one_of(st.none(), st.integers(0, 3)), st.booleans()
)


def after(rows: dict[tuple[int, str], int], step: Step) -> dict[tuple[int, str], int]:
    """The source's rows after a change: the model."""
    if step.truncates:
        return {}
    kept = {key: crew for key, crew in rows.items() if key != (step.dock, step.name)}
    return kept if step.crew is None else {**kept, (step.dock, step.name): step.crew}


def load(
    engine: Engine, warehouse: Warehouse, steps: list[Step], known: set[tuple[int, str]], seq: int, end: int
) -> None:
    """The load that hop 3b writes after `steps`: the present row of each key ever touched since, or that it is gone."""
    rows: dict[tuple[int, str], int] = {}
    for step in steps:
        rows = after(rows, step)
    table = [
        {"dock": d, "crew": rows.get((d, n)), "name": n, "_changed_at": instant(end), "_is_deleted": (d, n) not in rows}
        for d, n in sorted(known)
    ]
    engine.fill(warehouse, "staging.order_load", pa.Table.from_pylist(table, schema=SCHEMA))
    with warehouse.transaction():
        run_plan(warehouse, load_plan(PIPELINE, {"order"}), {"load_seq": seq})


@given(
    steps=st.lists(STEPS, min_size=1, max_size=12), cuts=st.sets(st.integers(1, 11), max_size=4), again=st.booleans()
)
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_batching_gives_the_rows_of_the_source(
    engine: Engine, steps: list[Step], cuts: set[int], again: bool
) -> None:
    warehouse = engine.empty()
    try:
        ensure_tables(PIPELINE, warehouse)
        ends = sorted({*(cut for cut in cuts if cut < len(steps)), len(steps)})
        start = 0
        for seq, end in enumerate(ends, start=1):
            part = steps[start:end]
            all_keys = {(s.dock, s.name) for s in steps[:end] if not s.truncates}
            touched = all_keys if any(s.truncates for s in part) else {(s.dock, s.name) for s in part}
            for _ in range(2 if again else 1):
                load(engine, warehouse, steps[:end], touched, seq, end)
            start = end
        rows: dict[tuple[int, str], int] = {}
        for step in steps:
            rows = after(rows, step)
        found = warehouse.query('SELECT dock, crew, name FROM staging."order"').rows
        assert sorted(found) == sorted((dock, crew, name) for (dock, name), crew in rows.items())
        counted = warehouse.query("SELECT row_count FROM ops.row_counts WHERE table_name = 'order'").rows
        assert counted == ((len(rows),),)
    finally:
        warehouse.close()


def test_the_newest_change_does_not_run_back(engine: Engine) -> None:
    warehouse = engine.empty()
    ensure_tables(PIPELINE, warehouse)
    for seq, end in ((1, 500), (2, 300)):
        load(engine, warehouse, [Step(1, "a", 1)], {(1, "a")}, seq, end)
    assert warehouse.query("SELECT source_table, changed_at, load_seq FROM ops.newest_change").rows == (
        ("order", instant(500), 2),
    )
    assert instant(500) - instant(300) == timedelta(seconds=200)
    warehouse.close()


def test_a_mirror_that_its_contract_takes_away_goes_by_a_migration_and_loads_go_on(engine: Engine) -> None:
    without = replace(PIPELINE, sources={"order": replace(SHIP, mirror=Mirror.NONE)})
    warehouse = engine.empty()
    ensure_tables(PIPELINE, warehouse)
    load(engine, warehouse, [Step(1, "a", 1)], {(1, "a")}, 1, 500)
    files = (written(1, evolution(without, found_tables(warehouse))),)
    with pytest.raises(MigrationError, match="takes data away"):
        migrate(without, warehouse, files)
    migrate(without, warehouse, files, allow_destructive=True)
    assert not {"staging.order", "staging.order_load"} & found_tables(warehouse).keys()
    assert not standing(without, warehouse, files).behind
    # A load that was written while there was a mirror holds rows of it; how new the source is, is told all the same.
    newest = "SELECT source_table, changed_at, load_seq FROM ops.newest_change"
    for seq, second, told in ((1, 700, 700), (2, 600, 700)):
        at = instant(second).isoformat()
        made = LoadManifest(
            "port", seq, "a", {"order": seq}, {"order": LoadTable("m")}, newest={"order": f"{at}+00:00"}
        )
        assert load_one(without, made, warehouse) is not None
        assert warehouse.query(newest).rows == (("order", instant(told), 1),)
    warehouse.close()


def test_a_warehouse_made_for_a_source_without_a_mirror_has_no_table_of_it(engine: Engine) -> None:
    warehouse = engine.empty()
    ensure_tables(replace(PIPELINE, sources={"order": replace(SHIP, mirror=Mirror.NONE)}), warehouse)
    assert not [table for table in found_tables(warehouse) if table.startswith("staging.order")]
    assert warehouse.query("SELECT source_table FROM ops.freshness").rows == (("order",),)
    warehouse.close()
