"""The same parts as containers: each by `run`, asked by `well`; and the whole of them as a stack that runs elsewhere.

    python -m infra.local.containers identity    # once: cluster id and random passwords, into volumes
    python -m infra.local.containers run PART    # becomes the part's process
    python -m infra.local.containers well PART   # exit code 0 when it answers as ours
    python -m infra.local.containers warehouse   # role and database of the warehouse
    python -m infra.local.containers sqlserver   # captures the SQL Server's tables

All containers see one folder (``LAKE_CONTAINERS``): ``identity/`` and ``keys/`` are volumes that they share, ``part/``
is a part's own. The names of hosts are those of the services in ``docker-compose.yml``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.local import state
from infra.local.errors import PartFailedError, StackDownError
from infra.local.parts.base import SECRETS_FILE, Context, Options, Part
from infra.local.parts.connect import Connect
from infra.local.parts.kafka import OUTSIDE, Kafka
from infra.local.parts.postgres import Postgres
from infra.local.parts.registry import Registry
from schemas.errors import LakeError

VARIABLE: Final = "LAKE_CONTAINERS"
#: the port of the broker for clients on the machine around the containers
OUTSIDE_VARIABLE: Final = "LAKE_BROKER_PORT"
HOSTS: Final = {"postgres": "source", "kafka": "broker", "registry": "registry", "connect": "connect"}
PORTS: Final = {"postgres": 5432, "kafka": 9092, "kafka_controller": 9093, "registry": 8080, "connect": 8083}
WAREHOUSE_HOST: Final = "warehouse"
LOADER: Final = "loader"
_LISTEN: Final = "0.0.0.0"  # noqa: S104 - a container's own interfaces
#: by the folder that gets them: `keys` is for whoever works on the databases, Connect gets its own password alone
KEYS: Final = {
    "keys": ("postgres.password", "debezium.password", "warehouse.password", "loader.password", "sqlserver.password"),
    "keys-connect": ("debezium.password",),
}
#: by service; the warehouse is a second PostgreSQL
PARTS: Final[Mapping[str, Part]] = {
    "source": Postgres(),
    "warehouse": Postgres(),
    "broker": Kafka(),
    "registry": Registry(),
    "connect": Connect(),
}
_HEAPS: Final = ("broker_heap_mb", "registry_heap_mb", "connect_heap_mb")
_POLL_SECONDS: Final = 1.0


def make_identity(folder: Path) -> None:
    """Make the cluster id and the passwords, unless they are there; nobody but their owner may read the latter."""
    identity, keys = folder / "identity", folder / "keys"
    if state.load(identity) is None:
        state.save(identity, state.StackState(state.new_cluster_id(), PORTS))
    secrets = _secrets(keys)
    # SQL Server wants three kinds of characters.
    made = {name: secrets.get(name) or f"Aa1-{state.new_password()}" for name in KEYS["keys"]}
    for place, names in KEYS.items():
        state.write_private(folder / place / SECRETS_FILE, "".join(f"{name}={made[name]}\n" for name in names))
    state.write_private(keys / "pgpass", f"{WAREHOUSE_HOST}:*:*:{LOADER}:{made['loader.password']}\n")


def _secrets(keys: Path) -> dict[str, str]:
    try:
        return state.read_secrets(keys / SECRETS_FILE)
    except FileNotFoundError:  # broker and registry need none
        return {}


def context_of(folder: Path, service: str = "", environment: Mapping[str, str] | None = None) -> Context:
    """What the parts know of each other in containers.

    Args:
        folder: see the module.
        service: whose context it is: the warehouse takes the source's place in its own, the broker's has one more port.
        environment: default ``os.environ``.

    Raises:
        StackDownError: there is no identity.
    """
    environment = os.environ if environment is None else environment
    recorded = state.load(folder / "identity")
    if recorded is None:
        raise StackDownError(
            "has no cluster id", where=str(folder / "identity"), remedy="run the service identity: docker compose up"
        )
    heaps = {name: int(environment[f"LAKE_{name.upper()}"]) for name in _HEAPS if f"LAKE_{name.upper()}" in environment}
    keys = folder / "keys"
    context = Context(
        root=folder / "part",
        options=Options(**heaps),  # type: ignore[arg-type]  # mypy takes the values for those of every field
        ports=recorded.ports,
        cluster_id=recorded.cluster_id,
        secrets=_secrets(keys),
        hosts=HOSTS,
        listen=_LISTEN,
        keys=keys,
    )
    if service == "warehouse":
        password = context.secrets["warehouse.password"]
        return replace(context, hosts={"postgres": WAREHOUSE_HOST}, secrets={"postgres.password": password})
    if service == "broker" and OUTSIDE_VARIABLE in environment:
        return replace(context, ports={**recorded.ports, OUTSIDE: int(environment[OUTSIDE_VARIABLE])})
    return context


def run(folder: Path, service: str) -> None:
    """Become the part's process.

    Raises:
        LakeError: its data cannot be prepared.
    """
    part, context = PARTS[service], context_of(folder, service)
    os.umask(0o077)
    part.prepare(context)
    command = part.command(context)
    os.execve(command.arguments[0], command.arguments, dict(command.environment))  # noqa: S606 - a list, no shell


def make_warehouse(folder: Path, database: str) -> None:
    """Make the role that loads, with its password of ``keys``, and its database; change nothing that is right."""
    import psycopg
    from psycopg import sql

    from infra.local.parts.postgres import admin_dsn

    context = context_of(folder, "warehouse")
    role, name = sql.Identifier(LOADER), sql.Identifier(database)
    password = sql.Literal(_secrets(folder / "keys")["loader.password"])
    with psycopg.connect(admin_dsn(context), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOADER]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            # texts in the order of their bytes, as in Redshift
            made = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
            connection.execute(sql.SQL(made).format(name, role))


def wait_until_well(parts: Sequence[Part], context: Context, seconds: float) -> None:
    """Wait until each part answers.

    Raises:
        PartFailedError: one did not in time.
    """
    deadline = time.monotonic() + seconds
    for part in parts:
        while (trouble := part.trouble(context)) is not None:
            if time.monotonic() > deadline:
                raise PartFailedError(
                    f"was not well within {seconds:.0f} s ({trouble})",
                    where=part.name,
                    remedy=f"see its log: docker compose logs {context.host(part.ports[0])}",
                )
            time.sleep(_POLL_SECONDS)


def main(argv: Sequence[str]) -> int:
    """One of the steps; 1 with a message when it fails."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.containers")
    parser.add_argument("step", choices=("identity", "run", "well", "warehouse", "sqlserver"))
    parser.add_argument("service", nargs="?", choices=sorted(PARTS))
    args = parser.parse_args(argv)
    if (args.service is None) == (args.step in {"run", "well"}):
        parser.error(f"{args.step} is of one service" if args.service is None else f"{args.step} is of no service")
    folder = Path(os.environ.get(VARIABLE, "/var/lib/lake"))
    try:
        return _step(folder, args.step, args.service, os.environ.get("LAKE_PIPELINE", "retail"))
    except LakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _step(folder: Path, step: str, service: str, pipeline: str) -> int:
    if step == "identity":
        make_identity(folder)
    elif step == "run":
        run(folder, service)
    elif step == "warehouse":
        make_warehouse(folder, pipeline)
    elif step == "sqlserver":
        from infra.local.sqlserver import start_capture

        start_capture(context_of(folder), pipeline)
    else:
        trouble = PARTS[service].trouble(context_of(folder, service))
        print(trouble or "well")
        return 0 if trouble is None else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
