"""Delta's jars among Spark's own, so that a session starts without looking them up, and one for files of this machine.

``python -m sparkrec.lake.jars`` puts them there; setting up the environment does it once. Without them
`sparkrec.lake.session` has Spark fetch Delta's at every start, and does without the other.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pyspark
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

from sparkrec.errors import ConfigurationError
from sparkrec.lake.java import java_home

# Spark has these already; leaving them out of the resolution saves 50 MB.
EXCLUDED = "org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime"

LOCAL_FILES = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
"""Files of this machine by Java alone: Hadoop's own class starts ``chmod`` twice for each file, 14 ms of 16."""
_LOCAL_FILES_PACKAGE = "com.globalmentor:hadoop-bare-naked-local-fs:0.1.0"


def spark_jars() -> Path:
    """The folder of the installed Spark's own jars."""
    return Path(pyspark.__file__).parent / "jars"


def delta_installed() -> bool:
    """Whether Delta lies among Spark's own jars."""
    return any(spark_jars().glob("*delta-spark_*.jar"))


def local_files_installed() -> bool:
    """Whether `LOCAL_FILES` lies among Spark's own jars."""
    return any(spark_jars().glob("hadoop-bare-naked-local-fs-*.jar"))


def install() -> None:
    """Resolve both and copy what Spark does not have yet into its folder of jars."""
    if delta_installed() and local_files_installed():
        return
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["JAVA_HOME"] = java_home()
    builder = SparkSession.Builder().master("local[1]").config("spark.jars.excludes", EXCLUDED)
    builder = configure_spark_with_delta_pip(builder.config("spark.ui.enabled", "false"), [_LOCAL_FILES_PACKAGE])
    session = builder.getOrCreate()
    resolved = session.conf.get("spark.jars") or session.sparkContext.getConf().get("spark.jars") or ""
    session.stop()
    present = {_artifact(path.name) for path in spark_jars().glob("*.jar")}
    for uri in resolved.split(","):
        # Ivy names a jar <organisation>_<artifact>-<version>.jar.
        source = Path(uri.removeprefix("file://").removeprefix("file:"))
        name = source.name.partition("_")[2]
        if _artifact(name) not in present:
            shutil.copyfile(source, spark_jars() / f"{name}.copying")
            (spark_jars() / f"{name}.copying").rename(spark_jars() / name)


def _artifact(jar: str) -> str:
    return re.split(r"-\d", jar)[0]


if __name__ == "__main__":
    try:
        install()
    except ConfigurationError as error:
        sys.exit(str(error))
    sys.exit(0 if delta_installed() and local_files_installed() else "the jars could not be installed")
