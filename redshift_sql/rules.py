"""By which rules a warehouse's own tables were computed: what no column of them shows.

Dimensions and aggregates are computed in the warehouse, so a change of `scd`, of a policy or of a measure's function
makes rows wrong that no load brings again. `staging.rule_ledger` says by which rules each table was computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from redshift_sql.plan import recompute_plan, refill_plan
from redshift_sql.render import statements
from redshift_sql.statements import Plan
from schemas.model import Aggregate, Dimension, Pipeline

Rules = Mapping[str, str]
"""Values by rule of one table."""
Ledger = Mapping[str, Rules]
"""The rules of each table by its name."""
FOUND: Final = "SELECT table_name, rules FROM staging.rule_ledger ORDER BY table_name"
TABLE: Final = "staging.rule_ledger"


@dataclass(frozen=True)
class Outdated:
    """A table that was computed by other rules than its contract's: `verb` (recompute, refill) is what mends it."""

    table: str
    verb: str
    what: str


def rules_of(pipeline: Pipeline) -> dict[str, Rules]:
    """The rules that contracts state, by table."""
    found: dict[str, Rules] = {name: _dimension(item) for name, item in pipeline.dimensions.items()}
    return found | {name: _aggregate(item) for name, item in pipeline.aggregates.items()}


def parsed(rows: Iterable[tuple[object, ...]]) -> dict[str, Rules]:
    """The ledger from the rows that `FOUND` gives."""
    return {str(table): json.loads(str(rules)) for table, rules in rows}


def outdated(pipeline: Pipeline, ledger: Ledger) -> tuple[Outdated, ...]:
    """Tables of which a rule is another one now; a rule that the ledger does not know is none that changed."""
    return tuple(_outdated(pipeline, ledger))


def _outdated(pipeline: Pipeline, ledger: Ledger) -> Iterator[Outdated]:
    for table, rules in rules_of(pipeline).items():
        before = ledger.get(table, {})
        what = [f"{rule} was {before[rule]}, is {now}" for rule, now in rules.items() if before.get(rule, now) != now]
        if what:
            yield Outdated(table, "recompute" if table in pipeline.dimensions else "refill", "; ".join(what))


def completed(pipeline: Pipeline, ledger: Ledger) -> dict[str, Rules]:
    """The tables whose rules the ledger does not know all of, with what it knows and the contract's for the rest.

    That is exact for a table made now and for an attribute that was added, of which no row has a value yet.
    """
    return {
        table: {rule: ledger.get(table, {}).get(rule, value) for rule, value in rules.items()}
        for table, rules in rules_of(pipeline).items()
        if not rules.keys() <= ledger.get(table, {}).keys()
    }


def computing_plan(pipeline: Pipeline, owed: Iterable[tuple[str, str]]) -> Plan:
    """Dimensions and aggregates computed again, by pairs of verb and table; those of no contract are left out."""
    once = dict.fromkeys(owed)
    dimensions = [name for verb, name in once if verb == "recompute" and name in pipeline.dimensions]
    aggregates = [name for verb, name in once if verb == "refill" and name in pipeline.aggregates]
    again = recompute_plan(pipeline, dimensions) if dimensions else ()
    return (*again, *(step for name in aggregates for step in refill_plan(pipeline, name)))


def record_plan() -> Plan:
    """The row of one table (`table_name`, `rules`) in place of the one that is there."""
    return statements("migrations/792_rules.sql", "rule_ledger", {})


def record_row(table: str, rules: Rules) -> dict[str, str]:
    """The parameters of `record_plan`."""
    return {"table_name": table, "rules": json.dumps(rules, sort_keys=True)}


def _dimension(dimension: Dimension) -> Rules:
    return {
        **{f"scd of {item.name}": str(item.scd) for item in dimension.attributes},
        "hard_delete": dimension.hard_delete.value,
        "truncate": dimension.truncate.value,
        "first_snapshot": "origin" if dimension.first_snapshot_at_origin else "source_time",
    }


def _aggregate(aggregate: Aggregate) -> Rules:
    return {
        **{f"group {item.name}": item.source for item in aggregate.group_by},
        **{f"measure {item.name}": f"{item.function} of {item.column}" for item in aggregate.measures},
    }
