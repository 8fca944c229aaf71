"""AWS on this machine, for boto3, Terraform and programs alike: moto's server, and the API of topics beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.support import msk_topics

REGION = "eu-west-1"


@dataclass(frozen=True)
class Cloud:
    """The endpoints.

    Args:
        endpoint: of everything but Kafka.
        topics: the state of Kafka's topics.
    """

    endpoint: str
    topics: msk_topics.Topics

    @property
    def environment(self) -> dict[str, str]:
        """What leads AWS's own tools here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_KAFKA": self.topics.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def client(self, service: str) -> Any:
        """boto3's client of a service here."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@contextmanager
def running() -> Iterator[Cloud]:
    """The servers, as threads of this process, each on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with msk_topics.served() as topics:
            yield Cloud(f"http://{host}:{port}", topics)
    finally:
        server.stop()
