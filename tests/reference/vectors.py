"""The cases of `tests/data/history.yaml` as changes and expected versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.reference.history import BEGINNING_OF_TIME, UNAVAILABLE, Change, Policies

CASES_FILE: Final = Path(__file__).parent.parent / "data" / "history.yaml"
ATTRIBUTES: Final = ("segment", "region", "address")
MARKS: Final = ("deleted", "incomplete")


@dataclass(frozen=True)
class Case:
    """A named change log and the versions it must give: (key, segment, region, address, from, to, marks)."""

    name: str
    policies: Policies
    changes: tuple[Change, ...]
    versions: tuple[tuple[object, ...], ...]


def cases() -> list[Case]:
    """Every case of the file. The lone position of a case becomes text of fixed width, as staging has it."""
    return [_case(raw) for raw in yaml.safe_load(CASES_FILE.read_text())["cases"]]


def _case(raw: dict[str, Any]) -> Case:
    policies = Policies(
        type1=("address",),
        type2=("segment", "region"),
        tolerance=raw.get("tolerance", 10**6),
        hard_delete=raw.get("hard_delete", "close"),
    )
    changes = tuple(_change(row, raw.get("kafka_ts", {}), raw.get("old_key", {})) for row in raw["changes"])
    versions = tuple(
        sorted(
            (
                (
                    *row[:4],
                    BEGINNING_OF_TIME if row[4] == "BOT" else row[4],
                    row[5],
                    *(mark in row[6:] for mark in MARKS),
                )
                for row in raw["versions"]
            ),
            key=lambda version: (version[0], version[4]),
        )
    )
    return Case(raw["name"], policies, changes, versions)


def _change(row: list[Any], kafka_ts: dict[int, int], old_key: dict[int, int]) -> Change:
    offset, op, key, position, source_ts, *values = row
    attributes = tuple(
        (name, UNAVAILABLE if value == "?" else value) for name, value in zip(ATTRIBUTES, values, strict=True)
    )
    return Change(
        offset=offset,
        op=op,
        key=None if key is None else (key,),
        position=None if position is None else f"{position:020d}",
        source_ts=source_ts,
        attributes=() if op == "t" else attributes,
        kafka_ts=kafka_ts.get(offset, source_ts),
        old_key=(old_key[offset],) if offset in old_key else None,
    )
