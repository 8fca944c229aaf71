"""A PostgreSQL server of the tests' own, and fresh databases on it."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from infra.local import process
from infra.local.parts.base import Context, Options
from infra.local.parts.postgres import SUPERUSER, Postgres, admin_dsn

_PASSWORD: Final = "of-the-tests"
PLAIN_USER: Final = "by_plain_password"
"""A superuser that the server asks for its plain password, as drivers of Redshift can answer."""

# Nothing of it is to outlive the tests: no sync, no replication, no background work but theirs.
_FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
                "max_replication_slots=0", "autovacuum=off", "log_min_messages=panic", "max_connections=100")  # fmt: skip


@dataclass
class Server:
    """A running server; every database is made by the text order and the encoding that a warehouse needs."""

    context: Context
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self.context.ports["postgres"]

    def uri(self, database: str, user: str = SUPERUSER) -> str:
        """The address of a database, without the password: PGPASSWORD holds it while the server runs."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def database(self, template: str = "template0") -> str:
        """The name of a new database, a copy of `template` (which nobody may be connected to then)."""
        name = f"d{next(self._numbers)}"
        with self.admin() as connection:
            made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser's session in autocommit mode; a `with` block closes it."""
        return psycopg.connect(admin_dsn(self.context, database), autocommit=True)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server on a free port, its data under `folder`, for as long as the block runs; PGPASSWORD is set meanwhile."""
    context = Context(folder, Options(), {"postgres": _free_port()}, "", {"postgres.password": _PASSWORD})
    part = Postgres()
    part.prepare(context)
    rules = context.folder(part.name) / "data" / "pg_hba.conf"
    rules.write_text(f"host all {PLAIN_USER} 127.0.0.1/32 password\n{rules.read_text()}")
    command = part.command(context)
    prefix = process.launcher(user=command.user, keep_file_access=command.keep_file_access)
    settings = [word for setting in _FAST for word in ("-c", setting)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*prefix, *command.arguments, *settings],
            env=dict(command.environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
        )
    before = os.environ.get("PGPASSWORD")
    os.environ["PGPASSWORD"] = _PASSWORD
    try:
        _wait(part, context, server, folder / "server.log")
        made = Server(context)
        with made.admin() as admin:
            admin.execute(f"CREATE ROLE {PLAIN_USER} SUPERUSER LOGIN PASSWORD '{_PASSWORD}'")
        yield made
    finally:
        os.environ.pop("PGPASSWORD")
        if before is not None:
            os.environ["PGPASSWORD"] = before
        _end(server)


def _wait(part: Postgres, context: Context, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        if part.trouble(context) is None:
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL does not start: {log.read_text()[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ends it by its pid: SIGQUIT, since nothing of its data is wanted any more."""
    server.send_signal(3)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
