"""Small releases with real contracts in them, and the parts of an environment that Terraform makes on AWS."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Final

from lake.deploy.release import Artefact, Release, write_documents
from tests.support.cloud import REGION, Cloud

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENTS: Final = ROOT / "tests/data/environments"
NAME: Final = "retail-datalake-dev"


def release(folder: Path, salt: str = "") -> Release:
    """A release whose wheel holds nothing but the contracts, and `salt`; its files are written to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        for path in sorted((ROOT / "schemas/retail").rglob("*")):
            if path.is_file():
                wheel.write(path, path.relative_to(ROOT).as_posix())
        wheel.writestr("salt", salt)
    files = {
        "wheel": ("medallion_lake-0.1.0-py3-none-any.whl", packed.getvalue()),
        "script": ("glue_script.py", b"pass\n"),
        "decode_function": ("decode.zip", b"zip"),
        "requirements": ("requirements.txt", b"click==8.5.1\n"),
        "sbom": ("sbom.cdx.json", b"{}"),
        "jar": ("aws-msk-iam-auth-2.3.9-all.jar", b"jar"),
    }
    for name, data in files.values():
        (folder / name).write_bytes(data)
    artefacts = [Artefact.of(role, folder / name) for role, (name, _) in files.items()]
    made = Release.made("0.1.0", "0" * 40, "retail", artefacts)
    write_documents(made, folder)
    return made


def make_environment(cloud: Cloud, name: str = NAME) -> None:
    """What the small environment's outputs name: buckets, database, job, alarm."""
    make_buckets(cloud, name)
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "retail_staging"})
    role = "arn:aws:iam::123456789012:role/glue"
    glue.create_job(Name=f"{name}-landing-to-staging", Role=role, Command={"Name": "glueetl"})
    alarm(cloud, "OK", name)


def make_buckets(cloud: Cloud, name: str) -> None:
    """The buckets of lake, artefacts and logs, as an environment has them."""
    s3 = cloud.client("s3")
    for bucket in (name, f"{name}-artifacts", f"{name}-logs"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))


def other_job(cloud: Cloud, name: str = NAME) -> None:
    """The environment's job, which runs a wheel that nobody deployed."""
    glue, job = cloud.client("glue"), f"{name}-landing-to-staging"
    glue.delete_job(JobName=job)
    wheel = "s3://artifacts/releases/0/medallion_lake-0.0.9-py3-none-any.whl"
    glue.create_job(
        Name=job,
        Role="arn:aws:iam::123456789012:role/glue",
        Command={"Name": "glueetl"},
        DefaultArguments={"--additional-python-modules": wheel},
    )


def alarm(cloud: Cloud, state: str, name: str = NAME) -> None:
    """The environment's one alarm, in a state."""
    watch = cloud.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=f"{name}-lag",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Lag",
        Namespace="Lake",
        Period=60,
        Statistic="Maximum",
        Threshold=1.0,
    )
    watch.set_alarm_state(AlarmName=f"{name}-lag", StateValue=state, StateReason="a test", StateReasonData="{}")


def documents(cloud: Cloud, name: str = NAME) -> list[dict[str, object]]:
    """The records of deployments, as they lie in the bucket."""
    s3 = cloud.client("s3")
    listed = s3.list_objects_v2(Bucket=f"{name}-artifacts", Prefix="deployments/").get("Contents", [])
    return [json.loads(s3.get_object(Bucket=f"{name}-artifacts", Key=item["Key"])["Body"].read()) for item in listed]
