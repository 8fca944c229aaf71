"""Kafka Connect in distributed mode, with the Debezium connectors and the Avro converter as plugins."""

from __future__ import annotations

import urllib.error
import zipfile
from pathlib import Path

from infra.local.folders import remove_folder
from infra.local.http import get_json
from infra.local.parts.base import Command, Context, class_path, java_command, log4j_flag, write_properties
from infra.local.parts.kafka import MESSAGE_MAX_BYTES

CONVERTER = "io.apicurio.registry.utils.converter.AvroConverter"
DECLARATION = "avro-converter-declaration.jar"
CONNECTORS = ("debezium-postgres", "debezium-sqlserver", "debezium-mysql")


class Connect:
    """One worker of one group."""

    name = "connect"
    ports = ("connect",)

    def prepare(self, context: Context) -> None:
        """Link the plugins together and write ``worker.properties``."""
        folder = context.folder(self.name)
        link_plugins(context, folder / "plugins")
        write_properties(folder / "worker.properties", properties(context, folder / "plugins"))

    def command(self, context: Context) -> Command:
        """``org.apache.kafka.connect.cli.ConnectDistributed worker.properties``."""
        folder = context.folder(self.name)
        flags = (log4j_flag(folder, "INFO"), "-cp", class_path(context.jars("connect")))
        main = ("org.apache.kafka.connect.cli.ConnectDistributed", str(folder / "worker.properties"))
        return java_command(context, heap_mb=context.options.connect_heap_mb, flags=flags, main=main)

    def trouble(self, context: Context) -> str | None:
        """Whether the REST interface answers, with our cluster id, and lists its connectors."""
        try:
            about = get_json(f"{context.connect_url}/")
            get_json(f"{context.connect_url}/connectors", timeout_seconds=10)
        except (urllib.error.URLError, OSError, ValueError) as error:
            return f"does not answer ({getattr(error, 'reason', None) or type(error).__name__})"
        found = about.get("kafka_cluster_id") if isinstance(about, dict) else None
        return None if found == context.cluster_id else f"it serves another cluster ({found})"


def link_plugins(context: Context, plugins: Path) -> None:
    """One folder per connector: its own jars and the converter's, as links into the cache.

    The folder is built aside and swapped in, and left alone when it holds the same links already.
    """
    wanted: dict[str, Path] = {}
    for group in CONNECTORS:
        own = sorted(context.unpacked(group).glob("*/*.jar"))
        names = {jar.name for jar in own}
        shared = [jar for jar in context.jars("avro-converter") if jar.name not in names]
        wanted |= {f"{group}/{jar.name}": jar for jar in (*own, *shared)}
    found = {str(link.relative_to(plugins)): link.readlink() for link in plugins.glob("*/*") if link.is_symlink()}
    if found == wanted and all((plugins / group / DECLARATION).exists() for group in CONNECTORS):
        return
    partial = plugins.with_name("plugins.partial")
    remove_folder(partial, inside=context.root)
    for name, jar in wanted.items():
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).symlink_to(jar)
    for group in CONNECTORS:
        declare_converter(partial / group / DECLARATION)
    remove_folder(plugins, inside=context.root)
    partial.rename(plugins)


def declare_converter(jar: Path) -> None:
    """Write a jar that declares the Avro converter, as Connect's own tool for undeclared plugins would.

    With every plugin declared the worker need not look into each class of each jar, which takes most of its start.
    """
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", f"{CONVERTER}\n")


def properties(context: Context, plugins: Path) -> dict[str, object]:
    """The worker's configuration."""
    json_converter = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "bootstrap.servers": context.bootstrap_servers,
        "group.id": "lake-connect",
        "config.storage.topic": "lake_connect_configs",
        "config.storage.replication.factor": 1,
        "offset.storage.topic": "lake_connect_offsets",
        "offset.storage.replication.factor": 1,
        "offset.storage.partitions": 4,
        "status.storage.topic": "lake_connect_status",
        "status.storage.replication.factor": 1,
        "status.storage.partitions": 2,
        "key.converter": json_converter,
        "value.converter": json_converter,
        "listeners": f"http://{context.listen}:{context.ports['connect']}",
        "rest.advertised.host.name": context.host("connect"),
        "rest.advertised.port": context.ports["connect"],
        "plugin.path": plugins,
        "plugin.discovery": "service_load",
        "exactly.once.source.support": "enabled",
        "topic.creation.enable": "false",
        "scheduled.rebalance.max.delay.ms": 0,
        "offset.flush.interval.ms": 5000,
        "task.shutdown.graceful.timeout.ms": 10000,
        "producer.max.request.size": MESSAGE_MAX_BYTES,
        "producer.compression.type": "lz4",
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "config.providers.file.param.allowed.paths": context.secrets_file.parent,
    }
