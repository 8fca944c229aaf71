"""The columns of every table hop 4 reads or writes, in order, from the contracts."""

from __future__ import annotations

from typing import Final

from redshift_sql.render import Item
from schemas.model import Aggregate, Calendar, Dimension, Fact, Pipeline, SourceContract

_CHANGE: Final = (
    Item("change_identity", "varchar(32)"),
    Item("change_op", "varchar(1)"),
    Item("epoch", "integer"),
    Item("position", "varchar(64)"),
    Item("kafka_partition", "integer"),
    Item("kafka_offset", "bigint"),
    Item("changed_at", "timestamp"),
    Item("unavailable", "varchar(4096)"),
)
_SURROGATES: Final = (Item("change_sk", "bigint"), Item("origin_sk", "bigint"))
_VERSION: Final = (
    Item("effective_from", "timestamp"),
    Item("effective_to", "timestamp"),
    Item("is_current", "boolean"),
    Item("is_deleted", "boolean"),
    Item("is_inferred", "boolean"),
    Item("is_incomplete", "boolean"),
    Item("version_identity", "varchar(32)"),
)
_TIP: Final = (
    Item("_last_epoch", "integer"),
    Item("_last_position", "varchar(64)"),
    Item("_last_partition", "integer"),
    Item("_last_offset", "bigint"),
    Item("_last_at", "timestamp"),
    Item("_state", "varchar(8)"),
    Item("_open_sk", "bigint"),
    Item("_open_from", "timestamp"),
    Item("_open_identity", "varchar(32)"),
    Item("_origin_sk", "bigint"),
    Item("_unknown", "varchar(4096)"),
)
Columns = tuple[Item, ...]


def business_key(dimension: Dimension) -> Columns:
    """The dimension's business key."""
    return tuple(Item(key.name, key.type.redshift) for key in dimension.business_key)


def attributes(dimension: Dimension) -> Columns:
    """The dimension's attributes."""
    return tuple(Item(item.name, item.type.redshift) for item in dimension.attributes)


def dimension_load(dimension: Dimension) -> Columns:
    """Columns of `staging.<dimension>_load`, `_log` and `_truncate`."""
    old = tuple(Item(f"old_{key.name}", key.type.redshift) for key in dimension.business_key)
    return (*business_key(dimension), *_CHANGE, *old, *_SURROGATES, *attributes(dimension))


def dimension_tip(dimension: Dimension) -> Columns:
    """Columns of `staging.<dimension>_tip`."""
    return (*business_key(dimension), *_TIP, *attributes(dimension))


def dimension_table(dimension: Dimension) -> Columns:
    """Columns of `analytics.<dimension>`."""
    surrogate = Item(dimension.surrogate_key, "bigint")
    return (surrogate, *business_key(dimension), *attributes(dimension), *_VERSION)


def fact_key(fact: Fact) -> Columns:
    """The fact's business key."""
    return tuple(Item(key.name, key.type.redshift) for key in fact.business_key)


def reference_keys(fact: Fact, pipeline: Pipeline) -> Columns:
    """The dimensions' business keys as columns of the fact, those of its own key and repeated ones left out."""
    own = {key.name for key in fact.business_key}
    named: dict[str, Item] = {}
    for reference in fact.dimensions:
        target = pipeline.dimensions[reference.dimension]
        for (name, _), key in zip(reference.keys, target.business_key, strict=True):
            if name not in own:
                named.setdefault(name, Item(name, key.type.redshift))
    return tuple(named.values())


def fact_load(fact: Fact, pipeline: Pipeline) -> Columns:
    """Columns of `staging.<fact>_load`."""
    return _unique(
        *fact_key(fact),
        event_time(fact),
        *reference_keys(fact, pipeline),
        *fact_values(fact),
        *(Item(f"{reference.name}_origin_sk", "bigint") for reference in fact.dimensions),
        *calendar_keys(fact),
        Item("is_deleted", "boolean"),
    )


def fact_table(fact: Fact, pipeline: Pipeline) -> Columns:
    """Columns of `analytics.<fact>`."""
    return _unique(
        *fact_key(fact),
        *references(fact),
        *calendar_keys(fact),
        event_time(fact),
        *reference_keys(fact, pipeline),
        *fact_values(fact),
    )


def event_time(fact: Fact) -> Item:
    """The fact's event time."""
    return Item(fact.event_time.name, "timestamp")


def references(fact: Fact) -> Columns:
    """The fact's surrogate-key columns of dimensions."""
    return tuple(Item(reference.name, "bigint") for reference in fact.dimensions)


def calendar_keys(fact: Fact) -> Columns:
    """The fact's surrogate-key columns of calendars."""
    return tuple(Item(reference.name, "integer") for reference in fact.calendars)


def fact_values(fact: Fact) -> Columns:
    """The fact's degenerate columns and measures."""
    return tuple(Item(item.name, item.type.redshift) for item in fact.columns)


def calendar_table(calendar: Calendar) -> Columns:
    """Columns of `analytics.<calendar>` and `staging.<calendar>_load`."""
    return (
        Item(calendar.surrogate_key, "integer"),
        Item("date", "date"),
        *(Item(item.name, item.type.redshift) for item in calendar.columns),
    )


def aggregate_table(aggregate: Aggregate) -> Columns:
    """Columns of `analytics.<aggregate>`."""
    return (
        Item(aggregate.date, "date"),
        *(Item(item.name, item.type.redshift) for item in aggregate.group_by),
        *(Item(item.name, item.type.redshift) for item in aggregate.measures),
    )


def mirror_table(source: SourceContract) -> Columns:
    """Columns of `staging.<source>`: those of the source table."""
    return tuple(Item(column.name, column.type.redshift) for column in source.columns)


def mirror_load(source: SourceContract) -> Columns:
    """Columns of `staging.<source>_load`; no column of a source begins with an underscore."""
    return (*mirror_table(source), Item("_changed_at", "timestamp"), Item("_is_deleted", "boolean"))


def columns_of(pipeline: Pipeline) -> dict[str, Columns]:
    """The columns of every table that a pipeline's contracts make, by qualified name."""
    tables: dict[str, Columns] = {}
    for dimension in pipeline.dimensions.values():
        name, load = dimension.name, dimension_load(dimension)
        tables |= {f"staging.{name}_{kind}": load for kind in ("load", "log", "truncate")}
        tables |= {f"staging.{name}_tip": dimension_tip(dimension), f"analytics.{name}": dimension_table(dimension)}
    for fact in pipeline.facts.values():
        tables[f"staging.{fact.name}_load"] = fact_load(fact, pipeline)
        tables[f"analytics.{fact.name}"] = fact_table(fact, pipeline)
    for calendar in pipeline.calendars.values():
        tables[f"staging.{calendar.name}_load"] = calendar_table(calendar)
        tables[f"analytics.{calendar.name}"] = calendar_table(calendar)
    for source in pipeline.mirrors.values():
        tables[f"staging.{source.table}_load"] = mirror_load(source)
        tables[f"staging.{source.table}"] = mirror_table(source)
    return tables | {f"analytics.{item.name}": aggregate_table(item) for item in pipeline.aggregates.values()}


def load_tables(pipeline: Pipeline) -> frozenset[str]:
    """Qualified names of the tables that COPY fills, which hold nothing between loads."""
    loaded = (*pipeline.dimensions, *pipeline.facts, *pipeline.calendars, *pipeline.mirrors)
    return frozenset(f"staging.{name}_load" for name in loaded)


def _unique(*items: Item) -> Columns:
    """Each name once, at its first place."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.name, item)
    return tuple(first.values())
