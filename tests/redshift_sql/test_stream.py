"""The streaming path as text: Redshift's forms, limits and names; settings that are none are refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sqlglot

from redshift_sql.people import ANALYST, STEWARD
from redshift_sql.render import RenderError
from redshift_sql.stream import (
    EXAMPLE,
    LAG_SECONDS,
    OWN_COLUMNS,
    StreamSettings,
    lag_alarm,
    moved,
    refresh_plan,
    stream_plan,
    stream_stages,
    switch_stages,
    views_plan,
)
from schemas import load_pipeline
from schemas.model import Mirror, PiiClass, SourceColumn
from schemas.streamed import BATCH_ROWS, RECORD_BYTES, VARCHAR_BYTES, StreamedContract
from schemas.types import ColumnType

RETAIL = load_pipeline("retail")
PLAN = stream_plan(RETAIL, EXAMPLE)


def code(text: str) -> str:
    return re.sub(r"--.*", "", text)


def test_the_external_schema_signs_in_by_iam_at_an_arn_or_at_brokers() -> None:
    brokers = replace(
        EXAMPLE, cluster="b-1.lake.kafka.eu-west-1.amazonaws.com:9098,b-2.lake.kafka.eu-west-1.amazonaws.com:9098"
    )
    for settings, clause in ((EXAMPLE, f"cluster_arn '{EXAMPLE.cluster}'"), (brokers, f"uri '{brokers.cluster}'")):
        (statement,) = stream_stages(RETAIL, settings)[0].plan
        assert (
            code(statement.sql).split()
            == f"create external schema msk from msk iam_role '{EXAMPLE.role}' authentication iam {clause}".split()
        )


def test_each_topic_is_one_view_without_joins_that_refreshes_itself() -> None:
    topics = stream_stages(RETAIL, EXAMPLE)[2].plan
    assert len(topics) == len(RETAIL.sources)
    for source, statement in zip(RETAIL.sources.values(), topics, strict=True):
        sql = code(statement.sql)
        assert f'from msk."{source.topic}"' in sql
        assert "auto refresh yes" in sql
        assert not re.search(r"\bjoin\b|\bunion\b|\bgroup by\b", sql)
        for name in ("partition", "offset", "timestamp", "timestamp_type", "key", "value", "headers"):
            assert re.search(rf"\bkafka_{name}\b", sql)
        assert "refresh_time" in sql


def test_a_record_that_is_too_long_is_not_handed_over_and_says_so() -> None:
    sql = code(stream_stages(RETAIL, EXAMPLE)[2].plan[0].sql)
    for part in ("kafka_value", "kafka_key"):
        assert f"octet_length({part}) > {RECORD_BYTES} then" in sql
        assert f"case when octet_length({part}) <= {RECORD_BYTES} then from_varbyte({part}, 'base64') end" in sql


def test_the_function_takes_and_gives_varchar_in_batches_that_fit() -> None:
    (function,) = stream_stages(RETAIL, EXAMPLE)[1].plan
    sql = code(function.sql)
    assert (
        f"(varchar(127), varchar({VARCHAR_BYTES}), varchar({VARCHAR_BYTES}))\nreturns varchar({VARCHAR_BYTES})" in sql
    )
    assert "stable" in sql
    assert f"max_batch_rows {BATCH_ROWS}\nmax_batch_size 5 MB" in sql


def test_a_mixed_case_topic_is_read_by_its_own_name() -> None:
    source = RETAIL.sources["customer"]
    mixed = replace(RETAIL, sources={"customer": replace(source, topic="Retail.Customer")}, dimensions={})
    first, second = stream_stages(mixed, EXAMPLE)[2].plan
    assert "set enable_case_sensitive_identifier to true" in first.sql
    assert 'from msk."Retail.Customer"' in second.sql
    assert not [s for s in PLAN if "enable_case_sensitive_identifier" in s.sql]


def test_json_is_parsed_only_where_it_can_be() -> None:
    settings = replace(EXAMPLE, json_tables=frozenset({"product"}))
    for statement in (*PLAN, *stream_plan(RETAIL, settings)):
        for match in re.finditer(r"json_parse\((\w+)\)", code(statement.sql)):
            if not statement.sql[: match.start()].endswith("can_"):
                assert f"when can_json_parse({match[1]}) then json_parse({match[1]})" in statement.sql
    assert not [s for s in views_plan(RETAIL, settings) if s.subject == "dim_product_now"]


def test_views_name_the_contract_they_were_made_for_and_bind_late() -> None:
    made = [s for s in views_plan(RETAIL, EXAMPLE) if "create view" in s.sql]
    assert all(s.sql.rstrip().endswith("with no schema binding") for s in made)
    for source in RETAIL.sources.values():
        (view,) = (s for s in made if s.subject == f"{source.table}_stream")
        assert f"'{StreamedContract.of(source).checksum}'" in view.sql


def test_views_are_dropped_before_those_they_read() -> None:
    plan = views_plan(RETAIL, EXAMPLE)
    dropped = [s.subject for s in plan if "drop view" in s.sql]
    made = [s.subject for s in plan if "create view" in s.sql]
    assert made == dropped[::-1]
    assert [s.subject for s in plan] == dropped + made
    texts = [s.sql for s in plan if "create view" in s.sql]
    names = [match[1] for text in texts if (match := re.search(r"create view (\S+) as", text))]
    assert len(set(names)) == len(texts)
    for number, text in enumerate(texts):
        later = {name for name in names[number + 1 :] if re.search(rf"\b(from|join) {name}\b", text)}
        assert later == set()


def test_every_source_table_but_those_of_json_topics_has_a_view_of_its_rows_now() -> None:
    settings = replace(EXAMPLE, json_tables=frozenset({"product"}))
    for given, wanted in ((EXAMPLE, set(RETAIL.sources)), (settings, set(RETAIL.sources) - {"product"})):
        made = {s.subject for s in views_plan(RETAIL, given) if s.source == "streaming/882_rows.sql"}
        assert made == {f"{name}_now" for name in wanted}


def test_a_source_without_a_mirror_has_changes_and_no_view_of_its_rows_now() -> None:
    order = replace(RETAIL.sources["order"], mirror=Mirror.NONE)
    less = replace(RETAIL, sources={**RETAIL.sources, "order": order})
    for stage in (views_plan(less, EXAMPLE), stream_stages(less, EXAMPLE)[-1].plan):
        said = "\n".join(code(statement.sql) for statement in stage)
        assert re.findall(r"create view (\w+\.order_(?!item)\w+)", said) == ["staging.order_stream"]
        assert {"analytics", "staging"} == set(re.findall(r"drop view if exists (\w+)\.order_now", said))
        assert "grant select on staging.order_now" not in said
        assert "create view staging.order_item_now" in said


def test_what_is_now_is_granted_whole_and_to_analysts_only_without_personal_columns() -> None:
    for stage in (stream_stages(RETAIL, EXAMPLE)[-1], switch_stages(RETAIL, EXAMPLE, "product")[3]):
        granted = {
            (match[1], match[2])
            for s in stage.plan
            if (match := re.fullmatch(r"grant select on (\S+) to role (\w+)", code(s.sql).strip()))
        }
        made = {match[1] for s in stage.plan if (match := re.search(r"create view (\S+_now) as", s.sql))}
        assert stage.transaction
        assert {view for view, role in granted if role == STEWARD} == made
        assert made - {view for view, role in granted if role == ANALYST} == {
            *("analytics.dim_customer_now", "staging.customer_now", "staging.order_now")
        }


def test_an_open_view_has_every_column_that_is_not_personal() -> None:
    texts = {s.subject: code(s.sql) for s in views_plan(RETAIL, EXAMPLE) if s.source == "streaming/883_open.sql"}
    for source in RETAIL.sources.values():
        shown = set(re.findall(r"\w+", texts[f"{source.table}_now"].partition("select")[2].partition("from")[0]))
        assert shown - {"is_streamed", "streamed_at"} == {c.name for c in source.columns if c.pii is PiiClass.NONE}


def test_a_switch_makes_the_next_view_beside_the_present_one() -> None:
    stages = switch_stages(RETAIL, EXAMPLE, "product")
    texts = {stage.name: "\n".join(code(s.sql) for s in stage.plan) for stage in stages}
    assert "staging.product_stream_v2" in texts["next view"]
    assert "refresh materialized view staging.product_stream_v2" in texts["catch up"]
    assert "from staging.product_stream_v2" in texts["switch"]
    assert "product_stream_v1" not in texts["switch"]
    assert "customer_stream_v1" in texts["switch"]
    assert "drop materialized view if exists staging.product_stream_v1" in texts["retire"]
    assert moved(moved(EXAMPLE, "product"), "product").version("product") == 3


def test_every_topic_is_refreshed_each_minute_and_its_lag_is_watched() -> None:
    plan = refresh_plan(RETAIL, EXAMPLE)
    assert [code(s.sql).strip() for s in plan] == [
        f"refresh materialized view staging.{t}_stream_v1" for t in RETAIL.sources
    ]
    alarm = lag_alarm(RETAIL, replace(EXAMPLE, lag_seconds=240))
    assert (alarm.period_seconds, alarm.threshold_seconds, alarm.metric) == (60, 240, "StreamLagSeconds")
    assert 3 * alarm.period_seconds == LAG_SECONDS
    assert "staging.stream_freshness" in alarm.query


def test_no_place_of_a_template_is_left_and_names_fit() -> None:
    for statement in PLAN:
        assert not re.search(r"[{}#@~]", code(re.sub(r"'[^']*'", "", statement.sql))), statement.where
        assert max(map(len, re.findall(r"\w+", code(statement.sql)))) <= 127


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "arn:aws:iam::123456789012:role/x' --"),
        ("role", "default"),
        ("cluster", "arn:aws:kafka:eu-west-1:1:cluster/x"),
        ("cluster", "broker"),
        ("function", "f'; drop"),
        ("topics", 'm"sk'),
        ("batch_rows", 0),
        ("lag_seconds", 0),
        ("versions", {"product": -1}),
    ],
)
def test_settings_that_are_none_are_refused(name: str, value: object) -> None:
    with pytest.raises(RenderError):
        replace(EXAMPLE, **{name: value})  # type: ignore[arg-type]


def test_a_topic_that_kafka_would_not_take_is_refused() -> None:
    source = replace(RETAIL.sources["product"], topic='a"b')
    with pytest.raises(RenderError, match="topic of product"):
        stream_plan(replace(RETAIL, sources={"product": source}, dimensions={}), EXAMPLE)
    assert isinstance(EXAMPLE, StreamSettings)


@pytest.mark.parametrize("name", sorted(OWN_COLUMNS))
def test_a_column_named_as_one_of_the_streams_own_is_refused(name: str) -> None:
    source = RETAIL.sources["product"]
    taken = replace(source, columns=(*source.columns, SourceColumn(name, ColumnType("int"))))
    pipeline = replace(RETAIL, sources={**RETAIL.sources, "product": taken})
    with pytest.raises(RenderError, match=rf"sources/product\.yaml: the stream's views have columns .* {name}"):
        stream_stages(pipeline, EXAMPLE)
    json = replace(EXAMPLE, json_tables=frozenset({"product"}))
    assert stream_stages(replace(pipeline, dimensions={}), json)


def test_every_column_of_the_streams_views_is_known_as_its_own() -> None:
    source = RETAIL.sources["product"]
    shown = set()
    for statement in views_plan(RETAIL, EXAMPLE):
        if statement.subject in ("product_stream", "product_now") and "create view staging" in statement.sql:
            tree = sqlglot.parse_one(statement.sql.replace("with no schema binding", ""), read="redshift")
            shown |= set(tree.expression.named_selects)
    assert shown - set(source.by_name) == OWN_COLUMNS
