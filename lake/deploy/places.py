"""Where an environment's parts are: Terraform's outputs, read once into one frozen shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake.deploy.errors import DeployError
from lake.deploy.topics import Topic, topics_of

ARTIFACTS: Final = "artifacts_bucket"
IAM: Final = "iam"
_REMEDY: Final = "add it to the environment's outputs.tf; lake/deploy/README.md lists those that are read"


@dataclass(frozen=True)
class Places:
    """An environment's parts.

    Args:
        name: the prefix of its resources' names.
        buckets: bucket names by use: lake, artifacts, logs.
        databases: catalog databases by zone.
        jobs: Glue jobs by entry.
        topics: the topics that must be.
        cluster_arn: the MSK cluster; empty where Kafka is not MSK.
        cluster_kind: `provisioned`, `serverless` or `kafka` (a broker of one's own).
        bootstrap: Kafka's bootstrap servers.
        warehouse_uri: the warehouse, as the setting `warehouse_uri` takes it.
        copy_role: ARN of the role that COPY reads load files with; empty where there is none.
    """

    name: str
    buckets: Mapping[str, str]
    databases: Mapping[str, str]
    jobs: Mapping[str, str]
    topics: tuple[Topic, ...]
    cluster_arn: str
    cluster_kind: str
    bootstrap: str
    warehouse_uri: str
    copy_role: str

    @property
    def artifacts_uri(self) -> str:
        """The artifacts bucket as a store's root."""
        return f"s3://{self.buckets['artifacts']}"

    @property
    def lake_uri(self) -> str:
        """The lake as a store's root."""
        return f"s3://{self.buckets['lake']}"


def places_of(outputs: Mapping[str, Any]) -> Places:
    """The parts that Terraform's outputs name.

    Raises:
        DeployError: one is missing or of another shape.
    """
    buckets = {use: bucket_of(outputs, f"{use}_bucket") for use in ("lake", "artifacts", "logs")}
    kafka = _object(outputs, "kafka", {"kind", "cluster_arn", "bootstrap_brokers"})
    warehouse = _object(outputs, "warehouse", {"uri", "copy_role_arn"})
    return Places(
        name=str(_output(outputs, "name")),
        buckets=buckets,
        databases=_names(outputs, "database_names"),
        jobs=_names(outputs, "job_names"),
        topics=topics_of(_output(outputs, "topics")),
        cluster_arn=kafka["cluster_arn"],
        cluster_kind=kafka["kind"],
        bootstrap=kafka["bootstrap_brokers"],
        warehouse_uri=warehouse["uri"],
        copy_role=warehouse["copy_role_arn"],
    )


def bucket_of(outputs: Mapping[str, Any], output: str) -> str:
    """A bucket's name, from an output that is the name or an object with it.

    Raises:
        DeployError: there is no such output, or it is neither.
    """
    value = _output(outputs, output)
    name = value.get("name") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or not name:
        raise DeployError("is no bucket's name", where=f"output {output}", remedy="give the name, or an object with it")
    return name


def _output(outputs: Mapping[str, Any], name: str) -> Any:
    if outputs.get(name) is None:
        raise DeployError("is not there", where=f"output {name}", remedy=_REMEDY)
    return outputs[name]


def _object(outputs: Mapping[str, Any], name: str, fields: set[str]) -> dict[str, str]:
    value = _output(outputs, name)
    absent = fields - set(value) if isinstance(value, Mapping) else fields
    if absent:
        raise DeployError(f"has no {', '.join(sorted(absent))}", where=f"output {name}", remedy=_REMEDY)
    return {field: str(value[field] or "") for field in fields}


def _names(outputs: Mapping[str, Any], name: str) -> dict[str, str]:
    value = _output(outputs, name)
    if not isinstance(value, Mapping):
        raise DeployError("is no map of names", where=f"output {name}", remedy=_REMEDY)
    return {str(key): str(item) for key, item in value.items()}
