"""Connector configurations: the templates of this folder, filled with the places they run in.

A template holds ``@{name}`` where a place goes (host, port, tables, addresses). Secrets never enter: the templates
name them by ``${file:…}``, which Connect's config provider resolves on the worker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from schemas.errors import LakeError

KINDS: Final = ("postgres", "sqlserver", "mysql")
_PLACE: Final = re.compile(r"@\{(\w+)\}")


class ConnectorTemplateError(LakeError):
    """A template names a place that was not given, or there is no such template."""


@dataclass(frozen=True)
class CapturedTable:
    """A table to capture: schema (database for MySQL) and name at the source, and the topic it goes to."""

    schema: str
    table: str
    topic: str

    @property
    def qualified(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.table}"


def template(kind: str) -> dict[str, str]:
    """The unfilled template of ``postgres``, ``sqlserver`` or ``mysql``.

    Raises:
        ConnectorTemplateError: no such template.
    """
    if kind not in KINDS:
        raise ConnectorTemplateError(f"no connector template {kind!r}", remedy=f"one of: {', '.join(KINDS)}")
    content: dict[str, str] = json.loads((files("streaming.connectors") / f"{kind}.json").read_text())
    return content


def render(kind: str, places: Mapping[str, object], tables: tuple[CapturedTable, ...]) -> dict[str, str]:
    """The configuration that goes to Connect.

    Args:
        kind: the template's name.
        places: values of the template's ``@{…}`` names except ``tables``.
        tables: what to capture.

    Raises:
        ConnectorTemplateError: a name of the template is not in ``places``.
    """
    values = {**places, "tables": ",".join(re.escape(table.qualified) for table in tables)}

    def fill(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            raise ConnectorTemplateError(
                f"the place @{{{match.group(1)}}} has no value",
                where=f"streaming/connectors/{kind}.json",
                remedy=f"give it; known here: {', '.join(sorted(values))}",
            )
        return str(values[match.group(1)])

    config = {_PLACE.sub(fill, key): _PLACE.sub(fill, value) for key, value in template(kind).items()}
    return config | routes(config, str(places["pipeline"]), tables)


def routes(config: Mapping[str, str], pipeline: str, tables: tuple[CapturedTable, ...]) -> dict[str, str]:
    """Transforms for the tables whose topic is not ``<pipeline>.<table>.cdc``: each takes the standard topic on."""
    special = [t for t in tables if t.topic != f"{pipeline}.{t.table}.cdc"]
    if not special:
        return {}
    added = {"transforms": ",".join([config["transforms"], *(f"route_{t.table}" for t in special)])}
    for table in special:
        added |= {
            f"transforms.route_{table.table}.type": "org.apache.kafka.connect.transforms.RegexRouter",
            f"transforms.route_{table.table}.regex": re.escape(f"{pipeline}.{table.table}.cdc"),
            f"transforms.route_{table.table}.replacement": table.topic,
        }
    return added
