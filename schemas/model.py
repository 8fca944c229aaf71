"""Contracts as frozen values: what a table looks like at every hop. Parsed once by `schemas.parse`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from schemas.types import ColumnType

IDENTIFIER: Final = re.compile(r"^[a-z][a-z0-9_]{0,99}$")
"""Names that become SQL identifiers and path segments; nothing else does."""


class Severity(StrEnum):
    """What a failed check does: `reject` quarantines the row (or holds the batch), `warn` only counts it."""

    REJECT = "reject"
    WARN = "warn"


class Evolution(StrEnum):
    """What hop 2 does with a column the contract does not name."""

    EVOLVE = "evolve"
    FREEZE = "freeze"
    DISCARD = "discard"


class MisfitPolicy(StrEnum):
    """What happens to a fact, or a row of a mirror, with a value that its column's type cannot hold."""

    FAIL = "fail"
    DEAD_LETTER = "dead_letter"


class Mirror(StrEnum):
    """Whether the warehouse has a source table's rows as they are, beside the star."""

    FULL = "full"
    NONE = "none"


class DeletePolicy(StrEnum):
    """What a delete does to a history."""

    CLOSE = "close"
    NEW_RECORD = "new_record"
    IGNORE = "ignore"


class PiiClass(StrEnum):
    """How personal a column is; `none` is not."""

    NONE = "none"
    QUASI = "quasi"
    DIRECT = "direct"


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source table."""

    name: str
    type: ColumnType
    nullable: bool = True
    pii: PiiClass = PiiClass.NONE
    description: str = ""


@dataclass(frozen=True)
class Check:
    """A row check: a Spark SQL predicate over the contract's columns; a row fails where it is false (NULL passes)."""

    name: str
    expr: str
    severity: Severity = Severity.REJECT


@dataclass(frozen=True)
class Expectation:
    """A dataset-level Great Expectations expectation: its snake-case type and its arguments."""

    type: str
    arguments: tuple[tuple[str, object], ...] = ()
    severity: Severity = Severity.WARN


@dataclass(frozen=True)
class SourceContract:
    """One source table: its topic, key, columns, checks and tolerances (seconds)."""

    pipeline: str
    table: str
    topic: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    checks: tuple[Check, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    evolution: Evolution = Evolution.EVOLVE
    lateness_seconds: int = 7 * 86400
    clock_tolerance_seconds: int = 300
    freshness_seconds: int = 900
    source_schema: str = "public"
    description: str = ""
    mirror: Mirror = Mirror.FULL
    mirror_misfit: MisfitPolicy = MisfitPolicy.FAIL

    @cached_property
    def by_name(self) -> dict[str, SourceColumn]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def key_columns(self) -> tuple[SourceColumn, ...]:
        """The key's columns, in key order."""
        return tuple(self.by_name[name] for name in self.key)

    @property
    def value_columns(self) -> tuple[SourceColumn, ...]:
        """The columns outside the key, in contract order."""
        return tuple(column for column in self.columns if column.name not in self.key)


@dataclass(frozen=True)
class Storage:
    """How Redshift keeps a table: `diststyle` is key, all or even; `distkey` for key; `sortkey` columns."""

    diststyle: str = "even"
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyColumn:
    """A business-key column of a dimension: its name and type in the star, and the source key column it comes from."""

    name: str
    type: ColumnType
    source: str


@dataclass(frozen=True)
class Attribute:
    """An attribute of a dimension: `scd` 1 overwrites on every version, 2 opens a version."""

    name: str
    type: ColumnType
    source: str
    scd: int
    pii: PiiClass = PiiClass.NONE
    description: str = ""


@dataclass(frozen=True)
class Dimension:
    """A dimension with history, fed by one source table."""

    name: str
    grain: str
    source: str
    surrogate_key: str
    business_key: tuple[KeyColumn, ...]
    attributes: tuple[Attribute, ...]
    hard_delete: DeletePolicy = DeletePolicy.CLOSE
    truncate: DeletePolicy = DeletePolicy.CLOSE
    first_snapshot_at_origin: bool = True
    storage: Storage = Storage()
    description: str = ""

    @property
    def type1(self) -> tuple[Attribute, ...]:
        """Attributes that overwrite."""
        return tuple(attribute for attribute in self.attributes if attribute.scd == 1)

    @property
    def type2(self) -> tuple[Attribute, ...]:
        """Attributes that open versions."""
        return tuple(attribute for attribute in self.attributes if attribute.scd == 2)


@dataclass(frozen=True)
class CalendarColumn:
    """A column of a calendar: a Spark SQL expression over the column `date`."""

    name: str
    type: ColumnType
    expr: str


@dataclass(frozen=True)
class Calendar:
    """A generated date dimension; its surrogate key is the integer yyyymmdd of `date`."""

    name: str
    surrogate_key: str
    start: str
    end: str
    columns: tuple[CalendarColumn, ...]
    storage: Storage = Storage(diststyle="all")
    description: str = ""


@dataclass(frozen=True)
class Join:
    """A source table joined by its whole key: pairs of (base column, joined table's key column)."""

    source: str
    on: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FactKey:
    """A business-key column of a fact; `source` is `table.column`."""

    name: str
    type: ColumnType
    source: str


@dataclass(frozen=True)
class FactColumn:
    """A degenerate column or measure: a Spark SQL expression over `table.column` references."""

    name: str
    type: ColumnType
    expr: str
    measure: bool = False


@dataclass(frozen=True)
class DimensionReference:
    """A fact's reference to a dimension: the surrogate-key column, and per key column (fact column, `table.column`)."""

    name: str
    dimension: str
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CalendarReference:
    """A fact's reference to a calendar: the integer yyyymmdd of an expression that gives a date or timestamp."""

    name: str
    calendar: str
    expr: str


@dataclass(frozen=True)
class Fact:
    """A fact: one row per row of its base source, joined to others by their keys."""

    name: str
    grain: str
    base: str
    joins: tuple[Join, ...]
    business_key: tuple[FactKey, ...]
    event_time: FactKey
    dimensions: tuple[DimensionReference, ...]
    calendars: tuple[CalendarReference, ...]
    columns: tuple[FactColumn, ...]
    storage: Storage = Storage()
    description: str = ""
    misfit: MisfitPolicy = MisfitPolicy.FAIL

    @property
    def sources(self) -> tuple[str, ...]:
        """Base and joined source tables."""
        return (self.base, *(join.source for join in self.joins))


@dataclass(frozen=True)
class GroupColumn:
    """A column an aggregate groups by; `source` is `<fact>.<column>` or `<dimension reference>.<attribute>`."""

    name: str
    type: ColumnType
    source: str


@dataclass(frozen=True)
class Measure:
    """An aggregated measure: `function` is sum, count or count_distinct over a fact column."""

    name: str
    type: ColumnType
    function: str
    column: str


@dataclass(frozen=True)
class Aggregate:
    """A table grouped from one fact by event date and attributes as of the event; made again per touched date."""

    name: str
    grain: str
    fact: str
    date: str
    group_by: tuple[GroupColumn, ...]
    measures: tuple[Measure, ...]
    storage: Storage = Storage()
    description: str = ""


@dataclass(frozen=True)
class Pipeline:
    """Every contract of one folder under `schemas/`, checked against each other."""

    name: str
    description: str
    sources: dict[str, SourceContract]
    dimensions: dict[str, Dimension]
    calendars: dict[str, Calendar]
    facts: dict[str, Fact]
    aggregates: dict[str, Aggregate]

    @cached_property
    def mirrors(self) -> dict[str, SourceContract]:
        """The source tables whose rows the warehouse has as they are, by name."""
        return {name: source for name, source in self.sources.items() if source.mirror is Mirror.FULL}

    @property
    def staging_namespace(self) -> str:
        """Iceberg namespace (and Glue database) of the change logs."""
        return f"{self.name}_staging"

    @property
    def curated_namespace(self) -> str:
        """Iceberg namespace (and Glue database) of the star."""
        return f"{self.name}_curated"

    def dimensions_of(self, source: str) -> tuple[Dimension, ...]:
        """The dimensions that a source table feeds."""
        return tuple(dimension for dimension in self.dimensions.values() if dimension.source == source)

    def facts_of(self, source: str) -> tuple[Fact, ...]:
        """The facts that a source table feeds, as base or joined."""
        return tuple(fact for fact in self.facts.values() if source in fact.sources)
