"""A topic of one test: made, filled, and read back by a consumer that knows nothing of the lake."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from tests.support.envelopes import (
    Json,
    avro_bytes,
    envelope_schema,
    framed,
    key_schema,
    nullable,
    pg_change,
    schema_text,
)

TABLE = "item"
COLUMNS: Mapping[str, Any] = {"id": "long", "name": nullable("string")}
TS = 1_714_564_800_000_000
PARTITIONS = 2
CONTRACT = """table: item
topic: {topic}
key: [id]
columns:
  id: {{type: bigint, nullable: false}}
  name: {{type: varchar(100)}}
"""


@dataclass
class TestTopic:
    """A topic with an envelope schema, and the pipeline of one table that reads it."""

    __test__ = False

    bootstrap: str
    ccompat_url: str
    folder: Path
    name: str
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def pipeline(self) -> str:
        """Name of the pipeline, whose folder is made by `create`."""
        return self.name.partition(".")[0]

    def create(self) -> TestTopic:
        """Makes topic, schemas and contract."""
        self.make_topic()
        self.ids["key"] = self.register("key", key_schema(TABLE, {"id": "long"}))
        self.ids["value"] = self.register("value", envelope_schema(TABLE, COLUMNS))
        sources = self.folder / self.pipeline / "sources"
        sources.mkdir(parents=True)
        (self.folder / self.pipeline / "pipeline.yaml").write_text(f"pipeline: {self.pipeline}\n")
        (sources / f"{TABLE}.yaml").write_text(CONTRACT.format(topic=self.name))
        return self

    def make_topic(self) -> None:
        """Makes the topic alone."""
        self._ask("create_topics", [NewTopic(self.name, PARTITIONS, 1)])

    def delete_topic(self) -> None:
        """Removes the topic."""
        self._ask("delete_topics", [self.name])

    def add_partition(self) -> None:
        """One partition more."""
        self._ask("create_partitions", [NewPartitions(self.name, PARTITIONS + 1)])

    def delete_records(self, partition: int, before: int) -> None:
        """Removes records as retention does."""
        self._ask("delete_records", [TopicPartition(self.name, partition, before)])

    def register(self, side: str, schema: Json) -> int:
        """Registry id of a schema."""
        body = json.dumps({"schema": schema_text(schema)}).encode()
        url = f"{self.ccompat_url}/subjects/{self.name}-{side}/versions"
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return int(json.loads(answer.read())["id"])

    def evolve(self) -> None:
        """A column more from now on."""
        self.ids["value"] = self.register("value", self.value_schema)

    @property
    def value_schema(self) -> Json:
        """The evolved envelope."""
        return envelope_schema(TABLE, {**COLUMNS, "city": nullable("string")})

    def value(self, number: int, *, evolved: bool = False) -> bytes:
        """A framed change of row `number`."""
        after = {"id": number, "name": f"n{number}"} | ({"city": "c"} if evolved else {})
        schema = self.value_schema if evolved else envelope_schema(TABLE, COLUMNS)
        event = pg_change("c", TABLE, lsn=number + 1, ts_us=TS + number, after=after)
        return framed(self.ids["value"], avro_bytes(schema, event))

    def key(self, number: int) -> bytes:
        """A framed key."""
        return framed(self.ids["key"], avro_bytes(key_schema(TABLE, {"id": "long"}), {"id": number}))

    def send(self, numbers: Iterable[int], *, partition: int | None = None, **value: Any) -> None:
        """Changes of rows, spread over two partitions unless told."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        self._produce(producer, numbers, partition, **value)
        assert producer.flush(30) == 0

    def send_raw(self, value: bytes | None, number: int = 0, partition: int = 0) -> None:
        """One record with these bytes as value."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(self.name, value, self.key(number), partition)
        assert producer.flush(30) == 0

    def send_aborted(self, numbers: Iterable[int]) -> None:
        """Changes in a transaction that is aborted."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": f"{self.name}-aborted"})
        producer.init_transactions(30)
        producer.begin_transaction()
        self._produce(producer, numbers, None)
        producer.flush(30)
        producer.abort_transaction(30)

    def _produce(self, producer: Producer, numbers: Iterable[int], partition: int | None, **value: Any) -> None:
        for number in numbers:
            chosen = number % PARTITIONS if partition is None else partition
            producer.produce(self.name, self.value(number, **value), self.key(number), chosen)
            producer.poll(0)

    def coordinates(self) -> list[tuple[int, int]]:
        """Partition and offset of each record that a read-committed consumer sees, from the first to the end."""
        settings = {"bootstrap.servers": self.bootstrap, "group.id": f"{self.name}-oracle", "enable.auto.commit": False}
        consumer = Consumer({**settings, "isolation.level": "read_committed", "enable.partition.eof": True})
        partitions = consumer.list_topics(self.name, 20).topics[self.name].partitions
        consumer.assign([TopicPartition(self.name, p, 0) for p in partitions])
        seen: list[tuple[int, int]] = []
        ended: set[int] = set()
        while len(ended) < len(partitions):
            message = consumer.poll(20)
            assert message is not None, "the broker went silent"
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            if message.error() is not None:
                ended.add(partition)
            elif offset is not None:
                seen.append((partition, offset))
        consumer.close()
        return sorted(seen)

    def _ask(self, verb: str, items: list[Any]) -> None:
        # The client must outlive its futures, which fail when it is collected.
        client = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in getattr(client, verb)(items).values():
            future.result(30)
