"""Zlib in the JVM: what Glue's serializer packed comes back, and a record that unpacks without end is no record."""

from __future__ import annotations

import zlib

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from streaming import inflate
from streaming.framing import INFLATE

LARGEST = 67_108_864


def test_packed_bytes_come_back_and_a_bomb_or_other_bytes_are_null(spark: SparkSession) -> None:
    inflate.register(spark)
    bomb = zlib.compress(b"\0" * (LARGEST + 1))
    assert len(bomb) < 100_000
    cut = zlib.compress(b"cut short" * 10)[:-4]
    given = [b"", zlib.compress(b""), zlib.compress(b"a change"), b"no zlib", cut, bomb]
    rows = spark.createDataFrame([(number, item) for number, item in enumerate(given)], "n int, packed binary")
    sizes = rows.select("n", F.length(F.expr(f"{INFLATE}(packed)")).alias("size")).orderBy("n").collect()
    assert [row["size"] for row in sizes] == [None, 0, len(b"a change"), None, None, None]
