"""The workload: deterministic, complete, and true to its own model of the shop."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.source import rows
from infra.local.source.churn import BAG, Shop, Transaction, plan

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shop(seed: int, customers: int = 20) -> Shop:
    return Shop(
        rng=Random(seed),
        clock=lambda: NOW,
        customers=list(range(1, customers + 1)),
        products=list(range(1, 6)),
        orders=list(range(1, 11)),
        items=[(order, line) for order in range(1, 11) for line in (1, 2)],
        next_customer=customers + 1,
        next_product=6,
        next_order=11,
    )


def transactions(seed: int, count: int, customers: int = 20) -> list[Transaction]:
    return list(islice(plan(shop(seed, customers)), count))


def test_equal_seeds_give_equal_plans_and_other_seeds_others() -> None:
    assert transactions(1, 200) == transactions(1, 200)
    assert transactions(1, 200) != transactions(2, 200)


def test_one_pass_over_the_bag_meets_every_kind() -> None:
    kinds = {t.kind for t in transactions(3, 2 * sum(times for _, times in BAG))}
    assert kinds >= {
        *("order placed", "order shipped", "type 1", "type 2", "A-B-A", "same instant", "insert", "update", "delete"),
        *("re-insert", "late correction", "late order", "key change", "early order", "late customer", "bad row"),
        *("fix", "rolled back"),
    }


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_change_fits_the_rows_that_exist_then(seed: int) -> None:
    live: dict[str, set[tuple[int, ...]]] = {
        "customer": {(key,) for key in range(1, 21)},
        "product": {(key,) for key in range(1, 6)},
        "order": {(key,) for key in range(1, 11)},
        "order_item": {(order, line) for order in range(1, 11) for line in (1, 2)},
    }
    for transaction in transactions(seed, 400):
        if transaction.rolled_back:
            continue
        for change in transaction.changes:
            key, keys = tuple(change.key.values()), live[change.table]
            assert (key in keys) is (change.op != "c")
            if change.op == "c":
                assert set(change.values) == set(rows.COLUMNS[change.table])
                keys.add(key)
            elif change.op == "d":
                keys.remove(key)
            elif moved := tuple(change.values[column] for column in change.key if column in change.values):
                keys.remove(key)
                assert moved not in keys
                keys.add(moved)


def test_bad_rows_break_a_rule_of_their_contract() -> None:
    bad = [t.changes[0].values for t in transactions(5, 400) if t.kind == "bad row"]
    assert {-3} == {values["quantity"] for values in bad if "quantity" in values}
    assert all("@" not in values["email"] for values in bad if "email" in values)
    assert len(bad) > 3


@pytest.mark.parametrize("table", ["customer", "product", "order", "order_item"])
def test_rows_hold_every_column_of_their_table(table: str) -> None:
    rng = Random(1)
    made = {
        "customer": lambda: rows.customer(rng, 1, NOW),
        "product": lambda: rows.product(rng, 1, NOW),
        "order": lambda: rows.order(rng, 1, 1, NOW),
        "order_item": lambda: rows.order_item(rng, 1, 1, 1, NOW),
    }[table]()
    assert tuple(made) == rows.COLUMNS[table]


def test_seeded_orders_are_deterministic_in_order_of_time_and_in_the_past() -> None:
    first = list(rows.orders_with_items(Random(1), 300, 10, 5, NOW))
    assert first == list(rows.orders_with_items(Random(1), 300, 10, 5, NOW))
    times = [row["ordered_at"] for row, _ in first]
    assert times == sorted(times)
    assert times[-1] < NOW
    assert all(1 <= len(items) <= 4 for _, items in first)
