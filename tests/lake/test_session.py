"""What a session is given beyond Spark's own defaults."""

from __future__ import annotations

import pytest
from py4j.java_gateway import JavaPackage, JVMView
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


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
