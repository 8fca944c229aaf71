"""The Spark session, configured once for every job: time zone, Iceberg catalog, Avro limits, sizes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from lake.kafka_auth import IAM

CATALOG: Final = "lake"

# Avro trusts a length it reads; one corrupt length would take the JVM's memory, so Avro's own limits are always set.
AVRO_LIMITS: Final = (
    "-Dorg.apache.avro.limits.string.maxLength=67108864",
    "-Dorg.apache.avro.limits.bytes.maxLength=67108864",
    "-Dorg.apache.avro.limits.collectionItems.maxLength=1000000",
)


# A short session over few rows spends most of its time compiling: generated classes, and optimized machine code that is
# hardly run. Compiling less halves its CPU time; over many rows it would be slower. Adaptive planning costs a tenth and
# stays: without it Spark 3.5 cannot resolve some joins of a checkpointed frame with itself.
_SMALL_JVM: Final = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m")
_SMALL: Final = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.ui.explainMode": "simple",
}

# py4j asks the JVM for a class by its name at every use (each `F.col`), and for a short name the JVM searches all jars:
# a third of the time of a session over few rows. These are asked for once.
_CLASSES: Final = (
    "functions",
    "Column",
    "PythonUtils",
    "PythonRDD",
    "SerDeUtil",
    "SimplePythonFunction",
    "SparkSession",
    "SparkSession$",
    "py4j.reflection.TypeUtil",
    "org.apache.iceberg.expressions.Expressions",
    "org.apache.iceberg.spark.Spark3Util",
    "org.apache.spark.sql.Observation",
    "org.apache.spark.sql.avro.functions",
    "org.apache.spark.sql.catalyst.expressions.ArrayFilter",
    "org.apache.spark.sql.catalyst.expressions.ArrayTransform",
    "org.apache.spark.sql.catalyst.expressions.LambdaFunction",
    "org.apache.spark.sql.catalyst.expressions.UnresolvedNamedLambdaVariable",
    "org.apache.spark.sql.expressions.Window",
    "org.apache.spark.sql.types.StructType",
    "org.apache.spark.storage.StorageLevel",
    "org.apache.spark.util.Utils",
)

_GLUES_VARIABLES: Final = ("GLUE_VERSION", "GLUE_PYTHON_VERSION", "GLUE_INSTALLATION")
_GLUES_RUN_ID: Final = "--JOB_RUN_ID"

_LOG4J: Final = """\
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
"""


def spark_jars(*, s3: bool = False) -> list[Path]:
    """Jars that a local session needs; on Glue the platform brings them.

    Args:
        s3: whether the lake lies on S3.

    Raises:
        LakeError: the jar cache is empty and cannot be filled.
    """
    override = os.environ.get("LAKE_SPARK_JARS")
    if override:
        return sorted(Path(override).glob("*.jar"))
    from infra.local.jars import jar_paths

    return [*jar_paths("spark"), *(jar_paths("spark-s3") if s3 else ())]


def on_s3(lake_uri: str) -> bool:
    """Whether a lake lies on S3."""
    return lake_uri.startswith(("s3://", "s3a://"))


def storage_conf(lake_uri: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Settings of Spark's own way to S3 (S3A); none for a lake that lies elsewhere.

    Region and endpoint are those of the AWS SDKs' variables, which boto3 reads too, so that both go to the same S3.

    Args:
        lake_uri: root of the pipeline's lake.
        environment: default `os.environ`.
    """
    if not on_s3(lake_uri):
        return {}
    environment = os.environ if environment is None else environment
    conf = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}
    region, endpoint = region_of(environment), endpoint_of("S3", environment)
    if region:
        # Without it Hadoop 3.4's S3A asks us-east-2 first.
        conf["spark.hadoop.fs.s3a.endpoint.region"] = region
    if endpoint:
        conf["spark.hadoop.fs.s3a.endpoint"] = endpoint
        conf["spark.hadoop.fs.s3a.path.style.access"] = "true"
        conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https:")).lower()
    return conf


def kafka_conf(auth: str) -> dict[str, str]:
    """Settings by which a local session's Kafka client can log in so; on Glue the jar comes by `--extra-jars`.

    Args:
        auth: one of `lake.kafka_auth.CHOICES`.

    Raises:
        LakeError: the jar is not cached and cannot be fetched.
    """
    if auth != IAM or on_glue():
        return {}
    from infra.local.jars import jar_paths

    return {"spark.jars": ",".join(map(str, jar_paths("msk")))}


def region_of(environment: Mapping[str, str]) -> str | None:
    """The region that the AWS SDKs' variables name, else the session's (profile, configuration file)."""
    named = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if named:
        return named
    import boto3

    found: str | None = boto3.session.Session().region_name
    return found


def endpoint_of(service: str, environment: Mapping[str, str]) -> str | None:
    """An endpoint of one's own for a service (`S3`, `GLUE`), as the AWS SDKs' variables name it."""
    return environment.get(f"AWS_ENDPOINT_URL_{service}") or environment.get("AWS_ENDPOINT_URL") or None


def catalog_conf(lake_uri: str, catalog_uri: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Spark settings of the Iceberg catalog `lake`.

    The Glue Data Catalog needs no lock table: a commit is one conditional update of the table's entry, by its version.

    Args:
        lake_uri: root of the pipeline's lake; tables lie under `{lake_uri}/iceberg`.
        catalog_uri: `jdbc:sqlite:<file>` for the local catalog, or `glue` for the Glue Data Catalog.
        environment: default `os.environ`; may name endpoints of AWS's services.
    """
    environment = os.environ if environment is None else environment
    prefix = f"spark.sql.catalog.{CATALOG}"
    conf = {
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.warehouse": f"{lake_uri}/iceberg",
        f"{prefix}.cache-enabled": "false",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    }
    if catalog_uri == "glue":
        conf |= {
            f"{prefix}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{prefix}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        }
        told = {
            "client.region": region_of(environment),
            "s3.endpoint": endpoint_of("S3", environment),
            "s3.path-style-access": "true" if endpoint_of("S3", environment) else None,
            "glue.endpoint": endpoint_of("GLUE", environment),
        }
        return conf | {f"{prefix}.{name}": value for name, value in told.items() if value}
    return conf | {
        f"{prefix}.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        f"{prefix}.uri": catalog_uri,
        f"{prefix}.jdbc.schema-version": "V1",
    }


def base_conf() -> dict[str, str]:
    """Settings that hold for every session, here and on Glue."""
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.sql.iceberg.handle-timestamp-without-timezone": "true",
    }


def local_conf(cores: int, memory: str, scratch: Path, *, s3: bool = False) -> dict[str, str]:
    """Settings of a session on one machine."""
    from infra.local.java import java_home
    from lake.class_archive import archive_flags

    java, jars = java_home(), spark_jars(s3=s3)
    os.environ["JAVA_HOME"] = str(java)
    # Spark finds Java by JAVA_HOME; a stray SPARK_HOME would start another Spark than the pinned one.
    os.environ.pop("SPARK_HOME", None)
    here = ("-XX:+UseParallelGC", f"-Dderby.system.home={scratch}", "-Duser.timezone=UTC")
    options = " ".join((*AVRO_LIMITS, *here, *archive_flags(java, jars)))
    return {
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": options,
        # On the class path, not as `spark.jars`: those are copied at each start, and are in no class archive.
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        "spark.local.dir": str(scratch),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(max(2, cores)),
        "spark.default.parallelism": str(max(2, cores)),
        "spark.sql.warehouse.dir": str(scratch / "spark-warehouse"),
        "spark.log.level": "ERROR",
    }


def tuned(*, small: bool = False, log: Path | None = None) -> dict[str, str]:
    """Settings to hand to a local session as `extra`.

    Args:
        small: whether the session is short and sees few rows (a demonstration, a test).
        log: file for Spark's own log, of which nothing reaches the terminal then.
    """
    options = list(_SMALL_JVM) if small else []
    conf = dict(_SMALL) if small else {}
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        settings = log.with_suffix(".log4j2.properties")
        settings.write_text(_LOG4J.format(file=log))
        options.append(f"-Dlog4j2.configurationFile={settings}")
        conf["spark.log.level"] = "WARN"
    return conf | {"spark.driver.defaultJavaOptions": " ".join(options)}


def spark_session(
    app: str,
    *,
    lake_uri: str,
    catalog_uri: str,
    cores: int = 2,
    memory: str = "3g",
    scratch: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> SparkSession:
    """A session with the Iceberg catalog `lake`; local unless it runs inside Glue.

    Args:
        app: application name.
        lake_uri: root of the pipeline's lake (`file:///…` or `s3://…`).
        catalog_uri: see `catalog_conf`.
        cores: cores of a local session.
        memory: driver memory of a local session, JVM notation.
        scratch: folder for shuffle and spill files of a local session.
        extra: settings that win over ours.
    """
    conf = base_conf() | catalog_conf(lake_uri, catalog_uri) | storage_conf(lake_uri)
    if not on_glue():
        folder = scratch or Path(os.environ.get("TMPDIR", "/tmp")) / f"lake-spark-{os.getuid()}"  # noqa: S108 - a default
        folder.mkdir(parents=True, exist_ok=True)
        conf |= local_conf(cores, memory, folder, s3=on_s3(lake_uri))
    builder = SparkSession.Builder().appName(app)
    for name, value in (conf | dict(extra or {})).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    _remember_classes(spark)
    return spark


def _remember_classes(spark: SparkSession) -> None:
    """Keeps what py4j finds for each of `_CLASSES` where py4j looks first; a class that is not there does no harm."""
    for name in _CLASSES:
        holder: Any = spark._jvm  # PySpark has no other way to its gateway
        for part in name.split("."):
            found = getattr(holder, part)
            vars(holder)[part] = found
            holder = found


def on_glue() -> bool:
    """Whether this process is a Glue job, where the platform owns master, memory and jars.

    Glue sets variables that it does not document, so what it does counts too: it hands each run its id.
    """
    told = any(name in os.environ for name in _GLUES_VARIABLES) or _GLUES_RUN_ID in sys.argv
    return told or Path("/opt/aws_glue_connectors").is_dir()


@contextmanager
def job_session(
    app: str, *, lake_uri: str, catalog_uri: str, extra: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """A session for one job; a session that was there before the job stays when it ends."""
    existing = SparkSession.getActiveSession()
    spark = existing or spark_session(app, lake_uri=lake_uri, catalog_uri=catalog_uri, extra=extra)
    try:
        yield spark
    finally:
        if existing is None:
            spark.stop()
