"""Events held against OpenLineage's own classes, which its project makes from the published JSON schemas.

Every object of an event is made by the class that its schema names, so that an unknown, missing or wrongly typed member
fails as the schema says; what the classes serialize must be what the event holds.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import attr
from openlineage.client import generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde

_ALIASES = {"_producer": "producer", "_schemaURL": "", "schemaURL": ""}


def validate(event: Mapping[str, Any]) -> None:
    """Fails by an assertion or a `TypeError` where the event breaks its schema."""
    assert event["schemaURL"] == base.RunEvent._get_schema()
    made = _made(base.RunEvent, event)
    assert _bare(Serde.to_dict(made)) == _bare(event)


@cache
def facets() -> dict[str, type[Any]]:
    """The class of each facet, by the address of its schema."""
    modules = [
        importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)
    ]
    classes = [item for module in modules for item in vars(module).values() if isinstance(item, type)]
    return {item._get_schema(): item for item in classes if hasattr(item, "_get_schema")}


def _made(kind: Any, value: Any) -> Any:
    """`value` as the type that a member is declared with."""
    if get_origin(kind) in (Union, types.UnionType):
        kinds = [part for part in get_args(kind) if part is not type(None)]
        return None if value is None else _made(kinds[0], value)
    if get_origin(kind) is list:
        assert isinstance(value, list)
        return [_made(get_args(kind)[0], item) for item in value]
    if get_origin(kind) is dict:
        assert isinstance(value, dict)
        return {name: _made(get_args(kind)[1], item) for name, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if attr.has(kind):
        return _object(kind, value)
    assert kind is Any or type(value) is kind or (kind is float and type(value) is int), f"{value!r} is no {kind}"
    return value


def _object(kind: type[Any], value: Mapping[str, Any]) -> Any:
    if "_schemaURL" in value:
        assert value["_schemaURL"] in facets(), f"no facet {value['_schemaURL']}"
        kind = facets()[value["_schemaURL"]]
    hints = get_type_hints(kind)
    members = {name: item for name, item in value.items() if _ALIASES.get(name, name)}
    strays = {name for name in members if name not in hints}
    assert not strays, f"{kind.__name__} has no {strays}"
    return kind(**{_ALIASES.get(name, name): _made(hints[name], item) for name, item in members.items()})


def _bare(value: Any) -> Any:
    """Without members that are empty: they mean the same as none."""
    if isinstance(value, Mapping):
        found = {name: _bare(item) for name, item in value.items()}
        return {name: item for name, item in found.items() if item not in (None, {}, [])}
    return [_bare(item) for item in value] if isinstance(value, list) else value
