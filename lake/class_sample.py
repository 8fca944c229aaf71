"""A session that does a little of everything the jobs do, so that the class archive holds what they load.

`python -m lake.class_sample FLAG…` runs it with these JVM flags and waits for its JVM to end.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro, to_avro

from lake.session import spark_session, tuned

_TABLE: Final = "lake.sample.items"
_MERGE: Final = f"""\
merge into {_TABLE} as t using changes as s on t.id = s.id
when matched and s.n % 3 = 0 then delete when matched then update set * when not matched then insert *"""


def run(flags: Sequence[str]) -> None:
    """Runs the session and waits for the end of its JVM, which is when the JVM writes what `flags` ask for.

    Args:
        flags: options of the JVM.
    """
    with tempfile.TemporaryDirectory(prefix="lake-sample-") as made:
        folder = Path(made)
        small = tuned(small=True)
        options = " ".join([small["spark.driver.defaultJavaOptions"], *flags])
        spark = spark_session(
            "class sample",
            lake_uri=folder.as_uri(),
            catalog_uri=f"jdbc:sqlite:{folder}/catalog.db",
            memory="1g",
            scratch=folder / "scratch",
            extra=small | {"spark.driver.defaultJavaOptions": options},
        )
        gateway: Any = spark.sparkContext._gateway  # PySpark has no other way to wait for its JVM
        for step in (_tables, _streams):
            step(spark, folder)
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


def _items(spark: SparkSession) -> DataFrame:
    at = F.timestamp_seconds(F.col("id") * 1000)
    amount = (F.col("id") / 7).cast("decimal(18,2)")
    columns = [
        F.col("id"),
        (F.col("id") % 7).alias("n"),
        F.concat(F.lit("a"), F.col("id")).alias("text"),
        at.alias("at"),
    ]
    return spark.range(100).select(
        *columns, amount.alias("amount"), F.array(F.lit("x"), F.col("id").cast("string")).alias("tags")
    )


def _tables(spark: SparkSession, folder: Path) -> None:
    """Avro, Parquet, JSON, windows, joins, aggregates, and Iceberg's writes, merges and metadata."""
    items = _items(spark)
    packed = items.select(to_avro(F.struct("id", "text", "amount")).alias("value"), "id", "n")
    schema = _avro_schema(items)
    read = packed.select("id", "n", from_avro("value", schema, {"mode": "PERMISSIVE"}).alias("row"))
    read.select("id", "n", "row.text", F.md5(F.to_json("row")).alias("sum")).write.partitionBy("n").parquet(
        f"{folder}/read"
    )
    spark.read.parquet(f"{folder}/read").groupBy("n").agg(F.count("*"), F.max("sum"), F.collect_list("text")).collect()
    spark.sql("create namespace if not exists lake.sample")
    partitioned = items.writeTo(_TABLE).using("iceberg").partitionedBy(F.days("at"))
    partitioned.tableProperty("format-version", "2").create()
    versions = Window.partitionBy("n").orderBy("at", "id")
    changes = items.withColumn("n", F.lead("n").over(versions)).withColumn(
        "id", F.col("id") + F.row_number().over(versions)
    )
    changes.where("id % 2 = 0").dropDuplicates(["id"]).createOrReplaceTempView("changes")
    spark.sql(_MERGE)
    items.writeTo(_TABLE).option("snapshot-property.lake.sample", "1").append()
    items.where("n = 1").writeTo(_TABLE).overwritePartitions()
    table = spark.table(_TABLE)
    table.alias("a").join(F.broadcast(items.alias("b")), "id", "left_outer").where("b.amount is null").count()
    table.join(items, "id", "left_anti").unionByName(items).groupBy("n").agg(F.sum("amount"), F.min("at")).toPandas()
    for name in ("snapshots", "files", "history", "partitions"):
        spark.table(f"{_TABLE}.{name}").collect()
    spark.sql(f"delete from {_TABLE} where n = 2")
    spark.sql(f"alter table {_TABLE} add column more string")
    spark.sql("call lake.system.rewrite_data_files(table => 'sample.items')").collect()
    spark.sql("call lake.system.expire_snapshots(table => 'sample.items')").collect()


def _avro_schema(items: DataFrame) -> str:
    """The Avro schema that Spark writes a struct of three of the columns with."""
    row = items.select(F.struct("id", "text", "amount").alias("row")).schema["row"].dataType
    jvm: Any = items.sparkSession._jvm
    converters = jvm.org.apache.spark.sql.avro.SchemaConverters
    java = items.sparkSession._jsparkSession.parseDataType(row.json())
    return str(converters.toAvroType(java, False, "topLevelRecord", "").toString())


def _streams(spark: SparkSession, folder: Path) -> None:
    """A streaming query's batches; Kafka's clients as far as they come without a broker."""
    _items(spark).write.json(f"{folder}/json")
    stream = spark.readStream.schema(_items(spark).schema).json(f"{folder}/json")
    writer = stream.writeStream.foreachBatch(lambda batch, _: batch.write.mode("append").parquet(f"{folder}/landed"))
    writer.option("checkpointLocation", f"{folder}/checkpoint").trigger(availableNow=True).start().awaitTermination()
    timeouts = {"kafka.request.timeout.ms": "200", "kafka.default.api.timeout.ms": "200", "fetchOffset.numRetries": "1"}
    kafka = spark.read.format("kafka").options(**timeouts).option("kafka.bootstrap.servers", "127.0.0.1:1")
    ranges = {
        "startingOffsets": '{"t":{"0":0}}',
        "endingOffsets": '{"t":{"0":1}}',
        "kafkaConsumer.pollTimeoutMs": "200",
    }
    with contextlib.suppress(PySparkException, Py4JError):
        kafka.options(**ranges).option("assign", '{"t":[0]}').load().collect()


if __name__ == "__main__":
    run(sys.argv[1:])
