"""Breaking any one of the history rules turns the check red: each mutation changes one expression of the transforms."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Final

import pytest
from pyspark.sql import DataFrame, SparkSession

from glue_jobs.transforms import fill, history, log, order
from glue_jobs.transforms.log import LogProfile
from tests.glue_jobs.changes import SCHEMA, as_model_rows, dimension_for, staging_row
from tests.glue_jobs.packing import moved
from tests.reference.history import Change, Policies
from tests.reference.history import history as model
from tests.reference.logs import packed_log
from tests.reference.vectors import cases

CLOSE: Final = Policies(("address",), ("segment", "region"), 1000)
NEW_RECORD: Final = Policies(("address",), ("segment", "region"), 1000, "new_record")
KEYS: Final = ["id"]
VALUES: Final = ["address", "segment", "region"]
IGNORE: Final = Policies(("address",), ("segment", "region"), 1000, "ignore", "ignore")

# (rule, module, expression, what it is broken into, policies under which it shows)
MUTATIONS: Final = [
    ("re-emissions are one", order, '.where(~F.col("_again"))', "", CLOSE),
    ("at their earliest place", order, "(c.IDENTITY, c.PARTITION, c.OFFSET)", "(c.IDENTITY, F.desc(c.OFFSET))", CLOSE),
    ("position orders", order, "(c.EPOCH, c.POSITION, c.PARTITION, c.OFFSET)", "(c.EPOCH, c.OFFSET)", CLOSE),
    ("the epoch orders first", order, "(c.EPOCH, c.POSITION,", "(c.POSITION, c.EPOCH,", CLOSE),
    ("offset orders within a position", order, "c.POSITION, c.PARTITION, c.OFFSET)", "c.POSITION, c.IDENTITY)", CLOSE),
    ("a snapshot row has a place", order, "F.max(streamed).over(below)", 'F.lit("")', CLOSE),
    ("after lower offsets alone", order, "rowsBetween(Window.unboundedPreceding, -1)",
     "rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)", CLOSE),
    ("a truncate acts on every key", order, "own.unionByName(every.select(*merged.columns))", "own", CLOSE),
    ("unavailable values are filled", fill, "F.last(cell, ignorenulls=True).over(known)", "cell", CLOSE),
    ("by the change before", fill, "Window.currentRow", "Window.unboundedFollowing", CLOSE),
    ("across key changes", fill, "_cell(across.cast(placed.schema[name].dataType), _is_carried(name, carried))", "F.lit(None)", CLOSE),
    ("what no change gave is unknown", fill, '~F.coalesce(F.col(f"{_CELL}{name}.known"), F.lit(False))', "F.lit(False)", CLOSE),
    ("a known NULL is known", fill, "_cell(F.col(name), F.lit(True))", "_cell(F.col(name), F.col(name).isNotNull())", CLOSE),
    ("what the old key did not know is unknown", fill, 'F.coalesce(~unknown.cast("boolean"), F.lit(False))', "F.lit(True)", CLOSE),
    ("from before the link", fill, 'F.col("_at") < F.col("_link_place")', 'F.col("_at") != F.col("_link_place")', CLOSE),
    ("a first snapshot row starts at the beginning", history, "F.row_number().over(order) == 1", "F.lit(False)", CLOSE),
    ("only the first one does", history, "F.row_number().over(order) == 1", "F.lit(True)", CLOSE),
    ("idle snapshot rows have no effect", history, "idle_truncate | idle_snapshot", "idle_truncate", CLOSE),
    ("a snapshot row of a deleted one has", history, '(F.col(c.OP) == "r") & was_live & unchanged',
     '(F.col(c.OP) == "r") & unchanged', CLOSE),
    ("one that knows a NULL has", history, "for name in (_TYPE1, _TYPE2, UNKNOWN)", "for name in (_TYPE1, _TYPE2)", CLOSE),
    ("a truncate of a dead key has no effect", history, "idle_truncate | idle_snapshot", "idle_snapshot", CLOSE),
    ("clocks do not run back", history, "F.max(_INSTANT).over(so_far)", "F.col(_INSTANT)", CLOSE),
    ("the last of an instant stands", history, "following.eqNullSafe(F.col(_INSTANT))", "F.lit(False)", CLOSE),
    ("type 1 shows the latest", history, "F.last(latest, ignorenulls=True).over(always)", "F.col(_TYPE1)", CLOSE),
    ("of any upsert", history, "F.when(F.col(_UPSERT), F.col(_TYPE1))", "F.col(_TYPE1)", CLOSE),
    ("equal neighbours are one version", history, "~(was_live & same)", "F.lit(True)", CLOSE),
    ("after a gap a new one opens", history, "~(was_live & same)", "~same", CLOSE),
    ("NULL is a value", history, "same = F.lag(_TYPE2).over(before).eqNullSafe(F.col(_TYPE2))",
     'same = (F.lag(_TYPE2).over(before)["segment"] == F.col(_TYPE2)["segment"])', CLOSE),
    ("a delete closes", history, "ends = ~F.col(_UPSERT) & was_live", "ends = F.lit(False)", CLOSE),
    ("a version ends where the next boundary is", history, "F.lead(_INSTANT).over(in_order(_keys(dimension)))\n    ended",
     "F.lit(None).cast('timestamp')\n    ended", CLOSE),
    ("identity tells the version", history, "F.lit(c.ORIGIN)", "F.col(c.IDENTITY)", CLOSE),
    ("new_record keeps a deleted version", history, "F.col(_UPSERT) | deleted", "F.col(_UPSERT)", NEW_RECORD),
    ("with the last known attributes", history, "F.last(known, ignorenulls=True).over(so_far)", "F.col(_TYPE2)", NEW_RECORD),
    ("an unknown type-2 value shows", history, "return type2 |", "return", CLOSE),
    ("in the version's last upsert", history, "F.coalesce(following, F.col(_UNKNOWN_AT_LAST))", "F.col(UNKNOWN)", CLOSE),
    ("not in the next version's", history, "F.coalesce(following, ", "F.coalesce(", CLOSE),
    ("an unknown type-1 value shows", history, "F.arrays_overlap(F.col(_UNKNOWN_AT_LAST), _names(dimension.type1))", "F.lit(False)", CLOSE),
    ("until the last upsert", history, "F.last(unknown, ignorenulls=True).over(always)", "F.col(UNKNOWN)", CLOSE),
    ("a deleted version lacks what it carries", history, "F.last(unknown, ignorenulls=True).over(so_far)", "F.col(UNKNOWN)", NEW_RECORD),
    ("ignore ignores", history, "if policy is DeletePolicy.IGNORE", "if False", IGNORE),
]  # fmt: skip


@pytest.fixture(scope="module")
def changes() -> list[Change]:
    written = [moved(change, 100 + number) for number, case in enumerate(cases()) for change in case.changes]
    return [*packed_log(5, keys=100, truncates=1), *(change for change in written if change.op != "t")]


@pytest.fixture(scope="module")
def frame(spark: SparkSession, changes: list[Change]) -> DataFrame:
    rows = [staging_row(change, CLOSE.tolerance) for change in changes]
    return spark.createDataFrame(rows, SCHEMA).coalesce(2).localCheckpoint()


@dataclass(frozen=True)
class Log:
    """The changes and their frame, as far as the transforms have got before the module that is broken comes in."""

    changes: tuple[Change, ...]
    frame: DataFrame
    profile: LogProfile
    placed: DataFrame
    filled: DataFrame

    @classmethod
    def of(cls, changes: list[Change], frame: DataFrame) -> Log:
        """By the unbroken rules."""
        profile = LogProfile.of(frame, KEYS)
        placed = order.place(frame, KEYS, truncates=profile.truncates, snapshots=profile.snapshots).localCheckpoint()
        filled = fill.fill(placed, KEYS, VALUES, profile.link_rounds).localCheckpoint()
        return cls(tuple(changes), frame, profile, placed, filled)

    def versions(self, module: ModuleType, policies: Policies) -> DataFrame:
        """The history, from where `module` begins."""
        dimension = dimension_for(policies)
        if module is history:
            return history.versions(self.filled, dimension)
        if module is fill:
            return history.versions(fill.fill(self.placed, KEYS, VALUES, self.profile.link_rounds), dimension)
        return history.history(self.frame, dimension, self.profile)


@pytest.fixture(scope="module")
def changed(changes: list[Change], frame: DataFrame) -> Log:
    return Log.of(changes, frame)


@pytest.mark.parametrize("policies", [CLOSE, NEW_RECORD, IGNORE], ids=["close", "new_record", "ignore"])
@pytest.mark.parametrize("module", [order, fill, history], ids=["order", "fill", "history"])
def test_unbroken_rules_pass_the_check(changed: Log, module: ModuleType, policies: Policies) -> None:
    assert passes(changed, module, policies)


@pytest.mark.parametrize(("rule", "module", "old", "new", "policies"), MUTATIONS, ids=[item[0] for item in MUTATIONS])
def test_a_broken_rule_fails_the_check(
    changed: Log,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    module: ModuleType,
    old: str,
    new: str,
    policies: Policies,
) -> None:
    mutate(monkeypatch, module, old, new)
    assert not passes(changed, module, policies), rule


def passes(changed: Log, module: ModuleType, policies: Policies) -> bool:
    """Whether the transforms, from a module on, give the model's history."""
    found = changed.versions(module, policies).collect()
    return as_model_rows(found) == expected(changed.changes, policies)


@cache
def expected(changes: tuple[Change, ...], policies: Policies) -> list[tuple[object, ...]]:
    """The model's history; the same for every mutation under a policy."""
    return [version.as_row() for version in model(changes, policies)]


def mutate(monkeypatch: pytest.MonkeyPatch, module: ModuleType, old: str, new: str) -> None:
    """Runs a module's changed text, and puts its functions in place wherever the transforms use them."""
    text = inspect.getsource(module)
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {module.__name__}"
    broken: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(text.replace(old, new), module.__file__ or "", "exec"), broken)
    for user in (order, fill, log, history):
        for name, value in list(vars(user).items()):
            if inspect.isfunction(value) and value.__module__ == module.__name__ and name in broken:
                monkeypatch.setattr(user, name, broken[name])
