"""Hop 2 as a whole: what landed is in the change log once, whatever happened on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glue_jobs import decisions, expectations, iceberg, staging_tables
from glue_jobs.decisions import DecisionError, Verb
from glue_jobs.staging import TableOutcome, changes, promote_staging
from lake.store import store_for
from schemas.errors import CommitConflictError, ContractError, DataQualityError, GapError
from schemas.model import Check, Evolution, Expectation, Severity, SourceContract
from tests.glue_jobs.items import SOURCE, A, column, contract, create, pipeline_of, row, with_column, without_column
from tests.support import envelopes as e
from tests.support.landed import Event, land

POSITIVE = Check("price_positive", "price > 0", Severity.REJECT)
LATELY = Check("made_lately", "made_on > DATE '2020-01-01'", Severity.WARN)


class Lake:
    """A landing zone of its own on the shared catalog."""

    def __init__(self, spark: SparkSession, root: Path, source: SourceContract) -> None:
        self.spark = spark
        self.root = root
        self.source = source

    @property
    def docs(self) -> Path:
        return self.root / "quality"

    @property
    def log(self) -> str:
        return staging_tables.change_log_name(self.source.pipeline, "item")

    @property
    def quarantine(self) -> str:
        return staging_tables.quarantine_name(self.source.pipeline, "item")

    def land(self, seq: int, *batch: Any) -> None:
        groups = [item if isinstance(item, tuple) else (SOURCE, item) for item in batch]
        land(self.spark, self.root, self.source.pipeline, seq, groups or [(SOURCE, [])])

    def promote(self, **options: Any) -> TableOutcome:
        (outcome,) = promote_staging(self.spark, pipeline_of(self.source), self.root.as_uri(), **options)
        return outcome

    def promoted(self, **options: Any) -> TableOutcome:
        outcome = self.promote(**options)
        assert outcome.error is None, outcome.error
        return outcome

    @property
    def progress(self) -> int:
        return iceberg.progress(self.spark, self.log).get("item", 0)

    def offsets(self, *names: str) -> list[Any]:
        found = self.spark.table(self.log).select("_offset", *names).orderBy("_offset").collect()
        return [tuple(item) if names else item[0] for item in found]

    def rejected(self) -> list[tuple[int, str]]:
        """Quarantined rows that count."""
        rows = self.spark.table(self.quarantine).where(f"_ingest_seq <= {self.progress}")
        return sorted((item["_offset"], item["reason"]) for item in rows.collect())


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    name = request.node.originalname.removeprefix("test_")[:60]
    return Lake(spark, tmp_path, contract(f"s_{name}", checks=(POSITIVE, LATELY)))


def test_what_landed_is_promoted_once_and_in_bounded_batches(lake: Lake) -> None:
    lake.land(1, [create(1), create(2, price=Decimal(0)), create(3, made_on=0)])
    lake.land(2)
    lake.land(3, [create(4), Event("x", None, 5, key={"item_id": 4})])
    reported: list[TableOutcome] = []
    first = lake.promoted(max_manifests_per_batch=2, report=reported.append)
    assert [item.progress for item in reported] == [2, 3]
    assert (first.batches, first.rows, first.accepted, first.quarantined) == (2, 4, 3, 1)
    assert first.reasons == {"price_positive": 1}
    assert first.warned == {"made_lately": 1}
    assert lake.offsets("_ingest_seq") == [(1, 1), (3, 1), (4, 3)]
    assert lake.rejected() == [(2, "price_positive")]
    again = lake.promoted()
    assert (again.batches, again.rows, again.progress) == (0, 0, 3)
    assert json.loads(json.dumps(first.to_json()))["reasons"] == {"price_positive": 1}


def test_re_emissions_are_one_change_to_readers(lake: Lake) -> None:
    again = replace(create(1), offset=7, partition=1)
    lake.land(1, [create(1), create(2)])
    lake.land(2, [again, create(3)])
    lake.promoted()
    assert lake.offsets() == [1, 2, 3, 7]
    read = changes(lake.spark, pipeline_of(lake.source), "item")
    assert sorted(item["_offset"] for item in read.collect()) == [1, 2, 3]


class Killed(BaseException):
    """Ends the process as far as the code under test can tell: nothing catches it."""


def killing(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool, nth: int = 1) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise Killed
        result = real(*args, **kwargs)
        if calls == nth:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, dying)


KILLS: list[tuple[Any, str, bool, int]] = [
    (iceberg, "ensure_table", True, 1),
    (iceberg, "open_branch", True, 1),
    (iceberg, "append", True, 1),  # staged
    (expectations, "write_docs", True, 1),
    (iceberg, "delete_rows_above", True, 1),
    (iceberg, "append", False, 2),  # quarantined
    (iceberg, "append", True, 2),
    (iceberg, "publish", False, 1),
    (iceberg, "publish", True, 1),
    (decisions, "release", True, 1),
]


def test_a_kill_at_any_step_leaves_nothing_half_done(lake: Lake) -> None:
    warn = Expectation("expect_column_values_to_not_be_null", (("column", "item_id"),), Severity.WARN)
    lake.source = replace(lake.source, expectations=(warn,))
    accepted: list[int] = []
    rejected: list[tuple[int, str]] = []
    for seq, (owner, name, after, nth) in enumerate(KILLS, start=1):
        lake.land(seq, [create(10 * seq), create(10 * seq + 1, price=Decimal(0))])
        before = seq - 1
        with pytest.MonkeyPatch.context() as patch:
            killing(patch, owner, name, after=after, nth=nth)
            with pytest.raises(Killed):
                lake.promote()
        done = name == "release" or (name == "publish" and after)
        assert lake.progress == (seq if done else before), name
        if not done and seq > 1:
            assert lake.offsets() == accepted, name
            assert lake.rejected() == rejected, name
        lake.promoted()
        accepted.append(10 * seq)
        rejected.append((10 * seq + 1, "price_positive"))
        assert lake.offsets() == accepted, name
        assert lake.rejected() == rejected, name
        every = lake.spark.table(lake.quarantine).count()
        assert every == len(rejected), "a crashed attempt's rows stay in quarantine"


def test_two_promotions_at_once_cannot_both_commit(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.land(1, [create(1)])
    lake.promoted()
    lake.land(2, [create(2)])
    real = iceberg.publish

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(iceberg, "publish", real)
        lake.promoted()
        real(*args)

    monkeypatch.setattr(iceberg, "publish", overtaken)
    outcome = lake.promote()
    assert isinstance(outcome.error, CommitConflictError)
    assert lake.offsets() == [1, 2]
    assert lake.promoted().batches == 0


def test_a_missing_manifest_halts_the_table(lake: Lake) -> None:
    lake.land(1, [create(1)])
    lake.land(3, [create(3)])
    outcome = lake.promote()
    assert isinstance(outcome.error, GapError)
    assert "landing manifest 2 is missing" in str(outcome.error)


def test_a_missing_file_is_named(lake: Lake) -> None:
    lake.land(1, [create(1)])
    for file in lake.root.glob("landing/item/**/*.parquet"):
        file.unlink()
    outcome = lake.promote()
    assert "a manifest names the file, and it is not there" in str(outcome.error)
    assert "batch=1-" in str(outcome.error)


def test_schemas_of_one_batch_evolve_the_table(lake: Lake) -> None:
    wider = with_column("colour", e.nullable(A["text"]), schema_id=8)
    narrower = without_column("note", schema_id=9)
    left = {name: value for name, value in row(4).items() if name != "note"}
    lake.land(1, [create(1)], (wider, [Event("c", row(2, colour="red"), 2, lsn=2)]))
    lake.land(2, (narrower, [Event("c", left, 4, lsn=4)]))
    lake.promoted()
    assert lake.offsets("colour", "note") == [(1, None, None), (2, "red", None), (4, None, None)]
    lake.land(3, (with_column("size", A["int"], schema_id=10), [Event("c", row(5, size=3), 5, lsn=5)]))
    lake.promoted()
    lake.land(4, (with_column("size", A["bigint"], schema_id=11), [Event("c", row(6, size=2**40), 6, lsn=6)]))
    lake.promoted()
    assert lake.offsets("size")[-2:] == [(5, 3), (6, 2**40)]
    lake.land(5, (with_column("size", A["text"], schema_id=12), [Event("c", row(7, size="L"), 7, lsn=7)]))
    assert "column size is bigint and cannot become string" in str(lake.promote().error)
    assert lake.progress == 4


def test_an_incompatible_table_stops_alone(lake: Lake) -> None:
    other = replace(contract(lake.source.pipeline), table="thing", topic="x")
    pipeline = pipeline_of(lake.source)
    pipeline.sources["thing"] = other
    lake.source = replace(lake.source, evolution=Evolution.FREEZE)
    pipeline.sources["item"] = lake.source
    lake.land(1, (with_column("colour", e.nullable(A["text"]), 8), [Event("c", row(1, colour="red"), 1, lsn=1)]))
    land(lake.spark, lake.root, lake.source.pipeline, 1, [(replace(SOURCE, name="thing"), [create(1)])])
    stopped, promoted = promote_staging(lake.spark, pipeline, lake.root.as_uri())
    assert "the source has columns that the contract does not: colour" in str(stopped.error)
    assert (promoted.table, promoted.accepted, promoted.error) == ("thing", 1, None)
    assert lake.progress == 0
    # A contract that says what to do with the column lets the same batch through.
    lake.source = replace(lake.source, evolution=Evolution.DISCARD)
    assert lake.promoted().reasons == {"evolution:colour": 1}


def test_a_contract_may_add_a_column_and_widen_one(lake: Lake) -> None:
    lake.land(1, [create(1)])
    lake.promoted()
    wider = (*(item for item in lake.source.columns if item.name != "price"), column("price", "decimal(12,2)"))
    lake.source = replace(lake.source, columns=(*wider, column("colour", "string")))
    lake.land(2, [create(2)])
    lake.promoted()
    assert lake.offsets("price", "colour") == [(1, Decimal("1.50"), None), (2, Decimal("1.50"), None)]


@pytest.mark.parametrize(
    ("expression", "says"),
    [("price >", "parse syntax error"), ("nothing > 0", "unresolved column"), ("price + 1", "not boolean")],
)
def test_a_check_that_is_no_predicate_is_named(lake: Lake, expression: str, says: str) -> None:
    lake.source = replace(lake.source, checks=(Check("odd", expression),))
    lake.land(1, [create(1)])
    outcome = lake.promote()
    assert isinstance(outcome.error, ContractError)
    assert "item.yaml: checks.odd" in str(outcome.error)
    assert says in str(outcome.error)


def test_an_unknown_table_is_named(lake: Lake) -> None:
    with pytest.raises(ContractError, match="no source table 'itme'"):
        lake.promote(tables=("itme",))


ENOUGH = Expectation("expect_table_row_count_to_be_between", (("min_value", 3),), Severity.REJECT)
UNIQUE = Expectation("expect_column_values_to_be_unique", (("column", "item_id"),), Severity.WARN)
PRICED = Expectation(
    "expect_column_values_to_be_between", (("column", "price"), ("max_value", 100), ("min_value", 1)), Severity.WARN
)


def test_a_failed_dataset_expectation_holds_the_batch_until_it_is_decided(lake: Lake) -> None:
    lake.source = replace(lake.source, expectations=(ENOUGH, UNIQUE, PRICED))
    lake.land(1, [create(1, item_id=7), create(2, item_id=7), create(3, price=Decimal(0))])
    store = store_for(lake.docs.as_uri())
    with pytest.raises(DecisionError, match="nothing waits"):
        decisions.decide(store, "item", Verb.ACCEPT, "ann", "early")

    held = lake.promote()
    assert isinstance(held.error, DataQualityError)
    assert "batch 1 to 1 of item waits: expect_table_row_count_to_be_between failed" in str(held.error)
    assert "lake promote accept|skip item" in str(held.error)
    assert (lake.progress, lake.offsets(), lake.rejected()) == (0, [], [])
    index = (lake.docs / "item/index.html").read_text()
    assert "held" in index

    decisions.decide(store, "item", Verb.ACCEPT, "ann", "a quiet day")
    with pytest.raises(DecisionError, match="decided already"):
        decisions.decide(store, "item", Verb.SKIP, "bob", "no")
    lake.land(2, [create(21), create(22), create(23)])
    accepted = lake.promoted()
    # The decision was on batch 1 alone; batch 2 passes by itself.
    assert (accepted.batches, accepted.accepted, lake.progress) == (2, 5, 2)
    assert "expect_column_values_to_be_unique(item_id)" in accepted.failed_expectations
    assert decisions.current_hold(store, "item") is None
    page = (lake.docs / "item/000000000001-000000000001.html").read_text()
    assert "accepted" in (lake.docs / "item/index.html").read_text()
    assert "66.6" in page or "unexpected" in page.lower()

    lake.land(3, [create(31)])
    assert isinstance(lake.promote().error, DataQualityError)
    decisions.decide(store, "item", Verb.SKIP, "ann", "test data")
    skipped = lake.promoted()
    assert (skipped.accepted, skipped.reasons) == (0, {"dataset:skipped": 1})
    assert (lake.progress, lake.offsets()) == (3, [1, 2, 21, 22, 23])
    assert (31, "dataset:skipped") in lake.rejected()


def test_more_data_may_release_a_hold(lake: Lake) -> None:
    lake.source = replace(lake.source, expectations=(ENOUGH,))
    lake.land(1, [create(1)])
    assert isinstance(lake.promote().error, DataQualityError)
    lake.land(2, [create(2), create(3)])
    assert lake.promoted().accepted == 3


def test_no_value_of_the_data_reaches_results_or_data_docs(lake: Lake) -> None:
    strict = Expectation("expect_column_values_to_be_in_set", (("column", "label"), ("value_set", ["x"])))
    lake.source = replace(lake.source, expectations=(strict, UNIQUE))
    lake.land(1, [create(1, label="s3cret"), create(2, item_id=1, label="s3cret")])
    outcome = lake.promoted()
    assert outcome.failed_expectations == (
        "expect_column_values_to_be_in_set(label)",
        "expect_column_values_to_be_unique(item_id)",
    )
    assert all("s3cret" not in file.read_text() for file in lake.docs.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        (Expectation("expect_wonders"), "no expectation 'expect_wonders'"),
        (Expectation("expect_column_values_to_be_unique", (("column", "itm"),)), "no column 'itm'"),
        (Expectation("expect_column_values_to_be_between", (("column", "price"), ("minimum", 1))), "minimum"),
    ],
)
def test_a_bad_expectation_is_named(lake: Lake, stated: Expectation, says: str) -> None:
    with pytest.raises(ContractError) as caught:
        expectations.Suite(replace(lake.source, expectations=(stated,)))
    assert says in str(caught.value)
    assert "expectations.0" in str(caught.value)
