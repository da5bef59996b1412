"""The Spark session with Delta."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

from delta import configure_spark_with_delta_pip
from pyspark import SparkConf
from pyspark.sql import SparkSession

from sparkrec.config.extensions import PACKAGE, make_importable
from sparkrec.config.paths import own_project, shipped_root
from sparkrec.config.settings import SparkSettings
from sparkrec.lake.jars import EXCLUDED, LOCAL_FILES, delta_installed, local_files_installed

_DELTA_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def spark_session(spark: SparkSettings, app_name: str) -> SparkSession:
    """The session that all jobs of this process share.

    Under ``spark-submit`` the master, the jars and every setting that the submit command gives are
    taken as they are; otherwise the session starts on ``spark.master``, and fetches Delta's jars where Spark
    does not have them.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted = {**_DELTA_CONF, "spark.python.daemon.module": "sparkrec.compat.python_daemon", **spark.conf}
    # On executors, too, each process of a native library keeps to one thread: Spark counts the cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        wanted.setdefault(f"spark.executorEnv.{variable}", "1")
    builder = SparkSession.Builder().appName(app_name)
    if submitted:
        given = SparkConf()
        wanted = {key: value for key, value in wanted.items() if not given.contains(key)}
    else:
        if spark.master and spark.master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            if local_files_installed():
                wanted.setdefault("spark.hadoop.fs.file.impl", LOCAL_FILES)
        if spark.master:
            builder = builder.master(spark.master)
        logging_file = (shipped_root() / "conf" / "log4j2.properties").as_uri()
        options = wanted.get("spark.driver.extraJavaOptions", "")
        wanted["spark.driver.extraJavaOptions"] = f"{options} -Dlog4j2.configurationFile={logging_file}".strip()
        if not delta_installed():
            wanted.setdefault("spark.jars.excludes", EXCLUDED)
            builder = configure_spark_with_delta_pip(builder)
    for key, value in wanted.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    _ship_extensions(session)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    # Of a JVM that is gone py4j prints a stack for each thing asked of it, beside the exception that says so.
    logging.getLogger().addFilter(_is_not_of_py4j)
    # They print the stack of every query that does not resolve, beside the exception that says so.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return session


def _ship_extensions(session: SparkSession) -> None:
    """Let executors import the package of one's own project."""
    folder = own_project()
    if folder is None or not (folder / PACKAGE).is_dir():
        return
    make_importable(folder)
    # Executors fetch it when they start, at any time while this process runs.
    temporary = tempfile.mkdtemp(prefix="sparkrec-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    session.sparkContext.addPyFile(shutil.make_archive(f"{temporary}/{PACKAGE}", "zip", folder, PACKAGE))


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts
