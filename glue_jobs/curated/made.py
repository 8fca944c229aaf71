"""By which contract a table's rows were made: a checksum of what decides them, carried in the table's progress.

A table whose checksum is not its contract's is made again as a whole; so is one that a run left in between, because the
checksum comes with the commit that ends the work. Types are left out where a wider one changes no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from glue_jobs.transforms.aggregates import group_references, referenced_dimension
from redshift_sql.load_contract import fact_parts
from schemas.checksum import checksum
from schemas.model import Aggregate, Dimension, Fact, Pipeline, SourceContract

CONTRACT: Final = "(contract)"
"""Under this name a table's progress has the checksum; no source has such a name."""
MOVED: Final = "(moved)"
"""Of a dimension: the checksum under which versions last moved because the contract changed, not a source row."""
GROUPED: Final = "(grouped)"
"""Of an aggregate, whose `CONTRACT` is its fact's: its own checksum."""


def state_checksum(source: SourceContract) -> int:
    """Changes with the columns of a source's state."""
    return checksum(source.key, sorted(column.name for column in source.columns))


def dimension_checksum(dimension: Dimension) -> int:
    """Changes when the same log may give other versions."""
    return checksum(
        dimension.surrogate_key,
        [(key.name, key.source) for key in dimension.business_key],
        sorted((item.name, item.source, item.scd) for item in dimension.attributes),
        dimension.hard_delete.value,
        dimension.truncate.value,
        dimension.first_snapshot_at_origin,
    )


def fact_checksum(fact: Fact, moved: Mapping[str, int]) -> int:
    """Changes when the same states and versions may give other facts.

    Args:
        fact: the contract.
        moved: `MOVED` of each dimension that it refers to and whose versions ever moved so, by name.
    """
    return checksum(fact_parts(fact), [(item.name, item.dimension) for item in fact.dimensions], sorted(moved.items()))


def aggregate_checksum(aggregate: Aggregate, pipeline: Pipeline) -> int:
    """Changes when the same facts and versions may give other groups."""
    fact = pipeline.facts[aggregate.fact]
    shown = [
        (reference, item.name, item.source, item.scd)
        for reference in group_references(aggregate, fact)
        for item in pipeline.dimensions[referenced_dimension(fact, reference)].attributes
        if any(group.source == f"{reference}.{item.name}" for group in aggregate.group_by)
    ]
    return checksum(
        aggregate.date,
        [(item.name, item.type.text, item.source) for item in aggregate.group_by],
        [(item.name, item.type.text, item.function, item.column) for item in aggregate.measures],
        shown,
    )
