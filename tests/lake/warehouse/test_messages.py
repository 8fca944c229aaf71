"""Engines' messages: names of tables stay, values of the data go."""

from __future__ import annotations

import pytest

from lake.warehouse.messages import without_values


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('invalid input syntax for type integer: "someone@example.org"', "invalid input syntax for type integer: …"),
        ('relation "analytics.dim_x" does not exist\nLINE 1: …', "relation analytics.dim_x does not exist"),
        ('column "a" of relation "b" is "secret"', "column a of relation b is …"),
        ("Could not convert string 'O''Hara' to INT32", "Could not convert string …… to INT32"),
        ("Key (id)=(4711) exists", "Key (id)=(…) exists"),
        ("ERROR: 10 of 'x' and 'y'", "ERROR: 10 of … and …"),
    ],
)
def test_values_go_and_names_stay(message: str, shown: str) -> None:
    assert without_values(message) == shown


def test_a_long_message_is_cut() -> None:
    assert len(without_values("a " * 1000)) == 200
