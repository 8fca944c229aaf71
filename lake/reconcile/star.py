"""Oracles 3 and 6 as queries over the warehouse, each counting the rows that break its rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas import columns as c
from schemas.model import Dimension, DimensionReference, Fact, Pipeline, SourceContract


@dataclass(frozen=True)
class Question:
    """A query for one number: how many rows break a rule, out of how many looked at."""

    oracle: str
    table: str
    rule: str
    broken: str
    compared: str


def history_questions(dimension: Dimension) -> Iterator[Question]:
    """Oracle 3: versions neither overlap nor are empty, at most one is current, each opens with a change of the log."""
    table = f"analytics.{dimension.name}"
    key = ", ".join(key.name for key in dimension.business_key)
    real = f"SELECT * FROM {table} WHERE {dimension.surrogate_key} <> {c.UNKNOWN_MEMBER}"
    following = (
        f"SELECT v.*, LEAD(effective_from) OVER (PARTITION BY {key} ORDER BY effective_from) AS next_from"
        f" FROM ({real}) AS v"
    )
    rules = {
        "versions overlap": f"SELECT count(*) FROM ({following}) AS f"
        " WHERE next_from < COALESCE(effective_to, TIMESTAMP '9999-12-31 00:00:00')",
        "versions are empty": f"SELECT count(*) FROM ({real}) AS v WHERE effective_to <= effective_from",
        "a key has more than one current version": f"SELECT count(*) FROM (SELECT {key} FROM ({real}) AS v"
        f" WHERE is_current GROUP BY {key} HAVING count(*) > 1) AS m",
        "a surrogate key is used twice": f"SELECT count(*) FROM (SELECT {dimension.surrogate_key} FROM {table}"
        f" GROUP BY {dimension.surrogate_key} HAVING count(*) > 1) AS m",
        "current flag and open end differ": f"SELECT count(*) FROM ({real}) AS v"
        " WHERE is_current <> (effective_to IS NULL)",
        "no change opens the version": f"SELECT count(*) FROM ({real}) AS v LEFT JOIN staging.{dimension.name}_log AS l"
        " ON l.change_identity = v.version_identity"
        f" WHERE l.change_identity IS NULL AND NOT v.is_inferred AND v.version_identity <> '{c.ORIGIN}'",
    }
    for rule, broken in rules.items():
        yield Question("history", dimension.name, rule, broken, f"SELECT count(*) FROM ({real}) AS v")


def key_questions(fact: Fact, pipeline: Pipeline) -> Iterator[Question]:
    """Oracle 6: every surrogate key is the as-of rule's, worked out by looking for a better version, not by a join."""
    compared = f"SELECT count(*) FROM analytics.{fact.name}"
    for reference in fact.dimensions:
        broken = _wrong_keys(fact, reference, pipeline.dimensions[reference.dimension])
        yield Question("keys", fact.name, f"{reference.name} is not the as-of version", broken, compared)


def _wrong_keys(fact: Fact, reference: DimensionReference, dimension: Dimension) -> str:
    """A version is right when it belongs to the fact's key and no other of that key fits the event time better."""
    pairs = list(zip(dimension.business_key, reference.keys, strict=True))
    own = " AND ".join(f"d.{key.name} = f.{column}" for key, (column, _) in pairs)
    event = f"f.{fact.event_time.name}"
    null = " OR ".join(f"f.{column} IS NULL" for _, (column, _) in pairs) + f" OR {event} IS NULL"
    return (
        f"SELECT count(*) FROM analytics.{fact.name} AS f"
        f" LEFT JOIN analytics.{dimension.name} AS d ON d.{dimension.surrogate_key} = f.{reference.name}"
        f" LEFT JOIN ({_outdone(fact, reference, dimension)}) AS w"
        f" ON w.sk = f.{reference.name} AND w.event_at = {event}"
        f" WHERE d.{dimension.surrogate_key} IS NULL OR w.sk IS NOT NULL"
        f" OR (f.{reference.name} = {c.UNKNOWN_MEMBER}) <> ({null})"
        f" OR (f.{reference.name} <> {c.UNKNOWN_MEMBER} AND NOT ({own}))"
    )


def _outdone(fact: Fact, reference: DimensionReference, dimension: Dimension) -> str:
    """Pairs of (surrogate key, event time) in use for which another version of the same key fits better."""
    sk, dims, event = dimension.surrogate_key, f"analytics.{dimension.name}", f"f.{fact.event_time.name}"
    same = " AND ".join(f"o.{key.name} = d.{key.name}" for key in dimension.business_key)
    better = (
        f"(o.effective_from <= {event} AND (d.effective_from > {event} OR o.effective_from > d.effective_from))"
        f" OR (d.effective_from > {event} AND o.effective_from < d.effective_from)"
    )
    return (
        f"SELECT DISTINCT f.{reference.name} AS sk, {event} AS event_at FROM analytics.{fact.name} AS f"
        f" JOIN {dims} AS d ON d.{sk} = f.{reference.name} JOIN {dims} AS o ON {same} AND o.{sk} <> d.{sk}"
        f" WHERE d.{sk} <> {c.UNKNOWN_MEMBER} AND ({better})"
    )


def fact_columns_of_base(fact: Fact, source: SourceContract) -> dict[str, str]:
    """What a fact takes from its base as it is: fact column to source column, the source's key first, in its order."""
    taken = {key.source: key.name for key in fact.business_key}
    key = {taken[f"{source.table}.{name}"]: name for name in source.key}
    bare = {column.name: column.expr.strip() for column in fact.columns}
    for reference in fact.dimensions:
        bare |= dict(reference.keys)
    own = {f"{source.table}.{column.name}": column.name for column in source.columns}
    return key | {name: own[expr] for name, expr in bare.items() if expr in own and name not in key}
