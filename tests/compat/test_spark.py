"""The private parts of PySpark and Delta are what sparkrec takes them for."""

from pathlib import Path

import pytest
from pyspark import accumulators
from pyspark.sql import SparkSession

from sparkrec.compat import spark as private


def test_the_jvm_has_its_classes_by_name(spark: SparkSession) -> None:
    assert private.jvm(spark).java.lang.Math.max(2, 3) == 3


def test_the_parser_reads_expressions_and_queries(spark: SparkSession) -> None:
    parser = private.sql_parser(spark)
    assert parser.parseExpression("a + 1").getClass().getSimpleName() == "Add"
    assert parser.parsePlan("select 1").getClass().getSimpleName() == "Project"


def test_an_analysed_plan_has_its_names_resolved(spark: SparkSession) -> None:
    plan = private.analysed_plan(spark.range(1).selectExpr("id + 1 as next"))
    assert (plan.getClass().getSimpleName(), plan.resolved()) == ("Project", True)


def test_a_tables_log_can_be_checkpointed(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.format("delta").save(str(tmp_path / "t"))
    log = private.delta_log(spark, str(tmp_path / "t"))
    log.checkpoint()
    assert (tmp_path / "t" / "_delta_log" / f"{0:020d}.checkpoint.parquet").is_file()


def test_the_server_of_accumulators_is_quiet_where_the_jvm_is_gone(
    spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        raise EOFError
    except EOFError:
        accumulators.AccumulatorServer.handle_error(None, None, ("127.0.0.1", 1))

    assert capfd.readouterr().err == ""
