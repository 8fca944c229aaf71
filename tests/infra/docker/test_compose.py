"""docker-compose.yml and the Dockerfile as files: what can be said of them without an engine."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from infra.local import containers
from infra.local.jars import ON_DEMAND, lock
from infra.local.sqlserver import HOST as SQLSERVER_HOST
from lake.settings import setting_types, variable

ROOT: Final = Path(__file__).parents[3]
DOCKERFILE: Final = (ROOT / "infra/docker/Dockerfile").read_text()
VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")
ONE_SHOT: Final = {"identity", "setup", "lake", "demo", "sqlserver-rows", "sqlserver-setup", "sqlserver-capture"}
FOREIGN: Final = {"sqlserver", "sqlserver-setup"}
BY_DEFAULT: Final = {*containers.PARTS, "identity", "setup", "jobs"}
UNITS: Final = {"m": 2**20, "g": 2**30}


def described() -> dict[str, Any]:
    """The compose file with the defaults of its variables."""
    text = VARIABLE.sub(lambda match: match.group(2), (ROOT / "docker-compose.yml").read_text())
    document: dict[str, Any] = yaml.safe_load(text)
    return document


COMPOSE: Final = described()
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]


TARGETS: Final = {service["build"]["target"] for service in SERVICES.values() if "build" in service}


def size(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]


def stages() -> dict[str, str]:
    """The Dockerfile's stages by name."""
    return {part.split()[2]: part for part in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_runs_as_root_or_can_become_root(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] == "10001"
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "network_mode" not in service


@pytest.mark.parametrize("name", sorted(set(SERVICES) - FOREIGN))
def test_our_containers_have_a_read_only_root_and_no_capability(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_what_goes_on_has_a_health_check_and_is_started_again(name: str) -> None:
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_what_it_needs_to_be_well_or_done(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        done = other in ONE_SHOT
        assert how["condition"] == ("service_completed_successfully" if done else "service_healthy"), other


def test_ports_are_open_to_this_machine_alone_and_all_different() -> None:
    ports = [port.split(":") for service in SERVICES.values() for port in service.get("ports", ())]
    assert {interface for interface, _, _ in ports} == {"127.0.0.1"}
    assert len({outside for _, outside, _ in ports}) == len(ports) == 6


def test_memory_is_limited_and_the_stated_sums_hold() -> None:
    limits = {name: size(service["mem_limit"]) for name, service in SERVICES.items()}
    going_on = sum(limits[name] for name in BY_DEFAULT - ONE_SHOT)
    stated = "7.75 GiB at most for what `up` starts, and 3 GiB for each `run`"
    text = (ROOT / "docker-compose.yml").read_text()
    assert stated in re.sub(r"\n# ?", " ", text)
    assert going_on <= 7.75 * 2**30
    assert limits["lake"] == limits["demo"] == 3 * 2**30


@pytest.mark.parametrize(
    ("service", "heap"),
    [("broker", "broker_heap_mb"), ("registry", "registry_heap_mb"), ("connect", "connect_heap_mb")],
)
def test_a_heap_leaves_its_container_a_third_for_the_rest(service: str, heap: str) -> None:
    given = int(SERVICES[service]["environment"][variable(heap)])
    assert given * 2**20 <= size(SERVICES[service]["mem_limit"]) * 2 / 3


def test_profiles_hold_what_plain_up_leaves_out() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert {name for name, found in profiles.items() if not found} == BY_DEFAULT
    assert {name: found for name, found in profiles.items() if found} == {
        "lake": ["tools"],
        "demo": ["demo"],
        **{name: ["sqlserver"] for name in SERVICES if name.startswith("sqlserver")},
    }


def test_hosts_and_ports_that_the_code_names_are_the_services() -> None:
    assert {*containers.HOSTS.values(), containers.WAREHOUSE_HOST, SQLSERVER_HOST} <= set(SERVICES)
    inside = {name: int(SERVICES[host]["ports"][0].split(":")[2]) for name, host in containers.HOSTS.items()}
    assert inside == {name: containers.PORTS[name] for name in inside} | {"kafka": 19092}
    assert SERVICES["broker"]["environment"][containers.OUTSIDE_VARIABLE] == 19092


@pytest.mark.parametrize("name", sorted(containers.PARTS))
def test_a_part_is_run_and_asked_by_the_same_code_as_the_embedded_one(name: str) -> None:
    assert SERVICES[name]["command"] == ["run", name]
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "infra.local.containers", "well", name]


def test_named_volumes_hold_all_state_and_each_is_used() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service["volumes"]]
    named = {mount[0] for mount in mounts if not mount[0].startswith(".")}
    assert named == set(COMPOSE["volumes"])
    assert [mount[0] for mount in mounts if mount[0].startswith(".")] == ["./infra/docker/sqlserver/setup.sql"]


def test_passwords_reach_only_who_needs_them_and_nobody_else_writes_them() -> None:
    readers = {name: [m for m in service["volumes"] if m.startswith("keys")] for name, service in SERVICES.items()}
    assert readers["connect"] == ["keys-connect:/var/lib/lake/keys:ro"]
    assert readers["broker"] == readers["registry"] == readers["sqlserver-rows"] == []
    writers = {name for name, found in readers.items() if any(not mount.endswith(":ro") for mount in found)}
    assert writers == {"identity"}


def test_no_password_stands_in_the_files() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE
    assert not re.search(r"(?i)(password|secret|token)\s*[:=]\s*[\"']?[A-Za-z0-9]", text)
    assert not re.search(r"://\w+:[^/\s@]+@", text)


def test_every_lake_variable_of_a_container_is_a_setting() -> None:
    known = {variable(name) for name in setting_types()} | {containers.OUTSIDE_VARIABLE}
    given = {key for service in SERVICES.values() for key in service.get("environment", {}) if key.startswith("LAKE_")}
    assert given <= known


def test_each_image_is_built_once_from_its_stage_and_bears_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    builders = {name: service for name, service in SERVICES.items() if "build" in service}
    for name, service in builders.items():
        assert service["build"]["context"] == ".", name
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert service["build"]["target"] in stages()
        assert service["build"]["args"]["VERSION"] == version
        assert service["image"].endswith(f":{version}")
    built = [service["image"] for service in builders.values()]
    assert len(set(built)) == len(built) == len(TARGETS)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - FOREIGN))
def test_an_image_is_there_when_a_service_needs_it_and_never_a_strangers(name: str) -> None:
    service = SERVICES[name]
    assert service["pull_policy"] == ("build" if "build" in service else "never")
    built = {SERVICES[needed]["image"] for needed in {name, *needs(name)} if "build" in SERVICES[needed]}
    assert service["image"] in built or name == "source"  # with what needs the source goes the warehouse
    assert all("warehouse" in needs(other) for other in SERVICES if "source" in needs(other))


def needs(name: str) -> set[str]:
    """The services that Compose starts before one."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*map(needs, direct))


def test_foreign_images_are_pinned_by_digest() -> None:
    images = {SERVICES[name]["image"] for name in FOREIGN}
    assert len(images) == 1
    assert re.fullmatch(r"mcr\.microsoft\.com/mssql/server:[\w.-]+@sha256:[0-9a-f]{64}", images.pop())


def test_images_take_packages_from_the_locks_alone() -> None:
    code = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    installs = re.findall(r"pip[^&|\n]* install [^&|\n]*", code)
    assert installs
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command, command
    assert not re.search(r"\b(curl|wget|ADD)\b", DOCKERFILE)


def test_images_take_every_group_of_jars_that_the_stack_needs() -> None:
    code = re.sub(r"\\\n", " ", DOCKERFILE)
    asked = {word for line in re.findall(r"--to /opt/lake/cache(.*)", code) for word in line.split()}
    assert asked == set(lock()) - ON_DEMAND


def test_stages_derive_from_one_base_and_end_as_another_user() -> None:
    found = stages()
    assert {part.split()[0] for part in found.values()} <= {"${BASE}", *found}
    assert "ARG BASE=debian:bookworm-slim\n" in DOCKERFILE
    for target in TARGETS:
        chain = found[target]
        while "USER" not in chain:
            chain = found[chain.split()[0]]
        assert "USER 10001:10001" in chain
        for label in ("title", "description", "version", "revision", "base.name"):
            assert f"org.opencontainers.image.{label}=" in found[target]


def test_only_what_images_are_made_of_reaches_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert {name.rstrip("*").rstrip(".").replace(".", "/") for name in packages} - {"infra"} <= allowed
    assert not {path for path in allowed if path.startswith((".", "tests", "docs"))}


def test_the_demo_takes_the_whole_route_and_reconciles() -> None:
    (script,) = SERVICES["demo"]["command"]
    steps = [line.split()[1] for line in script.splitlines()]
    assert steps == ["source", "source", "source", "run", "reconcile", "sql"]
    assert SERVICES["demo"]["entrypoint"] == ["sh", "-euc"]


def test_the_file_is_plain_yaml_of_the_compose_specification() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"services", "volumes", "networks"}
    assert json.dumps(COMPOSE)  # no type that only YAML knows


def test_the_base_image_script_says_how_it_is_used() -> None:
    script = ROOT / "infra/docker/base-image.sh"
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "infra/docker/base-image.sh [--mirror URL]" in done.stdout
    assert "such as those of a company's proxy" in done.stdout
