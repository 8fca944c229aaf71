"""Pipelines whose contracts are valid and whose names are words of SQL, long, or both; drawn by hypothesis."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from hypothesis import strategies as st

from redshift_sql.render import RESERVED
from schemas.model import Pipeline
from schemas.parse import parse_pipeline

_WORDS: Final = sorted(word for word in RESERVED if word != "default")
_COLUMNS: Final = [
    *_WORDS,
    "a",
    "b",
    "c1",
    "name",
    "value",
    "date",
    "timestamp",
    "type",
    "l",
    "f",
    "r",
    "d",
    "long_" * 12,
]
_TABLES: Final = ["a", "order", "user", "table", "values_", "t" * 40]
_TYPES: Final = [
    "boolean", "smallint", "int", "bigint", "float", "double", "date", "timestamp", "uuid", "json", "string", "binary",
    "varchar(7)", "decimal(12,2)", "decimal(38,10)",
]  # fmt: skip
_KEYS: Final = ["int", "bigint", "varchar(12)", "uuid", "date", "decimal(9,0)"]
_NUMBERS: Final = ["int", "bigint", "decimal(12,2)"]


@st.composite
def awkward_pipelines(draw: st.DrawFn) -> Pipeline:
    """A dimension or two of composite keys, a calendar, a fact that refers to them, an aggregate."""
    documents: dict[str, Any] = {"pipeline.yaml": {"pipeline": draw(st.sampled_from(["p", "order", "select"]))}}
    tables = draw(st.lists(st.sampled_from(_TABLES), min_size=3, max_size=3, unique=True))
    dimensions = [_dimension(draw, documents, table) for table in tables[: draw(st.integers(1, 2))]]
    documents["star/day.yaml"] = {
        "table": "day", "kind": "calendar", "surrogate_key": "order", "start": "2024-01-01", "end": "2024-01-31",
        "columns": {"year": {"type": "smallint", "expr": "year(date)"}},
    }  # fmt: skip
    _fact(draw, documents, tables[2], dimensions)
    return _parsed(documents)


def _dimension(draw: st.DrawFn, documents: dict[str, Any], table: str) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(_COLUMNS), min_size=4, max_size=8, unique=True))
    surrogate, *names = names
    count = draw(st.integers(1, 2))
    keys = {name: draw(st.sampled_from(_KEYS)) for name in names[:count]}
    values = {name: draw(st.sampled_from(_TYPES)) for name in names[count:]}
    documents[f"sources/{table}.yaml"] = _source(table, keys, values)
    name = f"dim_{table}"
    documents[f"star/{name}.yaml"] = {
        "table": name, "kind": "dimension", "grain": "one row per 'key';\nand version -- or not", "source": table,
        "surrogate_key": surrogate,
        "business_key": {key: {"type": kind} for key, kind in keys.items()},
        "attributes": {item: {"type": kind, "scd": draw(st.sampled_from([1, 2]))} for item, kind in values.items()},
        "policies": {
            "hard_delete": draw(st.sampled_from(["close", "new_record", "ignore"])),
            "truncate": draw(st.sampled_from(["close", "ignore"])),
            "first_snapshot": draw(st.sampled_from(["origin", "source_time"])),
        },
        "storage": {"diststyle": "key", "distkey": names[0], "sortkey": [surrogate, names[0]]},
    }  # fmt: skip
    return {"name": name, "keys": keys, "attributes": values}


def _fact(draw: st.DrawFn, documents: dict[str, Any], table: str, dimensions: Sequence[dict[str, Any]]) -> None:
    wanted = 4 + sum(len(item["keys"]) + 1 for item in dimensions)
    names = draw(st.lists(st.sampled_from(_COLUMNS), min_size=wanted, max_size=wanted, unique=True))
    key, event, number, day, *rest = names
    fields = {event: "timestamp", number: draw(st.sampled_from(_NUMBERS))}
    references: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    for item in dimensions:
        reference, *columns = rest[: len(item["keys"]) + 1]
        rest = rest[len(item["keys"]) + 1 :]
        fields |= dict(zip(columns, item["keys"].values(), strict=True))
        references[reference] = {"dimension": item["name"], "keys": {name: f"{table}.{name}" for name in columns}}
        attribute, kind = next(iter(item["attributes"].items()))
        groups[f"group_{len(groups)}"] = {"type": kind, "from": f"{reference}.{attribute}"}
    documents[f"sources/{table}.yaml"] = _source(table, {key: "bigint"}, fields)
    fact = f"fact_{table}"
    documents[f"star/{fact}.yaml"] = {
        "table": fact, "kind": "fact", "grain": "one row", "base": table,
        "business_key": {key: {"type": "bigint", "from": f"{table}.{key}"}},
        "event_time": {"name": event, "from": f"{table}.{event}"},
        "dimensions": references,
        "calendars": {day: {"calendar": "day", "expr": f"{table}.{event}"}},
        "columns": {number: {"type": fields[number], "expr": f"{table}.{number}", "measure": True}},
        "storage": {"diststyle": "key", "distkey": key, "sortkey": [event]},
    }  # fmt: skip
    documents["star/agg.yaml"] = {
        "table": "agg", "kind": "aggregate", "grain": "one row per day and group", "fact": fact, "date": "date",
        "group_by": groups,
        "measures": {"total": {"type": "decimal(38,2)", "function": "sum", "column": number},
                     "count": {"type": "bigint", "function": "count", "column": key}},
    }  # fmt: skip


def _source(table: str, keys: dict[str, str], values: dict[str, str]) -> dict[str, Any]:
    columns = {name: {"type": kind, "nullable": name not in keys} for name, kind in (keys | values).items()}
    return {"table": table, "topic": f"x.{table}", "key": list(keys), "columns": columns}


def _parsed(documents: dict[str, Any]) -> Pipeline:
    with tempfile.TemporaryDirectory() as made:
        for name, document in documents.items():
            file = Path(made) / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return parse_pipeline(Path(made))
