"""Drafts of contracts: YAML text from a table as it exists, with guesses marked as such. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lake.contracts.shapes import NAME, FoundColumn, FoundTable
from schemas.errors import ContractError
from schemas.model import Dimension

_DIRECT: Final = re.compile(
    r"(^|_)(full_?name|first_?name|last_?name|surname|given_?name|family_?name|nick(name)?|user_?name|e?mail|phone|mobile|"
    r"fax|street|address(_line\d*)?|ssn|passport|iban|card(_number)?|licen[cs]e|tax_id|vat_id|login)(_|$)"
)
_QUASI: Final = re.compile(
    r"(^|_)(birth|born|dob|age|gender|sex|city|zip|postal|postcode|region|nationality|religion|marital|income|salary|ip|"
    r"device|lat|lon|latitude|longitude|geo|note|notes|comment|preferences|occupation)(_|$)"
)
_HISTORY: Final = re.compile(
    r"(^|_)(status|state|category|subcategory|segment|tier|level|type|class|group|gender|marital|income|band|plan|role|"
    r"region|grade)(_|$)"
)
_TECHNICAL: Final = re.compile(r"^(created|updated|modified|changed|inserted)_(at|on|ts|time)$")
_RESERVED: Final = frozenset(
    {"effective_from", "effective_to", "is_current", "is_deleted", "is_inferred", "is_incomplete"}
)
_NUMBERS: Final = frozenset({"decimal", "int", "smallint", "bigint", "float", "double"})


@dataclass(frozen=True)
class Draft:
    """A contract file: its path inside the pipeline's folder, and its text."""

    path: str
    text: str


def drafts(found: FoundTable, dimensions: Mapping[str, Dimension]) -> tuple[Draft, ...]:
    """Source contract and star contract of a table.

    The star contract is a fact where the table refers to dimensions that the pipeline has and holds an instant, else a
    dimension.

    Args:
        found: the table.
        dimensions: those that the pipeline has.

    Raises:
        ContractError: the table or a key column has a name that contracts cannot hold, or the table has no key.
    """
    _require_name(found.table, "table")
    if not found.key:
        remedy = "give the table a primary key, or the connector a message key (message.key.columns)"
        raise ContractError("the table has no key", where=found.origin, remedy=remedy)
    for name in found.key:
        _require_name(name, "key column")
    references = _references(found, dimensions)
    instant = _instant(found)
    star = _fact(found, references, instant) if references and instant else _dimension(found)
    return _source(found), star


def _source(found: FoundTable) -> Draft:
    usable = [column for column in found.columns if NAME.match(column.name)]
    lines = [
        f"# Drafted from {found.origin}. Decide what is marked, then: lake contract check",
        f"table: {found.table}",
        f"topic: {found.topic}",
        *([f"source_schema: {found.source_schema}"] if found.source_schema != "public" else []),
        'description: ""  # decide: what a row is',
        f"key: [{', '.join(found.key)}]",
        "evolution: evolve  # decide: evolve adds new columns, freeze stops the table, discard quarantines",
        "lateness: 7d  # decide: how late a change may come",
        "clock_tolerance: 5m  # decide: how far ahead of Kafka's clock the source's may be",
        "freshness: 15m  # decide: how old the newest change may be",
        "columns:",
        *(_source_column(column, found.key) for column in usable),
        *(
            f"  # column {json.dumps(column.name)} is left out: a contract's names are lower-case letters, digits and _"
            for column in found.columns
            if column not in usable
        ),
        "checks: []  # decide, such as: {name: price_not_negative, expr: price >= 0, severity: reject}",
        "expectations:",
        f"  - {{type: expect_column_values_to_not_be_null, arguments: {{column: {found.key[0]}}}, severity: reject}}",
    ]
    return Draft(f"sources/{found.table}.yaml", "\n".join(lines) + "\n")


def _source_column(column: FoundColumn, key: Sequence[str]) -> str:
    parts = [f"type: {_quoted(column.type.text)}"]
    if not column.nullable or column.name in key:
        parts.append("nullable: false")
    pii = "direct" if _DIRECT.search(column.name) else "quasi" if _QUASI.search(column.name) else ""
    if pii:
        parts.append(f"pii: {pii}")
    parts.append(f"description: {json.dumps(column.comment)}")
    comment = "  # decide: is it personal?" if pii else ""
    return f"  {column.name}: {{{', '.join(parts)}}}{comment}"


def _dimension(found: FoundTable) -> Draft:
    table = f"dim_{found.table}"
    surrogate = f"{found.table}_sk"
    attributes = [column for column in _values(found) if not _TECHNICAL.match(column.name)]
    lines = [
        f"# Drafted from {found.origin}. Decide what is marked, then: lake contract check",
        f"table: {table}",
        "kind: dimension",
        'description: ""  # decide',
        f"grain: one row per {found.table} and version",
        f"source: {found.table}",
        f"surrogate_key: {surrogate}",
        "business_key:",
        *(f"  {name}: {{type: {_quoted(_type(found, name))}}}" for name in found.key),
        "attributes:  # decide: scd 1 overwrites on every version, scd 2 opens a version"
        if attributes
        else "attributes: {}",
        *(_attribute(column, surrogate) for column in attributes),
        "policies: {hard_delete: close, truncate: close, first_snapshot: origin}  # decide",
        f"storage: {{diststyle: all, sortkey: [{found.key[0]}, effective_from]}}",
    ]
    return Draft(f"star/{table}.yaml", "\n".join(lines) + "\n")


def _attribute(column: FoundColumn, surrogate: str) -> str:
    scd = 2 if _HISTORY.search(column.name) else 1
    taken = column.name in _RESERVED or column.name == surrogate
    name, source = (f"source_{column.name}", f", from: {column.name}") if taken else (column.name, "")
    guess = "  # guessed by name" if scd == 2 else ""
    return f"  {name}: {{type: {_quoted(column.type.text)}, scd: {scd}{source}}}{guess}"


def _fact(found: FoundTable, references: Sequence[tuple[Dimension, tuple[str, ...]]], instant: str) -> Draft:
    table = f"fact_{found.table}"
    referring = {name for _, names in references for name in names}
    others = [
        column
        for column in _values(found)
        if column.name not in referring and column.name != instant and not _TECHNICAL.match(column.name)
    ]
    lines = [
        f"# Drafted from {found.origin}. Decide what is marked, then: lake contract check",
        f"table: {table}",
        "kind: fact",
        'description: ""  # decide',
        f"grain: one row per {found.table}",
        f"base: {found.table}",
        "business_key:",
        *(f"  {name}: {{type: {_quoted(_type(found, name))}, from: {found.table}.{name}}}" for name in found.key),
        f"event_time: {{name: {instant}, from: {found.table}.{instant}}}  # decide: when it happened",
        "dimensions:",
        *(
            f"  {dimension.surrogate_key}: {{dimension: {dimension.name}, keys: {{{_keys(dimension, names, found)}}}}}"
            for dimension, names in references
        ),
        "columns:  # decide: which are measures" if others else "columns: {}",
        *(_fact_column(column, found.table) for column in others),
        f"storage: {{diststyle: key, distkey: {found.key[0]}, sortkey: [{instant}]}}",
    ]
    return Draft(f"star/{table}.yaml", "\n".join(lines) + "\n")


def _fact_column(column: FoundColumn, table: str) -> str:
    measure = ", measure: true" if column.type.kind in _NUMBERS and not column.name.endswith("_id") else ""
    return f"  {column.name}: {{type: {_quoted(column.type.text)}, expr: {table}.{column.name}{measure}}}"


def _keys(dimension: Dimension, names: Sequence[str], found: FoundTable) -> str:
    pairs = zip(dimension.business_key, names, strict=True)
    return ", ".join(f"{key.name}: {found.table}.{name}" for key, name in pairs)


def _references(
    found: FoundTable, dimensions: Mapping[str, Dimension]
) -> tuple[tuple[Dimension, tuple[str, ...]], ...]:
    """Dimensions whose whole business key the table has, outside a key that is the very same."""
    types = {column.name: column.type.spark for column in found.columns}
    references = []
    for dimension in dimensions.values():
        names = tuple(key.source for key in dimension.business_key)
        fits = all(types.get(key.source) == key.type.spark for key in dimension.business_key)
        if fits and set(names) != set(found.key):
            references.append((dimension, names))
    return tuple(references)


def _instant(found: FoundTable) -> str:
    """The first timestamp that is no bookkeeping, or none."""
    names: Iterable[str] = (
        column.name
        for column in _values(found)
        if column.type.kind == "timestamp" and not _TECHNICAL.match(column.name)
    )
    return next(iter(names), "")


def _values(found: FoundTable) -> list[FoundColumn]:
    return [column for column in found.columns if column.name not in found.key and NAME.match(column.name)]


def _type(found: FoundTable, name: str) -> str:
    return next(column.type.text for column in found.columns if column.name == name)


def _quoted(kind: str) -> str:
    return json.dumps(kind) if "," in kind else kind


def _require_name(name: str, what: str) -> None:
    if not NAME.match(name):
        remedy = "a contract's names are lower-case letters, digits and _: rename it at the source, or in the connector"
        raise ContractError(f"the {what} has a name that contracts cannot hold", where=json.dumps(name), remedy=remedy)
