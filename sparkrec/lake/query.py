"""SQL over the lake's tables by their names."""

import tempfile
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.compat.spark import sql_parser
from sparkrec.config.settings import SparkSettings
from sparkrec.contracts.load import LAYERS
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake.lake import Lake
from sparkrec.lake.session import spark_session
from sparkrec.unexpected import cause

# What else than queries is answered: it changes nothing.
_LOOKS = ("Show", "Describe", "Explain")


@dataclass(frozen=True)
class Found:
    """Rows of a query, each value as Spark writes it; ``more`` says that there are others behind them."""

    columns: list[str]
    rows: list[tuple[str | None, ...]]
    more: bool


def query_lake(spark: SparkSettings, root: str, query: str, most: int) -> Found:
    """Run a query over the lake in a session of its own.

    Raises:
        DataError: The lake holds no tables, or the query fails on what they hold.
        ConfigurationError: The query does not parse, names what there is not, or is none.
    """
    with tempfile.TemporaryDirectory() as warehouse:
        # A file has no name of a table, and private tables have none here.
        conf = {**spark.conf, "spark.sql.warehouse.dir": warehouse, "spark.sql.runSQLOnFiles": "false"}
        with spark_session(spark.model_copy(update={"conf": conf}), "sparkrec sql") as session:
            tables = _name_tables(session, root)
            try:
                result = _result(session, query)
                # As texts: Python has no times as far off as Spark.
                texts = result.toDF(*[str(place) for place in range(len(result.columns))])
                shown = texts.select([F.col(name).cast("string") for name in texts.columns])
                rows = shown.limit(most + 1).collect()
            except (AnalysisException, ParseException) as error:
                raise ConfigurationError(f"{cause(error)}; tables: {', '.join(tables)}") from None
            except (Py4JJavaError, PySparkException) as error:
                raise DataError(f"the query fails: {cause(error)}") from None
            return Found(result.columns, [tuple(row) for row in rows[:most]], len(rows) > most)


def _name_tables(session: SparkSession, root: str) -> list[str]:
    lake = Lake(session, root)
    tables = lake.tables()
    if not tables:
        raise DataError(f"{root} holds no tables: run `sparkrec run` first, or mend --lake")
    for layer in LAYERS:
        session.sql(f"create schema if not exists {layer}")
    for table in tables:
        session.catalog.createTable(table, _absolute(lake.path(table)), "delta")
    return tables


def _result(session: SparkSession, query: str) -> DataFrame:
    """The rows of a query, or of a statement that looks at tables; ``show tables`` looks at all layers."""
    parser = sql_parser(session)
    try:
        plan = parser.parsePlan(query)
    except Py4JJavaError as error:
        raise ConfigurationError(cause(error)) from None
    kind = plan.getClass().getSimpleName()
    if not kind.startswith(_LOOKS):
        try:
            parser.parseQuery(query)
        except ParseException:
            raise ConfigurationError("only queries are allowed: this statement is none") from None
    elif kind == "ShowTables" and plan.namespace().getClass().getSimpleName().startswith("Current"):
        pattern = f" like '{plan.pattern().get()}'" if plan.pattern().isDefined() else ""
        return reduce(DataFrame.unionAll, [session.sql(f"show tables in {layer}{pattern}") for layer in LAYERS])
    return session.sql(query)


def _absolute(path: str) -> str:
    return path if "://" in path else str(Path(path).resolve())
