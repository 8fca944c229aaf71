"""Migrations on each engine: applied once, in order; rows kept; history as if the contract had always been so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lake.warehouse.load import ensure_tables
from lake.warehouse.migrate import Migrated, found_tables, migrate, recompute, standing, unwritten
from lake.warehouse.port import Warehouse, WarehouseError
from lake.warehouse.run import run_plan
from redshift_sql.evolve import evolution
from redshift_sql.migration import Migration, MigrationError, written
from redshift_sql.plan import load_plan
from schemas.model import DeletePolicy, FactColumn, Measure, Pipeline
from schemas.types import ColumnType
from tests.reference.history import Change, Policies, history
from tests.reference.logs import packed_log
from tests.support.engines import Engine
from tests.support.grown import without_values
from tests.support.party import ATTRIBUTES, expected_rows, load_rows
from tests.support.visits import Visit, visit_pipeline, visit_rows

POLICIES = Policies(type1=("address",), type2=("segment", "region"), tolerance=1000)
FULL = visit_pipeline(POLICIES)
COLUMNS = (
    *("party_sk", "id", *ATTRIBUTES),
    *("effective_from", "effective_to", "is_current", "is_deleted", "is_inferred", "is_incomplete", "version_identity"),
)


def lacking(pipeline: Pipeline, *names: str) -> Pipeline:
    """The pipeline as it was before its dimension had these attributes; no aggregate then."""
    party = pipeline.dimensions["dim_party"]
    kept = tuple(item for item in party.attributes if item.name not in names)
    return replace(pipeline, dimensions={"dim_party": replace(party, attributes=kept)}, aggregates={})


def load(engine: Engine, warehouse: Warehouse, pipeline: Pipeline, changes: Iterable[Change]) -> None:
    rows = load_rows(changes, POLICIES)
    known = {item.name for item in pipeline.dimensions["dim_party"].attributes}
    rows = rows.drop_columns([name for name in ATTRIBUTES if name not in known])
    engine.fill(warehouse, "staging.dim_party_load", rows)
    with warehouse.transaction():
        run_plan(warehouse, load_plan(pipeline, {"dim_party"}), {"load_seq": 1, "loaded_at": None})


def versions(warehouse: Warehouse, columns: Sequence[str] = COLUMNS) -> list[tuple[object, ...]]:
    sql = f"SELECT {', '.join(columns)} FROM analytics.dim_party WHERE party_sk <> -1"
    return sorted(warehouse.query(sql).rows, key=repr)


def migrations(pipeline: Pipeline, warehouse: Warehouse, before: Sequence[Migration] = ()) -> tuple[Migration, ...]:
    """What `plan --write` writes, after those that are there."""
    steps = unwritten(evolution(pipeline, found_tables(warehouse)))
    return (*before, written(len(before) + 1, steps))


def ledger(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return list(warehouse.query("SELECT number, name, kind FROM staging.migration_ledger ORDER BY number").rows)


@given(seed=st.integers(0, 2**32), cut=st.floats(0.1, 0.9), added=st.sampled_from([("region",), ("region", "address")]))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_history_is_as_if_changes_before_had_not_known_an_attribute(
    engine: Engine, seed: int, cut: float, added: tuple[str, ...]
) -> None:
    log = sorted(packed_log(seed, keys=25, truncates=0), key=lambda change: change.offset)
    early = [without_values(change, added) for change in log[: int(len(log) * cut)]]
    late = log[len(early) :]
    old = lacking(FULL, *added)
    new = replace(FULL, aggregates={})
    warehouse = engine.empty()
    try:
        ensure_tables(old, warehouse)
        load(engine, warehouse, old, early)
        migrate(new, warehouse, migrations(new, warehouse))
        assert versions(warehouse) == expected_rows(history(early, POLICIES))
        recompute(new, warehouse, ["dim_party"])
        assert versions(warehouse) == expected_rows(history(early, POLICIES)), "the log says the same"
        load(engine, warehouse, new, late)
        assert versions(warehouse) == expected_rows(history([*early, *late], POLICIES))
    finally:
        warehouse.close()


CHANGES = [
    Change(
        n,
        "u",
        (n % 3,),
        f"{n:020d}",
        100 * n,
        (("segment", "AB"[n % 2]), ("region", "ns"[n // 3 % 2]), ("address", "x")),
        100 * n,
    )
    for n in range(1, 13)
]
VISITS = [Visit(1, 500, 1, 2, 3), Visit(2, 900, 2, None, 4), Visit(3, 950, 7, 1, 5)]


@pytest.fixture
def loaded(engine: Engine) -> Iterable[Warehouse]:
    """A warehouse of the whole pipeline with a dimension, facts and an aggregate."""
    warehouse = engine.empty()
    ensure_tables(FULL, warehouse)
    engine.fill(warehouse, "staging.dim_party_load", load_rows(CHANGES, POLICIES))
    engine.fill(warehouse, "staging.fact_visits_load", visit_rows(VISITS))
    with warehouse.transaction():
        run_plan(warehouse, load_plan(FULL, {"dim_party", "fact_visits"}), {"load_seq": 1, "loaded_at": None})
    yield warehouse
    warehouse.close()


def test_a_migration_is_applied_once_and_running_again_is_no_step(loaded: Warehouse) -> None:
    wider = with_amount(FULL, "bigint")
    files = migrations(wider, loaded)
    assert migrate(wider, loaded, files) == Migrated(files)
    assert migrate(wider, loaded, files) == Migrated()
    assert ledger(loaded) == [(1, files[0].name, "applied")]
    assert standing(wider, loaded, files).steps == ()
    assert loaded.query("SELECT visit_id, amount FROM analytics.fact_visits ORDER BY 1").rows == (
        (1, 3),
        (2, 4),
        (3, 5),
    )


def with_amount(pipeline: Pipeline, kind: str, *more: FactColumn) -> Pipeline:
    fact = pipeline.facts["fact_visits"]
    columns = (replace(fact.columns[0], type=ColumnType(kind)), *more)
    return replace(pipeline, facts={"fact_visits": replace(fact, columns=columns)})


def test_several_migrations_are_applied_in_order_and_computed_once_all_are_there(loaded: Warehouse) -> None:
    noted = with_amount(FULL, "int", FactColumn("note", ColumnType("varchar(8)"), "visit.note"))
    aggregate = FULL.aggregates["agg_visits"]
    larger = replace(aggregate, measures=(*aggregate.measures, Measure("dearest", ColumnType("int"), "max", "amount")))
    grouped = replace(noted, aggregates={"agg_visits": larger})
    steps = [unwritten(evolution(pipeline, found_tables(loaded))) for pipeline in (noted, grouped)]
    only_grouped = [step for step in steps[1] if step not in steps[0]]
    files = (written(1, steps[0]), written(2, only_grouped))
    assert [item.name for item in migrate(grouped, loaded, files).applied] == [item.name for item in files]
    assert [row[2] for row in ledger(loaded)] == ["applied", "applied"]
    ensure_tables(grouped, loaded, files)
    sums = loaded.query("SELECT sum(visits), max(dearest) FROM analytics.agg_visits").rows
    assert [tuple(map(int, row)) for row in sums] == [(3, 5)]
    assert loaded.query("SELECT count(*) FROM analytics.fact_visits WHERE note IS NULL").rows == ((3,),)


def test_what_takes_data_away_waits_for_leave_and_history_follows(loaded: Warehouse) -> None:
    fewer = lacking(FULL, "region")
    files = migrations(fewer, loaded)
    assert files[0].destructive
    before = versions(loaded)
    with pytest.raises(MigrationError, match="it takes data away"):
        migrate(fewer, loaded, files)
    assert versions(loaded) == before
    migrate(fewer, loaded, files, allow_destructive=True)
    known = [name for name in COLUMNS if name != "region"]
    model = expected_rows(history(CHANGES, replace(POLICIES, type1=("address", "region"), type2=("segment",))))
    region = COLUMNS.index("region")
    found = [row for row in versions(loaded, known) if not row[known.index("is_inferred")]]
    assert found == sorted([row[:region] + row[region + 1 :] for row in model], key=repr)
    assert standing(fewer, loaded, files).steps == ()


def test_a_loads_tables_must_be_as_the_contracts_say(loaded: Warehouse) -> None:
    fewer = lacking(FULL, "region")
    with pytest.raises(WarehouseError, match=r"not those of its contract: region\n  remedy: see .*lake warehouse plan"):
        ensure_tables(fewer, loaded)


def test_a_load_waits_for_migrations(loaded: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"0001_note\.sql: the warehouse is behind its contracts"):
        ensure_tables(FULL, loaded, [Migration(1, "0001_note", "select 1;\n")])


def test_a_changed_and_a_lost_file_are_named(loaded: Warehouse) -> None:
    file = Migration(1, "0001_note", "delete from analytics.agg_visits where 1 = 0;\n")
    migrate(FULL, loaded, [file])
    with pytest.raises(MigrationError, match=r"0001_note\.sql: the file was changed after it was applied"):
        standing(FULL, loaded, [replace(file, text=file.text + "-- more\n")])
    with pytest.raises(MigrationError, match=r"0001_note\.sql: the warehouse has had a migration that is not there"):
        standing(FULL, loaded, [])


def test_a_new_warehouse_has_had_every_migration(engine: Engine) -> None:
    warehouse = engine.empty()
    file = Migration(1, "0001_note", "drop table analytics.dim_party;\n")
    ensure_tables(FULL, warehouse, [file])
    assert ledger(warehouse) == [(1, "0001_note", "made")]
    assert migrate(FULL, warehouse, [file]) == Migrated()
    warehouse.close()


def test_a_statement_that_fails_leaves_nothing_of_its_migration(loaded: Warehouse) -> None:
    wrong = Migration(
        1, "0001_wrong", "alter table analytics.fact_visits add column x integer;\n\nselect * from nowhere;\n"
    )
    with pytest.raises(WarehouseError, match=r"migrations/0001_wrong\.sql, statement 2"):
        migrate(FULL, loaded, [wrong])
    assert ledger(loaded) == []
    assert "x" not in found_tables(loaded)["analytics.fact_visits"]


def test_a_run_that_was_killed_before_it_computed_is_gone_on_with(loaded: Warehouse) -> None:
    loaded_rows = loaded.query("SELECT * FROM analytics.agg_visits ORDER BY 1, 2, 3").rows
    file = Migration(1, "0001_again", "-- lake: then refill agg_visits\n\ndelete from analytics.agg_visits;\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lake.warehouse.migrate._compute", lambda *_: None)
        migrate(FULL, loaded, [file])
    assert ledger(loaded) == [(1, "0001_again", "owes")]
    with pytest.raises(WarehouseError, match="left something to compute"):
        ensure_tables(FULL, loaded, [file])
    assert migrate(FULL, loaded, [file]) == Migrated()
    assert loaded.query("SELECT * FROM analytics.agg_visits ORDER BY 1, 2, 3").rows == loaded_rows
    assert ledger(loaded) == [(1, "0001_again", "applied")]


def test_a_longer_varchar_is_altered_where_the_engine_has_lengths(engine: Engine, loaded: Warehouse) -> None:
    longer = with_attribute_type(FULL, "segment", "varchar(40)")
    found = found_tables(loaded)
    if found["analytics.dim_party"]["segment"] == "varchar":
        assert evolution(longer, found) == ()
        return
    files = migrations(longer, loaded)
    assert [item.sql.split("\n")[-1] for item in files[0].outside][-1] == (
        "alter table analytics.dim_party alter column segment type varchar(40)"
    )
    before = versions(loaded)
    migrate(longer, loaded, files)
    assert versions(loaded) == before
    assert found_tables(loaded)["staging.dim_party_log"]["segment"] == "varchar(40)"
    assert standing(longer, loaded, files).steps == ()


def with_attribute_type(pipeline: Pipeline, name: str, kind: str) -> Pipeline:
    party = pipeline.dimensions["dim_party"]
    attributes = tuple(replace(i, type=ColumnType(kind)) if i.name == name else i for i in party.attributes)
    groups = tuple(replace(g, type=ColumnType(kind)) for g in pipeline.aggregates["agg_visits"].group_by)
    return replace(
        pipeline,
        dimensions={"dim_party": replace(party, attributes=attributes)},
        aggregates={"agg_visits": replace(pipeline.aggregates["agg_visits"], group_by=groups)},
    )


def test_rules_that_changed_stop_a_load_until_they_are_computed_again(loaded: Warehouse) -> None:
    party, aggregate = FULL.dimensions["dim_party"], FULL.aggregates["agg_visits"]
    attributes = tuple(replace(item, scd=1) if item.name == "region" else item for item in party.attributes)
    latest = tuple(replace(i, function="max") if i.name == "visits" else i for i in aggregate.measures)
    changed = replace(
        FULL,
        dimensions={"dim_party": replace(party, attributes=attributes)},
        aggregates={"agg_visits": replace(aggregate, measures=latest)},
    )
    assert not standing(FULL, loaded, ()).behind
    assert [(item.verb, item.table) for item in standing(changed, loaded, ()).outdated] == [
        ("recompute", "dim_party"),
        ("refill", "agg_visits"),
    ]
    what = r"dim_party: its rows .*: scd of region was 2, is 1\n  remedy: .* lake warehouse migrate"
    with pytest.raises(WarehouseError, match=what):
        ensure_tables(changed, loaded)
    assert [item.table for item in migrate(changed, loaded, ()).computed] == ["dim_party", "agg_visits"]
    model = history(CHANGES, replace(POLICIES, type1=("region", "address"), type2=("segment",)))
    inferred = COLUMNS.index("is_inferred")
    assert [row for row in versions(loaded) if not row[inferred]] == expected_rows(model)
    assert loaded.query("SELECT visits FROM analytics.agg_visits ORDER BY 1").rows == ((1,), (2,), (3,))
    ensure_tables(changed, loaded)
    assert migrate(changed, loaded, ()) == Migrated()


def test_computing_again_by_hand_settles_its_dimension_alone(loaded: Warehouse) -> None:
    party = FULL.dimensions["dim_party"]
    changed = replace(FULL, dimensions={"dim_party": replace(party, hard_delete=DeletePolicy.IGNORE)})
    assert [item.what for item in standing(changed, loaded, ()).outdated] == ["hard_delete was close, is ignore"]
    recompute(changed, loaded, ["dim_party"])
    assert not standing(changed, loaded, ()).behind


def test_an_added_attributes_rule_is_known_from_then_on(loaded: Warehouse) -> None:
    warehouse, old = loaded, lacking(FULL, "region")
    files = migrations(old, warehouse)
    migrate(old, warehouse, files, allow_destructive=True)
    new = replace(FULL, aggregates={})
    files = migrations(new, warehouse, files)
    migrate(new, warehouse, files)
    party = FULL.dimensions["dim_party"]
    attributes = tuple(replace(item, scd=1) for item in party.attributes)
    other = replace(new, dimensions={"dim_party": replace(party, attributes=attributes)})
    found = standing(other, warehouse, files).outdated
    assert [item.what for item in found] == ["scd of segment was 2, is 1; scd of region was 2, is 1"]
