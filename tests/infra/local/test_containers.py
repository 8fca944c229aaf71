"""Parts as containers: one identity, addresses that others reach, passwords where they are needed only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from infra.local import containers
from infra.local.capture import capture_of, connector_config
from infra.local.errors import PartFailedError, StackDownError
from infra.local.parts import connect, kafka
from infra.local.parts.postgres import admin_dsn
from infra.local.sqlserver import connector_config as sqlserver_config
from infra.local.sqlserver import history_topic
from infra.local.stack import ContainerStack
from infra.local.state import read_secrets
from schemas import load_pipeline
from schemas.parse import pipeline_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("identity", *containers.KEYS):
        (tmp_path / name).mkdir()
    containers.make_identity(tmp_path)
    return tmp_path


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_identity_is_made_once(folder: Path) -> None:
    before = written(folder)
    containers.make_identity(folder)
    assert written(folder) == before
    assert set(before) == {
        "identity/stack.json",
        "keys/secrets.properties",
        "keys/pgpass",
        "keys-connect/secrets.properties",
    }


def test_passwords_are_random_private_and_connect_gets_its_own_alone(folder: Path) -> None:
    secrets = read_secrets(folder / "keys" / "secrets.properties")
    assert len(set(secrets.values())) == len(secrets) == 5
    assert read_secrets(folder / "keys-connect" / "secrets.properties") == {
        "debezium.password": secrets["debezium.password"]
    }
    files = [path for name in containers.KEYS for path in (folder / name).iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_password_added_later_leaves_the_others(folder: Path) -> None:
    path = folder / "keys" / "secrets.properties"
    path.write_text("postgres.password=as-it-was\n")
    containers.make_identity(folder)
    secrets = read_secrets(path)
    assert secrets["postgres.password"] == "as-it-was"
    assert set(secrets) == set(containers.KEYS["keys"])


def test_without_an_identity_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackDownError, match="docker compose up"):
        containers.context_of(tmp_path)


def test_parts_listen_on_all_interfaces_and_name_the_hosts_of_the_others(folder: Path) -> None:
    context = containers.context_of(folder, environment={})
    assert context.bootstrap_servers == "broker:9092"
    assert context.registry_url == "http://registry:8080"
    worker = connect.properties(context, Path("plugins"))
    assert worker["bootstrap.servers"] == "broker:9092"
    assert worker["listeners"] == "http://0.0.0.0:8083"
    assert worker["rest.advertised.host.name"] == "connect"
    assert worker["config.providers.file.param.allowed.paths"] == folder / "keys"


def test_the_broker_gives_clients_outside_an_address_of_their_own(folder: Path) -> None:
    inside = kafka.properties(containers.context_of(folder, "broker", {}), Path("data"))
    assert inside["listeners"] == "PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093"
    context = containers.context_of(folder, "broker", {"LAKE_BROKER_PORT": "12345"})
    both = kafka.properties(context, Path("data"))
    assert both["listeners"] == f"{inside['listeners']},OUTSIDE://0.0.0.0:12345"
    assert both["advertised.listeners"] == "PLAINTEXT://broker:9092,OUTSIDE://127.0.0.1:12345"


def test_the_warehouse_is_another_server_with_another_password(folder: Path) -> None:
    source, warehouse = containers.context_of(folder, "source", {}), containers.context_of(folder, "warehouse", {})
    assert admin_dsn(source).startswith("host=source port=5432")
    assert admin_dsn(warehouse).startswith("host=warehouse port=5432")
    assert source.secrets["postgres.password"] not in admin_dsn(warehouse)
    assert list(warehouse.secrets) == ["postgres.password"]


def test_heaps_come_from_the_environment(folder: Path) -> None:
    context = containers.context_of(folder, "broker", {"LAKE_BROKER_HEAP_MB": "300"})
    assert context.options.broker_heap_mb == 300


def test_both_connectors_find_database_registry_and_password(folder: Path) -> None:
    context = containers.context_of(folder, environment={})
    retail = load_pipeline("retail")
    capture = capture_of("retail", retail.sources, pipeline_folder("retail"), partitions=4, retention_days=7)
    for config, host in (
        (connector_config(context, capture), "source"),
        (sqlserver_config(context, capture), "sqlserver"),
    ):
        assert config["database.hostname"] == host
        assert config["database.password"] == f"${{file:{folder}/keys/secrets.properties:debezium.password}}"
        assert config["value.converter.apicurio.registry.url"].startswith("http://registry:8080/")
    assert "dbo\\.order_item" in sqlserver_config(context, capture)["table.include.list"]
    assert history_topic("retail").config["retention.ms"] == "-1"


def test_a_stack_of_containers_says_who_starts_and_ends_it(folder: Path) -> None:
    stack = ContainerStack(folder)
    with pytest.raises(StackDownError, match="docker compose down"):
        stack.down()
    assert stack.endpoints().connect_url == "http://connect:8083"


class Sick:
    """A part that never answers."""

    name, ports = "kafka", ("kafka",)

    def trouble(self, _context: object) -> str:
        """Never well."""
        return "does not answer"


def test_a_part_that_does_not_get_well_is_named_with_its_log(folder: Path) -> None:
    with pytest.raises(PartFailedError, match="docker compose logs broker"):
        containers.wait_until_well([Sick()], containers.context_of(folder, environment={}), 0)  # type: ignore[list-item]


@pytest.mark.parametrize("argv", [["run"], ["well"], ["identity", "broker"]])
def test_a_step_is_of_one_service_or_of_none(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        containers.main(argv)
    assert "service" in capsys.readouterr().err
