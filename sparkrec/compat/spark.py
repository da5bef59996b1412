"""Of PySpark: its JVM, the parser and the plans of Catalyst. Of Delta: the log of a table."""

import os
from collections.abc import Mapping
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import DataFrame, SparkSession

from sparkrec.compat import require

require("pyspark", "4.0")


def start_jvm(settings: Mapping[str, str], environment: Mapping[str, str | None]) -> None:
    """Start the JVM of this process, if it has none; under ``spark-submit`` its own is there and gives the settings.

    Args:
        settings: What Spark has to know when it starts; PySpark puts it on the JVM's command line, for all to see.
        environment: What differs from this process's environment; None stands for a variable that the JVM, and what it
            starts, is not to have.
    """
    before = dict(os.environ)
    try:
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        SparkContext._ensure_initialized(conf=SparkConf().setAll([*settings.items()]))
    finally:
        for name in environment:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def jvm(spark: SparkSession) -> Any:
    """The classes of the session's JVM, by their names."""
    return spark._jvm


def sql_parser(spark: SparkSession) -> Any:
    """The parser of SQL (org.apache.spark.sql.catalyst.parser.ParserInterface)."""
    session: Any = spark._jsparkSession
    return session.sessionState().sqlParser()


def analysed_plan(frame: DataFrame) -> Any:
    """The logical plan (org.apache.spark.sql.catalyst.plans.logical.LogicalPlan) with all names resolved."""
    found: Any = frame
    return found._jdf.queryExecution().analyzed()


def delta_log(spark: SparkSession, path: str) -> Any:
    """The log of the Delta table at a path (org.apache.spark.sql.delta.DeltaLog)."""
    return jvm(spark).org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)
