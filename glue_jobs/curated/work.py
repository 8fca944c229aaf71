"""Where one promotion of one source reads and writes."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import iceberg
from glue_jobs.change_log import read_log
from glue_jobs.curated import tables
from glue_jobs.curated.made import CONTRACT, dimension_checksum, state_checksum
from glue_jobs.transforms import tip
from schemas import columns as c
from schemas.model import Dimension, Pipeline, SourceContract


@dataclass(frozen=True)
class Work:
    """One source, the dimensions it feeds, and the range of ingest sequences `(since, target]`."""

    spark: SparkSession
    pipeline: Pipeline
    source: SourceContract
    dimensions: tuple[Dimension, ...]
    since: int
    target: int

    @property
    def keys(self) -> list[str]:
        """Key columns of the source."""
        return list(self.source.key)

    @property
    def key_schema(self) -> str:
        """The key columns as a Spark schema."""
        return ", ".join(f"`{column.name}` {column.type.spark}" for column in self.source.key_columns)

    @property
    def progress(self) -> dict[str, int]:
        """What the state carries after this promotion."""
        return {self.source.table: self.target, CONTRACT: state_checksum(self.source)}

    @property
    def state(self) -> str:
        """Quoted name of the state table."""
        return tables.curated(self.pipeline, tables.state_name(self.source.table))

    def table(self, dimension: Dimension) -> str:
        """Quoted name of a dimension's table."""
        return tables.curated(self.pipeline, dimension.name)

    def changes(self, since: int) -> DataFrame:
        """Rows of the change log with `since < _ingest_seq <= target`: contract columns, `CHANGE_COLUMNS`, `_tip`."""
        seq = F.col(c.INGEST_SEQ)
        names = [*(column.name for column in self.source.columns), *tip.CHANGE_COLUMNS]
        log = read_log(self.spark, self.pipeline, self.source)
        return log.where((seq > since) & (seq <= self.target)).select(*names, F.lit(False).alias(tip.TIP))

    def pending(self) -> tuple[Dimension, ...]:
        """The dimensions that are not at the target yet; after a crash some may be."""
        done = {d.name: iceberg.progress(self.spark, self.table(d)).get(self.source.table, 0) for d in self.dimensions}
        return tuple(d for d in self.dimensions if done[d.name] < self.target)

    def carried(self, dimension: Dimension) -> dict[str, int]:
        """What a dimension carries after this promotion."""
        before = iceberg.progress(self.spark, self.table(dimension))
        return before | {self.source.table: self.target, CONTRACT: dimension_checksum(dimension)}


def rows_of_keys(rows: DataFrame, keys: DataFrame, dimension: Dimension) -> DataFrame:
    """Dimension rows of the given keys (columns by source name)."""
    wanted = keys.select(*(F.col(key.source).alias(key.name) for key in dimension.business_key))
    return rows.join(F.broadcast(wanted), on=[key.name for key in dimension.business_key], how="left_semi")


def real_versions(rows: DataFrame, dimension: Dimension) -> DataFrame:
    """Start, identity and deletion of versions, inferred members left out; key columns by source name."""
    keys = [F.col(key.name).alias(key.source) for key in dimension.business_key]
    return rows.where(~F.col(c.IS_INFERRED)).select(*keys, c.EFFECTIVE_FROM, c.VERSION_IDENTITY, c.IS_DELETED)
