"""The streaming path: topics as materialized views, their changes, and what is now, as statements in stages.

`stream_stages` sets it up, `switch_stages` moves one table to a new view when its contract or topic changed, and
`refresh_plan` is what a scheduler runs each minute. Redshift runs a stage's statements one by one, or in one
transaction where the stage says so: external schemas, functions and streaming views cannot be made inside one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from redshift_sql import shapes
from redshift_sql.arn import EXAMPLE_ROLE, role_arn
from redshift_sql.contexts import dimension_context, mirror_context, word
from redshift_sql.people import classes, views_access_plan
from redshift_sql.render import Context, Item, RenderError, fragment, statements
from redshift_sql.statements import Kind, Statement
from schemas.model import DeletePolicy, Dimension, PiiClass, Pipeline, SourceColumn, SourceContract
from schemas.streamed import BATCH_ROWS, RECORD_BYTES, StreamedContract

LAG_SECONDS: Final = 180
"""Three refreshes missed: a refresh is asked for each minute."""
OWN_COLUMNS: Final = frozenset(
    """
    change_identity change_op detail epoch is_new is_streamed kafka_offset kafka_partition kafka_timestamp position
    reason refresh_time schema_id source_ts streamed_at unavailable value_bytes
    """.split()  # noqa: SIM905 - a list of words reads better
)
"""Columns of the stream's views beside those of a source table."""
RENAME: Final = "leave the table's topic out of the stream, or rename the column in source and contract"
_CLUSTER: Final = re.compile(r"arn:aws[a-z-]*:kafka:[a-z0-9-]+:\d{12}:cluster/[\w-]+/[\w-]+")
_BROKERS: Final = re.compile(r"[\w.-]+:\d{1,5}(,[\w.-]+:\d{1,5})*")
_FUNCTION: Final = re.compile(r"[\w-]{1,64}(:[\w-]{1,128})?")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,127}")


def _require(text: str, form: re.Pattern[str], what: str, remedy: str) -> None:
    if not form.fullmatch(text):
        raise RenderError("not of the form it must have", where=what, remedy=remedy)


def taken_names(source: SourceContract) -> tuple[str, ...]:
    """Columns of a source table that have the name of a column of the stream's own: its views cannot show both."""
    return tuple(column.name for column in source.columns if column.name in OWN_COLUMNS)


@dataclass(frozen=True)
class StreamSettings:
    """Where the stream comes from, and which version of each table's view is the present one.

    Args:
        cluster: ARN of the MSK cluster, or its brokers as `host:9098,host:9098`.
        role: ARN of the role by which Redshift reads topics and calls the function.
        function: name of the Lambda function, with an alias after a colon where there is one.
        topics: the external schema's name.
        json_tables: source tables whose topics are JSON; they need no function.
        versions: by source table, the version of its view; 1 where none is given.
        epochs: by source table, the epoch of the topic that its view reads; 0 where none is given.
        lag_seconds: how old a view's last refresh may be.

    Raises:
        RenderError: a value is not of its form.
    """

    cluster: str
    role: str
    function: str
    topics: str = "msk"
    json_tables: frozenset[str] = frozenset()
    versions: Mapping[str, int] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    batch_rows: int = BATCH_ROWS
    lag_seconds: int = LAG_SECONDS

    def __post_init__(self) -> None:
        role_arn(self.role)
        _require(self.function, _FUNCTION, "function", "give the function's name, or name:alias")
        if not _CLUSTER.fullmatch(self.cluster):
            _require(self.cluster, _BROKERS, "cluster", "give the cluster's ARN, or host:port,host:port")
        word(self.topics)
        numbers = (*self.versions.values(), *self.epochs.values())
        if self.batch_rows < 1 or self.lag_seconds < 1 or any(number < 0 for number in numbers):
            raise RenderError("a number is out of range", where="streaming", remedy="numbers are whole and positive")

    @property
    def address(self) -> str:
        """The cluster as the external schema's clause names it."""
        clause = "cluster_arn" if self.cluster.startswith("arn:") else "uri"
        return f"{clause} '{self.cluster}'"

    def version(self, table: str) -> int:
        """The version of a table's view."""
        return self.versions.get(table, 1)


EXAMPLE: Final = StreamSettings(
    cluster="arn:aws:kafka:eu-west-1:123456789012:cluster/lake/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1",
    role=EXAMPLE_ROLE,
    function="lake-decode:live",
)
"""Settings that name nothing that exists: to show, lint and test what is rendered."""


@dataclass(frozen=True)
class Stage:
    """Statements that belong together; `transaction`: in one, so that nobody sees some of them without the others."""

    name: str
    plan: tuple[Statement, ...]
    transaction: bool = False


@dataclass(frozen=True)
class LagAlarm:
    """What watches the stream's lag: a query that gives a number per table, and the number that is too much.

    The query is run each `period_seconds`; its `lag_seconds` become a metric with the dimension `source`.
    """

    namespace: str
    metric: str
    query: str
    threshold_seconds: int
    period_seconds: int = 60
    periods: int = 3


def stream_stages(pipeline: Pipeline, settings: StreamSettings) -> tuple[Stage, ...]:
    """Everything of a pipeline's streaming path, on a warehouse that has its tables and roles (`people.access_plan`).

    Raises:
        RenderError: a topic has a name that Kafka would not take, or a table a column named like the stream's own.
    """
    context = {"topics": settings.topics, "role": settings.role, "address": settings.address}
    function = {"role": settings.role, "function": settings.function, "batch_rows": str(settings.batch_rows)}
    topics = chain.from_iterable(_topic(source, settings) for source in pipeline.sources.values())
    return (
        Stage("external schema", statements("streaming/800_schema.sql", settings.topics, context)),
        Stage("function", statements("streaming/801_function.sql", "f_decode_change", function)),
        Stage("topics", tuple(topics)),
        Stage("views", (*views_plan(pipeline, settings), *readers_plan(pipeline, settings)), transaction=True),
    )


def switch_stages(pipeline: Pipeline, settings: StreamSettings, table: str) -> tuple[Stage, ...]:
    """One table to the next version of its view, which reads the topic from its first kept record.

    A streaming view takes no new column, and keeps what was decoded under its contract. So the next one is made and
    refreshed beside it, and the views are switched over once it has all that the present one has.

    Args:
        pipeline: the contracts, the table's new one among them.
        settings: with the present version of the table.
        table: the source table.
    """
    source = pipeline.sources[table]
    after = moved(settings, table)
    context: Context = {**_context(source, after), "present": str(settings.version(table))}
    return (
        Stage("next view", _topic(source, after)),
        Stage("catch up", _of_source("streaming/820_refresh.sql", source, context)),
        Stage("nothing is lost", _of_source("streaming/890_behind.check.sql", source, context, kind=Kind.CHECK)),
        Stage("switch", (*views_plan(pipeline, after), *readers_plan(pipeline, after)), transaction=True),
        Stage("retire", _of_source("streaming/891_retire.sql", source, context)),
    )


def moved(settings: StreamSettings, table: str) -> StreamSettings:
    """The settings once a table has its next view."""
    return replace(settings, versions={**settings.versions, table: settings.version(table) + 1})


def refresh_plan(pipeline: Pipeline, settings: StreamSettings) -> tuple[Statement, ...]:
    """One statement per topic, each for a schedule of its own: EventBridge Scheduler runs it by the Data API."""
    return tuple(
        statement
        for source in pipeline.sources.values()
        for statement in _of_source("streaming/820_refresh.sql", source, _context(source, settings))
    )


def retention_plan(pipeline: Pipeline, settings: StreamSettings) -> tuple[Statement, ...]:
    """Records before `:before`, which must be loaded long since, taken out of every topic's view."""
    return tuple(
        statement
        for source in pipeline.sources.values()
        for statement in _of_source("streaming/892_forget.sql", source, _context(source, settings))
    )


def lag_alarm(pipeline: Pipeline, settings: StreamSettings) -> LagAlarm:
    """The alarm on the stream's lag."""
    query = "select source, lag_seconds from staging.stream_freshness order by source"
    return LagAlarm(f"lake/{word(pipeline.name)}", "StreamLagSeconds", query, settings.lag_seconds)


def views_plan(pipeline: Pipeline, settings: StreamSettings) -> tuple[Statement, ...]:
    """The views over the topics' views, made anew."""
    made = tuple(_views(pipeline, settings))
    without = pipeline.sources.keys() - pipeline.mirrors.keys()
    gone = [f"{schema}.{word(name)}_now" for name in sorted(without) for schema in ("analytics", "staging")]
    dropped = (
        statement
        for view in (*gone, *(view for view, _ in reversed(made)))
        for statement in statements("streaming/830_drop.sql", view.rpartition(".")[2], {"view": view})
    )
    return (*dropped, *chain.from_iterable(plan for _, plan in made))


def readers_plan(pipeline: Pipeline, settings: StreamSettings) -> tuple[Statement, ...]:
    """Grants on the views of what is now: one that is made anew has lost them."""
    views: dict[str, bool] = {}
    for dimension in pipeline.dimensions.values():
        if dimension.source not in settings.json_tables:
            views[f"analytics.{dimension.name}_now"] = bool(classes(pipeline, f"analytics.{dimension.name}"))
    for source in pipeline.mirrors.values():
        if source.table not in settings.json_tables:
            views[f"staging.{source.table}_now"] = bool(classes(pipeline, f"staging.{source.table}"))
            if _open(source):
                views[f"analytics.{source.table}_now"] = False
    return views_access_plan(views)


def stream_plan(pipeline: Pipeline, settings: StreamSettings) -> tuple[Statement, ...]:
    """Every statement of the streaming path: set-up, refresh, retention, and what each table's switch adds to them."""
    stages = [*stream_stages(pipeline, settings)]
    for table in pipeline.sources:
        stages += [stage for stage in switch_stages(pipeline, settings, table) if not stage.transaction]
    steps = chain.from_iterable(stage.plan for stage in stages)
    return tuple(dict.fromkeys((*steps, *refresh_plan(pipeline, settings), *retention_plan(pipeline, settings))))


def _views(pipeline: Pipeline, settings: StreamSettings) -> Iterable[tuple[str, tuple[Statement, ...]]]:
    """Each view with its statements, after the views that it reads."""
    sources = [(source, _context(source, settings)) for source in pipeline.sources.values()]
    yield "staging.load_offsets", statements("streaming/840_offsets.sql", "load_offsets", {})
    for source, context in sources:
        file = "851_json_changes" if source.table in settings.json_tables else "850_changes"
        yield f"staging.{word(source.table)}_stream", _of_source(f"streaming/{file}.sql", source, context)
    parts = {
        "860_rejected": "861_rejected.fragment",
        "870_errors": "",
        "871_freshness": "872_freshness.fragment",
    }
    for file, part in parts.items():
        name = f"stream_{file[4:]}"
        joint = "\nunion all\n" if file == "860_rejected" else "\n    union all\n    "
        texts = [fragment(f"streaming/{part}.sql", context) for _, context in sources] if part else []
        indented = [text.replace("\n", "\n    ") if file == "871_freshness" else text for text in texts]
        context = {"topics": settings.topics, "lag_seconds": str(settings.lag_seconds), "selects": joint.join(indented)}
        yield f"staging.{name}", statements(f"streaming/{file}.sql", name, context)
    for dimension in pipeline.dimensions.values():
        if dimension.source not in settings.json_tables:
            name = f"{word(dimension.name)}_now"
            yield f"analytics.{name}", _now("880_now", name, _now_context(dimension))
    for source in pipeline.mirrors.values():
        if source.table not in settings.json_tables:
            name = f"{word(source.table)}_now"
            yield f"staging.{name}", _now("882_rows", name, _rows_context(source))
            if opened := _open(source):
                context = {"s": word(source.table), "open": opened}
                yield f"analytics.{name}", statements("streaming/883_open.sql", name, context)


def _now(file: str, name: str, context: Context) -> tuple[Statement, ...]:
    """A view of what is now, with the part that all of them share."""
    filled = fragment("streaming/881_filled.fragment.sql", context)
    return statements(f"streaming/{file}.sql", name, {**context, "filled": filled})


def _topic(source: SourceContract, settings: StreamSettings) -> tuple[Statement, ...]:
    context = _context(source, settings)
    mixed = source.topic != source.topic.lower()
    first = _of_source("streaming/810_mixed_case.sql", source, context) if mixed else ()
    file = "812_json" if source.table in settings.json_tables else "811_avro"
    return (*first, *_of_source(f"streaming/{file}.sql", source, context))


def _of_source(
    file: str, source: SourceContract, context: Context, *, kind: Kind = Kind.EXECUTE
) -> tuple[Statement, ...]:
    return statements(file, f"{source.table}_stream", context, kind=kind)


def _context(source: SourceContract, settings: StreamSettings) -> Context:
    """Names of the templates that concern one source table."""
    _require(
        source.topic,
        _TOPIC,
        f"topic of {source.table}",
        "Redshift reads names of letters, digits, dots, - and _, of 127 bytes",
    )
    if source.table not in settings.json_tables and (taken := taken_names(source)):
        what = f"the stream's views have columns of their own named {', '.join(taken)}"
        raise RenderError(what, where=f"sources/{source.table}.yaml", remedy=RENAME)
    columns = {
        kind: _items(column for column in source.columns if _group(column.type.kind) == kind)
        for kind in ("ordinary", "boolean", "binary")
    }
    return {
        **columns,
        "s": word(source.table),
        "topic": source.topic,
        "topics": settings.topics,
        "version": str(settings.version(source.table)),
        "epoch": str(settings.epochs.get(source.table, 0)),
        "checksum": StreamedContract.of(source).checksum,
        "record_bytes": str(RECORD_BYTES),
    }


def _rows_context(source: SourceContract) -> Context:
    """Names of a source table's view of what is now. A mirror has no policies: what is gone is gone."""
    by_kind = {
        f"{kind}_attribute": _items(column for column in source.value_columns if _group(column.type.kind) == kind)
        for kind in ("ordinary", "boolean", "binary")
    }
    return {
        **mirror_context(source),
        **by_kind,
        "attribute": _items(source.value_columns),
        "first_key": _items(source.key_columns[:1]),
        "hard_delete": DeletePolicy.CLOSE.value,
        "truncate": DeletePolicy.CLOSE.value,
    }


def _open(source: SourceContract) -> tuple[Item, ...]:
    """The columns that are not personal."""
    return _items(column for column in source.columns if column.pii is PiiClass.NONE)


def _items(columns: Iterable[SourceColumn]) -> tuple[Item, ...]:
    return tuple(Item(column.name, column.type.redshift) for column in columns)


def _group(kind: str) -> str:
    return kind if kind in ("boolean", "binary") else "ordinary"


def _now_context(dimension: Dimension) -> Context:
    """Names of a dimension's templates; keys and attributes are matched with the source's columns."""
    keys = {key.name: key.source for key in dimension.business_key}
    attributes = {item.name: item.source for item in dimension.attributes}
    key = tuple(replace(item, other=keys[item.name]) for item in shapes.business_key(dimension))
    names = [item.name for item in shapes.attributes(dimension)]
    missing = [
        f"case when strpos(s.unavailable, ',{attributes[name]},') > 0 then '{name},' else '' end" for name in names
    ]
    return {
        **dimension_context(dimension),
        "key": key,
        "first_key": key[:1],
        "attribute": tuple(replace(item, other=attributes[item.name]) for item in shapes.attributes(dimension)),
        "s": word(dimension.source),
        "unavailable": "\n        || ".join(["','", *missing]),
        "everything": f",{','.join(names)},",
    }
