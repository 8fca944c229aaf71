"""Records that are not of the expected writer schemas: sorted into groups of their own, or into dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.store import Store
from schemas import columns as C
from streaming import framing
from streaming.decoding import WriterSchema
from streaming.envelope import NO_GROUP, OTHER_GROUP, REJECTED, REJECTED_SCHEMA, Group
from streaming.reasons import EXPLANATIONS, Reason
from streaming.write import Written, instant_of

KEY_ID: Final = "_kid"
VALUE_ID: Final = "_vid"
_RECORD: Final = {
    "key": f"{REJECTED}.key",
    "value": f"{REJECTED}.value",
    "topic": C.TOPIC,
    "partition": C.PARTITION,
    "offset": C.OFFSET,
    "timestamp": C.KAFKA_TS,
    "headers": C.HEADERS,
}


@dataclass(frozen=True)
class Pair:
    """Key and value schema id that occur together (empty: no key, no value), and when they did last."""

    key_id: str
    value_id: str
    last_kafka_ts: datetime


@dataclass(frozen=True)
class Share:
    """A group and the pairs of schema ids (empty: absent) whose records it lands."""

    group: Group
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Census:
    """The pairs of schema ids with sound headers among the records set aside."""

    pairs: tuple[Pair, ...]

    @property
    def ids(self) -> set[str]:
        """Every schema id."""
        return {i for pair in self.pairs for i in (pair.key_id, pair.value_id) if i}

    def latest(self, shares: Iterable[Share], current: Group, current_last: datetime | None) -> Group:
        """The group to expect next: the one whose records came last."""
        best, when = current, current_last
        for share in shares:
            times = [p.last_kafka_ts for p in self.pairs if (p.key_id, p.value_id) in share.pairs]
            if share.group.value and times and (best is NO_GROUP or when is None or max(times) > when):
                best, when = share.group, max(times)
        return best


def read_rejected(spark: SparkSession, store: Store, written: Written) -> DataFrame:
    """The records a pass has set aside: Kafka coordinates, headers and `_rejected`."""
    return spark.read.schema(REJECTED_SCHEMA).parquet(*(f"{store.uri}/{key}" for key in written.rejected))


def census(rejected: DataFrame) -> Census:
    """Which schema ids occur together among the records of other groups."""
    last = F.max(F.unix_millis(C.KAFKA_TS)).alias("last")
    found = _identified(rejected).where(_sound()).groupBy(KEY_ID, VALUE_ID).agg(last).collect()
    pairs = (Pair(row[KEY_ID], row[VALUE_ID], instant_of(row["last"])) for row in found)
    return Census(tuple(sorted(pairs, key=lambda pair: (pair.key_id, pair.value_id))))


def shares_of(found: Census, usable: Mapping[str, WriterSchema]) -> list[Share]:
    """One share per pair of usable schemas; shares are disjoint.

    A tombstone or a record without key joins the first share that has its other part, so it makes no file of its own.
    """
    pairs = [(p.key_id, p.value_id) for p in found.pairs if all(i in usable for i in (p.key_id, p.value_id) if i)]
    hosts = {pair: [pair] for pair in pairs if all(pair)}
    for key_id, value_id in (pair for pair in pairs if not all(pair) and any(pair)):
        host = next((h for h in hosts if key_id in ("", h[0]) and value_id in ("", h[1])), (key_id, value_id))
        hosts.setdefault(host, []).append((key_id, value_id))
    return [Share(Group(usable.get(k), usable.get(v)), tuple(members)) for (k, v), members in hosts.items()]


def records_of(rejected: DataFrame, share: Share) -> DataFrame:
    """The records of a share, as Kafka gave them."""
    mine = _identified(rejected).where(_belongs(share))
    return mine.select(*(F.col(path).alias(name) for name, path in _RECORD.items()))


def judged(rejected: DataFrame) -> DataFrame:
    """Records that were tried with their own schemas and failed, with reason and detail."""
    final = rejected.where(F.col(f"{REJECTED}.reason") != OTHER_GROUP)
    return _with_reason(_identify(final), F.col(f"{REJECTED}.reason"), _which_schema())


def unreadable(rejected: DataFrame, shares: Iterable[Share], unusable: Mapping[str, str]) -> DataFrame:
    """Records of other groups that no schema can read.

    Args:
        rejected: what a pass has set aside.
        shares: those that were landed.
        unusable: why a schema cannot be used, by id; an id in neither is unknown to the registry.
    """
    rows = _identified(rejected)
    claimed = reduce(lambda left, right: left | right, (_belongs(share) for share in shares), F.lit(False))
    rest = rows.where(~F.coalesce(claimed, F.lit(False)))
    bad_ids = list(unusable)
    is_unusable = F.col(KEY_ID).isin(bad_ids) | F.col(VALUE_ID).isin(bad_ids)
    reason = (
        F.when(F.col(KEY_ID).isNull(), F.lit(str(Reason.UNDECODABLE_KEY)))
        .when(F.col(VALUE_ID).isNull(), framing.header_fault(F.col(f"{REJECTED}.value")))
        .when((F.col(KEY_ID) == "") & (F.col(VALUE_ID) == ""), F.lit(str(Reason.EMPTY_RECORD)))
        .when(is_unusable, F.lit(str(Reason.SCHEMA_UNUSABLE)))
        .otherwise(F.lit(str(Reason.UNKNOWN_SCHEMA_ID)))
    )
    causes = [F.when((F.col(KEY_ID) == i) | (F.col(VALUE_ID) == i), F.lit(f": {why}")) for i, why in unusable.items()]
    return _with_reason(rest, reason, F.concat(_which_schema(), F.coalesce(*causes, F.lit(""))))


def dead_letters(parts: Iterable[DataFrame], epoch: int) -> DataFrame:
    """The dead letters of a batch in the columns of `docs/architecture.md`."""
    together = reduce(lambda left, right: left.unionByName(right), parts)
    return together.select("*", F.lit(epoch).cast("int").alias(C.EPOCH))


def _identified(rejected: DataFrame) -> DataFrame:
    return _identify(rejected.where(F.col(f"{REJECTED}.reason") == OTHER_GROUP))


def _identify(rejected: DataFrame) -> DataFrame:
    """Adds the schema ids: empty where the part is absent, null where its header is unsound."""
    key, value = F.col(f"{REJECTED}.key"), F.col(f"{REJECTED}.value")
    return rejected.select(
        "*",
        F.when(key.isNull(), F.lit("")).otherwise(framing.schema_id(key)).alias(KEY_ID),
        F.when(value.isNull(), F.lit("")).otherwise(framing.schema_id(value)).alias(VALUE_ID),
    )


def _sound() -> Column:
    return F.col(KEY_ID).isNotNull() & F.col(VALUE_ID).isNotNull()


def _belongs(share: Share) -> Column:
    matches = ((F.col(KEY_ID) == key_id) & (F.col(VALUE_ID) == value_id) for key_id, value_id in share.pairs)
    return reduce(lambda left, right: left | right, matches)


def _which_schema() -> Column:
    key, value = (F.when(F.length(i) > 0, i).otherwise("-") for i in (F.col(KEY_ID), F.col(VALUE_ID)))
    return F.concat(F.lit("key schema "), key, F.lit(", value schema "), value)


def _with_reason(rows: DataFrame, reason: Column, detail: Column) -> DataFrame:
    explanation = F.create_map(*(F.lit(str(text)) for pair in EXPLANATIONS.items() for text in pair))
    named = rows.select("*", reason.alias("reason"), detail.alias("_detail"))
    return named.select(
        C.TOPIC,
        C.PARTITION,
        C.OFFSET,
        C.KAFKA_TS,
        C.HEADERS,
        F.col(f"{REJECTED}.key").alias("raw_key"),
        F.col(f"{REJECTED}.value").alias("raw_value"),
        "reason",
        F.concat_ws("; ", explanation[F.col("reason")], "_detail").alias("detail"),
    )
