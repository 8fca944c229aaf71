"""The YAML shapes of contract files, strict: an unknown or mistyped field is an error that names it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.model import DeletePolicy, Evolution, Mirror, MisfitPolicy, PiiClass, Severity, Storage
from schemas.types import ColumnType

_DURATION: Final = re.compile(r"^(\d+)\s*(s|m|h|d)$")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _column_type(value: object) -> object:
    return ColumnType(value) if isinstance(value, str) else value


def _seconds(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a duration such as 30s, 5m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


Type = Annotated[ColumnType, BeforeValidator(_column_type)]
Duration = Annotated[int, BeforeValidator(_seconds)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class Document(BaseModel):
    """Base of every shape: no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class PipelineDocument(Document):
    """`pipeline.yaml`."""

    pipeline: Name
    description: str = ""


class SourceColumnDocument(Document):
    """A column of a source contract."""

    type: Type
    nullable: bool = True
    pii: PiiClass = PiiClass.NONE
    description: str = ""


class CheckDocument(Document):
    """A row check."""

    name: Name
    expr: str
    severity: Severity = Severity.REJECT


class ExpectationDocument(Document):
    """A dataset-level expectation."""

    type: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    arguments: dict[str, Any] = {}
    severity: Severity = Severity.WARN


class SourceDocument(Document):
    """`sources/<table>.yaml`."""

    table: Name
    topic: TopicName
    key: Annotated[list[Name], Field(min_length=1)]
    columns: Annotated[dict[Name, SourceColumnDocument], Field(min_length=1)]
    checks: list[CheckDocument] = []
    expectations: list[ExpectationDocument] = []
    evolution: Evolution = Evolution.EVOLVE
    lateness: Duration = 7 * 86400
    clock_tolerance: Duration = 300
    freshness: Duration = 900
    source_schema: Name = "public"
    description: str = ""
    mirror: Mirror = Mirror.FULL
    mirror_misfit: MisfitPolicy = MisfitPolicy.FAIL


class StorageDocument(Document):
    """Distribution and sort keys."""

    diststyle: Literal["key", "all", "even", "auto"] = "even"
    distkey: Name | None = None
    sortkey: list[Name] = []

    def build(self) -> Storage:
        """The frozen value."""
        return Storage(self.diststyle, self.distkey, tuple(self.sortkey))


class KeyColumnDocument(Document):
    """A business-key column of a dimension."""

    type: Type
    source: Annotated[Name | None, Field(alias="from")] = None


class AttributeDocument(Document):
    """An attribute of a dimension."""

    type: Type
    scd: Literal[1, 2]
    source: Annotated[Name | None, Field(alias="from")] = None
    description: str = ""


class PoliciesDocument(Document):
    """What deletes, truncates and a first snapshot row do to a history."""

    hard_delete: DeletePolicy = DeletePolicy.CLOSE
    truncate: Literal[DeletePolicy.CLOSE, DeletePolicy.IGNORE] = DeletePolicy.CLOSE
    first_snapshot: Literal["origin", "source_time"] = "origin"


class StarDocument(Document):
    """What every star table's file starts with."""

    table: Name
    description: str = ""
    storage: StorageDocument = StorageDocument()


class DimensionDocument(StarDocument):
    """`star/<dimension>.yaml`."""

    kind: Literal["dimension"]
    grain: str
    source: Name
    surrogate_key: Name
    business_key: Annotated[dict[Name, KeyColumnDocument], Field(min_length=1)]
    attributes: dict[Name, AttributeDocument]
    policies: PoliciesDocument = PoliciesDocument()


class CalendarColumnDocument(Document):
    """A column of a calendar."""

    type: Type
    expr: str


class CalendarDocument(StarDocument):
    """`star/<calendar>.yaml`."""

    kind: Literal["calendar"]
    surrogate_key: Name
    start: date
    end: date
    columns: dict[Name, CalendarColumnDocument]


class FactKeyDocument(Document):
    """A business-key column of a fact."""

    type: Type
    source: Annotated[Reference, Field(alias="from")]


class EventTimeDocument(Document):
    """The event time of a fact."""

    name: Name
    source: Annotated[Reference, Field(alias="from")]


class DimensionReferenceDocument(Document):
    """A fact's reference to a dimension."""

    dimension: Name
    keys: Annotated[dict[Name, Reference], Field(min_length=1)]


class CalendarReferenceDocument(Document):
    """A fact's reference to a calendar."""

    calendar: Name
    expr: str


class FactColumnDocument(Document):
    """A degenerate column or measure of a fact."""

    type: Type
    expr: str
    measure: bool = False


class FactDocument(StarDocument):
    """`star/<fact>.yaml`."""

    kind: Literal["fact"]
    grain: str
    base: Name
    joins: dict[Name, dict[Name, Name]] = {}
    business_key: Annotated[dict[Name, FactKeyDocument], Field(min_length=1)]
    event_time: EventTimeDocument
    dimensions: dict[Name, DimensionReferenceDocument] = {}
    calendars: dict[Name, CalendarReferenceDocument] = {}
    columns: dict[Name, FactColumnDocument] = {}
    misfit: MisfitPolicy = MisfitPolicy.FAIL


class GroupColumnDocument(Document):
    """A column an aggregate groups by."""

    type: Type
    source: Annotated[Reference, Field(alias="from")]


class MeasureDocument(Document):
    """A measure of an aggregate."""

    type: Type
    function: Literal["sum", "count", "count_distinct", "min", "max"]
    column: Name


class AggregateDocument(StarDocument):
    """`star/<aggregate>.yaml`."""

    kind: Literal["aggregate"]
    grain: str
    fact: Name
    date: Name
    group_by: dict[Name, GroupColumnDocument] = {}
    measures: Annotated[dict[Name, MeasureDocument], Field(min_length=1)]


STAR_KINDS: Final[dict[str, type[StarDocument]]] = {
    "dimension": DimensionDocument,
    "calendar": CalendarDocument,
    "fact": FactDocument,
    "aggregate": AggregateDocument,
}
