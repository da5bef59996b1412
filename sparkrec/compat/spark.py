"""Of PySpark: its JVM, the parser and the plans of Catalyst. Of Delta: the log of a table."""

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sparkrec.compat import require

require("pyspark", "4.0")


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
