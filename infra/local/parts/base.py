"""What a part of the stack is: how it is prepared, started and asked whether it is well."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local import jars
from infra.local.java import java_home

SECRETS_FILE = "secrets.properties"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """What the stack is told from outside.

    Args:
        cache: where JVM artefacts are kept.
        maven_url: where they come from.
        start_timeout_seconds: how long a part may take until it is well.
        stop_grace_seconds: how long a part may take to end before it is killed.
        broker_heap_mb: heap of the Kafka broker in MiB.
        registry_heap_mb: heap of the schema registry in MiB.
        connect_heap_mb: heap of Kafka Connect in MiB.
    """

    cache: Path = field(default_factory=jars.cache_folder)
    maven_url: str = field(default_factory=jars.maven_url)
    start_timeout_seconds: float = 120.0
    stop_grace_seconds: float = 20.0
    broker_heap_mb: int = 512
    registry_heap_mb: int = 256
    connect_heap_mb: int = 768


@dataclass(frozen=True)
class Context:
    """What every part knows: its folders, the addresses of all parts, the secrets and the cluster's identity.

    Args:
        root: LAKE_HOME, or the folder that stands for it in a container.
        options: what the stack is told from outside.
        ports: by name.
        cluster_id: the Kafka cluster's.
        secrets: by name.
        hosts: where others reach a part, by its port's name; this machine where none is given.
        listen: the interface that parts listen on.
        keys: the folder of the secrets' file; none: ``stack`` below the root.
    """

    root: Path
    options: Options
    ports: Mapping[str, int]
    cluster_id: str
    secrets: Mapping[str, str] = field(repr=False)
    hosts: Mapping[str, str] = field(default_factory=dict)
    listen: str = LOOPBACK
    keys: Path | None = None

    @property
    def secrets_file(self) -> Path:
        """The properties file (mode 0600) that Connect's config provider reads."""
        return (self.keys or self.root / "stack") / SECRETS_FILE

    def place(self, part: str) -> Path:
        """Where the state of one part lies, there or not."""
        return self.root / "stack" / part

    def folder(self, part: str) -> Path:
        """The state folder of one part, made when absent."""
        folder = self.place(part)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def jars(self, group: str) -> list[Path]:
        """The jars of one lock group."""
        return jars.jar_paths(group, cache=self.options.cache, base_url=self.options.maven_url)

    def unpacked(self, group: str) -> Path:
        """The unpacked archive of one lock group."""
        return jars.unpacked(group, cache=self.options.cache, base_url=self.options.maven_url)

    def host(self, part: str) -> str:
        """Where others reach a part."""
        return self.hosts.get(part, LOOPBACK)

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address."""
        return f"{self.host('kafka')}:{self.ports['kafka']}"

    @property
    def registry_url(self) -> str:
        """The registry's root address."""
        return f"http://{self.host('registry')}:{self.ports['registry']}"

    @property
    def connect_url(self) -> str:
        """The address of Connect's REST interface."""
        return f"http://{self.host('connect')}:{self.ports['connect']}"


@dataclass(frozen=True)
class Command:
    """What to execute: arguments, environment, and the user to do it as (None: the caller)."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    user: str | None = None
    keep_file_access: bool = False


class Part(Protocol):
    """One process of the stack."""

    @property
    def name(self) -> str:
        """Its name in commands, files and errors."""

    @property
    def ports(self) -> tuple[str, ...]:
        """Names of the ports it listens on; the first is the one that clients use."""

    def prepare(self, context: Context) -> None:
        """Write configuration and data folders; safe to repeat and to be killed in."""

    def command(self, context: Context) -> Command:
        """What to execute."""

    def trouble(self, context: Context) -> str | None:
        """None when the part answers as ours; else what is wrong, without secrets."""


def java_command(context: Context, *, heap_mb: int, flags: tuple[str, ...], main: tuple[str, ...]) -> Command:
    """A JVM of modest size that starts fast."""
    home = java_home()
    arguments = (
        str(home / "bin" / "java"),
        f"-Xmx{heap_mb}m",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # half the processor time of the other levels, at the start and for minutes of load
        "-XX:+ExitOnOutOfMemoryError",
        "-Xshare:auto",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={context.folder('tmp')}",
        *flags,
        *main,
    )
    kept = ("PATH", "LANG", "LC_ALL", "TZ")
    return Command(arguments, {"JAVA_HOME": str(home)} | {k: os.environ[k] for k in kept if k in os.environ})


def class_path(paths: list[Path]) -> str:
    """The paths as a Java class path."""
    return os.pathsep.join(map(str, paths))


def write_properties(path: Path, properties: Mapping[str, object]) -> None:
    """Write a Java properties file (mode 0600), atomically."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    lines = [f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items()]
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(lines)
    partial.replace(path)


_LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{ISO8601} %-5p %c{1} - %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="org.reflections" level="ERROR"/>
    <Logger name="org.apache.kafka.clients.NetworkClient" level="ERROR"/>
    <Logger name="org.apache.kafka.common.config.AbstractConfig" level="WARN"/>
    <Logger name="io.debezium.connector.postgresql.TypeRegistry" level="ERROR"/>
    <Root level="LEVEL"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


def log4j_flag(folder: Path, level: str) -> str:
    """Write a log4j2 configuration to ``folder``; the JVM flag that names it."""
    path = folder / "log4j2.xml"
    path.write_text(_LOG4J.replace("LEVEL", level))
    return f"-Dlog4j2.configurationFile={path}"
