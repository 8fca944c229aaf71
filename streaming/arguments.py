"""Arguments of hop 1, `python -m streaming.kafka_to_landing --pipeline … --bootstrap … --registry … --lake-uri …`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lake.arguments import option
from lake.kafka_auth import CHOICES, NONE
from lake.watch.options import WatchArgs
from streaming.job import MAX_OFFSETS, StreamSettings


@dataclass(frozen=True)
class StreamArgs(WatchArgs):
    """Arguments of the job."""

    pipeline: str = option("the pipeline, a folder of contracts")
    bootstrap: str = option("Kafka's bootstrap servers, HOST:PORT,…")
    registry: str = option("Confluent-compatible schema registry (a URL), glue[:REGION], or secret:NAME that holds it")
    lake_uri: str = option("root of the pipeline's lake: file:///… or s3://…")
    once: bool = option("whether to land what is committed now, then end", default=False)
    trigger_seconds: float = option("time between batches", default=60.0, least=0.1)
    max_offsets_per_trigger: int = option("most offsets of one table in a batch", default=MAX_OFFSETS, least=1)
    patience_seconds: float | None = option(
        "longest outage of the registry to wait for; without it for ever, or 60 with --once true", default=None, least=0
    )
    tables: tuple[str, ...] = option("source tables, A,B; all where none is given", default=())
    epochs: Mapping[str, int] = option(
        "raised epochs, A=1,B=2, after a topic was restored or made anew", factory=dict, least=0
    )
    kafka_auth: str = option("how to log in to Kafka; iam is MSK's", default=NONE, choices=CHOICES)
    client_options: Mapping[str, str] = option(
        "further options of the Kafka client, NAME=VALUE,…; a value may be secret:NAME#FIELD", factory=dict
    )
    contracts_path: tuple[Path, ...] = option("folders that hold pipelines of your own, A:B", default=(), separator=":")

    @property
    def settings(self) -> StreamSettings:
        """What the job needs to know of them."""
        return StreamSettings(
            pipeline=self.pipeline,
            bootstrap=self.bootstrap,
            registry=self.registry,
            lake_uri=self.lake_uri.rstrip("/"),
            tables=self.tables,
            max_offsets_per_trigger=self.max_offsets_per_trigger,
            patience_seconds=self.patience_seconds,
            epochs=self.epochs,
            kafka_auth=self.kafka_auth,
            kafka_options=self.client_options,
            search_path=self.contracts_path,
        )
