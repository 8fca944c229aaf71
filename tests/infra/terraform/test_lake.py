"""Network, storage, brokers, capture and catalog are what the code and the rules of the lake ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.kafka_auth import IAM, jvm_options
from schemas import columns as c
from schemas import load_pipeline
from streaming.connectors.render import CapturedTable, render
from streaming.files import hour_folder
from streaming.sizing import SIZING, ThroughputError, partitions
from tests.infra.terraform.applied import State

RETAIL = load_pipeline("retail")


def rules(state: State, kind: str = "lake") -> list[Mapping[str, Any]]:
    return list(state.one("aws_s3_bucket_lifecycle_configuration", name=kind).values["rule"])


def prefix(rule: Mapping[str, Any]) -> str:
    (found,) = rule["filter"]
    return str(found["prefix"] or "")


def test_landed_records_go_to_glacier_and_end_after_90_days(environment: State) -> None:
    landed = {prefix(rule): rule for rule in rules(environment) if prefix(rule).startswith("landing/")}
    assert landed.keys() == {f"landing/{table}/" for table in RETAIL.sources}
    for rule in landed.values():
        assert [item["days"] for item in rule["expiration"]] == [90]
        assert [(item["days"], item["storage_class"]) for item in rule["transition"]] == [(30, "GLACIER_IR")]


@pytest.mark.parametrize(
    "kept",
    [
        "landing/_manifests/customer/000000000001.json",
        "landing/_schemas/customer/7.avsc",
        "landing/_epochs/customer/000000000001.json",
        "iceberg/retail_curated.db/dim_customer/data/a.parquet",
        "load/_manifests/000000000001.json",
        "deadletters/landing/customer/batch=1-a/b.parquet",
    ],
)
def test_what_the_lake_must_remember_is_under_no_rule_that_ends_it(environment: State, kept: str) -> None:
    """A table at rest has only old manifests, and the newest says how far it was read."""
    ending = [rule for rule in rules(environment) if any(item["days"] for item in rule["expiration"])]
    assert ending
    assert not [rule["id"] for rule in ending if kept.startswith(prefix(rule))]


def test_deleted_objects_can_be_brought_back_for_a_month(environment: State) -> None:
    for configuration in environment.all("aws_s3_bucket_lifecycle_configuration"):
        days = [
            item["noncurrent_days"]
            for rule in configuration.values["rule"]
            for item in rule["noncurrent_version_expiration"]
        ]
        assert days == [30], configuration.address


def test_the_copy_is_whole_encrypted_and_only_where_it_was_asked_for(environments: dict[str, State]) -> None:
    assert not environments["dev"].all("aws_s3_bucket_replication_configuration")
    (rule,) = environments["prod"].one("aws_s3_bucket_replication_configuration").values["rule"]
    assert prefix(rule) == ""
    (destination,) = rule["destination"]
    assert destination["encryption_configuration"][0]["replica_kms_key_id"].startswith("arn:aws:kms:eu-west-1:")


def test_subnets_are_in_three_zones_and_overlap_nowhere(environment: State) -> None:
    subnets = environment.all("aws_subnet", module="network")
    for name in ("public", "private"):
        assert len({item.values["availability_zone"] for item in subnets if item.name == name}) == 3
    ranges = [IPv4Network(item.values["cidr_block"]) for item in subnets]
    assert not [(one, other) for one in ranges for other in ranges if one is not other and one.overlaps(other)]
    whole = IPv4Network(environment.one("aws_vpc").values["cidr_block"])
    assert all(item.subnet_of(whole) for item in ranges)


def test_only_clients_of_kafka_reach_brokers_and_only_by_iam(environment: State) -> None:
    allowed = {
        item.index: (item.values["from_port"], item.values["to_port"])
        for item in environment.all("aws_vpc_security_group_ingress_rule")
        if item.index.endswith("_msk")
    }
    assert allowed == {f"{client}_msk": (9098, 9098) for client in ("glue", "connect", "redshift")}


def test_each_flow_has_both_its_ends(environment: State) -> None:
    ends = [
        {item.index for item in environment.all(f"aws_vpc_security_group_{way}_rule", name="flow")}
        for way in ("ingress", "egress")
    ]
    assert ends[0] == ends[1]


def test_only_the_connector_speaks_to_the_source(environments: dict[str, State]) -> None:
    wanted = {"dev": set(), "qa": {"10.90.0.0/16", "10.91.0.0/16"}, "prod": {"10.90.0.0/16"}}
    for name, state in environments.items():
        rules = [item.values for item in state.all("aws_vpc_security_group_egress_rule", name="source")]
        groups = {item.index: item.values["id"] for item in state.all("aws_security_group", module="network")}
        assert {rule["cidr_ipv4"] for rule in rules} == wanted[name]
        assert {rule["security_group_id"] for rule in rules} <= {groups["connect"]}
        assert {(rule["from_port"], rule["to_port"]) for rule in rules} <= {(1433, 1433)}


def test_a_vpn_is_two_tunnels_of_strong_ciphers_and_names_are_asked_over_there(environments: dict[str, State]) -> None:
    state = environments["prod"]
    vpn = state.one("aws_vpn_connection").values
    for tunnel in ("tunnel1", "tunnel2"):
        assert list(vpn[f"{tunnel}_ike_versions"]) == ["ikev2"]
        assert list(vpn[f"{tunnel}_phase2_encryption_algorithms"]) == ["AES256-GCM-16"]
    assert len(state.all("aws_vpn_gateway_route_propagation")) == 3
    rule = state.one("aws_route53_resolver_rule").values
    assert rule["domain_name"] == "retail.example.com"
    assert {item["ip"] for item in rule["target_ip"]} == {"10.90.0.10", "10.90.0.11"}
    assert not state.all("aws_vpc_peering_connection")


def test_a_peering_is_routed_from_every_zone_and_left_to_its_owner_to_accept(environments: dict[str, State]) -> None:
    state = environments["qa"]
    assert state.one("aws_vpc_peering_connection").values["auto_accept"] is False
    routes = [item.values["destination_cidr_block"] for item in state.all("aws_route", name="peering")]
    assert sorted(routes) == ["10.90.0.0/16"] * 3 + ["10.91.0.0/16"] * 3
    assert not state.all("aws_vpn_connection")


def test_without_a_way_to_the_source_nothing_of_one_is_made(environments: dict[str, State]) -> None:
    kinds = ("aws_vpn_connection", "aws_vpn_gateway", "aws_vpc_peering_connection", "aws_route53_resolver_endpoint")
    assert not [kind for kind in kinds if environments["dev"].all(kind)]


def test_a_provisioned_cluster_spans_zones_logs_and_grows(environments: dict[str, State]) -> None:
    state = environments["prod"]
    cluster = state.one("aws_msk_cluster").values
    (nodes,) = cluster["broker_node_group_info"]
    assert set(nodes["client_subnets"]) == {item.values["id"] for item in state.all("aws_subnet", name="private")}
    assert cluster["number_of_broker_nodes"] % 3 == 0
    assert cluster["client_authentication"][0]["sasl"][0]["iam"] is True
    assert cluster["logging_info"][0]["broker_logs"][0]["cloudwatch_logs"][0]["enabled"] is True
    stated = dict(line.split("=") for line in state.one("aws_msk_configuration").values["server_properties"].split())
    assert stated["auto.create.topics.enable"] == "false"
    assert stated["min.insync.replicas"] == "2"
    assert stated["log.retention.hours"] == str(7 * 24)
    target, policy = state.one("aws_appautoscaling_target").values, state.one("aws_appautoscaling_policy").values
    assert target["max_capacity"] > nodes["storage_info"][0]["ebs_storage_info"][0]["volume_size"]
    (tracking,) = policy["target_tracking_scaling_policy_configuration"]
    assert tracking["predefined_metric_specification"][0]["predefined_metric_type"] == "KafkaBrokerStorageUtilization"


def test_the_connector_is_the_template_that_the_embedded_stack_fills_too(environment: State) -> None:
    found = dict(environment.one("aws_mskconnect_connector").values["connector_configuration"])
    places = {
        "pipeline": "retail",
        "database": "retail",
        "database_host": "sql.retail.example.com",
        "database_port": 1433,
        "bootstrap_servers": environment.outputs["kafka"]["bootstrap_brokers"],
        "secrets_file": "",
        "registry_url": "",
    }
    tables = tuple(CapturedTable("dbo", name, source.topic) for name, source in sorted(RETAIL.sources.items()))
    filled = render("sqlserver", places, tables)
    ours = {"name", "database.password", "exactly.once.support"} | {
        name for name in filled if re.match("(key|value).converter", name)
    }
    assert {name: found.get(name) for name in filled.keys() - ours} == {
        name: filled[name] for name in filled.keys() - ours
    }
    assert "name" not in found
    assert found["database.password"] == f"${{secretsmanager:{environment.outputs['name']}/debezium:password}}"
    added = {name for name in found.keys() - filled.keys() if not re.match("(key|value).converter", name)}
    for client in ("schema.history.internal.producer", "schema.history.internal.consumer", "signal.consumer"):
        login = {f"{client}.{name}": value for name, value in jvm_options(IAM).items()}
        assert found.items() >= login.items()
        added -= login.keys()
    assert added == {"config.action.reload"}


def test_schemas_go_to_the_registry_of_the_environment(environment: State) -> None:
    found = environment.one("aws_mskconnect_connector").values["connector_configuration"]
    registry = environment.one("aws_glue_registry").values["registry_name"]
    for side in ("key", "value"):
        assert found[f"{side}.converter"].endswith("AWSKafkaAvroConverter")
        assert found[f"{side}.converter.registry.name"] == registry == environment.outputs["registry"]["name"]
        assert found[f"{side}.converter.compatibility"] == "NONE"  # one name for a topic's key and value


def test_the_worker_reads_secrets_and_keeps_offsets_by_a_name_of_its_own(environment: State) -> None:
    text = environment.one("aws_mskconnect_worker_configuration").values["properties_file_content"]
    stated = dict(line.split("=", 1) for line in text.splitlines())
    assert stated["config.providers"] == "secretsmanager"
    assert stated["offset.storage.topic"] == "retail.connect-offsets"


def test_the_connectors_role_may_write_its_topics_and_read_its_secret_alone(environment: State) -> None:
    (document,) = environment.all("aws_iam_policy_document", module="capture", name="connect")
    by_sid = {item["sid"]: item for item in document.values["statement"]}
    topics = {arn.rpartition("/")[2] for arn in by_sid["WriteChanges"]["resources"]}
    assert topics == {source.topic for source in RETAIL.sources.values()} | {"__debezium-heartbeat.retail"}
    assert topics <= environment.outputs["topics"].keys()
    assert len(by_sid["ReadLogin"]["resources"]) == 1


def test_databases_lie_where_iceberg_puts_their_tables(environment: State) -> None:
    found = {item.index: item.values for item in environment.all("aws_glue_catalog_database")}
    bucket = environment.outputs["lake_bucket"]["name"]
    assert found["staging"]["name"] == RETAIL.staging_namespace
    assert found["curated"]["name"] == RETAIL.curated_namespace
    for zone in ("staging", "curated"):
        assert found[zone]["location_uri"] == f"s3://{bucket}/iceberg/{found[zone]['name']}.db"


def test_landed_tables_have_the_technical_columns_and_find_the_folders_that_the_job_writes(environment: State) -> None:
    hour = datetime(2026, 3, 4, 5, tzinfo=UTC)
    found = {item.index: item.values for item in environment.all("aws_glue_catalog_table")}
    assert found.keys() == RETAIL.sources.keys()
    for name, table in found.items():
        columns = [column["name"] for column in table["storage_descriptor"][0]["columns"]]
        assert columns == [
            c.TOPIC,
            c.PARTITION,
            c.OFFSET,
            c.KAFKA_TS,
            c.HEADERS,
            c.KEY_SCHEMA_ID,
            c.SCHEMA_ID,
            c.EPOCH,
            c.OP,
            c.POSITION,
            c.POSITION_ID,
            c.SOURCE_TS,
        ]
        parameters = table["parameters"]
        folder = parameters["storage.location.template"]
        for part, value in (("year", 2026), ("month", 3), ("day", 4), ("hour", 5)):
            folder = folder.replace(f"${{{part}}}", str(value).zfill(int(parameters[f"projection.{part}.digits"])))
        assert folder == f"s3://{environment.outputs['lake_bucket']['name']}/landing/{name}/{hour_folder(hour)}/"


def test_crawlers_write_no_table_of_ours(environment: State) -> None:
    for crawler in environment.all("aws_glue_crawler"):
        assert crawler.values["table_prefix"]
        assert first_block(crawler.values["schema_change_policy"])["delete_behavior"] == "LOG"
        assert not [name for name in RETAIL.sources if name.startswith(crawler.values["table_prefix"])]


def test_an_analyst_sees_the_star_and_nothing_before_it(environment: State) -> None:
    (document,) = [
        item
        for item in environment.all("aws_iam_policy_document", module="catalog", name="reader")
        if item.index == "analyst"
    ]
    reached = [arn for item in document.values["statement"] for arn in item["resources"]]
    assert not [arn for arn in reached if "staging" in arn or "landing" in arn]


def first_block(blocks: Any) -> Any:
    (found,) = blocks
    return found


@given(st.floats(1, 1e6), st.floats(1, 1e5), st.floats(1, 10))
def test_more_throughput_never_means_fewer_partitions(records: float, size: float, times: float) -> None:
    found = partitions(records, size)
    assert found % SIZING.multiple == 0
    assert found * SIZING.records_per_second >= records * SIZING.growth
    assert found * SIZING.bytes_per_second >= records * size * SIZING.growth
    assert partitions(records * times, size) >= found
    assert partitions(records, size * times) >= found


@pytest.mark.parametrize(("records", "size"), [(0, 100), (100, 0), (-1, 100), (float("nan"), 100)])
def test_throughput_that_is_none_is_refused(records: float, size: float) -> None:
    with pytest.raises(ThroughputError, match="not above 0"):
        partitions(records, size)
