"""Kafka records of one group (one key schema, one value schema) → landing rows; what does not fit is set aside, raw.

In: the columns Spark's Kafka source gives (with headers). Out: the landing columns of `docs/architecture.md`, and
`_rejected`: null for a row that counts, else the raw record with the reason (empty where it is of another group).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from schemas import columns as C
from streaming import framing, positions
from streaming.decoding import WriterSchema, decoded
from streaming.reasons import Reason

REJECTED: Final = "_rejected"
OTHER_GROUP: Final = ""
TOMBSTONE: Final = "x"
SNAPSHOT: Final = "r"
OPS: Final = ("c", "u", "d", "r", "t")
KAFKA_SCHEMA: Final = (
    "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp, "
    "headers array<struct<key:string,value:binary>>"
)
REJECTED_SCHEMA: Final = (
    f"{C.TOPIC} string, {C.PARTITION} int, {C.OFFSET} bigint, {C.KAFKA_TS} timestamp, "
    f"{C.HEADERS} array<struct<key:string,value:binary>>, {REJECTED} struct<key:binary,value:binary,reason:string>"
)
_NO_TRANSACTION: Final = "struct<id:string,total_order:bigint,data_collection_order:bigint>"


@dataclass(frozen=True)
class Group:
    """Writer schemas of a file group; none where the part is null in all its records."""

    key: WriterSchema | None
    value: WriterSchema | None

    @property
    def key_id(self) -> str:
        """Registry id of the key schema, or empty."""
        return self.key.id if self.key else ""

    @property
    def value_id(self) -> str:
        """Registry id of the value schema, or empty."""
        return self.value.id if self.value else ""


NO_GROUP: Final = Group(None, None)
"""Nothing is known yet: every record is set aside."""


def landing_rows(records: DataFrame, group: Group, epoch: int, *, compressed: bool = False) -> DataFrame:
    """Decodes every record with the group's schemas.

    Args:
        records: columns key, value, topic, partition, offset, timestamp, headers.
        group: the schemas tried; a record with other headers is rejected with reason `OTHER_GROUP`.
        epoch: epoch of the table.
        compressed: whether zlib-packed records may occur (needs `streaming.inflate`).

    Returns:
        the landing columns and `_rejected`.
    """
    opened = records.select(
        *(F.col(name).alias(alias) for name, alias in _RENAMED.items()),
        F.col("key").alias("_raw_key"),
        F.col("value").alias("_raw_value"),
        _opened("key", group.key, compressed).alias("_k"),
        _opened("value", group.value, compressed).alias("_v"),
    )
    placed = opened.select("*", _op(group).alias(C.OP), _position(group).alias(C.POSITION))
    judged = placed.select("*", _reason(group).alias("_reason"))
    return judged.select(*_technical(group, epoch), *_structs(group), _rejected())


_RENAMED: Final = {
    "topic": C.TOPIC,
    "partition": C.PARTITION,
    "offset": C.OFFSET,
    "timestamp": C.KAFKA_TS,
    "headers": C.HEADERS,
}


def _opened(part: str, schema: WriterSchema | None, compressed: bool) -> Column:
    if schema is None:
        return F.lit(None)
    data = F.col(part)
    record = decoded(framing.payload(data, schema.id, compressed=compressed), schema)
    return F.when(framing.has_schema(data, schema.id), record)


def _source_type(group: Group) -> StructType | None:
    if group.value is None or "source" not in group.value.type.names:
        return None
    found = group.value.type["source"].dataType
    return found if isinstance(found, StructType) else None


def _op(group: Group) -> Column:
    if group.value is None or "op" not in group.value.type.names:
        stated = F.lit(None).cast("string")
    else:
        stated = F.col("_v.op").cast("string")
    return F.when(F.col("_raw_value").isNull(), F.lit(TOMBSTONE)).otherwise(stated)


def _position(group: Group) -> Column:
    source = _source_type(group)
    if source is None:
        return F.lit(None).cast("string")
    streamed = F.col("_raw_value").isNotNull() & (F.col("_v.op") != SNAPSHOT)
    return F.when(streamed, positions.position(source, F.col("_v.source")))


def _reason(group: Group) -> Column:
    """The first rule a record breaks; null for one that counts."""
    rules = [
        (_of_other_group("_raw_key", group.key) | _of_other_group("_raw_value", group.value), OTHER_GROUP),
        (F.col("_raw_key").isNull() & F.col("_raw_value").isNull(), Reason.EMPTY_RECORD),
        (F.col("_raw_key").isNotNull() & _lacks("_k", group.key), Reason.UNDECODABLE_KEY),
        (F.col("_raw_value").isNull(), None),
        *_value_rules(group),
    ]
    (first, reason), *others = rules
    return reduce(lambda chain, rule: chain.when(rule[0], _text(rule[1])), others, F.when(first, _text(reason)))


def _value_rules(group: Group) -> list[tuple[Column, str | None]]:
    op = F.col(C.OP)
    source = F.lit(None) if _source_type(group) is None else F.col("_v.source")
    return [
        (op.isNull() & source.isNull() & _lacks("_v", group.value), Reason.UNDECODABLE_VALUE),
        (op.isNull(), Reason.NO_OP),
        (source.isNull(), Reason.NO_SOURCE),
        (~op.isin(*OPS), Reason.UNKNOWN_OP),
        ((op != SNAPSHOT) & F.col(C.POSITION).isNull(), Reason.NO_POSITION),
    ]


def _text(reason: str | None) -> Column:
    return F.lit(None).cast("string") if reason is None else F.lit(str(reason))


def _of_other_group(part: str, schema: WriterSchema | None) -> Column:
    data = F.col(part)
    return data.isNotNull() if schema is None else data.isNotNull() & ~framing.has_schema(data, schema.id)


def _lacks(decoded_part: str, schema: WriterSchema | None) -> Column:
    """Whether a field that cannot be null is null, as after a failed decoding."""
    if schema is None:
        return F.lit(False)
    absent = [F.col(decoded_part)[name].isNull() for name in schema.mandatory]
    return reduce(lambda left, right: left | right, absent, F.col(decoded_part).isNull())


def _technical(group: Group, epoch: int) -> list[Column]:
    source, block = _source_type(group), F.col("_v.source")
    if source is None:
        position_id, source_ts = F.lit(None).cast("string"), F.lit(None).cast("timestamp")
    else:
        position_id, source_ts = positions.position_id(source, block), positions.source_time(source, block)
    return [
        *(F.col(name) for name in _RENAMED.values()),
        F.when(F.col("_raw_key").isNotNull(), F.lit(group.key_id or None)).cast("string").alias(C.KEY_SCHEMA_ID),
        F.when(F.col("_raw_value").isNotNull(), F.lit(group.value_id or None)).cast("string").alias(C.SCHEMA_ID),
        F.lit(epoch).cast("int").alias(C.EPOCH),
        F.col(C.OP),
        F.col(C.POSITION),
        position_id.alias(C.POSITION_ID),
        source_ts.alias(C.SOURCE_TS),
    ]


def _structs(group: Group) -> list[Column]:
    """The decoded parts; a part that the schemas do not have is absent (`transaction` is then null)."""
    parts = [F.col("_k").alias("key")] if group.key else []
    if group.value is None:
        return parts
    names = group.value.type.names
    parts += [F.col("_v")[name].alias(name) for name in ("before", "after", "source") if name in names]
    has_transaction = "transaction" in names
    transaction = F.col("_v.transaction") if has_transaction else F.lit(None).cast(_NO_TRANSACTION)
    return [*parts, transaction.alias("transaction")]


def _rejected() -> Column:
    raw = F.struct(F.col("_raw_key").alias("key"), F.col("_raw_value").alias("value"), F.col("_reason").alias("reason"))
    return F.when(F.col("_reason").isNotNull(), raw).alias(REJECTED)
