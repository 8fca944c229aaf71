"""Redshift's Data API: an unmodified boto3 client against an emulator that runs the statements on PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from moto import mock_aws

from lake.cli import main
from lake.store import store_for
from lake.warehouse import statements_api
from lake.warehouse.amazon import copy_text, failed
from lake.warehouse.connect import connect
from lake.warehouse.data_api import DataApiWarehouse, parsed
from lake.warehouse.load import load_pending
from lake.warehouse.port import ConflictError, ConnectionLostError, Value, WarehouseError
from redshift_sql.plan import copy_plan
from redshift_sql.statements import Kind, Statement
from tests.lake.warehouse.test_load import CHANGES, PIPELINE, POLICIES, rows_of
from tests.reference.history import history
from tests.support.engines import Postgres
from tests.support.loads import uploaded, write_load
from tests.support.party import expected_rows
from tests.support.redshift_data import Emulator, Fault, emulated
from tests.support.redshift_data.emulator import MODEL
from tests.support.visits import Visit, visit_rows

WORKGROUP = "redshift-data://workgroup/retail/dev"
ROLE = "arn:aws:iam::123456789012:role/copy"


@pytest.fixture
def emulator(postgres_engine: Postgres) -> Iterator[Emulator]:
    """An empty warehouse behind the API."""
    postgres_engine.empty().close()
    with emulated(postgres_engine.server.uri(postgres_engine.database)) as made:
        yield made


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        yield "lake"


def opened(emulator: Emulator, *, uri: str = WORKGROUP, role: str = ROLE) -> DataApiWarehouse:
    warehouse = DataApiWarehouse.open(uri, store_for("s3://lake"), copy_role=role, client=emulator.client())
    warehouse.api.sleep = float
    return warehouse


def statement(sql: str, *parameters: str) -> Statement:
    return Statement(sql, "x/y.sql", 1, "t", Kind.EXECUTE, parameters)


def test_loads_pass_through_the_api_and_give_the_star(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    """And every request and answer has the shape that botocore's model of the API gives it."""
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES[:7])})
    write_load(tmp_path, 2, {"dim_party": rows_of(CHANGES[5:]), "fact_visits": visit_rows([Visit(1, 500, 1, 2, 3)])})
    lake = uploaded(tmp_path, bucket)
    warehouse = opened(emulator)
    summary = load_pending(PIPELINE, lake, warehouse)
    assert [dict(batch.rows) for batch in summary.batches] == [{"dim_party": 7}, {"dim_party": 7, "fact_visits": 1}]
    versions = warehouse.query("SELECT * FROM analytics.dim_party WHERE party_sk <> -1").rows
    assert sorted(versions, key=repr) == expected_rows(history(CHANGES, POLICIES))
    emulator.calls, calls = [], emulator.calls
    assert load_pending(PIPELINE, lake, warehouse).batches == ()
    sent = [request["Sql"] for operation, request, _ in emulator.calls if operation == "ExecuteStatement"]
    assert {sql.split(maxsplit=1)[0].lower() for sql in sent} == {"begin", "select", "rollback"}
    warehouse.close()
    emulator.calls += calls
    assert_shapes(emulator)


def assert_shapes(emulator: Emulator) -> None:
    for operation, request, response in emulator.calls:
        model = MODEL.operation_model(operation)
        for document, shape in ((request, model.input_shape), (response, model.output_shape)):
            assert shape is not None
            report = ParamValidator().validate(document, shape)
            assert not report.has_errors(), (operation, report.generate_report())
            assert_members(document, shape)


def assert_members(value: Any, shape: Any) -> None:
    """What ParamValidator leaves out: unknown members, patterns and closed lists of words."""
    if shape.type_name == "structure":
        assert value.keys() <= shape.members.keys()
        for name, item in value.items():
            assert_members(item, shape.members[name])
    elif shape.type_name == "list":
        for item in value:
            assert_members(item, shape.member)
    elif shape.type_name == "string":
        assert re.fullmatch(shape.metadata.get("pattern", ".*"), value, re.DOTALL), (shape.name, value)
        assert not shape.enum or value in shape.enum


def test_values_come_back_as_the_other_engines_give_them(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    emulator.page_size = 2
    sql = (
        "SELECT cast(1 as bigint) AS a, true AS b, cast(1.50 as decimal(10,2)) AS c, date '2024-02-29' AS d, "
        "timestamp '2024-02-29 01:02:03.4' AS e, 'x' AS f, cast(NULL as integer) AS g, cast(0.5 as double precision) AS h"
    )
    row = (1, True, Decimal("1.50"), date(2024, 2, 29), datetime.fromisoformat("2024-02-29 01:02:03.4"), "x", None, 0.5)
    result = warehouse.query(" UNION ALL ".join([sql] * 5))
    assert result.columns == tuple("abcdefgh")
    assert result.rows == (row,) * 5
    assert sum(operation == "GetStatementResult" for operation, _, _ in emulator.calls) == 3


def test_parameters_are_bound_by_name_and_rows_counted(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    at = datetime.fromisoformat("2024-01-02 03:04:05.000006")
    with warehouse.transaction():
        warehouse.execute(statement("create temp table t (n bigint, s varchar(20), at timestamp)"), {})
        values: dict[str, Value] = {"n": 7, "s": "5% :n", "at": at, "unused": None}
        insert = statement("insert into t (n, s, at) values (:n, :s, :at)", "n", "s", "at")
        assert warehouse.execute(insert, values) == 1
    assert warehouse.query("SELECT * FROM t").rows == ((7, "5% :n", at),)
    with pytest.raises(WarehouseError, match="takes no empty value, as of s"):
        warehouse.execute(insert, {**values, "s": ""})


def test_a_transaction_is_one_session_and_what_fails_in_it_leaves_no_trace(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    warehouse.execute(statement("create table t (n bigint)"), {})
    with pytest.raises(WarehouseError, match="relation nowhere does not exist"):
        inserted(warehouse, "t", "nowhere")
    assert warehouse.query("SELECT count(*) FROM t").rows == ((0,),)
    sessions = {request.get("SessionId") for operation, request, _ in emulator.calls if operation == "ExecuteStatement"}
    assert len(sessions - {None}) == 1
    assert warehouse._session in sessions
    warehouse.execute(statement("drop table t"), {})


def inserted(warehouse: DataApiWarehouse, *tables: str) -> None:
    """A row into each, in one transaction."""
    with warehouse.transaction():
        for table in tables:
            warehouse.execute(statement(f"insert into {table} values (1)"), {})


def test_a_query_inside_a_transaction_sees_it_and_does_not_end_it(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    warehouse.execute(statement("create temp table t (n bigint)"), {})
    with warehouse.transaction():
        warehouse.execute(statement("insert into t values (1)"), {})
        assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)
    assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)


def test_every_state_on_the_way_is_waited_for(emulator: Emulator) -> None:
    emulator.early = 3
    warehouse = opened(emulator)
    assert warehouse.query("SELECT 1 AS a").rows == ((1,),)
    states = [response["Status"] for operation, _, response in emulator.calls if operation == "DescribeStatement"]
    assert states[:4] == ["SUBMITTED", "PICKED", "STARTED", "FINISHED"]


def test_a_client_that_cannot_wait_polls_with_growing_pauses(emulator: Emulator) -> None:
    """Releases of boto3 before WaitTimeSeconds."""
    emulator.early = 5
    warehouse = opened(emulator)
    warehouse.api._waits = False
    pauses: list[float] = []
    warehouse.api.sleep = pauses.append
    warehouse.execute(statement("select 1"), {})
    assert len(pauses) >= 5
    assert all("WaitTimeSeconds" not in request for _, request, _ in emulator.calls)


@pytest.mark.parametrize("code", ["ThrottlingException", "ActiveSessionsExceededException", "InternalServerException"])
def test_a_busy_api_is_asked_again_and_the_statement_runs_once(emulator: Emulator, code: str) -> None:
    warehouse = opened(emulator)
    warehouse.execute(statement("create temp table t (n bigint)"), {})
    emulator.faults = [
        Fault("ExecuteStatement", code, "busy", times=3),
        Fault("DescribeStatement", "ThrottlingException", "busy"),
        Fault("GetStatementResult", "ThrottlingException", "busy"),
    ]
    assert warehouse.execute(statement("insert into t values (1)"), {}) == 1
    assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)
    assert emulator.faults == []


def test_a_submit_whose_answer_is_lost_runs_once(emulator: Emulator) -> None:
    """boto3 sends it again with the same ClientToken."""
    warehouse = opened(emulator)
    warehouse.execute(statement("create temp table t (n bigint)"), {})
    emulator.faults = [Fault("ExecuteStatement", lost=True)]
    warehouse.execute(statement("insert into t values (1)"), {})
    assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)


def test_a_session_that_is_not_free_yet_is_asked_again(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    warehouse.execute(statement("create temp table t (n bigint)"), {})
    emulator.faults = [Fault("ExecuteStatement", "ValidationException", "Session is busy with another one.", times=2)]
    assert warehouse.execute(statement("insert into t values (1)"), {}) == 1
    assert emulator.faults == []


def test_a_count_that_the_api_does_not_tell_ends_no_repetition(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    emulator.tells_rows = False
    assert warehouse.execute(statement("create temp table t (n bigint)"), {}) == 0
    repeated = Statement("insert into t values (1)", "dimension/121_linked.repeat.sql", 1, "t")
    with pytest.raises(WarehouseError, match="does not say how many rows"):
        warehouse.execute(repeated, {})


def test_an_api_that_stays_busy_is_named(emulator: Emulator) -> None:
    emulator.faults = [Fault("ExecuteStatement", "ActiveStatementsExceededException", "too many", times=1000)]
    with pytest.raises(WarehouseError, match=r"workgroup retail: the Data API stays busy"):
        opened(emulator).query("SELECT 1")


def test_a_commit_whose_answer_is_lost_is_found_in_the_ledger(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES)})
    lake = uploaded(tmp_path, bucket)
    warehouse = opened(emulator)
    load_pending(PIPELINE, "s3://lake/empty", warehouse)
    run = warehouse.api.run

    def losing(sql: str, *arguments: Any, **named: Any) -> Any:
        if sql == "commit":
            emulator.faults = [Fault("DescribeStatement", lost=True, times=1000)]
        return run(sql, *arguments, **named)

    warehouse.api.run = losing  # type: ignore[method-assign]
    with pytest.raises(ConnectionLostError, match="the ledger tells"):
        load_pending(PIPELINE, lake, warehouse)
    emulator.faults = []
    assert load_pending(PIPELINE, lake, opened(emulator)).last_seq == 1
    assert opened(emulator).query("SELECT count(*) FROM staging.load_ledger").rows == ((1,),)


def test_a_session_that_ends_in_a_load_leaves_no_trace_and_the_next_run_is_exact(
    emulator: Emulator, bucket: str, tmp_path: Path
) -> None:
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES)})
    lake = uploaded(tmp_path, bucket)
    warehouse = opened(emulator)
    run = warehouse.api.run

    def ending(sql: str, *arguments: Any, **named: Any) -> Any:
        if "insert into staging.load_ledger" in sql:
            emulator.end_sessions()
        return run(sql, *arguments, **named)

    warehouse.api.run = ending  # type: ignore[method-assign]
    with pytest.raises(ConnectionLostError):
        load_pending(PIPELINE, lake, warehouse)
    again = opened(emulator)
    assert again.query("SELECT count(*) FROM staging.dim_party_log").rows == ((0,),)
    assert [batch.seq for batch in load_pending(PIPELINE, lake, again).batches] == [1]
    versions = again.query("SELECT * FROM analytics.dim_party WHERE party_sk <> -1").rows
    assert sorted(versions, key=repr) == expected_rows(history(CHANGES, POLICIES))


def test_two_loaders_at_once_pass_one_after_the_other(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES[:7])})
    write_load(tmp_path, 2, {"dim_party": rows_of(CHANGES[5:])})
    lake = uploaded(tmp_path, bucket)
    with ThreadPoolExecutor(2) as pool:
        loaders = [pool.submit(load_pending, PIPELINE, lake, opened(emulator)) for _ in range(2)]
        summaries = [loader.result() for loader in loaders]
    assert [summary.last_seq for summary in summaries] == [2, 2]
    assert sorted(batch.seq for summary in summaries for batch in summary.batches) == [1, 2]
    versions = opened(emulator).query("SELECT * FROM analytics.dim_party WHERE party_sk <> -1").rows
    assert sorted(versions, key=repr) == expected_rows(history(CHANGES, POLICIES))


def test_the_command_loads_by_the_api_and_names_a_paused_cluster(
    emulator: Emulator,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_load(tmp_path / "lake", 1, {}, pipeline="retail")
    lake = uploaded(tmp_path / "lake", bucket)
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", emulator.endpoint)
    where = ("--warehouse-uri", "redshift-data://cluster/main/dev?region=eu-west-1", "--lake-uri", lake)
    assert main(["load", "--json", *where, "--copy-role", "default"]) == 0
    assert json.loads(capsys.readouterr().out)["last_seq"] == 1
    emulator.paused = True
    assert main(["load", *where]) == 1
    told = capsys.readouterr().err
    assert "cluster main: the warehouse does not take statements now" in told
    assert "resume-cluster --cluster-identifier main" in told


def test_a_session_that_ended_is_named_and_a_new_one_begun_with_the_next_transaction(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    warehouse.execute(statement("create table t (n bigint)"), {})

    def losing() -> None:
        with warehouse.transaction():
            emulator.end_sessions()
            warehouse.execute(statement("insert into t values (1)"), {})

    with pytest.raises(ConnectionLostError, match="the session with the warehouse ended"):
        losing()
    inserted(warehouse, "t")
    assert warehouse.query("SELECT count(*) FROM t").rows == ((1,),)
    warehouse.execute(statement("drop table t"), {})


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: 1023\n  DETAIL: Serializable isolation violation on table - 108263",
        "ERROR: could not serialize access due to concurrent delete",
        "ERROR: 1018 DETAIL: Relation does not exist",
    ],
)
def test_a_serialization_failure_is_a_conflict(text: str) -> None:
    assert isinstance(failed("the warehouse", text), ConflictError)


def test_a_load_that_met_error_1023_runs_again_as_a_whole(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES[:3])})
    lake = uploaded(tmp_path, bucket)
    emulator.failures = {"insert into staging.load_ledger": "ERROR: 1023 DETAIL: Serializable isolation violation"}
    warehouse = opened(emulator)
    assert [batch.seq for batch in load_pending(PIPELINE, lake, warehouse).batches] == [1]
    assert emulator.failures == {}
    assert warehouse.query(
        "SELECT count(*), (SELECT count(*) FROM staging.dim_party_log) FROM staging.load_ledger"
    ).rows == ((1, 3),)


def test_copy_names_manifest_and_role_and_nothing_else_is_taken() -> None:
    _, copy = copy_plan("dim_party")
    text = copy_text(copy, store_for("s3a://lake/retail"), "load/1/dim_party.manifest", ROLE)
    assert f"from 's3://lake/retail/load/1/dim_party.manifest'\niam_role '{ROLE}'" in text
    assert "iam_role default\n" in copy_text(copy, store_for("s3://lake"), "m", "default")
    with pytest.raises(WarehouseError, match="COPY needs an IAM role"):
        copy_text(copy, store_for("s3://lake"), "m", "x' credentials 'y")
    for uri, manifest in (("file:///lake", "m"), ("s3://lake", "m' iam_role 'x")):
        with pytest.raises(WarehouseError, match="COPY reads from S3 only"):
            copy_text(copy, store_for(uri), manifest, ROLE)


def test_what_copy_found_wrong_is_in_the_error_without_the_value(
    emulator: Emulator, bucket: str, tmp_path: Path
) -> None:
    write_load(tmp_path, 1, {"dim_party": rows_of(CHANGES).append_column("more", rows_of(CHANGES)["id"])})
    lake = uploaded(tmp_path, bucket)
    warehouse = opened(emulator)
    with pytest.raises(
        WarehouseError, match=r"load/030_copy\.sql.*part-0\.parquet, row 0: the file has 16 columns"
    ) as caught:
        load_pending(PIPELINE, lake, warehouse)
    assert "someone" not in str(caught.value)
    assert warehouse.query("SELECT count(*) FROM staging.load_ledger").rows == ((0,),)


def test_a_paused_cluster_a_missing_workgroup_and_a_refused_identity_are_named(emulator: Emulator) -> None:
    with pytest.raises(WarehouseError, match="workgroup nothing: there is no such warehouse"):
        opened(emulator, uri="redshift-data://workgroup/nothing/dev").query("SELECT 1")
    emulator.faults = [Fault("ExecuteStatement", "AccessDeniedException", "User is not authorized")]
    with pytest.raises(WarehouseError, match=r"AWS refuses the call \(AccessDeniedException\)"):
        opened(emulator).query("SELECT 1")
    emulator.paused = True
    with pytest.raises(WarehouseError, match=r"cluster main: .*\n  remedy: resume it: aws redshift resume-cluster"):
        opened(emulator, uri="redshift-data://cluster/main/dev?user=loader").query("SELECT 1")


@pytest.mark.parametrize("sql", ["DELETE FROM t", "SELECT 1; SELECT 2", "SELEC 1", "CREATE TABLE x AS SELECT 1"])
def test_only_one_query_that_reads_is_sent(emulator: Emulator, sql: str) -> None:
    with pytest.raises(WarehouseError, match="only one query at a time"):
        opened(emulator).query(sql)
    assert emulator.calls == []


def test_a_statement_that_nobody_waits_for_is_stopped(emulator: Emulator) -> None:
    warehouse = opened(emulator)
    warehouse.api._waits = False

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    warehouse.api.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        warehouse.execute(statement("select pg_sleep(60)"), {})
    assert emulator.calls[-1][0] == "CancelStatement"


def test_a_statement_too_long_for_the_api_is_named_before_it_is_sent(emulator: Emulator) -> None:
    long = statement("select '" + "ä" * statements_api.LONGEST_STATEMENT + "'")
    with pytest.raises(WarehouseError, match=r"y\.sql.*the statement has \d+ bytes"):
        opened(emulator).execute(long, {})


@pytest.mark.parametrize(
    "uri", ["redshift-data://other/x/y", "redshift-data://cluster/x", "redshift-data://cluster/x/y?usr=z"]
)
def test_an_address_of_another_form_is_refused(uri: str) -> None:
    with pytest.raises(WarehouseError, match="redshift-data://workgroup/<name>/<database>"):
        connect(uri, "s3://lake")


def test_addresses_name_workgroup_or_cluster_and_who_asks() -> None:
    target, region = parsed("redshift-data://cluster/main/dev?user=loader&region=eu-west-1")
    assert (target.request, region) == (
        {"ClusterIdentifier": "main", "Database": "dev", "DbUser": "loader"},
        "eu-west-1",
    )
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:warehouse-AbCdEf"
    target, _ = parsed(f"{WORKGROUP}?secret={secret}")
    assert target.request == {"WorkgroupName": "retail", "Database": "dev", "SecretArn": secret}


def test_a_batch_of_the_emulator_is_one_transaction_of_at_most_40_statements(emulator: Emulator) -> None:
    """What the emulator stands on: as the API documents it."""
    client = emulator.client()
    place = {"WorkgroupName": "retail", "Database": "dev"}
    client.batch_execute_statement(Sqls=["create table b (n bigint)"], **place)
    failing = client.batch_execute_statement(
        Sqls=["insert into b values (1)", "insert into nowhere values (1)"], **place
    )
    assert client.describe_statement(Id=failing["Id"], WaitTimeSeconds=10)["Status"] == "FAILED"
    batch = client.batch_execute_statement(Sqls=["insert into b values (2)", "select n from b"], **place)
    told = client.describe_statement(Id=batch["Id"], WaitTimeSeconds=10)
    assert [item["HasResultSet"] for item in told["SubStatements"]] == [False, True]
    assert client.get_statement_result(Id=f"{batch['Id']}:2")["Records"] == [[{"longValue": 2}]]
    with pytest.raises(client.exceptions.ValidationException):
        client.batch_execute_statement(Sqls=["select 1"] * 41, **place)
    client.execute_statement(Sql="drop table b", **place)
