"""A small shop for tests of facts: lines (base) of sales (joined) to parties (a dimension), and an aggregate."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pyspark.sql import Row, SparkSession

from glue_jobs import iceberg
from glue_jobs.curated import tables
from glue_jobs.curated.promote import CuratedSummary, promote_curated
from glue_jobs.staging_tables import change_log
from schemas.model import (
    Aggregate,
    Calendar,
    CalendarColumn,
    CalendarReference,
    DimensionReference,
    Fact,
    FactColumn,
    FactKey,
    GroupColumn,
    Join,
    Measure,
    Pipeline,
    SourceColumn,
    SourceContract,
)
from schemas.types import ColumnType
from tests.glue_jobs.changes import dimension, instant, source_contract
from tests.reference.facts import Referring
from tests.reference.history import Change, Policies, Value, _Unavailable
from tests.reference.history import history as model

POLICIES: Final = Policies(("address",), ("segment", "region"), 1000)
_TYPES: Final = {
    "party": {"id": "bigint", "segment": "string", "region": "string", "address": "string"},
    "order": {"sale_id": "bigint", "happened_at": "timestamp"},
    "line": {"line_id": "bigint", "sale_id": "bigint", "party_id": "bigint", "amount": "int"},
}


def contract(name: str, table: str) -> SourceContract:
    """Contract of one of the shop's tables; the sales are called order, a word of SQL itself."""
    if table == "party":
        base = source_contract()
        return SourceContract(name, "party", base.topic, base.key, base.columns)
    columns = tuple(SourceColumn(column, ColumnType(kind)) for column, kind in _TYPES[table].items())
    return SourceContract(name, table, f"shop.{table}", (columns[0].name,), columns)


def shop(name: str) -> Pipeline:
    """The pipeline."""
    fact = Fact(
        name="fact_lines",
        grain="one row per line",
        base="line",
        joins=(Join("order", (("sale_id", "sale_id"),)),),
        business_key=(FactKey("line_id", ColumnType("bigint"), "line.line_id"),),
        event_time=FactKey("happened_at", ColumnType("timestamp"), "order.happened_at"),
        dimensions=(DimensionReference("party_sk", "dim_party", (("party_id", "line.party_id"),)),),
        calendars=(CalendarReference("day_sk", "dim_day", "order.happened_at"),),
        columns=(
            FactColumn("amount", ColumnType("int"), "line.amount", measure=True),
            FactColumn("note", ColumnType("varchar(40)"), "concat('order.note ', line.amount)"),
        ),
    )
    aggregate = Aggregate(
        name="agg_lines",
        grain="one row per day, segment and address",
        fact="fact_lines",
        date="day",
        group_by=(
            GroupColumn("segment", ColumnType("string"), "party_sk.segment"),
            GroupColumn("address", ColumnType("string"), "party_sk.address"),
        ),
        measures=(Measure("amount", ColumnType("bigint"), "sum", "amount"),),
    )
    calendar = Calendar(
        "dim_day", "day_sk", "1970-01-01", "1970-01-31", (CalendarColumn("day", ColumnType("smallint"), "day(date)"),)
    )
    return Pipeline(
        name,
        "",
        {table: contract(name, table) for table in _TYPES},
        {"dim_party": dimension()},
        {"dim_day": calendar},
        {"fact_lines": fact},
        {"agg_lines": aggregate},
    )


@dataclass(eq=False)
class Shop:
    """The shop's lake: staging tables by hand, the star by the job."""

    spark: SparkSession
    contracts: Pipeline | None = None

    def __post_init__(self) -> None:
        self.seqs = dict.fromkeys(_TYPES, 0)
        self.follow(self.contracts or shop(f"shop_{uuid.uuid4().hex[:8]}"))

    def follow(self, pipeline: Pipeline) -> None:
        """Goes on by these contracts, whose staging tables hop 2 makes or extends."""
        self.pipeline = pipeline
        self.logs = {name: change_log(source) for name, source in pipeline.sources.items()}
        for shape in self.logs.values():
            iceberg.ensure_table(self.spark, shape)

    def stage(self, table: str, changes: Iterable[Change]) -> None:
        """Appends a batch to one table's change log."""
        self.seqs[table] += 1
        shape = self.logs[table]
        kinds = {column.name: column.type.replace("`", "") for column in shape.columns}
        rows = [_row(change, table, list(kinds), self.seqs[table]) for change in changes]
        frame = self.spark.createDataFrame(rows, ", ".join(f"`{name}` {kind}" for name, kind in kinds.items()))
        iceberg.append(frame.coalesce(1), shape.name, {table: self.seqs[table]})

    def promote(self) -> CuratedSummary:
        """Runs the promotion, without load files."""
        return promote_curated(self.spark, self.pipeline, "", load=False)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table of the star."""
        return self.spark.table(tables.curated(self.pipeline, table)).collect()

    def star(self) -> dict[str, list[tuple[Any, ...]]]:
        """The whole star, comparable."""
        names = ("dim_party", "fact_lines", "agg_lines", "dim_day")
        return {name: sorted((tuple(row) for row in self.rows(name)), key=repr) for name in names}


def live_rows(log: Iterable[Change], names: tuple[str, ...]) -> dict[int, dict[str, Value]]:
    """The present rows of a table, by the history model: those with an open version."""
    versions = model(log, Policies(names, (), POLICIES.tolerance))
    return {v.key[0]: dict(v.attributes) for v in versions if v.effective_to is None}


def referring(lines: Iterable[Change], sales: Iterable[Change]) -> dict[object, Referring]:
    """The live facts of the shop's logs, as the fact model takes them."""
    present = live_rows(sales, ("happened_at",))
    found: dict[object, Referring] = {}
    for key, row in live_rows(lines, ("sale_id", "party_id", "amount")).items():
        sale = present.get(int(str(row["sale_id"])))
        event = None if sale is None else int(str(sale["happened_at"]))
        party = row["party_id"]
        found[key] = Referring(event, None if party is None else (int(party),))
    return found


def sale_log(seed: int, count: int) -> list[Change]:
    """Sales: made, moved in time, deleted, made again."""
    draw = random.Random(seed)
    log = []
    for key in range(count):
        for step in range(draw.randint(0, 3)):
            op = draw.choice("cud") if step else "c"
            values = (("happened_at", str(draw.randrange(0, 900))),)
            log.append(_change(draw, 10**7, key, step, op, values))
    return log


def line_log(seed: int, count: int, sales: int, parties: int) -> list[Change]:
    """Lines of sales and parties, some of which never come to be."""
    draw = random.Random(seed)
    log = []
    for key in range(count):
        for step in range(draw.randint(1, 3)):
            op = draw.choice("uud") if step else "c"
            party = None if draw.random() < 0.1 else str(draw.randrange(parties))
            values = (("sale_id", str(draw.randrange(sales))), ("party_id", party), ("amount", str(draw.randrange(9))))
            log.append(_change(draw, 2 * 10**7, key, step, op, values))
    return log


def _change(
    draw: random.Random, base: int, key: int, step: int, op: Any, values: tuple[tuple[str, Value], ...]
) -> Change:
    at = 100 * step + draw.randrange(100)
    position = f"{10 * step + draw.randrange(20):020d}"
    return Change(base + step * 10**5 + key, op, (key,), position, at, values, at + 1, key % 2)


def _row(change: Change, table: str, names: list[str], seq: int) -> tuple[Any, ...]:
    key_name = next(iter(_TYPES[table]))
    cells: dict[str, Any] = {
        "_ingest_seq": seq,
        "_kafka_partition": change.partition,
        "_offset": change.offset,
        "_kafka_ts": _time(change.kafka_ts),
        "_epoch": change.epoch,
        "_op": change.op,
        "_position": change.position,
        "_identity": change.identity,
        "_source_ts": _time(change.source_ts),
        "_changed_at": _time(min(change.source_ts, change.kafka_ts + POLICIES.tolerance)),
        "_unavailable": [name for name, value in change.attributes if isinstance(value, _Unavailable)],
        "_old_key": None if change.old_key is None else Row(**{key_name: change.old_key[0]}),
        key_name: None if change.key is None else change.key[0],
    }
    for name, value in change.attributes:
        kind = _TYPES[table][name]
        cells[name] = None if value is None or isinstance(value, _Unavailable) else _typed(value, kind)
    return tuple(cells.get(name) for name in names)


def _typed(value: str, kind: str) -> Any:
    if kind == "string":
        return value
    return _time(int(value)) if kind == "timestamp" else int(value)


def _time(seconds: int) -> datetime:
    return instant(seconds).replace(tzinfo=UTC)
