"""Landing rows of one writer schema to the staging shape: row image, contract types, identity, the change's instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.transforms.identity import identity
from glue_jobs.transforms.types import (
    CannotConvertError,
    Landed,
    converted,
    decoded,
    is_unavailable,
    ruled,
)
from schemas import columns as c
from schemas.errors import LakeError
from schemas.model import Evolution, SourceColumn, SourceContract
from schemas.types import ColumnType
from schemas.writer import WriterField, suggested_type

TOMBSTONE: Final = "x"
DELETE: Final = "d"
TRUNCATE: Final = "t"
OLD_KEY_HEADER: Final = "__debezium.oldkey"

FAULTS: Final = "_faults"
"""Names of what could not be converted, comma separated; NULL where all could."""
ENVELOPE: Final = "_envelope"
"""The landed envelope as JSON, for quarantine."""
NEW_COLUMNS: Final = "_new_columns"
"""Names of the columns outside the contract that hold a value, where the contract discards such rows; else NULL."""
HAS_ROW: Final = "_has_row"
"""Whether the record carries the row image that its op promises."""


class IncompatibleSchemaError(LakeError):
    """A writer schema broke with the contract: the table waits for a new contract."""


@dataclass(frozen=True)
class Image:
    """Where the columns of a row come from.

    `columns` and `added` (beyond the contract) hold each column with the writer's field; `landed` the landed name and
    type by lower-case name; `key` likewise of the Kafka key, empty where the records have none; `own_key` are the
    columns of the contract's key that come from it.
    """

    columns: tuple[tuple[SourceColumn, WriterField | None], ...]
    added: tuple[tuple[SourceColumn, WriterField], ...]
    landed: Mapping[str, tuple[str, T.DataType]]
    key: Mapping[str, tuple[str, T.DataType]]
    own_key: frozenset[str] = frozenset()


def planned(schema: T.StructType, writer: Sequence[WriterField], contract: SourceContract) -> Image:
    """How landing rows of `schema`, written by `writer`, become rows of `contract`.

    Raises:
        IncompatibleSchemaError: a key column or a NOT NULL column is gone, or the contract is frozen and one is new.
    """
    fields = {field.name.lower(): field for field in writer}
    landed = _members(schema, "after")
    key = _members(schema, "key")
    for column in contract.columns:
        absent = column.name not in landed or column.name not in fields
        if absent and not (column.name in contract.key and column.name in key):
            _require_droppable(column, contract)
    added = tuple(
        (SourceColumn(name, suggested_type(field)), field)
        for name, field in fields.items()
        if name in landed and name not in contract.by_name
    )
    if added and contract.evolution is Evolution.FREEZE:
        names = ", ".join(column.name for column, _ in added)
        what = f"the source has columns that the contract does not: {names}"
        raise _incompatible(contract, what, "add them to the contract, or say evolution: evolve")
    columns = tuple((column, fields.get(column.name) if column.name in landed else None) for column in contract.columns)
    return Image(columns, added, landed, key, frozenset(contract.key) & frozenset(key))


def added_columns(image: Image, contract: SourceContract) -> dict[str, ColumnType]:
    """Columns that the change log gets beside the contract's: those of a table that evolves."""
    if contract.evolution is not Evolution.EVOLVE:
        return {}
    return {column.name: column.type for column, _ in image.added}


def conform(
    landed: DataFrame,
    writer: Sequence[WriterField],
    contract: SourceContract,
    extra: Mapping[str, str] | None = None,
) -> DataFrame:
    """Change rows in the staging shape.

    Tombstones are left out. A value that its type's rule cannot hold is NULL and named in `_faults` (`type:<column>`).

    Args:
        landed: landing rows of one writer schema, and `_ingest_seq`.
        writer: the fields of the row as written (`schemas.writer.row_fields`).
        contract: the table's contract.
        extra: columns of the change log beyond the contract's, with Spark types; NULL where this schema lacks one.

    Returns:
        the staging columns, `extra`, and `_faults`, `_has_row`, `_new_columns`, `_envelope`, `_topic`.

    Raises:
        IncompatibleSchemaError: the writer schema broke with the contract.
    """
    image = planned(landed.schema, writer, contract)
    parts = [_part(column, field, image) for column, field in image.columns]
    present = {column.name: (column, field) for column, field in image.added}
    for name, kind in (extra or {}).items():
        found = present.get(name)
        parts.append(replace(_part(*found, image), kind=kind) if found else _Part(name, kind))
    # Each step names the columns of the step before, so that nothing is computed twice: Spark keeps such steps apart.
    # The first one takes the records apart, so that no later one copies them.
    rows = landed.where(F.col(c.OP) != TOMBSTONE).select(
        "*", *_prepared(landed.schema, image, contract), *(column for part in parts for column in part.first)
    )
    rows = rows.select("*", *(_value(part, contract) for part in parts))
    return rows.select(
        *_technical(),
        _unavailable(parts).alias(c.UNAVAILABLE),
        _old_key(image, contract).alias(c.OLD_KEY),
        *(F.col(_VALUE + part.name).alias(part.name) for part in parts),
        _faults(parts, image, contract).alias(FAULTS),
        HAS_ROW,
        NEW_COLUMNS,
        _envelope(landed.schema).alias(ENVELOPE),
        c.TOPIC,
    )


def named(conditions: Sequence[tuple[str, Column]], given: Sequence[Column] = ()) -> Column:
    """The names of the conditions that hold, comma separated; NULL where none does. A NULL condition does not hold.

    Args:
        conditions: each with its name.
        given: texts that are names already, or NULL; they come first.
    """
    if not conditions and not given:
        return F.lit(None).cast("string")
    names = F.concat_ws(",", *given, *(F.when(condition, F.lit(name)) for name, condition in conditions))
    return F.when(_any([*(text.isNotNull() for text in given), *(condition for _, condition in conditions)]), names)


_LATEST: Final = "_latest"
_DECODED: Final = "_decoded_"
_PRESENT: Final = "_present_"
_MISSING: Final = "_missing_"
_VALUE: Final = "_value_"


@dataclass(frozen=True)
class _Part:
    """A column of the result on its way.

    Args:
        name: of the column.
        kind: its Spark type.
        column: by the contract, or as an evolving table adds it; None where these records lack it, and so for the rest.
        raw: the landed value.
        decoded: the landed value with its encoding undone.
        placeholder: whether the landed value is the placeholder; None where it cannot be.
    """

    name: str
    kind: str
    column: SourceColumn | None = None
    raw: Column | None = None
    decoded: Landed | None = None
    placeholder: Column | None = None

    @property
    def first(self) -> list[Column]:
        """The decoded value; whether there is a landed one, where that tells more; whether it is the placeholder."""
        if self.raw is None or self.decoded is None:
            return []
        present = [] if self.decoded.value is self.raw else [self.raw.isNotNull().alias(_PRESENT + self.name)]
        missing = [] if self.placeholder is None else [self.placeholder.alias(_MISSING + self.name)]
        return [self.decoded.value.alias(_DECODED + self.name), *present, *missing]

    @property
    def unavailable(self) -> Column | None:
        """Whether the value was not in the source's log; None where it always is."""
        return None if self.placeholder is None else F.col(_MISSING + self.name)

    @property
    def fault(self) -> Column | None:
        """Whether there is a value, and its rule cannot hold it."""
        if self.raw is None or self.decoded is None:
            return None
        same = self.decoded.value is self.raw
        present = F.col(_DECODED + self.name).isNotNull() if same else F.col(_PRESENT + self.name)
        failed = present & F.col(_VALUE + self.name).isNull()
        return failed if self.unavailable is None else failed & ~self.unavailable


def _part(column: SourceColumn, field: WriterField | None, image: Image) -> _Part:
    in_key = column.name in image.own_key
    if not in_key and field is None:
        return _Part(column.name, column.type.spark)
    name, kind = image.key[column.name] if in_key else image.landed[column.name]
    raw = F.col("key")[name] if in_key else _of_row(name)
    landed = decoded(raw, kind, field or WriterField(column.name, "string"))
    placeholder = None if in_key else is_unavailable(raw, kind)
    return _Part(column.name, column.type.spark, column, raw, landed, placeholder)


def _value(part: _Part, contract: SourceContract) -> Column:
    """A column's value by its rule; NULL where it is unavailable or its rule cannot hold it."""
    found = part.decoded
    if found is None or part.column is None:
        return F.lit(None).cast(part.kind).alias(_VALUE + part.name)
    try:
        value = ruled(replace(found, value=F.col(_DECODED + part.name)), part.column.type)
    except CannotConvertError as error:
        raise _incompatible(contract, f"column {part.name}: {error}", "give the column a type that fits") from None
    unavailable = part.unavailable
    available = value if unavailable is None else F.when(~unavailable, value)
    return available.cast(part.column.type.spark).cast(part.kind).alias(_VALUE + part.name)


def _prepared(schema: T.StructType, image: Image, contract: SourceContract) -> list[Column]:
    """What is told of a record as a whole."""
    tolerance = contract.clock_tolerance_seconds * 1_000_000
    latest = F.timestamp_micros(F.unix_micros(F.col(c.KAFKA_TS)) + tolerance)
    row = F.when(_is_delete(), F.col("before").isNotNull()).otherwise(F.col("after").isNotNull())
    has_row = row if "after" in schema.names else F.lit(False)
    return [
        identity("key" in schema.names, "after" in schema.names).alias(c.IDENTITY),
        latest.alias(_LATEST),
        (has_row | (F.col(c.OP) == TRUNCATE)).alias(HAS_ROW),
        _discarded(image, contract).alias(NEW_COLUMNS),
    ]


def _technical() -> list[Column]:
    latest = F.col(_LATEST)
    # A source that gave no time: `least` passes over NULL, and the tolerance is not to be added to Kafka's own time.
    changed = F.when(F.col(c.SOURCE_TS).isNull(), F.col(c.KAFKA_TS)).otherwise(F.least(F.col(c.SOURCE_TS), latest))
    landed = (c.INGEST_SEQ, c.PARTITION, c.OFFSET, c.KAFKA_TS, c.SCHEMA_ID, c.EPOCH, c.OP, c.POSITION, c.IDENTITY)
    return [
        *(F.col(name) for name in (*landed, c.SOURCE_TS)),
        changed.alias(c.CHANGED_AT),
        F.coalesce(F.col(c.SOURCE_TS) > latest, F.lit(False)).alias(c.CLOCK_FLAGGED),
    ]


def _is_delete() -> Column:
    return F.col(c.OP) == DELETE


def _of_row(name: str) -> Column:
    """A landed value of the row image: of a delete it is `before`, else `after`."""
    return F.when(_is_delete(), F.col("before")[name]).otherwise(F.col("after")[name])


def _unavailable(parts: Sequence[_Part]) -> Column:
    flags = [(part.name, flag) for part in parts if (flag := part.unavailable) is not None]
    nothing = F.array().cast("array<string>")
    if not flags:
        return nothing
    found = F.array_compact(F.array(*(F.when(flag, F.lit(name)) for name, flag in flags)))
    return F.when(_any([flag for _, flag in flags]), found).otherwise(nothing)


def _faults(parts: Sequence[_Part], image: Image, contract: SourceContract) -> Column:
    faults = [(f"type:{part.name}", fault) for part in parts if (fault := part.fault) is not None]
    if image.key:
        lost = _has_headers() & _old_key_json().isNotNull() & _old_key(image, contract).isNull()
        faults.append((f"header:{OLD_KEY_HEADER}", lost))
    return named(faults)


def _any(conditions: Sequence[Column]) -> Column:
    return reduce(lambda left, right: left | right, conditions)


def _has_headers() -> Column:
    """Few records have headers, and looking through them costs more than asking."""
    return F.size(c.HEADERS) > 0


def _old_key_json() -> Column:
    matching = F.filter(F.col(c.HEADERS), lambda header: header["key"] == OLD_KEY_HEADER)
    return F.get(matching, F.lit(0))["value"].cast("string")


def _old_key(image: Image, contract: SourceContract) -> Column:
    """The key before a key change, from Debezium's header (plain JSON of the key); else NULL."""
    kinds = ", ".join(f"`{column.name}`: {column.type.spark}" for column in contract.key_columns)
    if not image.key or any(name not in image.key for name in contract.key):
        return F.lit(None).cast(f"struct<{kinds}>")
    # JSON has no bytes: Connect writes bytes (and decimals) as base64, which `from_json` reads into binary.
    landed = {name: _json_type(image.key[name][1]) for name in contract.key}
    shape = T.StructType([T.StructField(image.key[name][0], kind) for name, kind in landed.items()])
    parsed = F.from_json(_old_key_json(), shape)
    fields = {column.name: field for column, field in image.columns}
    parts = {}
    for column in contract.key_columns:
        raw = parsed[image.key[column.name][0]]
        field = fields[column.name] or WriterField(column.name, "string")
        parts[column.name] = converted(raw, landed[column.name], field, column.type).cast(column.type.spark)
    whole = reduce(lambda left, right: left & right, (part.isNotNull() for part in parts.values()))
    return F.when(_has_headers() & whole, F.struct(*(part.alias(name) for name, part in parts.items())))


def _json_type(kind: T.DataType) -> T.DataType:
    return T.BinaryType() if isinstance(kind, T.DecimalType) else kind


def _discarded(image: Image, contract: SourceContract) -> Column:
    if contract.evolution is not Evolution.DISCARD:
        return F.lit(None).cast("string")
    carried = [
        (
            f"evolution:{column.name}",
            _of_row(image.landed[column.name][0]).isNotNull(),
        )
        for column, _ in image.added
    ]
    return named(carried)


def _envelope(schema: T.StructType) -> Column:
    names = [name for name in ("key", "before", "after", "source", "transaction") if name in schema.names]
    return F.to_json(F.struct(F.col(c.OP).alias("op"), F.col(c.HEADERS).alias("headers"), *names))


def _members(schema: T.StructType, name: str) -> dict[str, tuple[str, T.DataType]]:
    found = schema[name].dataType if name in schema.names else None
    if not isinstance(found, T.StructType):
        return {}
    return {field.name.lower(): (field.name, field.dataType) for field in found.fields}


def _require_droppable(column: SourceColumn, contract: SourceContract) -> None:
    if column.name in contract.key:
        raise _incompatible(
            contract,
            f"key column {column.name} is gone",
            "correct the key, or the source's message key",
        )
    if not column.nullable:
        what = f"column {column.name} is gone and may not be NULL"
        raise _incompatible(contract, what, "say nullable: true, or remove it")


def _incompatible(contract: SourceContract, what: str, remedy: str) -> IncompatibleSchemaError:
    where = f"{contract.pipeline}/sources/{contract.table}.yaml"
    remedy = f"{remedy}, then promote again; nothing of this batch was written"
    return IncompatibleSchemaError(what, where=where, remedy=remedy)
