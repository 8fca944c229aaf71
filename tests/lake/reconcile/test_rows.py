"""Row hashes are one for one row, whatever driver it came through."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from lake.reconcile.rows import canonical, keyed_hashes, table_hash
from lake.reconcile.twins import check_twins


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("0.00"), Decimal(0)),
        (Decimal("1E+3"), Decimal(1000)),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12)),  # noqa: DTZ001 - the warehouse has no zones
        (datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        ({"b": 1, "a": [1, 2]}, {"a": [1, 2], "b": 1}),
    ],
)
def test_the_same_value_from_two_drivers_has_one_text(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(None, ""), (None, "None"), (0, False), (date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))],
)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_json_text_is_compared_by_meaning() -> None:
    assert canonical('{"b": 1, "a": 2}', json_text=True) == canonical({"a": 2, "b": 1})


def test_a_table_hash_does_not_depend_on_order() -> None:
    rows = [(1, "a"), (2, "b"), (3, None)]
    forward, backward = keyed_hashes(rows, 1, frozenset()), keyed_hashes(reversed(rows), 1, frozenset())
    assert table_hash(forward.values()) == table_hash(backward.values())


def test_a_row_held_twice_is_a_difference() -> None:
    finding = check_twins("t", [(1, "a"), (1, "a")], [(1, "a")])
    assert (finding.differences, finding.passed) == (1, False)


def test_equal_tables_in_any_order_have_no_difference() -> None:
    assert check_twins("t", [(1, "a"), (2, None)], [(2, None), (1, "a")]).passed
