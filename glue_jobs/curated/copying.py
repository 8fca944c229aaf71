"""Load rows held against what COPY takes, in the pass that counts them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from redshift_sql.copy_contract import MOST_ROW_BYTES, CopyContract, CopyContractError

_UNIT: Final = "spark.sql.parquet.outputTimestampType"
_MICROS: Final = "TIMESTAMP_MICROS"


def counted(rows: DataFrame, contract: CopyContract) -> int:
    """How many rows there are, each of which COPY will take.

    Args:
        rows: load rows of one table, in the order of its columns.
        contract: what COPY asks of them.

    Raises:
        CopyContractError: columns, types, the unit of timestamps, or the bytes of some values do not fit; names the
            column, how many rows and how many bytes, never a value.
    """
    _check_session(rows.sparkSession, contract)
    contract.check([(field.name, field.dataType.simpleString()) for field in rows.schema])
    measures = [F.max(F.octet_length(column.name)).alias(column.name) for column in contract.sized]
    if contract.row_bytes > MOST_ROW_BYTES:
        measures.append(F.max(_row_bytes(contract)).alias("_row"))
    found = rows.agg(F.count("*").alias("_rows"), *measures).first()
    assert found is not None
    for column in contract.sized:
        if (found[column.name] or 0) > column.most_bytes:
            raise _too_long(rows, contract, column.name, found[column.name], column.most_bytes)
    if contract.row_bytes > MOST_ROW_BYTES and (found["_row"] or 0) > MOST_ROW_BYTES:
        what = f"a row has {found['_row']:,} bytes, COPY reads rows of {MOST_ROW_BYTES:,} at most"
        raise CopyContractError(what, where=contract.table, remedy="leave wide columns out of the contract")
    return int(found["_rows"])


def misfits(contract: CopyContract, columns: Collection[str]) -> Column:
    """Names of the given columns whose values COPY will not take, comma separated; NULL for a row that it will.

    A row that is too long as a whole is named by all of them that have a limit.
    """
    sized = [column for column in contract.sized if column.name in columns]
    names = [F.when(F.octet_length(column.name) > column.most_bytes, F.lit(column.name)) for column in sized]
    if not sized:
        return F.lit(None).cast("string")
    too_long = F.array_compact(F.array(*names))
    if contract.row_bytes > MOST_ROW_BYTES:
        every = F.array(*(F.lit(column.name) for column in sized))
        too_long = F.when((F.size(too_long) == 0) & (_row_bytes(contract) > MOST_ROW_BYTES), every).otherwise(too_long)
    return F.when(F.size(too_long) > 0, F.array_join(too_long, ","))


def _check_session(spark: SparkSession, contract: CopyContract) -> None:
    """COPY knows timestamps of microseconds; Spark's own default is another encoding."""
    unit = spark.conf.get(_UNIT)
    if unit != _MICROS and any(column.file_type == "timestamp" for column in contract.columns):
        what = f"timestamps would be written as {unit}"
        raise CopyContractError(what, where=contract.table, remedy=f"set {_UNIT} to {_MICROS}")


def _row_bytes(contract: CopyContract) -> Column:
    sizes = [F.coalesce(F.octet_length(column.name), F.lit(0)) for column in contract.sized]
    return sum(sizes, F.lit(16 * (len(contract.columns) - len(sizes))))


def _too_long(rows: DataFrame, contract: CopyContract, column: str, longest: int, most: int) -> CopyContractError:
    count = rows.where(F.octet_length(column) > most).count()
    return CopyContractError(
        f"{count:,} rows hold up to {longest:,} bytes, the column holds {most:,}",
        where=f"{contract.table}.{column}",
        remedy="widen the column in its contract, or cut the text at its source; then promote again",
    )
