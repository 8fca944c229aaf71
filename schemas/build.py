"""Contract documents to frozen contracts, and the checks that hold between files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from schemas import columns as c
from schemas.documents import (
    AggregateDocument,
    CalendarDocument,
    DimensionDocument,
    FactDocument,
    SourceDocument,
    StarDocument,
)
from schemas.model import (
    Aggregate,
    Attribute,
    Calendar,
    CalendarColumn,
    CalendarReference,
    Check,
    Dimension,
    DimensionReference,
    Expectation,
    Fact,
    FactColumn,
    FactKey,
    GroupColumn,
    Join,
    KeyColumn,
    Measure,
    Mirror,
    MisfitPolicy,
    SourceColumn,
    SourceContract,
)
from schemas.types import ColumnType

_REFERENCE: Final = re.compile(r"\b([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\b")
_STRING: Final = re.compile(r"'(?:[^']|'')*'")
_VERSION: Final = (
    c.EFFECTIVE_FROM,
    c.EFFECTIVE_TO,
    c.IS_CURRENT,
    c.IS_DELETED,
    c.IS_INFERRED,
    c.IS_INCOMPLETE,
    c.VERSION_IDENTITY,
)
_RESERVED: Final = {
    *_VERSION,
    "change_identity",
    "change_op",
    "epoch",
    "position",
    "kafka_partition",
    "kafka_offset",
    "changed_at",
    "unavailable",
    "change_sk",
    "origin_sk",
}


class FieldError(ValueError):
    """A field that fits its shape and not the rest: `field` is its path in the file, `remedy` what to do."""

    def __init__(self, field: str, what: str, remedy: str) -> None:
        self.field = field
        self.what = what
        self.remedy = remedy
        super().__init__(f"{field}: {what}")


def build_source(document: SourceDocument, pipeline: str) -> SourceContract:
    """A source contract; every key column must be a column and not nullable.

    Raises:
        FieldError: a key column is missing or nullable.
    """
    for name in document.key:
        if name not in document.columns:
            raise FieldError(f"key.{name}", "the key names a column that is not there", f"add '{name}' to columns")
        if document.columns[name].nullable:
            raise FieldError(f"columns.{name}.nullable", "a key column is nullable", "say nullable: false")
    if document.mirror is Mirror.NONE and document.mirror_misfit is not MisfitPolicy.FAIL:
        what = "it sets rows of a mirror aside, and the source has none"
        raise FieldError("mirror_misfit", what, "leave it out, or say mirror: full")
    return SourceContract(
        pipeline=pipeline,
        table=document.table,
        topic=document.topic,
        key=tuple(document.key),
        columns=tuple(
            SourceColumn(name, column.type, column.nullable, column.pii, column.description)
            for name, column in document.columns.items()
        ),
        checks=tuple(Check(check.name, check.expr, check.severity) for check in document.checks),
        expectations=tuple(
            Expectation(item.type, tuple(sorted(item.arguments.items())), item.severity)
            for item in document.expectations
        ),
        evolution=document.evolution,
        lateness_seconds=document.lateness,
        clock_tolerance_seconds=document.clock_tolerance,
        freshness_seconds=document.freshness,
        source_schema=document.source_schema,
        description=document.description,
        mirror=document.mirror,
        mirror_misfit=document.mirror_misfit,
    )


def build_dimension(document: DimensionDocument, sources: dict[str, SourceContract]) -> Dimension:
    """A dimension; its business key is the source's key, its attributes are source columns of the same type.

    Raises:
        FieldError: a source, column or type does not fit.
    """
    source = _source(document.source, sources, "source")
    keys = tuple(KeyColumn(name, key.type, key.source or name) for name, key in document.business_key.items())
    if tuple(key.source for key in keys) != source.key:
        wanted = ", ".join(source.key)
        raise FieldError("business_key", f"it is not the key of '{source.table}'", f"map it from ({wanted}), in order")
    for key in keys:
        _same_type(f"business_key.{key.name}", key.type, source, key.source)
    own = (document.surrogate_key, *document.business_key, *document.attributes, *_VERSION)
    _storage_fits(document, own)
    return Dimension(
        name=document.table,
        grain=document.grain,
        source=document.source,
        surrogate_key=document.surrogate_key,
        business_key=keys,
        attributes=_attributes(document, source),
        hard_delete=document.policies.hard_delete,
        truncate=document.policies.truncate,
        first_snapshot_at_origin=document.policies.first_snapshot == "origin",
        storage=document.storage.build(),
        description=document.description,
    )


def _attributes(document: DimensionDocument, source: SourceContract) -> tuple[Attribute, ...]:
    attributes = []
    for name, item in document.attributes.items():
        if name in _RESERVED or name == document.surrogate_key or name in document.business_key:
            raise FieldError(f"attributes.{name}", "the name is taken by the star itself", "choose another name")
        column = item.source or name
        _same_type(f"attributes.{name}", item.type, source, column)
        pii = source.by_name[column].pii
        attributes.append(Attribute(name, item.type, column, item.scd, pii, item.description))
    return tuple(attributes)


def build_calendar(document: CalendarDocument) -> Calendar:
    """A calendar.

    Raises:
        FieldError: it ends before it starts.
    """
    if document.end < document.start:
        raise FieldError("end", "the calendar ends before it starts", "put start before end")
    _storage_fits(document, (document.surrogate_key, "date", *document.columns))
    return Calendar(
        name=document.table,
        surrogate_key=document.surrogate_key,
        start=document.start.isoformat(),
        end=document.end.isoformat(),
        columns=tuple(CalendarColumn(name, column.type, column.expr) for name, column in document.columns.items()),
        storage=document.storage.build(),
        description=document.description,
    )


def build_fact(
    document: FactDocument,
    sources: dict[str, SourceContract],
    dimensions: dict[str, Dimension],
    calendars: dict[str, Calendar],
) -> Fact:
    """A fact; joins use whole keys, references name dimensions, calendars and columns that exist.

    Raises:
        FieldError: a reference leads nowhere.
    """
    base = _source(document.base, sources, "base")
    scope = {base.table: base} | {name: _source(name, sources, f"joins.{name}") for name in document.joins}
    for name, pairs in document.joins.items():
        _join_fits(name, pairs, base, scope[name])
    key_sources = tuple(item.source for item in document.business_key.values())
    if tuple(sorted(key_sources)) != tuple(sorted(f"{base.table}.{name}" for name in base.key)):
        remedy = f"map it from ({', '.join(base.key)}) of '{base.table}'"
        raise FieldError("business_key", f"it is not the key of '{base.table}', the grain of the fact", remedy)
    for name, key in document.business_key.items():
        _same_type(f"business_key.{name}", key.type, base, key.source.partition(".")[2])
    _known(document.event_time.source, scope, "event_time.from")
    for name, column in document.columns.items():
        _known(column.expr, scope, f"columns.{name}.expr")
    for name, calendar in document.calendars.items():
        if calendar.calendar not in calendars:
            raise FieldError(f"calendars.{name}.calendar", f"no calendar '{calendar.calendar}'", _choices(calendars))
        _known(calendar.expr, scope, f"calendars.{name}.expr")
    keys = (name for item in document.dimensions.values() for name in item.keys)
    own = (*document.business_key, *document.dimensions, *document.calendars, document.event_time.name)
    _storage_fits(document, (*own, *keys, *document.columns))
    return Fact(
        name=document.table,
        grain=document.grain,
        base=document.base,
        joins=tuple(Join(name, tuple(pairs.items())) for name, pairs in document.joins.items()),
        business_key=tuple(FactKey(name, key.type, key.source) for name, key in document.business_key.items()),
        event_time=FactKey(document.event_time.name, ColumnType("timestamp"), document.event_time.source),
        dimensions=_references(document, scope, dimensions),
        calendars=tuple(CalendarReference(name, item.calendar, item.expr) for name, item in document.calendars.items()),
        columns=tuple(FactColumn(name, item.type, item.expr, item.measure) for name, item in document.columns.items()),
        storage=document.storage.build(),
        description=document.description,
        misfit=document.misfit,
    )


def build_aggregate(document: AggregateDocument, facts: dict[str, Fact], dimensions: dict[str, Dimension]) -> Aggregate:
    """An aggregate over one fact.

    Raises:
        FieldError: the fact, a dimension reference or a column is not there.
    """
    if document.fact not in facts:
        raise FieldError("fact", f"no fact '{document.fact}'", _choices(facts))
    fact = facts[document.fact]
    known = _groupable(fact, dimensions)
    for name, group in document.group_by.items():
        if group.source not in known:
            raise FieldError(f"group_by.{name}.from", f"'{group.source}' is not there", _choices(known))
    fact_columns = {key.name for key in fact.business_key} | {column.name for column in fact.columns}
    for name, measure in document.measures.items():
        if measure.column not in fact_columns:
            what = f"'{measure.column}' is not in {fact.name}"
            raise FieldError(f"measures.{name}.column", what, _choices(fact_columns))
    _storage_fits(document, (document.date, *document.group_by, *document.measures))
    return Aggregate(
        name=document.table,
        grain=document.grain,
        fact=document.fact,
        date=document.date,
        group_by=tuple(GroupColumn(name, item.type, item.source) for name, item in document.group_by.items()),
        measures=tuple(Measure(name, m.type, m.function, m.column) for name, m in document.measures.items()),
        storage=document.storage.build(),
        description=document.description,
    )


def _groupable(fact: Fact, dimensions: dict[str, Dimension]) -> set[str]:
    """What an aggregate of a fact may group by, as `<fact>.<column>` and `<reference>.<attribute>`."""
    own = {f"{fact.name}.{column.name}" for column in fact.columns}
    return own | {
        f"{reference.name}.{attribute.name}"
        for reference in fact.dimensions
        for attribute in dimensions[reference.dimension].attributes
    }


def _references(
    document: FactDocument, scope: dict[str, SourceContract], dimensions: dict[str, Dimension]
) -> tuple[DimensionReference, ...]:
    references = []
    for name, item in document.dimensions.items():
        if item.dimension not in dimensions:
            raise FieldError(f"dimensions.{name}.dimension", f"no dimension '{item.dimension}'", _choices(dimensions))
        wanted = len(dimensions[item.dimension].business_key)
        if len(item.keys) != wanted:
            what = f"{item.dimension} has {wanted} key columns"
            raise FieldError(f"dimensions.{name}.keys", what, "name each, in order")
        for column, reference in item.keys.items():
            _known(reference, scope, f"dimensions.{name}.keys.{column}")
        references.append(DimensionReference(name, item.dimension, tuple(item.keys.items())))
    return tuple(references)


def _join_fits(name: str, pairs: dict[str, str], base: SourceContract, joined: SourceContract) -> None:
    if set(pairs.values()) != set(joined.key):
        raise FieldError(f"joins.{name}", "a join uses the joined table's whole key", f"name {', '.join(joined.key)}")
    for column in pairs:
        if column not in base.by_name:
            raise FieldError(f"joins.{name}.{column}", f"'{base.table}' has no such column", _choices(base.by_name))


def _source(name: str, sources: dict[str, SourceContract], field: str) -> SourceContract:
    if name not in sources:
        raise FieldError(field, f"no source table '{name}'", _choices(sources))
    return sources[name]


def _storage_fits(document: StarDocument, columns: Iterable[str]) -> None:
    """Distribution and sort keys are columns; a distribution key goes with the style that uses it."""
    storage, known = document.storage, set(columns)
    for field, names in (("distkey", [storage.distkey] if storage.distkey else []), ("sortkey", storage.sortkey)):
        for name in names:
            if name not in known:
                raise FieldError(f"storage.{field}", f"'{name}' is no column of {document.table}", _choices(known))
    if (storage.diststyle == "key") != (storage.distkey is not None):
        raise FieldError("storage.distkey", "diststyle key and distkey go together", "give both or neither")


def _same_type(field: str, wanted: ColumnType, source: SourceContract, column: str) -> None:
    if column not in source.by_name:
        raise FieldError(field, f"'{source.table}' has no column '{column}'", _choices(source.by_name))
    found = source.by_name[column].type
    if wanted.spark != found.spark:
        what = f"type {wanted.text} differs from the source's {found.text}"
        raise FieldError(field, what, f"say {found.text}")
    if wanted.text_bytes < found.text_bytes:
        what = f"type {wanted.text} is narrower than the source's {found.text}"
        raise FieldError(field, what, f"say {found.text}")


def _known(expression: str, scope: dict[str, SourceContract], field: str) -> None:
    """Every `table.column` of an expression must be there; a string literal may hold anything."""
    for table, column in _REFERENCE.findall(_STRING.sub("''", expression)):
        if table not in scope:
            raise FieldError(field, f"'{table}' is neither the base nor a join of this fact", _choices(scope))
        if column not in scope[table].by_name:
            raise FieldError(field, f"'{table}' has no column '{column}'", _choices(scope[table].by_name))


def _choices(names: Iterable[str]) -> str:
    return "use one of " + ", ".join(sorted(names))
