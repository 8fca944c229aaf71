"""A JVM function that unpacks zlib, for records that Glue Schema Registry's serializer has compressed.

Spark has no such SQL function, and a Python one would move every record through Python. The Java source beside this
module is compiled in memory by Janino, which Spark itself uses to compile queries, and shipped to executors as a jar.
"""

from __future__ import annotations

import atexit
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from streaming.framing import INFLATE

CLASS: Final = "retail.lake.InflateZlib"
_SOURCE: Final = "InflateZlib.java"


def register(spark: SparkSession) -> None:
    """Makes `lake_inflate(binary) -> binary` known to the session (null for bytes that are no zlib); idempotent."""
    if spark.catalog.functionExists(INFLATE):
        return
    jvm: Any = spark._jvm
    binary = jvm.org.apache.spark.sql.types.DataTypes.BinaryType
    # By instance: Spark registers by class name only what carries its generic signature, which Janino leaves out.
    session: Any = spark._jsparkSession
    session.udf().register(INFLATE, _function(spark), binary)


def _function(spark: SparkSession) -> Any:
    session: Any = spark._jsparkSession
    loader = session.sharedState().jarClassLoader()
    try:
        found = loader.loadClass(CLASS)
    except Py4JJavaError:
        # Executors fetch the jar whenever they start, so it stays for as long as the process does.
        folder = tempfile.TemporaryDirectory(prefix="lake-inflate-", ignore_cleanup_errors=True)
        atexit.register(folder.cleanup)
        jar = Path(folder.name) / "inflate.jar"
        write_jar(spark, jar)
        session.sessionState().resourceLoader().addJar(str(jar))
        found = loader.loadClass(CLASS)
    gateway: Any = spark.sparkContext._gateway
    no_types = gateway.new_array(gateway.jvm.java.lang.Class, 0)
    nothing = gateway.new_array(gateway.jvm.java.lang.Object, 0)
    return found.getDeclaredConstructor(no_types).newInstance(nothing)


def write_jar(spark: SparkSession, jar: Path) -> None:
    """Compiles the Java source and writes a jar with its class."""
    jvm: Any = spark._jvm
    source = (files("streaming") / _SOURCE).read_text(encoding="utf-8")
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.cook(source)
    bytecodes = compiler.getBytecodes()
    with zipfile.ZipFile(jar, "w") as archive:
        for name in bytecodes:
            archive.writestr(f"{name.replace('.', '/')}.class", bytes(bytecodes[name]))
