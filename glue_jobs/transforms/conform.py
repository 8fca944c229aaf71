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
from glue_jobs.transforms.types import CannotConvertError, converted, is_unavailable
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
    type by lower-case name; `key` likewise of the Kafka key, empty where the records have none.
    """

    columns: tuple[tuple[SourceColumn, WriterField | None], ...]
    added: tuple[tuple[SourceColumn, WriterField], ...]
    landed: Mapping[str, tuple[str, T.DataType]]
    key: Mapping[str, tuple[str, T.DataType]]


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
    return Image(columns, added, landed, key)


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
    rows = landed.where(F.col(c.OP) != TOMBSTONE).withColumn("_image", _row_image(landed.schema))
    built = [_column(column, field, image, contract) for column, field in image.columns]
    present = {column.name: (column, field) for column, field in image.added}
    for name, kind in (extra or {}).items():
        found = present.get(name)
        built.append(_widened(_column(*found, image, contract), kind) if found else _absent(name, kind))
    return rows.select(
        *_technical(landed.schema, contract),
        _unavailable(built).alias(c.UNAVAILABLE),
        _old_key(image, contract).alias(c.OLD_KEY),
        *(item.value.alias(item.name) for item in built),
        _faults(built, image, contract).alias(FAULTS),
        (F.col("_image").isNotNull() | (F.col(c.OP) == TRUNCATE)).alias(HAS_ROW),
        _discarded(image, contract).alias(NEW_COLUMNS),
        _envelope(landed.schema).alias(ENVELOPE),
        F.col(c.TOPIC),
    )


def named(conditions: Sequence[tuple[str, Column]]) -> Column:
    """The names of the conditions that hold, comma separated; NULL where none does. A NULL condition does not hold."""
    if not conditions:
        return F.lit(None).cast("string")
    names = F.concat_ws(",", *(F.when(condition, F.lit(name)) for name, condition in conditions))
    return F.when(_any([condition for _, condition in conditions]), names)


@dataclass(frozen=True)
class _Built:
    """A column of the result: its value, and whether it is unavailable or failed to convert (None: cannot)."""

    name: str
    value: Column
    unavailable: Column | None
    fault: Column | None


def _absent(name: str, kind: str) -> _Built:
    return _Built(name, F.lit(None).cast(kind), None, None)


def _widened(built: _Built, kind: str) -> _Built:
    return replace(built, value=built.value.cast(kind))


def _column(
    column: SourceColumn,
    field: WriterField | None,
    image: Image,
    contract: SourceContract,
) -> _Built:
    in_key = column.name in contract.key and column.name in image.key
    if not in_key and field is None:
        return _absent(column.name, column.type.spark)
    name, kind = image.key[column.name] if in_key else image.landed[column.name]
    raw = F.col("key" if in_key else "_image")[name]
    try:
        value = converted(raw, kind, field or WriterField(column.name, "string"), column.type)
    except CannotConvertError as error:
        raise _incompatible(
            contract,
            f"column {column.name}: {error}",
            "give the column a type that fits",
        ) from None
    unavailable = None if column.name in contract.key else is_unavailable(raw, kind)
    if unavailable is not None:
        value = F.when(~unavailable, value)
    failed = raw.isNotNull() & value.isNull()
    fault = failed if unavailable is None else failed & ~unavailable
    return _Built(column.name, value.cast(column.type.spark), unavailable, fault)


def _technical(schema: T.StructType, contract: SourceContract) -> list[Column]:
    latest = F.col(c.KAFKA_TS) + F.make_dt_interval(secs=F.lit(contract.clock_tolerance_seconds))
    # A source that gave no time: `least` passes over NULL, and the tolerance is not to be added to Kafka's own time.
    changed = F.when(F.col(c.SOURCE_TS).isNull(), F.col(c.KAFKA_TS)).otherwise(F.least(F.col(c.SOURCE_TS), latest))
    return [
        F.col(c.INGEST_SEQ),
        *(
            F.col(name)
            for name in (
                c.PARTITION,
                c.OFFSET,
                c.KAFKA_TS,
                c.SCHEMA_ID,
                c.EPOCH,
                c.OP,
                c.POSITION,
            )
        ),
        identity("key" in schema.names, "after" in schema.names).alias(c.IDENTITY),
        F.col(c.SOURCE_TS),
        changed.alias(c.CHANGED_AT),
        F.coalesce(F.col(c.SOURCE_TS) > latest, F.lit(False)).alias(c.CLOCK_FLAGGED),
    ]


def _row_image(schema: T.StructType) -> Column:
    if "after" not in schema.names:
        return F.lit(None)
    return F.when(F.col(c.OP) == DELETE, F.col("before")).otherwise(F.col("after"))


def _unavailable(built: Sequence[_Built]) -> Column:
    flags = [(item.name, item.unavailable) for item in built if item.unavailable is not None]
    nothing = F.array().cast("array<string>")
    if not flags:
        return nothing
    found = F.array_compact(F.array(*(F.when(flag, F.lit(name)) for name, flag in flags)))
    return F.when(_any([flag for _, flag in flags]), found).otherwise(nothing)


def _faults(built: Sequence[_Built], image: Image, contract: SourceContract) -> Column:
    faults = [(f"type:{item.name}", item.fault) for item in built if item.fault is not None]
    if image.key:
        lost = _old_key_json().isNotNull() & _old_key(image, contract).isNull()
        faults.append((f"header:{OLD_KEY_HEADER}", lost))
    return named(faults)


def _any(conditions: Sequence[Column]) -> Column:
    return reduce(lambda left, right: left | right, conditions)


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
    return F.when(whole, F.struct(*(part.alias(name) for name, part in parts.items())))


def _json_type(kind: T.DataType) -> T.DataType:
    return T.BinaryType() if isinstance(kind, T.DecimalType) else kind


def _discarded(image: Image, contract: SourceContract) -> Column:
    if contract.evolution is not Evolution.DISCARD:
        return F.lit(None).cast("string")
    carried = [
        (
            f"evolution:{column.name}",
            F.col("_image")[image.landed[column.name][0]].isNotNull(),
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
