"""A PostgreSQL server of the run's own, and copies of its databases."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from infra.local import state, supervisor
from infra.local.parts.base import Context, Options
from infra.local.parts.postgres import SUPERUSER, Postgres, admin_dsn
from lake.store import Store
from lake.warehouse.postgres import PostgresWarehouse


@dataclass(frozen=True)
class Database:
    """A server for as long as the run needs it."""

    context: Context

    def make(self, name: str, template: str = "template0") -> None:
        """A database in place of one of this name: empty, or a copy of another."""
        with psycopg.connect(admin_dsn(self.context), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
            # What was written before is no part of what is measured after.
            connection.execute("CHECKPOINT")

    def connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's session in autocommit mode."""
        return psycopg.connect(admin_dsn(self.context, name), autocommit=True)

    def warehouse(self, name: str, store: Store) -> PostgresWarehouse:
        """A session with the warehouse in a database."""
        uri = f"postgresql://{SUPERUSER}@127.0.0.1:{self.context.ports['postgres']}/{name}"
        return PostgresWarehouse.open(uri, store)

    @property
    def environment(self) -> dict[str, str]:
        """What dbt's profile reads."""
        return {
            "BENCH_POSTGRES_PORT": str(self.context.ports["postgres"]),
            "BENCH_POSTGRES_USER": SUPERUSER,
            "BENCH_POSTGRES_PASSWORD": self.context.secrets["postgres.password"],
        }


@contextmanager
def database(root: Path) -> Iterator[Database]:
    """Runs a server on a free port, its state under `root`, until the block ends.

    Raises:
        PartFailedError: it died or did not get well; what it wrote last is named.
    """
    part, options = Postgres(), Options()
    root.mkdir(parents=True, exist_ok=True)
    recorded = state.StackState(state.new_cluster_id(), state.choose_ports(part.ports))
    given = {"postgres.password": secrets.token_urlsafe(16)}
    context = Context(root, options, recorded.ports, recorded.cluster_id, given)
    with state.exclusive(root):
        supervisor.start_all((part,), context, lambda _part, _message: None)
    before = os.environ.get("PGPASSWORD")
    os.environ["PGPASSWORD"] = given["postgres.password"]
    try:
        yield Database(context)
    finally:
        os.environ.pop("PGPASSWORD")
        if before is not None:
            os.environ["PGPASSWORD"] = before
        with state.exclusive(root):
            supervisor.stop_all((part,), root, options.stop_grace_seconds)
