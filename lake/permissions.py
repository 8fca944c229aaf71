"""What each role may ask of AWS, as IAM actions, and why: Terraform's policies are held against it.

An action is here because code of ours makes the call (`CALLS`, by module), or because Spark, Iceberg, Kafka's client or
the platform makes it in a job's name (a set each, with its source). Nothing else is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

Actions = frozenset[str]


@dataclass(frozen=True)
class Calls:
    """Calls of one module to one service: boto3's client, and the action that each operation asks for."""

    client: str
    operations: Mapping[str, str]

    @property
    def actions(self) -> Actions:
        """Actions of all operations."""
        return frozenset(self.operations.values())


CALLS: Final[Mapping[str, Calls]] = {
    "lake.store": Calls(
        "s3",
        {
            "get_object": "s3:GetObject",
            "head_object": "s3:GetObject",
            "list_objects_v2": "s3:ListBucket",
            "put_object": "s3:PutObject",
            "delete_object": "s3:DeleteObject",
        },
    ),
    "lake.versions": Calls(
        "s3",
        {
            "get_bucket_versioning": "s3:GetBucketVersioning",
            "list_object_versions": "s3:ListBucketVersions",
            "delete_object": "s3:DeleteObjectVersion",
        },
    ),
    "lake.catalog": Calls("glue", {"get_table": "glue:GetTable"}),
    # Asked for only where an argument refers to a secret; so no role has it until one does.
    "lake.secrets": Calls("secretsmanager", {"get_secret_value": "secretsmanager:GetSecretValue"}),
    # Of a person who submits a job, so of no role here.
    "lake.glue.runs": Calls(
        "glue",
        {
            "get_job": "glue:GetJob",
            "list_jobs": "glue:ListJobs",
            "start_job_run": "glue:StartJobRun",
            "get_job_run": "glue:GetJobRun",
        },
    ),
    "lake.glue.run_log": Calls("logs", {"filter_log_events": "logs:FilterLogEvents"}),
    "streaming.registry": Calls("glue", {"get_schema_version": "glue:GetSchemaVersion"}),
    "lake.warehouse.data_api": Calls("redshift-data", {"execute_statement": "redshift-data:ExecuteStatement"}),
    "lake.warehouse.statements_api": Calls(
        "redshift-data",
        {
            "execute_statement": "redshift-data:ExecuteStatement",
            "describe_statement": "redshift-data:DescribeStatement",
            "get_statement_result": "redshift-data:GetStatementResult",
            "cancel_statement": "redshift-data:CancelStatement",
        },
    ),
}
"""Every call that modules of ours make by boto3; a test finds the calls in the modules' text."""


def _of(*modules: str) -> Actions:
    return frozenset().union(*(CALLS[module].actions for module in modules))


S3_READ: Final[Actions] = frozenset({"s3:GetObject", "s3:ListBucket"})
"""Spark's S3A and Iceberg's S3FileIO, reading (Hadoop, "S3A: Minimum permissions"); HEAD is GetObject's."""
S3_WRITE: Final[Actions] = S3_READ | {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"}
"""The same, writing: uploads in parts, and files renamed or removed by a commit."""
KEYS: Final[Actions] = frozenset({"kms:Decrypt", "kms:GenerateDataKey"})
"""S3 asks for them in the caller's name, for objects under a customer key."""
ICEBERG: Final[Actions] = frozenset({"glue:GetDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable"})
"""Iceberg's GlueCatalog: tables are made and committed to; databases are there, and nothing is dropped."""
ICEBERG_READ: Final[Actions] = frozenset({"glue:GetDatabase", "glue:GetTable"})
"""The same, reading."""
KAFKA: Final[Actions] = frozenset(
    {
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:ReadData",
        "kafka-cluster:AlterGroup",
        "kafka-cluster:DescribeGroup",
    }
)
"""A reader of topics (Amazon MSK, "IAM access control": actions and those that they ask for)."""
GLUE: Final[Actions] = frozenset(
    {
        "s3:GetObject",
        "s3:PutObject",
        "glue:GetConnection",
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "cloudwatch:PutMetricData",
        "ec2:CreateNetworkInterface",
        "ec2:CreateTags",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcEndpoints",
    }
)
"""Glue in a job's name (the policy AWSGlueServiceRole, less what no job here uses): the release, event logs, logs under
a key, metrics, network interfaces in our subnets."""
LAMBDA: Final[Actions] = frozenset(
    {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "kms:Decrypt",
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Lambda in a function's name (the policies AWSLambdaVPCAccessExecutionRole and AWSXRayDaemonWriteAccess)."""
STATE_MACHINE: Final[Actions] = KEYS | {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Step Functions in a machine's name: its key, its log, its traces (Step Functions, "Logging", "Tracing")."""
SCHEDULER: Final[Actions] = frozenset({"kms:Decrypt"})
"""EventBridge Scheduler, for schedules under a customer key; beside the targets' own actions."""

COPY: Final[Actions] = S3_READ | {"kms:Decrypt"}
"""COPY by manifest (Amazon Redshift, "IAM permissions for COPY")."""
SPECTRUM: Final[Actions] = frozenset({"glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"})
"""An external schema over the catalog, read only (`redshift_sql/spectrum`)."""
STREAMING_VIEWS: Final[Actions] = KAFKA | {"kafka:GetBootstrapBrokers", "lambda:InvokeFunction"}
"""An external schema from MSK by the cluster's ARN, and the external function (`redshift_sql/streaming`)."""

CREDENTIALS: Final[Mapping[str, Actions]] = {
    "workgroup": frozenset({"redshift-serverless:GetCredentials"}),
    "cluster": frozenset({"redshift:GetClusterCredentialsWithIAM"}),
}
"""What the Data API asks for in the caller's name, by kind of warehouse."""

_WAREHOUSE_CALLS: Final = ("lake.warehouse.data_api", "lake.warehouse.statements_api")
JOBS: Final[Mapping[str, Actions]] = {
    "kafka_to_landing": GLUE | KEYS | S3_WRITE | KAFKA | _of("lake.store", "streaming.registry"),
    "landing_to_staging": GLUE | KEYS | S3_WRITE | ICEBERG | _of("lake.store"),
    "staging_to_curated": GLUE | KEYS | S3_WRITE | ICEBERG | _of("lake.store"),
    "curated_to_warehouse": GLUE | KEYS | S3_READ | _of(*_WAREHOUSE_CALLS),
    "maintenance": GLUE | KEYS | S3_WRITE | ICEBERG,
    "reconcile": GLUE | KEYS | S3_WRITE | ICEBERG_READ | KAFKA | _of(*_WAREHOUSE_CALLS, "lake.store"),
    "redrive": GLUE | KEYS | S3_WRITE | _of("lake.store", "lake.catalog", "streaming.registry"),
}
"""Actions of each job's role, by entry; without `CREDENTIALS`, which those of `ASK_WAREHOUSE` have beside them."""
ASK_WAREHOUSE: Final = ("curated_to_warehouse", "reconcile")
WAREHOUSE: Final[Actions] = COPY | SPECTRUM | STREAMING_VIEWS
"""Actions of the warehouse's own role."""
DECODE: Final[Actions] = LAMBDA | _of("streaming.registry")
"""Actions of the decoding function."""

_INTEGRATIONS: Final[Mapping[str, Iterable[str]]] = {
    "states:::glue:startJobRun.sync": ("glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"),
    "states:::glue:startJobRun": ("glue:StartJobRun",),
}
_SERVICES: Final[Mapping[str, str]] = {"sfn": "states", "redshiftdata": "redshift-data"}


def of_resource(resource: str) -> Actions:
    """Actions of a state machine's task, or of a schedule's universal target, by its `Resource`.

    An integration of Step Functions' own asks for what its page lists; `aws-sdk:<service>:<operation>` for that
    operation.

    Raises:
        KeyError: no such integration is known here.
    """
    if ":aws-sdk:" in resource:
        service, _, operation = resource.partition(":aws-sdk:")[2].partition(":")
        return frozenset({f"{_SERVICES.get(service, service)}:{operation[0].upper()}{operation[1:]}"})
    return frozenset(_INTEGRATIONS[resource.partition(":")[2].partition(":")[2]])
