"""Staging change logs made straight in Spark: customers and their orders, as many as asked for.

A log is a function of its sizes. Of all customers every `stride`-th is one that later batches change; the others, and
their orders, are there to be left alone. Touched and untouched rows lie mixed in key order, as they do in a shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.staging_tables import change_log, change_log_name
from schemas import columns as c
from schemas import load_pipeline
from schemas.model import Pipeline, SourceContract

HISTORY_ENDS: Final = "2026-03-01 00:00:00"
"""Untouched orders lie before; the batches, and the orders of the touched customers, after."""
ORDERS_DAY: Final = "2026-06-01 12:00:00"
"""Orders of the touched customers; a change of an earlier instant moves them to its version."""
PARTITIONS: Final = 4


@dataclass(frozen=True)
class Sizes:
    """How much there is.

    Args:
        touched: customers that batches change; each has one order on `ORDERS_DAY`.
        stride: one customer in so many is touched; the others have one order each.
        days: days before `HISTORY_ENDS` over which the untouched orders are spread.
    """

    touched: int
    stride: int
    days: int

    @property
    def customers(self) -> int:
        """All customers."""
        return self.touched * self.stride


@dataclass(frozen=True)
class Batch:
    """One change of each touched customer.

    Args:
        instant: when the source made the changes.
        segment: value of a type-2 attribute.
        mark: text in a type-1 attribute, the e-mail address.
        only: the one customer to change; none for all that are touched.
    """

    instant: str
    segment: str
    mark: str
    only: int | None = None


def sub_pipeline(name: str) -> Pipeline:
    """The retail pipeline's customers and orders under another name: dim_customer, dim_date and fact_orders."""
    full = load_pipeline("retail")
    sources = {table: replace(full.sources[table], pipeline=name) for table in ("customer", "order")}
    return replace(
        full,
        name=name,
        sources=sources,
        dimensions={"dim_customer": full.dimensions["dim_customer"]},
        facts={"fact_orders": full.facts["fact_orders"]},
        aggregates={},
    )


def customer_rows(spark: SparkSession, contract: SourceContract, sizes: Sizes, op: str = "r") -> DataFrame:
    """The first state of every customer, as snapshot rows (or inserts), sequence 1."""
    keys = spark.range(1, sizes.customers + 1).withColumnRenamed("id", "customer_id")
    instant = F.expr(f"timestamp '{HISTORY_ENDS}' - make_interval(0, 0, 0, {sizes.days})")
    values = _customer(F.lit("consumer"), F.lit("first"), instant)
    return _changes(keys, contract, values, op=op, seq=1, instant=instant)


def customer_changes(spark: SparkSession, contract: SourceContract, sizes: Sizes, batch: Batch, seq: int) -> DataFrame:
    """One update of each touched customer (or of the only one), sequence `seq`."""
    touched = spark.range(1, sizes.touched + 1).select((F.col("id") * sizes.stride).alias("customer_id"))
    one = spark.range(1).select(F.lit(batch.only).cast("bigint").alias("customer_id"))
    instant = F.lit(batch.instant).cast("timestamp")
    values = _customer(F.lit(batch.segment), F.lit(batch.mark), instant)
    return _changes(touched if batch.only is None else one, contract, values, op="u", seq=seq, instant=instant)


def versions_of_one(spark: SparkSession, contract: SourceContract, key: int, versions: int, seq: int) -> DataFrame:
    """One customer's insert and updates, each a version of its own, a minute apart from `HISTORY_ENDS` on."""
    numbers = spark.range(0, versions).select(F.lit(key).cast("bigint").alias("customer_id"), F.col("id").alias("_n"))
    instant = F.expr(f"timestamp '{HISTORY_ENDS}' + make_interval(0, 0, 0, 0, 0, cast(_n as int))")
    values = _customer(F.concat(F.lit("s"), F.col("_n").cast("string")), F.lit("many"), instant)
    op = F.when(F.col("_n") == 0, F.lit("c")).otherwise(F.lit("u"))
    return _changes(numbers, contract, values, op=op, seq=seq, instant=instant, step=F.col("_n"))


def order_rows(spark: SparkSession, contract: SourceContract, sizes: Sizes) -> DataFrame:
    """One order of every customer, sequence 1; touched customers' lie on `ORDERS_DAY`, the others' are spread."""
    keys = spark.range(1, sizes.customers + 1).withColumnRenamed("id", "order_id")
    spread = F.expr(f"timestamp '{HISTORY_ENDS}' - make_interval(0, 0, 0, cast(order_id % {sizes.days} as int), 1)")
    touched = F.col("order_id") % sizes.stride == 0
    instant = F.when(touched, F.lit(ORDERS_DAY).cast("timestamp")).otherwise(spread)
    values = {
        "order_id": F.col("order_id"),
        "customer_id": F.col("order_id"),
        "status": F.lit("paid"),
        "ordered_at": instant,
        "channel": F.element_at(F.array(*map(F.lit, ("web", "app", "store"))), (F.col("order_id") % 3 + 1).cast("int")),
        "currency": F.lit("EUR"),
        "shipping_fee": F.col("order_id") % 900 / 100,
        "updated_at": instant,
    }
    return _changes(keys, contract, values, op="c", seq=1, instant=instant)


def append(spark: SparkSession, contract: SourceContract, rows: DataFrame, seq: int) -> None:
    """Commits rows to the table's change log, which is made if absent; its progress is `seq` then."""
    iceberg.ensure_table(spark, change_log(contract))
    name = change_log_name(contract.pipeline, contract.table)
    iceberg.append(rows, name, iceberg.progress(spark, name) | {contract.table: seq})


def _customer(segment: Column, mark: Column, instant: Column) -> dict[str, Column]:
    key = F.col("customer_id")
    text = key.cast("string")
    return {
        "customer_id": key,
        "customer_uuid": F.concat(F.lit("00000000-0000-4000-8000-"), F.lpad(text, 12, "0")),
        "full_name": F.concat(F.lit("Customer "), F.md5(text)),
        "email": F.concat(mark, F.lit("."), text, F.lit("@example.org")),
        "phone": F.concat(F.lit("+49 30 "), F.lpad((key * 7919 % 10_000_000).cast("string"), 7, "0")),
        "address_line": F.concat(F.substring(F.md5(text), 1, 12), F.lit(" Street "), (key % 300).cast("string")),
        "city": F.concat(F.lit("City "), (key % 2000).cast("string")),
        "postal_code": F.lpad((key % 99_999).cast("string"), 5, "0"),
        "country": F.lit("DE"),
        "birth_date": F.expr("date_add(date '1950-01-01', cast(customer_id % 18000 as int))"),
        "gender": F.when(key % 2 == 0, F.lit("female")).otherwise(F.lit("male")),
        "segment": segment,
        "marital_status": F.when(key % 3 == 0, F.lit("single")),
        "income_band": F.concat(F.lit("band "), (key % 7).cast("string")),
        "marketing_opt_in": key % 5 == 0,
        "created_at": instant,
        "updated_at": instant,
    }


def _changes(
    keys: DataFrame,
    contract: SourceContract,
    values: Mapping[str, Column],
    *,
    op: str | Column,
    seq: int,
    instant: Column,
    step: Column | None = None,
) -> DataFrame:
    """Rows of the change log of `contract`, one per row of `keys`; positions and offsets rise with `seq` and `step`."""
    key = F.col(contract.key[0])
    kind = F.lit(op) if isinstance(op, str) else op
    place = F.lit(seq).cast("bigint") * 10_000_000_000 + (step if step is not None else key).cast("bigint")
    technical = {
        c.INGEST_SEQ: F.lit(seq),
        c.PARTITION: key % PARTITIONS,
        c.OFFSET: place,
        c.KAFKA_TS: instant + F.expr("interval 1 second"),
        c.SCHEMA_ID: F.lit("1"),
        c.EPOCH: F.lit(0),
        c.OP: kind,
        c.POSITION: F.when(kind != "r", F.lpad(place.cast("string"), 20, "0")),
        c.IDENTITY: F.md5(F.concat_ws("/", F.lit(contract.table), key.cast("string"), place.cast("string"))),
        c.SOURCE_TS: instant,
        c.CHANGED_AT: instant,
        c.CLOCK_FLAGGED: F.lit(False),
        c.UNAVAILABLE: F.array(),
    }
    made = {**technical, **values}
    shape = change_log(contract).columns
    return keys.select(*(made.get(item.name, F.lit(None)).cast(item.type).alias(item.name) for item in shape))
