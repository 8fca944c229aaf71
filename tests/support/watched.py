"""A watch that keeps what it is told, and the rules of the formats that it tells in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from lake.watch import Watch
from lake.watch.lineage import Lineage

EMF_SCHEMA: Final = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 0},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"type": "string"},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The specification's schema: names, types and limits of the members that CloudWatch reads."""


@dataclass
class Kept:
    """Metric lines and lineage events as they came."""

    lines: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def watch(self, pipeline: str) -> Watch:
        """A watch that tells here."""
        lineage = Lineage("medallion-lake.test", pipeline, self.events.append)
        return Watch(pipeline, "test", "run-1", self.lines.append, lineage)

    def metrics(self, hop: str) -> dict[tuple[str, str], float]:
        """Values by table and name; the newest of each."""
        found = {}
        for body in map(checked, self.lines):
            if body["hop"] == hop:
                (directive,) = body["_aws"]["CloudWatchMetrics"]
                for metric in directive["Metrics"]:
                    found[body.get("table", ""), metric["Name"]] = body[metric["Name"]]
        return found

    def of(self, kind: str, job: str = "") -> list[dict[str, Any]]:
        """Events of a type, of one job."""
        return [e for e in self.events if e["eventType"] == kind and job in ("", e["job"]["name"])]


def checked(line: str) -> dict[str, Any]:
    """A metric line's document, held against the specification."""
    import jsonschema

    assert "\n" not in line
    body: dict[str, Any] = json.loads(line)
    jsonschema.validate(body, EMF_SCHEMA)
    for directive in body["_aws"]["CloudWatchMetrics"]:
        named = [name for names in directive["Dimensions"] for name in names]
        assert all(isinstance(body[name], str) and 0 < len(body[name]) <= 1024 for name in named)
        assert all(type(body[metric["Name"]]) in (int, float) for metric in directive["Metrics"])
    return body


def column_lineage(event: dict[str, Any], dataset: str) -> dict[str, set[tuple[str, str, str]]]:
    """Of an output whose name ends so: by column, (end of the input's name, its field, subtype)."""
    (found,) = [item for item in event["outputs"] if item["name"].endswith(dataset)]
    fields = found["facets"]["columnLineage"]["fields"]
    return {
        name: {
            (origin["name"].rpartition("/")[2], origin["field"], way["subtype"])
            for origin in lineage["inputFields"]
            for way in origin["transformations"]
        }
        for name, lineage in fields.items()
    }
