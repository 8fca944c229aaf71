"""Ratio 6: the same batch at ten times the history ÷ at once, in lake and warehouses; and the cost per version.

A batch changes the same number of keys at both sizes; what grows is what it does not touch: customers and their orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from benchmarks.bench import Bench
from benchmarks.changelog import HISTORY_ENDS, ORDERS_DAY, Batch, Sizes
from benchmarks.database import Database, database
from benchmarks.measure import Attempt, Bound, Comparison, Side, Target, interleaved, require_equal
from benchmarks.scaled import Engine, Scaled

TIMES: Final = 10
STRIDE: Final = 10
"""At once the history every tenth customer is touched."""
DAYS: Final = 30
KINDS: Final = {
    "re-keyed facts": "type-2 changes that lie before orders, which get the new version",
    "type 2": "type-2 changes after all orders",
    "type 1": "type-1 changes, shown on every version of the key",
}
PLACES: Final = ("lake", "warehouse")
ENGINES: Final = (Engine.DUCKDB, Engine.POSTGRESQL)

Times = Mapping[str, tuple[float, ...]]


def measure(bench: Bench) -> list[Comparison]:
    """A row per kind of change and place, and the cost per version of one key in both places."""
    with database(bench.folder("postgresql")) as server:
        return _measured(bench, server)


def _measured(bench: Bench, server: Database) -> list[Comparison]:
    untouched = STRIDE - 1
    touched = max(1, bench.rows // (untouched * TIMES + 1))
    once = _sized(bench, server, "once", Sizes(touched, STRIDE, DAYS))
    tenfold = _sized(bench, server, "tenfold", Sizes(touched, untouched * TIMES + 1, DAYS * TIMES))
    both = {"1×": once, "10×": tenfold}
    lake = {kind: _in_lake(bench, both, kind) for kind in KINDS}
    require_equal(tenfold.in_lake(), once.in_lake(), "ratio 6 in the lake")
    times = {"lake": lake} | {engine.value: _in_warehouse(bench, both, engine) for engine in ENGINES}
    for engine in ENGINES:
        require_equal(tenfold.in_warehouse(engine), once.in_warehouse(engine), f"ratio 6, {engine}")
        require_equal(once.in_warehouse(engine), once.in_lake(), f"ratio 6, lake and {engine}")
    found = [_compared(bench, place, kind, times[place][kind], touched) for kind in KINDS for place in times]
    return found + _per_version(bench, once)


def _sized(bench: Bench, server: Database, name: str, sizes: Sizes) -> Scaled:
    bench.say(f"history {name}: {sizes.customers:,} customers, as many orders")
    folder = bench.folder(f"history-{name}")
    scaled = Scaled(bench.spark(), f"history_{name}", sizes, folder, bench.cores, server)
    scaled.build()
    return scaled


def _batch(kind: str, attempt: int) -> Batch:
    """The changes of one attempt: later than all before them, and before or after the orders as the kind wants it."""
    if kind == "re-keyed facts":
        return Batch(_at(HISTORY_ENDS, attempt + 1), f"moved {attempt}", "first")
    if kind == "type 2":
        return Batch(_at(ORDERS_DAY, attempt + 1), f"segment {attempt}", "first")
    # The segment is the last one of the kinds before, so that only the address changes.
    return Batch(_at(ORDERS_DAY, attempt + 500), "kept", f"mark{attempt}")


def _at(start: str, hours: int) -> str:
    return str(datetime.fromisoformat(start) + timedelta(hours=hours))


def _in_lake(bench: Bench, both: Mapping[str, Scaled], kind: str) -> Times:
    def attempt_of(scaled: Scaled) -> Attempt:
        def attempt(number: int) -> float:
            scaled.stage(_batch(kind, number))
            return scaled.promote()

        return attempt

    bench.say(f"lake, {kind}")
    if kind == "type 1":
        for scaled in both.values():
            scaled.stage(Batch(_at(ORDERS_DAY, 400), "kept", "first"))
            scaled.promote()
    return interleaved(
        bench.repeats, {name: attempt_of(scaled) for name, scaled in both.items()}, warm_up=bench.warm_up
    )


def _in_warehouse(bench: Bench, both: Mapping[str, Scaled], engine: Engine) -> dict[str, Times]:
    """The loads that the lake's attempts left, in their order: the history, then each kind's."""
    following = 1

    def load_all() -> None:
        nonlocal following
        for scaled in both.values():
            scaled.load(following, engine)
        following += 1

    bench.say(f"{engine}, first load")
    load_all()
    times: dict[str, Times] = {}
    for kind in KINDS:
        bench.say(f"{engine}, {kind}")
        if kind == "type 1":
            load_all()
        contestants = {name: _loads_from(following, scaled, engine) for name, scaled in both.items()}
        times[kind] = interleaved(bench.repeats, contestants, warm_up=bench.warm_up)
        following += bench.repeats + bench.warm_up
    return times


def _loads_from(first: int, scaled: Scaled, engine: Engine) -> Attempt:
    return lambda number: scaled.load(first + number, engine)


def _compared(bench: Bench, place: str, kind: str, times: Times, touched: int) -> Comparison:
    return Comparison(
        number=f"6 {place}, {kind}",
        title=f"{kind}: a batch at 10× history ÷ 1×",
        ours=Side("10×", times["10×"]),
        peer=Side("1×", times["1×"]),
        target=Target(Bound.AT_MOST, 1.1),
        rows=touched,
        note=f"{KINDS[kind]}; {bench.rows:,} customers and orders at 10×" if place == PLACES[0] else "",
    )


def _per_version(bench: Bench, scaled: Scaled) -> list[Comparison]:
    """A late change of one key with many versions, and of one key with two; reported, without a target."""
    versions = max(10, bench.rows // 100)
    many, few = STRIDE + 1, STRIDE + 2
    bench.say(f"one key with {versions:,} versions")
    first = scaled.seq + 1
    for key, count in ((many, versions), (few, 2)):
        scaled.stage_versions(key, count)
        scaled.promote()

    def late(key: int) -> Attempt:
        def attempt(number: int) -> float:
            scaled.stage(Batch(HISTORY_ENDS, f"late {number}", "late", only=key))
            return scaled.promote()

        return attempt

    lake = interleaved(bench.repeats, {"many": late(many), "few": late(few)}, warm_up=bench.warm_up)
    for seq in (first, first + 1):
        scaled.load(seq)
    # The attempts' loads follow in the order in which they ran: the order turns with every round.
    following = iter(range(first + 2, scaled.seq + 1))
    contestants = {name: lambda _: scaled.load(next(following)) for name in ("many", "few")}
    warehouse = interleaved(bench.repeats, contestants, warm_up=bench.warm_up)
    require_equal(scaled.in_warehouse(), scaled.in_lake(), "cost per version, lake and warehouse")
    return [_version_cost(place, times, versions) for place, times in zip(PLACES, (lake, warehouse), strict=True)]


def _version_cost(place: str, times: Times, versions: int) -> Comparison:
    many, few = Side("many", times["many"]), Side("few", times["few"])
    micros = (many.median - few.median) / versions * 1e6
    return Comparison(
        number=f"6 {place}, versions",
        title=f"a late change of a key with {versions:,} versions ÷ of a key with 3",
        ours=many,
        peer=few,
        target=None,
        rows=versions,
        note=f"{micros:,.0f} µs per version of the key",
    )
