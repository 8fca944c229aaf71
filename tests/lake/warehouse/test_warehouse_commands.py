"""`lake warehouse` as a person types it, from an edited contract to a migrated warehouse."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from lake.cli._main import run
from lake.home import Home
from redshift_sql.load_contract import file_columns, made_by, rows_checksum, tracked
from schemas import load_pipeline
from schemas.manifests import LoadManifest, LoadTable, seq_name

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the retail contracts that may be edited, and a lake with one empty load in the warehouse."""
    with resources.as_file(resources.files("schemas") / "retail") as folder:
        shutil.copytree(folder, tmp_path / "pipelines" / "retail")
    monkeypatch.setenv("LAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAKE_PIPELINES", str(tmp_path / "pipelines"))
    manifests = tmp_path / "home" / "lake" / "retail" / "load" / "_manifests"
    manifests.mkdir(parents=True)
    retail = load_pipeline("retail")
    progress = {"customer": 1, **{made_by(table): rows_checksum(retail, table) for table in tracked(retail)}}
    (manifests / seq_name(1)).write_text(LoadManifest("retail", 1, "a", progress).to_json())
    assert run(["load"]) == 0
    return tmp_path / "pipelines" / "retail"


def answered(shown: Shown, *words: str) -> tuple[int, dict[str, object]]:
    shown.readouterr()
    code = run(["warehouse", *words, "--json"])
    out, err = shown.readouterr()
    document: dict[str, object] = json.loads(out or err)
    return code, document


def test_a_column_added_to_a_contract_becomes_a_migration(contracts: Path, capsys: Shown) -> None:
    nothing: dict[str, list[object]] = {"loads": [], "owed": []}
    assert answered(capsys, "status") == (
        0,
        {"pending": [], "steps": [], "owing": [], "outdated": [], "loads": nothing, "applied": []},
    )
    star = contracts / "star" / "dim_product.yaml"
    star.write_text(star.read_text().replace("policies:", "  updated_at: {type: timestamp, scd: 1}\npolicies:"))
    code, planned = answered(capsys, "plan")
    assert code == 3
    assert isinstance(planned["steps"], list)
    assert {(step["table"], step["change"]) for step in planned["steps"]} >= {("analytics.dim_product", "add")}
    assert planned["loads"] == {"loads": [], "owed": ["dim_product"]}
    assert run(["load"]) == 1
    assert "see what differs with: lake warehouse plan" in capsys.readouterr().err
    path = contracts / "migrations" / "0001_dim_product_updated_at.sql"
    assert answered(capsys, "plan", "--write") == (3, {"written": str(path), "destructive": False})
    code, error = answered(capsys, "plan", "--write")
    assert (code, "a migration waits" in str(error)) == (1, True)
    assert run(["load"]) == 1
    assert "apply it with: lake warehouse migrate" in capsys.readouterr().err
    assert answered(capsys, "migrate") == (0, {"applied": [path.stem], "computed": []})
    assert answered(capsys, "migrate") == (0, {"applied": [], "computed": []})
    code, standing = answered(capsys, "status")
    assert (code, standing["pending"], standing["steps"]) == (0, [], [])
    assert run(["load"]) == 0
    assert answered(capsys, "plan", "--write") == (0, {"written": None})


def test_what_a_killed_migrate_left_to_compute_is_planned_and_done_by_the_next(contracts: Path, capsys: Shown) -> None:
    star = contracts / "star" / "dim_product.yaml"
    star.write_text(star.read_text().replace("  brand: {type: varchar(100), scd: 1}\n", ""))
    assert run(["warehouse", "plan", "--write"]) == 3
    assert run(["warehouse", "migrate", "--allow-destructive"]) == 0
    with closing(duckdb.connect(str(Home(contracts.parents[1] / "home").warehouse("retail")))) as warehouse:
        warehouse.execute("UPDATE staging.migration_ledger SET kind = 'owes'")
    code, planned = answered(capsys, "plan")
    assert (code, planned["steps"], planned["owing"]) == (3, [], ["0001_dim_product_brand"])
    assert run(["warehouse", "plan"]) == 3
    shown = capsys.readouterr().out
    assert "computes what 0001_dim_product_brand left to compute" in shown
    assert "next: lake warehouse migrate" in shown
    assert run(["warehouse", "migrate"]) == 0
    assert run(["warehouse", "plan"]) == 0


def test_what_takes_data_away_needs_the_flag(contracts: Path, capsys: Shown) -> None:
    star = contracts / "star" / "fact_orders.yaml"
    star.write_text(star.read_text().replace("  shipped_at: {type: timestamp, expr: order.shipped_at}\n", ""))
    assert answered(capsys, "plan", "--write")[1]["destructive"] is True
    assert run(["warehouse", "plan"]) == 3
    assert "(takes data away)" in capsys.readouterr().out
    assert run(["warehouse", "migrate"]) == 1
    assert "run again with --allow-destructive" in capsys.readouterr().err
    assert answered(capsys, "migrate", "--allow-destructive") == (
        0,
        {"applied": ["0001_fact_orders_shipped_at"], "computed": []},
    )


def test_a_rule_that_changed_is_planned_refused_by_a_load_and_computed_by_migrate(
    contracts: Path, capsys: Shown
) -> None:
    star = contracts / "star" / "dim_product.yaml"
    text = star.read_text()
    assert "hard_delete: close" in text
    star.write_text(text.replace("hard_delete: close", "hard_delete: ignore"))
    outdated = {"table": "dim_product", "verb": "recompute", "what": "hard_delete was close, is ignore"}
    code, planned = answered(capsys, "plan")
    assert (code, planned["steps"], planned["outdated"]) == (3, [], [outdated])
    assert run(["warehouse", "status"]) == 3
    out = capsys.readouterr().out
    assert "recompute analytics.dim_product hard_delete was close, is ignore" in out
    assert "next: lake warehouse migrate" in out
    assert run(["load"]) == 1
    error = capsys.readouterr().err
    assert "analytics.dim_product: its rows were computed by other rules than its contract's: hard_delete" in error
    assert "lake warehouse migrate" in error
    assert answered(capsys, "migrate") == (0, {"applied": [], "computed": [outdated]})
    assert run(["load"]) == 0
    assert run(["warehouse", "status"]) == 0


def test_dimensions_are_computed_again_by_name(contracts: Path, capsys: Shown) -> None:
    assert answered(capsys, "recompute", "dim_product") == (0, {"recomputed": ["dim_product"]})
    assert run(["warehouse", "recompute", "fact_sales"]) == 1
    assert "no dimension 'fact_sales'" in capsys.readouterr().err


def test_access_is_shown_as_sql_and_the_embedded_warehouse_has_none(contracts: Path, capsys: Shown) -> None:
    code, shown = answered(capsys, "access")
    assert (code, shown["applied"]) == (0, False)
    assert "create role lake_analyst" in str(shown["statements"])
    assert "attach masking policy" in str(shown["statements"])
    assert "attach masking policy" not in str(answered(capsys, "access", "--no-masking")[1])
    assert run(["warehouse", "access", "--apply"]) == 1
    assert "the embedded warehouse has no roles" in capsys.readouterr().err


def test_upkeep_forgets_nothing_that_is_young(contracts: Path, capsys: Shown) -> None:
    none = {"staging.load_ledger": 0, "analytics.restatements": 0}
    assert answered(capsys, "upkeep") == (0, {"forgotten": none})
    assert run(["warehouse", "upkeep", "--ledger-days", "1"]) == 1
    assert "1 days is too short" in capsys.readouterr().err
    assert "vacuum delete only" in str(answered(capsys, "upkeep", "--statements")[1])


def test_loads_that_wait_are_told_with_what_they_hold_and_lack(contracts: Path, capsys: Shown) -> None:
    retail = load_pipeline("retail")
    early = tuple(column for column in file_columns(retail, "dim_product") if column[0] != "brand")
    tables = {
        "dim_product": LoadTable("m", columns=early),
        "fact_sales": LoadTable("m", columns=file_columns(retail, "fact_sales"), whole=True),
    }
    manifest = LoadManifest("retail", 2, "a", {"product": 2}, tables)
    folder = contracts.parents[1] / "home" / "lake" / "retail" / "load" / "_manifests"
    (folder / seq_name(2)).write_text(manifest.to_json())
    code, status = answered(capsys, "status")
    waiting = {"seq": 2, "whole": ["fact_sales"], "lacks": {"dim_product": ["brand"]}}
    assert (code, status["loads"]) == (0, {"loads": [waiting], "owed": list(tracked(retail))})
    assert run(["warehouse", "status"]) == 0
    shown = capsys.readouterr().out
    assert "waits    load 2; all of fact_sales; dim_product without brand" in shown
    assert "owed     dim_customer: its contract is another than the newest load's" in shown
