"""Loads across a contract that grew: files of the earlier one, and the load that holds everything, on each engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lake.store import LocalStore
from lake.warehouse.load import ensure_tables, load_pending
from lake.warehouse.migrate import migrate
from lake.warehouse.port import Warehouse
from redshift_sql.load_contract import EarlierLoadError, early_plan, file_columns
from schemas.errors import LakeError
from schemas.model import FactColumn, Pipeline
from schemas.types import ColumnType
from tests.lake.warehouse.test_migrate import FULL, POLICIES, lacking, migrations, versions, with_amount
from tests.reference.history import Change, history
from tests.reference.logs import packed_log
from tests.support.engines import Engine
from tests.support.grown import without_values
from tests.support.loads import write_load
from tests.support.party import ATTRIBUTES, expected_rows, load_rows
from tests.support.visits import Visit, visit_rows


def opened(engine: Engine, lake: Path) -> Warehouse:
    """An empty warehouse that loads from this lake."""
    warehouse = engine.empty()
    warehouse.store = LocalStore(lake)  # type: ignore[attr-defined]  # both engines have one
    return warehouse


def rows_of(changes: Iterable[Change], pipeline: Pipeline) -> pa.Table:
    rows = load_rows(changes, POLICIES)
    known = {item.name for item in pipeline.dimensions["dim_party"].attributes}
    return rows.drop_columns([name for name in ATTRIBUTES if name not in known])


def load(pipeline: Pipeline, lake: Path, warehouse: Warehouse, files: Sequence[object] = ()) -> int:
    return load_pending(pipeline, str(lake), warehouse, migrations=files).last_seq  # type: ignore[arg-type]


@given(
    seed=st.integers(0, 2**32), cuts=st.tuples(st.floats(0.1, 0.5), st.floats(0.5, 0.9)), truncates=st.integers(0, 1)
)
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_files_of_the_earlier_contract_lack_values_until_a_whole_load_brings_them(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: tuple[float, float], truncates: int
) -> None:
    log = sorted(packed_log(seed, keys=20, truncates=truncates), key=lambda change: change.offset)
    first, second = (int(len(log) * cut) for cut in cuts)
    added = ("region", "address")
    old, new = lacking(FULL, *added), replace(FULL, aggregates={})
    lake = tmp_path_factory.mktemp("lake")
    warehouse = opened(engine, lake)
    try:
        write_load(lake, 1, {"dim_party": rows_of(log[:first], old)}, contracts=old)
        load(old, lake, warehouse)
        write_load(lake, 2, {"dim_party": rows_of(log[first:second], old)}, contracts=old)
        files = migrations(new, warehouse)
        migrate(new, warehouse, files)
        assert load(new, lake, warehouse, files) == 2
        early = [without_values(change, added) for change in log[:second]]
        assert versions(warehouse) == expected_rows(history(early, POLICIES))
        write_load(lake, 3, {"dim_party": rows_of(log, new)}, contracts=new, whole=["dim_party"])
        assert load(new, lake, warehouse, files) == 3
        assert versions(warehouse) == expected_rows(history(log, POLICIES))
        write_load(lake, 4, {"dim_party": rows_of(log[second:], new)}, contracts=new)
        assert load(new, lake, warehouse, files) == 4
        assert versions(warehouse) == expected_rows(history(log, POLICIES)), "what comes again changes nothing"
    finally:
        warehouse.close()


def party(offset: int, key: int) -> Change:
    values = (("segment", "A"), ("region", "n"), ("address", "x"))
    return Change(offset, "u", (key,), f"{offset:020d}", 100 * offset, values, 100 * offset)


def test_a_whole_load_takes_away_what_it_does_not_hold(engine: Engine, tmp_path: Path) -> None:
    warehouse = opened(engine, tmp_path)
    log = [party(number, number) for number in range(1, 5)]
    write_load(tmp_path, 1, {"dim_party": rows_of(log, FULL)}, contracts=FULL)
    write_load(tmp_path, 2, {"fact_visits": visit_rows([Visit(1, 900, 4, 2, 3)])}, contracts=FULL)
    write_load(tmp_path, 3, {"dim_party": rows_of(log[:2], FULL)}, contracts=FULL, whole=["dim_party"])
    load(FULL, tmp_path, warehouse)
    found = warehouse.query("SELECT id, is_inferred FROM analytics.dim_party WHERE party_sk <> -1 ORDER BY id").rows
    assert found == ((1, False), (2, False)), "but for a fact, which needs its member"
    warehouse.close()


def test_a_fact_lacks_a_column_and_a_reference_until_it_is_stated_again(engine: Engine, tmp_path: Path) -> None:
    fact = FULL.facts["fact_visits"]
    fewer = replace(fact, dimensions=fact.dimensions[:1])
    old = replace(FULL, facts={"fact_visits": fewer}, aggregates={})
    new = with_amount(
        replace(FULL, aggregates={}), "bigint", FactColumn("note", ColumnType("varchar(8)"), "visit.note")
    )
    warehouse = opened(engine, tmp_path)
    visits = visit_rows([Visit(1, 500, 1, 2, 3), Visit(2, 900, 2, None, 4)])
    log = rows_of([party(1, 1), party(2, 2)], FULL)
    write_load(tmp_path, 1, {"dim_party": log}, contracts=old)
    load(old, tmp_path, warehouse)
    write_load(tmp_path, 2, {"fact_visits": visits.drop_columns(["host_id", "host_sk_origin_sk"])}, contracts=old)
    files = migrations(new, warehouse)
    migrate(new, warehouse, files)
    load(new, tmp_path, warehouse, files)
    asked = "SELECT visit_id, host_id, host_sk, amount, note FROM analytics.fact_visits ORDER BY 1"
    assert warehouse.query(asked).rows == ((1, None, -1, 3, None), (2, None, -1, 4, None))
    amount = visits.schema.get_field_index("amount")
    again = visits.set_column(amount, "amount", visits["amount"].cast(pa.int64()))
    again = again.add_column(amount + 1, "note", pa.array(["a", "b"]))
    write_load(tmp_path, 3, {"fact_visits": again}, contracts=new, whole=["fact_visits"])
    load(new, tmp_path, warehouse, files)
    (host,) = warehouse.query("SELECT party_sk FROM analytics.dim_party WHERE id = 2").rows[0]
    assert warehouse.query(asked).rows == ((1, 2, host, 3, "a"), (2, None, -1, 4, "b"))
    warehouse.close()


def test_facts_that_lack_the_member_of_a_known_key_wait_for_the_whole_load(engine: Engine, tmp_path: Path) -> None:
    fact = FULL.facts["fact_visits"]
    guest = fact.dimensions[0]
    old = replace(FULL, facts={"fact_visits": replace(fact, dimensions=(guest,))}, aggregates={})
    also = replace(guest, name="also_sk")
    new = replace(FULL, facts={"fact_visits": replace(fact, dimensions=(guest, also))}, aggregates={})
    warehouse = opened(engine, tmp_path)
    rows = visit_rows([Visit(1, 500, 7, None, 3)]).drop_columns(["host_id", "host_sk_origin_sk"])
    write_load(tmp_path, 1, {"dim_party": rows_of([party(1, 1)], FULL)}, contracts=old)
    load(old, tmp_path, warehouse)
    write_load(tmp_path, 2, {"fact_visits": rows}, contracts=old)
    files = migrations(new, warehouse)
    migrate(new, warehouse, files)
    assert load(new, tmp_path, warehouse, files) == 2
    asked = "SELECT visit_id, guest_sk, also_sk FROM analytics.fact_visits"
    assert warehouse.query(asked).rows == ()
    origin = rows.column_names.index("guest_sk_origin_sk")
    whole = rows.add_column(origin + 1, "also_sk_origin_sk", rows["guest_sk_origin_sk"])
    write_load(tmp_path, 3, {"fact_visits": whole}, contracts=new, whole=["fact_visits"])
    load(new, tmp_path, warehouse, files)
    ((visit, guest_sk, also_sk),) = warehouse.query(asked).rows
    assert (visit, guest_sk) == (1, also_sk)
    warehouse.close()


def test_files_of_other_keys_are_refused_and_nothing_is_written(engine: Engine, tmp_path: Path) -> None:
    warehouse = opened(engine, tmp_path)
    ensure_tables(FULL, warehouse)
    rows = rows_of([party(1, 1)], FULL)
    load_files = write_load(tmp_path, 1, {"dim_party": rows.rename_columns(["no", *rows.column_names[1:]])})
    columns = (("no", "bigint"), *file_columns(FULL, "dim_party")[1:])
    table = replace(load_files.tables["dim_party"], columns=columns)
    manifest = replace(load_files, tables={"dim_party": table})
    (tmp_path / "load/_manifests/000000000001.json").write_text(manifest.to_json())
    with pytest.raises(EarlierLoadError, match=r"staging\.dim_party_load: its files lack id, which no contract adds"):
        load(FULL, tmp_path, warehouse)
    assert warehouse.query("SELECT count(*) FROM staging.load_ledger").rows == ((0,),)
    warehouse.close()


def test_names_of_a_manifest_are_held_to_be_names() -> None:
    columns = (*file_columns(FULL, "dim_party"), ("x; drop table y", "bigint"))
    with pytest.raises(LakeError, match="not a name that SQL may hold"):
        early_plan(FULL, "dim_party", columns)
