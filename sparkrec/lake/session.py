"""The Spark session with Delta."""

import logging
import os
import re
import shutil
import sys
from pathlib import Path

from delta import configure_spark_with_delta_pip
from pyspark import SparkConf
from pyspark.sql import SparkSession

from sparkrec.compat.spark import start_jvm, stay_quiet_without_jvm
from sparkrec.config import privacy_key
from sparkrec.config.extensions import PACKAGE, make_importable
from sparkrec.config.paths import own_project, shipped_root
from sparkrec.config.settings import SparkSettings
from sparkrec.lake.jars import EXCLUDED, LOCAL_FILES, delta_installed, local_files_installed
from sparkrec.lake.java import java_home
from sparkrec.lake.shared_classes import java_option
from sparkrec.masking import NAMES, USERINFO, is_secret, know
from sparkrec.scratch import scratch_folder

_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.python.daemon.module": "sparkrec.compat.python_daemon",
    # Of Spark's pages, event logs and plans; it looks for the first in names and in values.
    "spark.redaction.regex": f"{NAMES}|{USERINFO}",
    "spark.redaction.string.regex": USERINFO,
    # Python workers of a JVM that spark-submit has started would have it from there.
    f"spark.executorEnv.{privacy_key.VARIABLE}": "",
}
_LOCAL_DIRS = "SPARK_LOCAL_DIRS"
"""Spark's own variable; it wins over spark.local.dir, and cluster managers set it for what they start."""


def spark_session(spark: SparkSettings, app_name: str) -> SparkSession:
    """The session that all jobs of this process share.

    Under ``spark-submit`` the master, the jars and every setting that the submit command gives are
    taken as they are; otherwise the session starts on ``spark.master``, and fetches Delta's jars where Spark
    does not have them. What Spark spills goes to a folder of this user alone.

    Raises:
        ConfigurationError: There is no Java that Spark runs on, or no such folder can be made.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted = {**_CONF, **spark.conf}
    # On executors, too, each process of a native library keeps to one thread: Spark counts the cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        wanted.setdefault(f"spark.executorEnv.{variable}", "1")
    wanted["spark.local.dir"] = _private(wanted.get("spark.local.dir"))
    builder = SparkSession.Builder().appName(app_name)
    if submitted:
        start_jvm({}, {})
        given = SparkConf()
        know(dict(given.getAll()))
        wanted = {key: value for key, value in wanted.items() if not given.contains(key)}
    else:
        if spark.master and spark.master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            if local_files_installed():
                wanted.setdefault("spark.hadoop.fs.file.impl", LOCAL_FILES)
        if spark.master:
            wanted["spark.master"] = spark.master
        logging_file = (shipped_root() / "conf" / "log4j2.properties").as_uri()
        temporary = scratch_folder()
        options = wanted.get("spark.driver.extraJavaOptions", "")
        own = f'-Dlog4j2.configurationFile={logging_file} "-Djava.io.tmpdir={temporary}"'
        if shared := java_option():
            # An archive that does not fit is passed over, without a word.
            own += f' "{shared}" -Xlog:disable -Xlog:all=error:stderr'
        wanted["spark.driver.extraJavaOptions"] = f"{options} {own}".strip()
        if not delta_installed():
            wanted.setdefault("spark.jars.excludes", EXCLUDED)
            builder = configure_spark_with_delta_pip(builder)
            wanted.setdefault("spark.jars.packages", builder._options["spark.jars.packages"])
        public = {key: value for key, value in wanted.items() if not is_secret(key) and not re.search(USERINFO, value)}
        environment = {privacy_key.VARIABLE: None, "JAVA_HOME": java_home(), "TMPDIR": temporary}
        if roots := os.environ.get(_LOCAL_DIRS):
            environment[_LOCAL_DIRS] = _private(roots)
        start_jvm(public, environment)
    for key, value in wanted.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    _ship_extensions(session)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    stay_quiet_without_jvm()
    # Of a JVM that is gone py4j prints a stack for each thing asked of it, beside the exception that says so.
    logging.getLogger().addFilter(_is_not_of_py4j)
    # They print the stack of every query that does not resolve, beside the exception that says so.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return session


def _private(roots: str | None) -> str:
    """A folder of this process's own in each of these, between commas; without any in the temporary folder."""
    return ",".join(scratch_folder(root) for root in roots.split(",")) if roots else scratch_folder()


def _ship_extensions(session: SparkSession) -> None:
    """Let executors import the package of one's own project."""
    folder = own_project()
    if folder is None or not (folder / PACKAGE).is_dir():
        return
    make_importable(folder)
    # Executors fetch it when they start, at any time while this process runs.
    session.sparkContext.addPyFile(shutil.make_archive(f"{scratch_folder()}/{PACKAGE}", "zip", folder, PACKAGE))


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts
