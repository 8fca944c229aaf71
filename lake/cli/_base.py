"""What every sub-command shares: its options, the settings and folders it works with, and its output."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lake.home import Home
from lake.settings import Settings, load_settings

if TYPE_CHECKING:
    from infra.local.capture import Capture
    from infra.local.stack import Endpoints, Stack
    from lake.warehouse.port import Warehouse
    from lake.watch import Watch
    from redshift_sql.migration import Migration
    from schemas import Pipeline


@dataclass(frozen=True)
class App:
    """One run of a sub-command.

    Args:
        settings: file and environment, with ``--pipeline`` applied.
        as_json: whether the answer on stdout is JSON (progress always goes to stderr).
        debug: whether errors show their traceback.
    """

    settings: Settings
    as_json: bool = False
    debug: bool = False

    @cached_property
    def home(self) -> Home:
        """The folders under LAKE_HOME."""
        return Home(self.settings.home)

    @property
    def pipeline_name(self) -> str:
        """The pipeline that this run is about."""
        return self.settings.pipeline

    @cached_property
    def pipeline(self) -> Pipeline:
        """The pipeline's contracts.

        Raises:
            ContractError: no such pipeline, or a contract is wrong.
        """
        from schemas import load_pipeline

        return load_pipeline(self.pipeline_name, self.settings.search_path)

    @cached_property
    def migrations(self) -> tuple[Migration, ...]:
        """The pipeline's migrations of the warehouse.

        Raises:
            MigrationError: a file is damaged, or numbers do not follow each other.
        """
        from redshift_sql.migration import migrations_of

        return migrations_of(self.pipeline_name, self.settings.search_path)

    @property
    def lake_uri(self) -> str:
        """The root of the pipeline's lake: the setting's, or the folder in LAKE_HOME."""
        return self.settings.lake_uri.rstrip("/") or self.home.lake_uri(self.pipeline_name)

    @property
    def catalog_uri(self) -> str:
        """The pipeline's Iceberg catalog: the setting's, or the file in LAKE_HOME."""
        return self.settings.catalog_uri or self.home.catalog_uri(self.pipeline_name)

    @property
    def quality_uri(self) -> str | None:
        """Where Data Docs go: to LAKE_HOME, or (None) into a lake that lies elsewhere."""
        return None if self.settings.lake_uri else self.home.quality(self.pipeline_name).as_uri()

    @property
    def bootstrap(self) -> str:
        """Kafka's bootstrap servers: the setting's, or the running stack's.

        Raises:
            StackDownError: it does not run.
        """
        return self.settings.kafka_bootstrap or str(self.endpoints.bootstrap_servers)

    @property
    def registry(self) -> str:
        """The schema registry's address: the setting's, or the running stack's.

        Raises:
            StackDownError: it does not run.
        """
        return self.settings.registry or str(self.endpoints.ccompat_url)

    @property
    def warehouse_uri(self) -> str:
        """The address of the pipeline's warehouse: the setting's, or the embedded one's."""
        from lake.warehouse.connect import duckdb_uri

        return self.settings.warehouse_uri or duckdb_uri(self.home.warehouse(self.pipeline_name))

    @contextmanager
    def warehouse(self, *, read_only: bool = False, lake_uri: str | None = None) -> Iterator[Warehouse]:
        """A session with the pipeline's warehouse, which loads from `lake_uri` or the pipeline's lake.

        Raises:
            WarehouseError: it cannot be opened.
        """
        from lake.warehouse.connect import connect

        lake_uri = lake_uri or self.lake_uri
        warehouse = connect(self.warehouse_uri, lake_uri, read_only=read_only, copy_role=self.settings.copy_role)
        try:
            yield warehouse
        finally:
            warehouse.close()

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """What the hops are told to, for one command: files under LAKE_HOME/logs, and lineage where settings say.

        Raises:
            LineageAddressError: the setting `lineage_uri` is no address.
        """
        from lake.watch.options import command_watch

        settings = self.settings
        as_json = settings.log_format == "json"
        told = (self.pipeline_name, settings.environment, settings.lineage_uri, self.home.logs)
        with command_watch(*told, as_json=as_json) as watch:
            yield watch

    @cached_property
    def stack(self) -> Stack:
        """The embedded stack of this LAKE_HOME, or inside a container that of all containers, running or not."""
        from infra.local.parts.base import Options
        from infra.local.stack import ContainerStack, Stack

        settings = self.settings
        options = Options(
            cache=settings.cache.expanduser().resolve(),
            maven_url=settings.maven_url,
            start_timeout_seconds=settings.start_timeout_seconds,
            stop_grace_seconds=settings.stop_grace_seconds,
            broker_heap_mb=settings.broker_heap_mb,
            registry_heap_mb=settings.registry_heap_mb,
            connect_heap_mb=settings.connect_heap_mb,
        )
        if settings.containers:
            return ContainerStack(Path(settings.containers), options)
        return Stack(self.home.root, options)

    @cached_property
    def endpoints(self) -> Endpoints:
        """The addresses of the running stack.

        Raises:
            StackDownError: it does not run.
        """
        return self.stack.endpoints()

    def capture(self) -> Capture:
        """What the embedded stack captures for the pipeline."""
        from infra.local.capture import capture_of
        from schemas.parse import pipeline_folder

        return capture_of(
            self.pipeline_name,
            self.pipeline.sources,
            pipeline_folder(self.pipeline_name, self.settings.search_path),
            partitions=self.settings.topic_partitions,
            retention_days=self.settings.topic_retention_days,
        )

    def emit(self, document: object, text: str) -> None:
        """The answer on stdout: ``document`` as JSON where asked for, else ``text``."""
        click.echo(json.dumps(document, default=str) if self.as_json else text)

    def say(self, message: str) -> None:
        """A line of progress on stderr; none under ``--json``."""
        if not self.as_json:
            click.echo(message, err=True)


def examples(*lines: str) -> str:
    """An epilog of examples, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def with_app(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``function`` an :class:`App` first, and its command ``--pipeline``, ``--json`` and ``--debug``."""

    @click.option("--pipeline", metavar="NAME", help="A folder under schemas/ or in the setting `pipelines`.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON on stdout, errors in JSON on stderr.")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(function)
    def wrapped(*args: Any, pipeline: str | None, as_json: bool, debug: bool, **kwargs: Any) -> Any:
        settings = load_settings()
        settings = replace(settings, pipeline=pipeline) if pipeline else settings
        return function(App(settings, as_json, debug), *args, **kwargs)

    return wrapped


def lake_command(name: str, *, example: tuple[str, ...]) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that gets an :class:`App` first and shows ``example`` under its help; put options below it."""

    def made(function: Callable[..., Any]) -> click.Command:
        return click.command(name, epilog=examples(*example))(with_app(function))

    return made


def lake_group(name: str, *, example: tuple[str, ...]) -> Callable[[Callable[..., Any]], click.Group]:
    """A group of sub-commands with examples under its help; its commands are made with :func:`lake_command`."""
    return click.group(name, epilog=examples(*example))
