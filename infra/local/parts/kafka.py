"""The Kafka broker: one KRaft node that is broker and controller."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.local.errors import PartFailedError
from infra.local.folders import remove_folder
from infra.local.parts.base import LOOPBACK, Command, Context, class_path, java_command, log4j_flag, write_properties

MESSAGE_MAX_BYTES = 8 * 1024 * 1024
#: name of the port on which a broker in a container serves clients on the machine around it; others have none
OUTSIDE = "kafka_outside"


class Kafka:
    """Broker and controller in one process; topics are never created by themselves."""

    name = "kafka"
    ports = ("kafka", "kafka_controller")

    def prepare(self, context: Context) -> None:
        """Write ``server.properties``; format the storage once, with the stack's own cluster id."""
        folder = context.folder(self.name)
        write_properties(folder / "server.properties", properties(context, folder / "data"))
        if (folder / "data").exists():
            return
        partial = folder / "data.partial"
        remove_folder(partial, inside=context.root)
        write_properties(folder / "format.properties", properties(context, partial))
        configuration = str(folder / "format.properties")
        tool = java_command(
            context,
            heap_mb=128,
            flags=(log4j_flag(folder, "WARN"), "-cp", class_path(context.jars("broker"))),
            main=("kafka.tools.StorageTool", "format", "-t", context.cluster_id, "-c", configuration),
        )
        done = subprocess.run(tool.arguments, env=dict(tool.environment), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PartFailedError(
                f"its storage cannot be formatted:\n{(done.stdout + done.stderr).strip()[-2000:]}",
                where="kafka",
                remedy=f"check the free space and the rights of {folder}",
            )
        partial.rename(folder / "data")

    def command(self, context: Context) -> Command:
        """``kafka.Kafka server.properties``."""
        folder = context.folder(self.name)
        flags = (log4j_flag(folder, "WARN"), "-cp", class_path(context.jars("broker")))
        main = ("kafka.Kafka", str(folder / "server.properties"))
        return java_command(context, heap_mb=context.options.broker_heap_mb, flags=flags, main=main)

    def trouble(self, context: Context) -> str | None:
        """Whether the broker answers with our cluster id."""
        from infra.local.topics import cluster_id

        found = cluster_id(context.bootstrap_servers, timeout_seconds=3.0)
        if found is None:
            return "does not answer"
        return None if found == context.cluster_id else f"another cluster ({found}) answers"


def properties(context: Context, data: Path) -> dict[str, object]:
    """The broker's configuration."""
    controller = f"{LOOPBACK}:{context.ports['kafka_controller']}"
    outside = context.ports.get(OUTSIDE)
    more = f",OUTSIDE://{{}}:{outside}" if outside else ""
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{context.listen}:{context.ports['kafka']},CONTROLLER://{controller}"
        + more.format(context.listen),
        "advertised.listeners": f"PLAINTEXT://{context.bootstrap_servers}" + more.format(LOOPBACK),
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "message.max.bytes": MESSAGE_MAX_BYTES,
        "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "controlled.shutdown.enable": "true",
    }
