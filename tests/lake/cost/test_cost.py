"""The month's bill: every line is quantity × price, it grows with the volume, and the documentation shows what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lake.cli._main import root
from lake.cost.bill import OBJECTS_A_RUN, Bill, bill_of
from lake.cost.sizing import MEASURED, CostError, Volume, sized
from lake.cost.tables import load_tables
from tests.lake.cost.pages import PAGES, ROOT, marked

TABLES = load_tables()


def bill(events: float, environment: str = "prod", **volume: float) -> Bill:
    return bill_of(Volume(events, **volume), TABLES.environment(environment), TABLES.prices, MEASURED)  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_what_the_command_computes(page: str) -> None:
    found = list(marked((ROOT / page).read_text(encoding="utf-8")))
    assert found
    assert all(shown == wanted for shown, wanted in found), "run python -m tests.lake.cost.pages"


@pytest.mark.parametrize("environment", TABLES.environments)
def test_every_line_is_its_quantity_at_its_price_and_they_add_up(environment: str) -> None:
    found = bill(1e6, environment)
    for line in found.lines:
        price = TABLES.prices.of(line.item)
        assert line.usd == pytest.approx(line.quantity * price.usd), line
        assert line.unit == price.unit
    assert found.usd == pytest.approx(sum(line.usd for line in found.lines))
    assert found.usd == pytest.approx(sum(found.parts.values()))


def test_a_price_of_a_thousand_is_for_each_thousand() -> None:
    puts = next(line for line in bill(1e6).lines if line.item == "s3.put")
    objects = (sized(Volume(1e6)).landing_files_a_day + 96 * 4 * OBJECTS_A_RUN) * 365 / 12
    assert puts.usd == pytest.approx(objects / 1000 * 0.005)


def test_what_the_pages_say_of_the_tables_is_so() -> None:
    prod = bill(1e6)
    standing = sum(prod.parts[part] for part in ("Kafka", "capture", "hop 1", "network")) + next(
        line.usd for line in prod.lines if line.item == "ra3.4xlarge"
    )
    assert standing > 0.9 * prod.usd
    network = {line.item: line.usd for line in prod.lines if line.part == "network"}
    assert network["endpoint"] > network["nat"]
    assert bill(1e6, "dev").usd < 8 * 730 * 0.375
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    for rate in (MEASURED.landing, MEASURED.staging, MEASURED.curated):
        assert f"{rate:,.0f}" in page
    # Two workers are the least: the driver's, and one of four cores.
    assert sized(Volume(1e7)).batch_cores <= 4 < sized(Volume(1.5e7)).batch_cores
    assert Volume(3e8).busiest < 18_000 < Volume(3.2e8).busiest


@given(st.floats(1, 1e10), st.floats(1, 10), st.sampled_from(sorted(TABLES.environments)))
def test_more_changes_never_cost_less_nor_need_less(events: float, more: float, environment: str) -> None:
    less_, more_ = bill(events, environment), bill(events * more, environment)
    assert more_.usd >= less_.usd * (1 - 1e-9)
    assert more_.sizing.partitions >= less_.sizing.partitions
    assert more_.sizing.batch_cores >= less_.sizing.batch_cores
    assert more_.sizing.stream_cores >= less_.sizing.stream_cores


def test_the_cores_of_a_run_take_its_work_within_half_the_interval_at_the_peak() -> None:
    volume = Volume(1e9)
    needed = sized(volume, runs_a_day=96)
    changes = volume.events_a_day / 96 * volume.peak
    seconds = (
        2 * (changes / MEASURED.staging + changes / MEASURED.curated) / needed.batch_cores + MEASURED.fixed_seconds
    )
    assert seconds <= 86_400 / 96 / 2


def test_a_refresh_each_minute_keeps_a_serverless_warehouse_awake_all_month() -> None:
    asleep = TABLES.environment("dev")
    awake = asleep.model_copy(update={"warehouse": asleep.warehouse.model_copy(update={"refreshes": True})})
    hours = {
        sizes: next(
            line.quantity
            for line in bill_of(Volume(1e6), sizes, TABLES.prices, MEASURED).lines
            if line.item == "redshift.rpu"
        )
        for sizes in (asleep, awake)
    }
    assert hours[awake] == 8 * TABLES.prices.hours_a_month
    assert hours[asleep] < hours[awake] / 10


def test_the_command_gives_each_environment_with_its_lines_and_the_date_of_its_prices() -> None:
    result = CliRunner().invoke(root, ["cost", "--events-per-day", "1e6", "--env", "prod", "--env", "dev", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert found["prices"]["date"] == str(TABLES.prices.date)
    assert list(found["environments"]) == ["prod", "dev"]
    assert found["environments"]["prod"]["usd_a_month"] == pytest.approx(bill(1e6).usd, abs=0.01)
    shown = CliRunner().invoke(root, ["cost", "--events-per-day", "1e6"])
    assert all(name in shown.output for name in ("dev", "qa", "prod", "looked up again"))


def test_prices_of_ones_own_are_taken_and_a_missing_one_is_named(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    text = (ROOT / "lake/cost/prices.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("nat: {usd: 0.045", "nat: {usd: 45"), encoding="utf-8")
    assert load_tables(own).prices.of("nat").usd == 45
    own.write_text(text.replace("  nat: {", "  gnat: {"), encoding="utf-8")
    with pytest.raises(CostError, match="no price of nat"):
        bill_of(Volume(1e6), TABLES.environment("prod"), load_tables(own).prices, MEASURED)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("nat: {usd: 0.045", "nat: {usd: free", "prices.nat.usd"),
        ("region: us-east-1", "regoin: us-east-1", "regoin"),
        ("date: 2026-08-21", "date: soon", "date"),
    ],
)
def test_a_wrong_table_names_the_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text((ROOT / "lake/cost/prices.yaml").read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(CostError) as caught:
        load_tables(own)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--events-per-day", "0"],
        ["--events-per-day", "nan"],
        ["--events-per-day", "10", "--peak", "0.5"],
        ["--events-per-day", "10", "--env", "pord"],
    ],
)
def test_a_volume_that_makes_no_sense_is_one_clear_error(arguments: list[str]) -> None:
    result = CliRunner().invoke(root, ["cost", *arguments])
    assert isinstance(result.exception, CostError)
    assert result.exception.remedy
