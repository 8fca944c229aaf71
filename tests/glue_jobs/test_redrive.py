"""Rejected changes that are redriven: however late, the star is as if they had never been rejected."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glue_jobs.curated.promote import promote_curated
from glue_jobs.staging import TableOutcome, promote_staging
from glue_jobs.staging_tables import change_log_name
from lake.deadletters.letters import Letter, State
from lake.deadletters.reading import Stores, Wanted, dead_letters
from lake.deadletters.settling import Outcome, chosen, settled
from lake.reconcile.landing import account
from lake.reconcile.quarantine import quarantined_keys
from lake.reconcile.rows import canonical, row_hash
from lake.store import store_for
from schemas.model import Attribute, Check, Dimension, KeyColumn, Pipeline
from schemas.settlements import Verb
from schemas.types import ColumnType
from streaming import manifest_log
from streaming.settle import Settler
from tests.glue_jobs.items import SOURCE, contract, pipeline_of, row
from tests.support.landed import Event, land

PRICED = Check("price_positive", "price > 0")
DIMENSION = Dimension(
    name="dim_item",
    grain="one row per item and version",
    source="item",
    surrogate_key="item_sk",
    business_key=(KeyColumn("item_id", ColumnType("bigint"), "item_id"),),
    attributes=(
        Attribute("price", ColumnType("decimal(10,2)"), "price", 2),
        Attribute("label", ColumnType("varchar(10)"), "label", 1),
    ),
)


@dataclass
class Lake:
    """A lake of items; whether prices are checked may change between runs."""

    spark: SparkSession
    root: Path
    catalog: Path
    name: str = field(default_factory=lambda: f"redrive_{uuid.uuid4().hex[:8]}")
    checked: bool = True

    @property
    def pipeline(self) -> Pipeline:
        source = contract(self.name, checks=(PRICED,) if self.checked else ())
        return replace(pipeline_of(source), dimensions={"dim_item": DIMENSION})

    @property
    def stores(self) -> Stores:
        return Stores(self.pipeline, store_for(self.root.as_uri()), f"jdbc:sqlite:{self.catalog}/catalog.db")

    def land(self, *batches: list[Event]) -> None:
        for seq, events in enumerate(batches, start=1):
            land(self.spark, self.root, self.name, seq, [(SOURCE, events)])

    def staged(self) -> TableOutcome:
        (outcome,) = promote_staging(self.spark, self.pipeline, self.root.as_uri())
        assert outcome.error is None, outcome.error
        return outcome

    def star(self) -> list[tuple[Any, ...]]:
        promote_curated(self.spark, self.pipeline, self.root.as_uri(), load=False)
        rows = self.spark.table(f"lake.`{self.name}_curated`.`dim_item`").collect()
        return sorted((tuple(row) for row in rows), key=repr)

    def letters(self, *states: State) -> list[Letter]:
        return list(dead_letters(self.stores, Wanted(states=states or (State.OPEN,))))

    def redriven(self, most: int = 100) -> Iterator[Outcome]:
        settler = Settler(self.stores.store, Verb.REDRIVE, "ada", "the check was too strict")
        return settled(chosen(self.stores, Wanted()), settler, most=most)

    @property
    def apart(self) -> frozenset[int]:
        """Keys that reconciliation counts apart from the source."""
        return quarantined_keys(self.spark, self.stores.store, self.pipeline, self.pipeline.sources["item"])


class KilledError(Exception):
    """The process dies here."""


def log(seed: int) -> list[Event]:
    """Changes of few items; prices that the check refuses, labels that no contract takes, deletes."""
    draw = random.Random(seed)
    events = []
    for offset in range(1, 25):
        item = draw.randrange(5)
        op = draw.choice(["c", "u", "u", "u", "d"])
        price = Decimal(draw.choice([0, 0, 1, 2]))
        events.append(
            Event(op, row(item, price=price, label=f"l{draw.randrange(3)}"), offset, lsn=offset, seconds=offset)
        )
    return [*events, Event("u", row(9, label="far too long a label"), 25, lsn=25, seconds=25)]


def hashes(*items: int) -> frozenset[int]:
    return frozenset(row_hash([canonical(item)]) for item in items)


def test_however_late_and_often_the_star_is_as_if_nothing_had_been_rejected(
    spark: SparkSession, tmp_path: Path, lake_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = log(7)
    never = Lake(spark, tmp_path / "never", lake_root, checked=False)
    never.land(events)
    never.staged()

    late = Lake(spark, tmp_path / "late", lake_root)
    late.land(events[:13], events[13:])
    outcome = late.staged()
    assert outcome.reasons["price_positive"] >= 5
    assert late.star() != never.star()
    refused = late.letters()
    assert len(refused) == outcome.quarantined
    before = late.apart

    late.checked = False
    commits: list[None] = []
    commit = manifest_log.commit

    def killed(*args: Any) -> None:
        if commits:
            raise KilledError
        commits.append(commit(*args))

    with monkeypatch.context() as patch:
        patch.setattr(manifest_log, "commit", killed)
        with pytest.raises(KilledError):
            list(late.redriven(most=3))
    outcomes = list(late.redriven(most=3))
    assert sum(outcome.settled for outcome in outcomes) == len(refused) - 3
    assert list(late.redriven()) == []
    assert len(late.letters(State.REDRIVEN)) == len(refused)
    # Until hop 2 has taken them, a redriven change is in no table.
    assert late.apart == before

    late.staged()
    assert late.star() == never.star()
    (bad,) = late.letters()
    assert (bad.reasons, bad.seq > 2) == (("type:label", "null:label"), True)
    assert late.apart == hashes(9)
    log_rows = spark.table(change_log_name(late.name, "item"))
    assert log_rows.count() == log_rows.select("_offset").distinct().count() == len(events) - 1

    (again,) = late.redriven()
    late.staged()
    (worse,) = late.letters()
    assert worse.seq == again.seq > bad.seq
    discarded = settled([worse], Settler(late.stores.store, Verb.DISCARD, "ada", "no such item"))
    assert [item.settled for item in discarded] == [1]
    assert late.letters() == []
    assert late.apart == hashes(9)
    assert account(late.stores.store, list(manifest_log.after(late.stores.store, "item", 0))).broken == 0
