"""A star on `dim_party`: visits, each with a guest and a host, and their daily sums; and what it must hold."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from schemas.model import (
    Aggregate,
    DimensionReference,
    Fact,
    FactColumn,
    FactKey,
    GroupColumn,
    Measure,
    Pipeline,
    SourceColumn,
    SourceContract,
    Storage,
)
from schemas.types import ColumnType
from tests.reference.facts import INFERRED, UNKNOWN, Referring, inferred_members, referred
from tests.reference.history import ORIGIN, Policies, Version
from tests.support.party import ATTRIBUTES, instant, party_pipeline, surrogate

_BIGINT: Final = ColumnType("bigint")
_INT: Final = ColumnType("int")
_TEXT: Final = ColumnType("varchar(16)")


@dataclass(frozen=True)
class Visit:
    """The state of a fact; `at` is None while a joined row is missing, a member None where the reference is NULL."""

    number: int
    at: int | None
    guest: int | None
    host: int | None
    amount: int
    deleted: bool = False


def visit_pipeline(policies: Policies) -> Pipeline:
    """`dim_party`, `fact_visits` with two references to it, `agg_visits` by day, guest's segment and host's address."""
    party = party_pipeline(policies)
    names = {
        "visit_id": _BIGINT,
        "visited_at": ColumnType("timestamp"),
        "guest_id": _BIGINT,
        "host_id": _BIGINT,
        "amount": _INT,
    }
    columns = tuple(SourceColumn(name, kind, name != "visit_id") for name, kind in names.items())
    source = SourceContract("party", "visit", "visit.cdc", ("visit_id",), columns)
    fact = Fact(
        name="fact_visits",
        grain="one row per visit",
        base="visit",
        joins=(),
        business_key=(FactKey("visit_id", _BIGINT, "visit.visit_id"),),
        event_time=FactKey("visited_at", ColumnType("timestamp"), "visit.visited_at"),
        dimensions=(
            DimensionReference("guest_sk", "dim_party", (("guest_id", "visit.guest_id"),)),
            DimensionReference("host_sk", "dim_party", (("host_id", "visit.host_id"),)),
        ),
        calendars=(),
        columns=(FactColumn("amount", _INT, "visit.amount", True),),
        storage=Storage("key", "visit_id", ("visited_at",)),
    )
    aggregate = Aggregate(
        name="agg_visits",
        grain="one row per day, segment and address",
        fact="fact_visits",
        date="visit_date",
        group_by=(GroupColumn("segment", _TEXT, "guest_sk.segment"), GroupColumn("address", _TEXT, "host_sk.address")),
        measures=(
            Measure("visits", _BIGINT, "count", "visit_id"),
            Measure("guests", _BIGINT, "count_distinct", "guest_id"),
            Measure("amount", _BIGINT, "sum", "amount"),
            Measure("largest", _INT, "max", "amount"),
        ),
    )
    return replace(
        party,
        sources={**party.sources, "visit": source},
        facts={"fact_visits": fact},
        aggregates={"agg_visits": aggregate},
    )


SCHEMA: Final = pa.schema(
    [
        ("visit_id", pa.int64()),
        ("visited_at", pa.timestamp("us")),
        ("guest_id", pa.int64()),
        ("host_id", pa.int64()),
        ("amount", pa.int32()),
        ("guest_sk_origin_sk", pa.int64()),
        ("host_sk_origin_sk", pa.int64()),
        ("is_deleted", pa.bool_()),
    ]
)


def visit_rows(visits: Iterable[Visit]) -> pa.Table:
    """Visits as rows of `staging.fact_visits_load`."""
    return pa.Table.from_pylist([_load_row(visit) for visit in visits], schema=SCHEMA)


def _load_row(visit: Visit) -> dict[str, Any]:
    return {
        "visit_id": visit.number,
        "visited_at": None if visit.at is None else instant(visit.at),
        "guest_id": visit.guest,
        "host_id": visit.host,
        "amount": visit.amount,
        "guest_sk_origin_sk": -1 if visit.guest is None else surrogate(visit.guest, ORIGIN),
        "host_sk_origin_sk": -1 if visit.host is None else surrogate(visit.host, ORIGIN),
        "is_deleted": visit.deleted,
    }


def random_visits(seed: int, parties: int, *, rounds: int, each: int) -> list[list[Visit]]:
    """States of visits, batch by batch: new ones, corrected ones, deleted ones, to parties that may not be there."""
    draw = random.Random(seed)
    result = []
    for _ in range(rounds):
        numbers = draw.sample(range(each * 3), each)
        result.append([_random_visit(draw, number, parties) for number in numbers])
    return result


def _random_visit(draw: random.Random, number: int, parties: int) -> Visit:
    def party() -> int | None:
        return None if draw.random() < 0.05 else draw.randrange(parties + 5)

    # Half of the events stand at instants at which versions start, some on days of their own.
    moment = draw.choice((100 * draw.randrange(-3, 12), draw.randrange(-300, 1200)))
    at = None if draw.random() < 0.1 else moment * (1 if draw.random() < 0.6 else 8000)
    return Visit(number, at, party(), party(), draw.randrange(100), deleted=draw.random() < 0.15)


@dataclass(frozen=True)
class Star:
    """What the tables must hold, as sorted rows."""

    facts: list[tuple[object, ...]]
    inferred: list[tuple[object, ...]]
    aggregate: list[tuple[object, ...]]


def expected_star(versions: Sequence[Version], visits: Mapping[int, Visit]) -> Star:
    """The facts with the members that the model of facts gives, the inferred members, and sums by day."""
    live = [visit for visit in visits.values() if not visit.deleted]
    parties: dict[object, Referring] = {
        (visit.number, role): Referring(visit.at, None if party is None else (party,))
        for visit in live
        for role, party in (("guest", visit.guest), ("host", visit.host))
    }
    found = referred(parties, versions)
    by_identity = {(version.key, version.identity): dict(version.attributes) for version in versions}

    def key(visit: Visit, role: str) -> int:
        member, identity = parties[visit.number, role].member, found[visit.number, role]
        if member is None or identity == UNKNOWN:
            return -1
        return surrogate(member[0], ORIGIN if identity == INFERRED else identity)

    def value(visit: Visit, role: str, name: str) -> object:
        member, identity = parties[visit.number, role].member, found[visit.number, role]
        return None if member is None else by_identity.get((member, identity), {}).get(name)

    facts = []
    days: dict[tuple[object, ...], list[Visit]] = defaultdict(list)
    for visit in live:
        at = None if visit.at is None else instant(visit.at)
        keys = (key(visit, "guest"), key(visit, "host"))
        facts.append((visit.number, *keys, at, visit.guest, visit.host, visit.amount))
        if at is not None:
            days[at.date(), value(visit, "guest", "segment"), value(visit, "host", "address")].append(visit)
    sums = [(*group, *_measures(rows)) for group, rows in days.items()]
    missing = inferred_members(parties, versions)
    inferred = [(surrogate(key[0], ORIGIN), key[0], *(None for _ in ATTRIBUTES)) for key in missing]
    return Star(sorted(facts), sorted(inferred), sorted(sums, key=repr))


def _measures(rows: Sequence[Visit]) -> tuple[int, int, int, int]:
    amounts = [visit.amount for visit in rows]
    return len(rows), len({visit.guest for visit in rows} - {None}), sum(amounts), max(amounts)
