"""What COPY asks of load files follows from the contracts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from redshift_sql.copy_contract import MOST_COLUMNS, CopyContractError, compiled, copy_contract
from redshift_sql.render import Item
from schemas import load_pipeline


@pytest.mark.parametrize("name", ["retail", "clinic"])
def test_every_star_table_of_a_pipeline_can_be_copied(name: str) -> None:
    pipeline = load_pipeline(name, (Path(__file__).parents[1] / "pipelines",))
    for table in (*pipeline.dimensions, *pipeline.facts, *pipeline.calendars):
        contract = copy_contract(pipeline, table)
        contract.check([(column.name, column.file_type) for column in contract.columns])


@pytest.mark.parametrize("kind", ["time", "timestamptz", "geometry", "hllsketch", "char(3)", "interval"])
def test_a_type_that_copy_cannot_load_names_its_column(kind: str) -> None:
    with pytest.raises(CopyContractError) as caught:
        compiled("staging.t_load", [Item("a", "bigint"), Item("b", kind)])
    assert caught.value.where == "staging.t_load.b"
    assert kind in caught.value.what


def test_sizes_are_kept_in_bytes() -> None:
    found = compiled("t", [Item("a", "varchar(7)"), Item("b", "varbyte(9)"), Item("c", "super"), Item("d", "date")])
    assert [column.most_bytes for column in found.columns] == [7, 9, 16_000_000, 0]
    assert [column.file_type for column in found.columns] == ["string", "binary", "string", "date"]


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(CopyContractError, match="a table holds 1600"):
        compiled("t", [Item(f"c{n}", "bigint") for n in range(MOST_COLUMNS + 1)])
