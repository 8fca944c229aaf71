"""Who may see what: roles, grants by column, and masks on personal data, from the classes in the contracts.

| role | may |
|---|---|
| `lake_loader` | read and write the schemas `staging`, `analytics` and `ops`; nothing else |
| `lake_analyst` | read the star, the mirrors and `ops`; of personal columns at most the masked ones |
| `lake_steward` | read all of it, unmasked, change logs and ledgers too |

`direct` columns are granted to no analyst. `quasi` columns are granted where the engine can mask them (Redshift), and
to nobody but the steward where it cannot. A mask is attached to PUBLIC, so that whoever gets a grant later sees the
mask; steward and loader have a policy of higher priority that shows the value: history computed from masks would be
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from redshift_sql import contexts, shapes
from redshift_sql.operations import views
from redshift_sql.render import Context, Item, statements
from redshift_sql.statements import Plan, Statement
from schemas.model import Aggregate, Dimension, Fact, PiiClass, Pipeline

LOADER: Final = "lake_loader"
ANALYST: Final = "lake_analyst"
STEWARD: Final = "lake_steward"
ROLES: Final = (LOADER, ANALYST, STEWARD)

_MASK, _STEWARD, _LOADER = "10", "20", "30"
_RANKS: Final = (PiiClass.NONE, PiiClass.QUASI, PiiClass.DIRECT)
_SIZED: Final = re.compile(r"^varchar\((\d+)\)$")
_SHARED: Final = (
    *("staging.load_ledger", "staging.migration_ledger", "staging.rule_ledger", "analytics.restatements"),
    *("ops.load_run", "ops.load_rows", "ops.newest_change"),
)
"""Tables of every warehouse, none of which holds a value of a personal column but a fact's key."""


@dataclass(frozen=True)
class Masks:
    """The policies that a warehouse has, and where each is attached: (policy, qualified table, column, grantee)."""

    policies: frozenset[str] = frozenset()
    attached: frozenset[tuple[str, str, str, str]] = frozenset()


def access_plan(pipeline: Pipeline, *, roles: Collection[str] = (), masks: Masks | None = Masks()) -> Plan:
    """Roles, grants and masks; those that are there are left, so that running it again changes nothing.

    Args:
        pipeline: the contracts.
        roles: roles that exist.
        masks: policies that exist; None where the engine has none.
    """
    parts = (
        _made(roles),
        statements("access/710_loader.sql", LOADER, {"loader": LOADER}),
        _readers(),
        *(_grants(pipeline, table, columns, masks is not None) for table, columns in readable(pipeline).items()),
        *(_kept(pipeline, table) for table in _unread(pipeline)),
        *(_shared(pipeline, table) for table in _SHARED),
        *(_read("ops", view, role) for view in views(pipeline) for role in (ANALYST, STEWARD)),
        () if masks is None else tuple(_masked(pipeline, masks)),
    )
    return tuple(chain.from_iterable(parts))


def views_access_plan(views: Mapping[str, bool]) -> tuple[Statement, ...]:
    """Who may read late-binding views: the steward all of them, the analyst those without a personal column.

    Redshift grants no columns of such a view ("You can't grant column-level privileges on late-binding views", GRANT,
    usage notes), so there is nothing between all of it and nothing.

    Args:
        views: qualified names, each with whether it has a personal column.
    """
    pairs = [(view, role) for view, hides in views.items() for role in ((STEWARD,) if hides else (ANALYST, STEWARD))]
    return tuple(chain.from_iterable(_read(*_parts(view), role) for view, role in pairs))


def readable(pipeline: Pipeline) -> dict[str, shapes.Columns]:
    """The tables that people ask: the star and the mirrors."""
    mirrors = {f"staging.{name}" for name in pipeline.mirrors}
    return {
        table: columns
        for table, columns in shapes.columns_of(pipeline).items()
        if table.startswith("analytics.") or table in mirrors
    }


def classes(pipeline: Pipeline, table: str) -> Mapping[str, PiiClass]:
    """The class of each column of a readable table that is personal."""
    schema, name = table.split(".", 1)
    if schema == "staging":
        found = {column.name: column.pii for column in pipeline.sources[name].columns}
    elif name in pipeline.dimensions:
        found = _of_dimension(pipeline, pipeline.dimensions[name])
    elif name in pipeline.facts:
        found = _of_fact(pipeline, pipeline.facts[name])
    elif name in pipeline.aggregates:
        found = _of_aggregate(pipeline, pipeline.aggregates[name])
    else:
        found = {}
    return {column: pii for column, pii in found.items() if pii is not PiiClass.NONE}


def mask(pii: PiiClass, kind: str) -> str:
    """The expression over `value` that is shown in place of a personal value; of the column's own type.

    A hash tells equal values from others and no more to a reader, but who guesses a value can check the guess: it is
    a pseudonym, not anonymity, so `direct` columns have none.
    """
    size = _SIZED.match(kind)
    if size and pii is PiiClass.DIRECT:
        return f"cast('{'*' * min(3, int(size[1]))}' as {kind})"
    if size:
        return f"cast(left(sha2(value, 256), {min(64, int(size[1]))}) as {kind})"
    if pii is PiiClass.QUASI and kind in ("date", "timestamp"):
        return f"cast(date_trunc('year', value) as {kind})"
    return f"cast(null as {kind})"


def _made(roles: Collection[str]) -> Plan:
    wanted = (role for role in ROLES if role not in roles)
    return tuple(chain.from_iterable(statements("access/700_role.sql", role, {"role": role}) for role in wanted))


def _readers() -> Plan:
    pairs = [(schema, role) for schema in ("analytics", "staging", "ops") for role in (ANALYST, STEWARD)]
    return tuple(
        chain.from_iterable(
            statements("access/711_readers.sql", role, {"schema": schema, "role": role}) for schema, role in pairs
        )
    )


def _grants(pipeline: Pipeline, table: str, columns: shapes.Columns, masking: bool) -> Plan:
    schema, name = table.split(".", 1)
    personal = classes(pipeline, table)
    hidden = {PiiClass.DIRECT} if masking else {PiiClass.DIRECT, PiiClass.QUASI}
    allowed = tuple(item for item in columns if personal.get(item.name) not in hidden)
    mine: Context = {**_named(schema, name), "role": ANALYST, "column": columns, "allowed": allowed}
    by_column = statements("access/714_read_columns.sql", name, mine)
    analyst = by_column if len(allowed) < len(columns) else _read(schema, name, ANALYST)
    return (*_write(schema, name), *analyst, *_read(schema, name, STEWARD))


def _unread(pipeline: Pipeline) -> Iterator[str]:
    """Tables that no analyst reads: change logs, tips, load tables."""
    return (table for table in shapes.columns_of(pipeline) if table not in readable(pipeline))


def _kept(pipeline: Pipeline, table: str) -> Plan:
    schema, name = table.split(".", 1)
    steward = () if table in shapes.load_tables(pipeline) else _read(schema, name, STEWARD)
    return (*_write(schema, name), *steward)


def _shared(pipeline: Pipeline, table: str) -> Plan:
    schema, name = table.split(".", 1)
    personal = (
        key.name in classes(pipeline, f"analytics.{fact.name}")
        for fact in pipeline.facts.values()
        for key in fact.business_key
    )
    hides = table == "analytics.restatements" and any(personal)
    analyst = () if hides or schema == "staging" else _read(schema, name, ANALYST)
    return (*_write(schema, name), *analyst, *_read(schema, name, STEWARD))


def _parts(table: str) -> tuple[str, str]:
    schema, name = table.split(".", 1)
    return schema, name


def _read(schema: str, name: str, role: str) -> tuple[Statement, ...]:
    return statements("access/713_read.sql", name, {**_named(schema, name), "role": role})


def _write(schema: str, name: str) -> Plan:
    return statements("access/712_write.sql", name, {**_named(schema, name), "loader": LOADER})


def _masked(pipeline: Pipeline, masks: Masks) -> Iterator[Statement]:
    made = set(masks.policies)
    for table, columns in readable(pipeline).items():
        personal = classes(pipeline, table)
        for item in columns:
            if item.name in personal:
                for policy, expression, grantee, priority in _policies(personal[item.name], item):
                    if policy not in made:
                        made.add(policy)
                        yield from statements("access/720_policy.sql", policy, _policy(policy, item.type, expression))
                    if (policy, table, item.name, grantee.removeprefix("role ")) not in masks.attached:
                        how = {"policy": policy, "grantee": grantee, "priority": priority}
                        where: Context = {**_named(*table.split(".", 1)), **how, "column": (item,)}
                        yield from statements("access/721_attach.sql", item.name, where)


def _policies(pii: PiiClass, item: Item) -> Iterator[tuple[str, str, str, str]]:
    slug = re.sub(r"[^a-z0-9]+", "_", item.type).strip("_")
    yield f"mask_{pii.value}_{slug}", mask(pii, item.type), "public", _MASK
    yield f"show_{slug}", "value", f"role {STEWARD}", _STEWARD
    yield f"show_{slug}", "value", f"role {LOADER}", _LOADER


def _policy(policy: str, kind: str, expression: str) -> Context:
    return {"policy": contexts.word(policy), "value": (Item("value", kind),), "expression": expression}


def _named(schema: str, name: str) -> dict[str, str]:
    return {"schema": contexts.word(schema), "t": contexts.word(name)}


def _of_dimension(pipeline: Pipeline, dimension: Dimension) -> dict[str, PiiClass]:
    source = pipeline.sources[dimension.source].by_name
    keys = {key.name: source[key.source].pii for key in dimension.business_key}
    return {**keys, **{item.name: item.pii for item in dimension.attributes}}


def _of_fact(pipeline: Pipeline, fact: Fact) -> dict[str, PiiClass]:
    origins = {
        **{key.name: key.source for key in (*fact.business_key, fact.event_time)},
        **{column: origin for reference in fact.dimensions for column, origin in reference.keys},
        **{item.name: item.expr for item in fact.columns},
    }
    return {name: _of_expression(pipeline, fact, origin) for name, origin in origins.items()}


def _of_expression(pipeline: Pipeline, fact: Fact, expression: str) -> PiiClass:
    """The most personal class among the source columns that an expression names."""
    named = re.findall(r"\b([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\b", expression)
    found = (
        pipeline.sources[table].by_name[column].pii
        for table, column in named
        if table in fact.sources and column in pipeline.sources[table].by_name
    )
    return max(found, key=_RANKS.index, default=PiiClass.NONE)


def _of_aggregate(pipeline: Pipeline, aggregate: Aggregate) -> dict[str, PiiClass]:
    fact = pipeline.facts[aggregate.fact]
    references = {reference.name: reference.dimension for reference in fact.dimensions}
    found = {}
    for item in aggregate.group_by:
        table, column = item.source.split(".")
        owner = f"analytics.{references.get(table, fact.name)}"
        found[item.name] = classes(pipeline, owner).get(column, PiiClass.NONE)
    for measure in aggregate.measures:
        if measure.function in ("min", "max"):
            found[measure.name] = classes(pipeline, f"analytics.{fact.name}").get(measure.column, PiiClass.NONE)
    return found
