"""Connector configurations: complete, without secrets, and routed as the contracts say."""

from __future__ import annotations

import json
import re

import pytest

from streaming.connectors.render import KINDS, CapturedTable, ConnectorTemplateError, render, template

TABLES = (
    CapturedTable("public", "customer", "retail.customer.cdc"),
    CapturedTable("public", "order_item", "retail.order_item.cdc"),
)
PLACES = {
    "pipeline": "retail",
    "database": "retail",
    "database_host": "db.example",
    "database_port": 5432,
    "server_id": 5400,
    "secrets_file": "/run/secrets/lake.properties",
    "bootstrap_servers": "broker.example:9092",
    "registry_url": "http://registry.example:8080",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_place_is_filled(kind: str) -> None:
    assert "@{" not in json.dumps(render(kind, PLACES, TABLES))


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_are_only_named(kind: str) -> None:
    passwords = {key: value for key, value in template(kind).items() if "password" in key}
    assert passwords
    assert all(re.fullmatch(r"\$\{file:@\{secrets_file\}:[a-z.]+\}", value) for value in passwords.values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_lake_relies_on_is_set(kind: str) -> None:
    config = render(kind, PLACES, TABLES)
    expected = {
        "skipped.operations": "none",
        "tombstones.on.delete": "true",
        "exactly.once.support": "required",
        "decimal.handling.mode": "precise",
        "schema.name.adjustment.mode": "avro",
        "errors.log.include.messages": "false",
        "header.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.apicurio.registry.headers.enabled": "false",
        "value.converter.apicurio.registry.as-confluent": "true",
        "signal.enabled.channels": "source,kafka",
    }
    assert expected.items() <= config.items()
    assert int(config["heartbeat.interval.ms"]) > 0
    assert config["heartbeat.action.query"].startswith("UPDATE lake.heartbeat")


def test_sql_server_keeps_the_order_inside_a_transaction_and_holds_datetime2() -> None:
    config = render("sqlserver", PLACES, TABLES)
    assert config["data.query.mode"] == "direct"
    assert config["time.precision.mode"] == "isostring"


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("postgres", "retail.public.order_item"),
        ("mysql", "retail.shop.order_item"),
        ("sqlserver", "retail.db.dbo.order_item"),
    ],
)
def test_a_table_goes_to_its_topic_and_service_tables_nowhere(kind: str, topic: str) -> None:
    config = render(kind, PLACES, TABLES)
    found = re.fullmatch(config["transforms.route.regex"], topic)
    assert found is not None
    assert config["transforms.route.replacement"].replace("$1", found.group(1)) == "retail.order_item.cdc"
    prefix = topic.rsplit(".", 2)[0]
    assert re.fullmatch(config["predicates.service.pattern"], f"{prefix}.lake.heartbeat")
    assert not re.fullmatch(config["predicates.service.pattern"], topic)


def test_a_contract_with_another_topic_gets_a_route_of_its_own() -> None:
    table = CapturedTable("public", "visit", "clinic.visits.changes")
    config = render("postgres", PLACES | {"pipeline": "clinic"}, (*TABLES[:0], table))
    assert config["transforms"].endswith(",route_visit")
    assert re.fullmatch(config["transforms.route_visit.regex"], "clinic.visit.cdc")
    assert config["transforms.route_visit.replacement"] == "clinic.visits.changes"


def test_a_missing_place_is_named() -> None:
    with pytest.raises(ConnectorTemplateError, match=r"postgres.json: the place @\{registry_url\} has no value"):
        render("postgres", {k: v for k, v in PLACES.items() if k != "registry_url"}, TABLES)


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(ConnectorTemplateError, match="no connector template 'oracle'") as caught:
        template("oracle")
    assert "sqlserver" in caught.value.remedy
