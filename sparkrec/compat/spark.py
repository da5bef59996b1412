"""Of PySpark: its JVM, the parser and the plans of Catalyst. Of Delta: the log of a table."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from py4j.java_gateway import is_instance_of  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.accumulators import AccumulatorServer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

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


def end_jvm() -> None:
    """End the JVM that `start_jvm` started, and wait until it has ended."""
    gateway = SparkContext._gateway
    assert gateway is not None
    gateway.shutdown()
    process = gateway.proc
    process.stdin.close()
    process.wait()


def stay_quiet_without_jvm() -> None:
    """Let the server that hears of accumulators say nothing where the JVM is gone: the error of the job says it."""
    setattr(AccumulatorServer, "handle_error", lambda *_: None)  # noqa: B010  nobody reads it by name


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
    """The log of the Delta table at a path (org.apache.spark.sql.delta.DeltaLog), as it lies there now."""
    drop_delta_log(spark, path)
    # Delta asks the thread for its session, and threads of Python's own have none in the JVM.
    jvm(spark).org.apache.spark.sql.classic.SparkSession.setActiveSession(spark._jsparkSession)
    return jvm(spark).org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)


def parts_of_plan(plan: Any) -> Iterator[Any]:
    """The nodes of a logical plan and their expressions, those of subqueries and of WITH and WINDOW clauses, too."""
    open_ends = [plan]
    while open_ends:
        part = open_ends.pop()
        yield part
        is_plan = _is_a(part, "org.apache.spark.sql.catalyst.plans.logical.LogicalPlan")
        below = [part.children(), part.innerChildren(), *([part.expressions()] if is_plan else [])]
        if part.getClass().getSimpleName() == "WithWindowDefinition":
            below.append(part.windowDefinitions().values().toSeq())
        for parts in below:
            open_ends.extend(parts.apply(place) for place in range(parts.size()))
        if _is_a(part, "org.apache.spark.sql.catalyst.expressions.PlanExpression"):
            open_ends.append(part.plan())


def group_of_function(spark: SparkSession, name: str) -> str | None:
    """The group of a built-in function, such as ``math_funcs``; None where there is none of this name."""
    found = jvm(spark).org.apache.spark.sql.catalyst.analysis.FunctionRegistry.expressions().get(name)
    return str(found.get()._1().getGroup()) if found.isDefined() else None


def arrow_schema(frame: DataFrame) -> pa.Schema:
    """Names and types of a frame's columns as Arrow batches have them."""
    return to_arrow_schema(frame.schema)


def _is_a(part: Any, name: str) -> bool:
    return bool(is_instance_of(SparkContext._gateway, part, name))


def drop_delta_log(spark: SparkSession, path: str) -> None:
    """Let the session read the log of the Delta table at a path again; those of other tables it keeps."""
    of_table = jvm(spark).org.apache.hadoop.fs.Path(path)
    jvm(spark).org.apache.spark.sql.delta.DeltaLog.invalidateCache(spark._jsparkSession, of_table)
