"""Terraform's state after `terraform test` has applied a configuration on the mocked provider."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource or data source: where it is, its type and name, its key or number in it, and its values."""

    address: str
    module: str
    type: str
    name: str
    index: Any
    values: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """All of a run's resources, and the root module's outputs."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> State:
        """From the message `test_state` of `terraform test -json -verbose`."""
        outputs = {name: output["value"] for name, output in message.get("outputs", {}).items()}
        return cls(tuple(_resources(message["root_module"])), outputs)

    def all(self, kind: str, *, module: str = "", name: str = "") -> list[Resource]:
        """Resources (or data sources) of a type, in modules whose address ends in `module`."""
        return [
            item
            for item in self.resources
            if item.type == kind and item.module.endswith(module) and name in ("", item.name)
        ]

    def one(self, kind: str, *, module: str = "", name: str = "") -> Resource:
        """The only one of them."""
        (found,) = self.all(kind, module=module, name=name)
        return found

    def actions(self, module: str, name: str, index: Any = None) -> set[str]:
        """Actions that a policy document allows."""
        found = self.all("aws_iam_policy_document", module=module, name=name)
        (document,) = [item for item in found if item.index == index]
        statements = document.values["statement"]
        return {action for item in statements if item["effect"] != "Deny" for action in item["actions"]}


def states(lines: str) -> dict[str, State]:
    """States by the run's name, from the output of `terraform test -json -verbose`.

    Raises:
        AssertionError: a run failed; with Terraform's own diagnostics.
    """
    found, problems = {}, []
    for line in lines.splitlines():
        message = json.loads(line)
        if message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            problems.append(f"{message['diagnostic']['summary']}: {message['diagnostic'].get('detail', '')}")
        if message["type"] == "test_state":
            found[message["@testrun"]] = State.of(message["test_state"])
    assert not problems, "\n".join(problems)
    return found


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    where = str(module.get("address", ""))
    for item in module.get("resources", ()):
        yield Resource(item["address"], where, item["type"], item["name"], item.get("index"), item["values"])
    for child in module.get("child_modules", ()):
        yield from _resources(child)
