"""What a session is given beyond Spark's own defaults."""

from __future__ import annotations

import pytest
from py4j.java_gateway import JavaPackage, JVMView
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from lake.session import catalog_conf, storage_conf


def test_building_columns_asks_the_jvm_for_no_class_by_name(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for holder in (JVMView, JavaPackage):
        monkeypatch.setattr(holder, "__getattr__", lambda _, name: asked.append(name))
    place = F.row_number().over(Window.partitionBy("a").orderBy("b"))
    big = F.filter(F.array("a", "b"), lambda item: item > 1)
    F.concat_ws(",", F.when(F.col("a").isNull(), F.lit("x")), F.col("b").cast("string"), place, big)
    assert asked == []


AWS = {"AWS_REGION": "eu-west-1"}


def test_a_lake_on_s3_has_its_region_and_every_uri_one_file_system() -> None:
    assert storage_conf("s3://lake/retail", AWS) == {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
    }
    assert storage_conf("file:///lake", AWS) == {}


def test_an_endpoint_of_the_sdks_variables_counts_for_spark_and_iceberg() -> None:
    environment = AWS | {"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_GLUE": "http://b:2"}
    spark = storage_conf("s3a://lake", environment)
    assert spark["spark.hadoop.fs.s3a.endpoint"] == "http://a:1"
    assert spark["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert spark["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
    catalog = catalog_conf("s3a://lake", "glue", environment)
    prefix = "spark.sql.catalog.lake."
    assert {name.removeprefix(prefix): value for name, value in catalog.items() if "endpoint" in name} == {
        "s3.endpoint": "http://a:1",
        "glue.endpoint": "http://b:2",
    }


def test_glues_catalog_keeps_its_tables_under_the_lake_on_s3_without_a_lock_table() -> None:
    assert catalog_conf("s3://lake/retail", "glue", AWS) == {
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.warehouse": "s3://lake/retail/iceberg",
        "spark.sql.catalog.lake.cache-enabled": "false",
        "spark.sql.catalog.lake.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.lake.client.region": "eu-west-1",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    }
