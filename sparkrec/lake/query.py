"""SQL over the lake's tables by their names."""

import tempfile
from dataclasses import dataclass
from typing import Any

from pyspark.errors import AnalysisException, ParseException

from sparkrec.config.settings import SparkSettings
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake.lake import LAYERS, Lake
from sparkrec.lake.session import spark_session


@dataclass(frozen=True)
class Found:
    """Rows of a query; ``more`` says that there are others behind them."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    more: bool


def query_lake(spark: SparkSettings, root: str, query: str, most: int) -> Found:
    """Run a query over the lake in a session of its own.

    Raises:
        DataError: The lake holds no tables.
        ConfigurationError: The query does not parse, or names what there is not.
    """
    with tempfile.TemporaryDirectory() as warehouse:
        conf = {**spark.conf, "spark.sql.warehouse.dir": warehouse}
        with spark_session(spark.model_copy(update={"conf": conf}), "sparkrec sql") as session:
            lake = Lake(session, root)
            tables = lake.tables()
            if not tables:
                raise DataError(f"{root} holds no tables: run `sparkrec run` first, or mend --lake")
            for layer in LAYERS:
                session.sql(f"create schema if not exists {layer}")
            for table in tables:
                session.read.format("delta").load(lake.path(table))
                session.sql(f"create table {table} using delta location '{_absolute(lake.path(table))}'")
            try:
                result = session.sql(query)
                rows = result.limit(most + 1).collect()
            except (AnalysisException, ParseException) as error:
                cause = (error.getMessage() or str(error)).strip().splitlines()[0]
                raise ConfigurationError(f"{cause}\n  tables: {', '.join(tables)}") from None
            return Found(result.columns, [tuple(row) for row in rows[:most]], len(rows) > most)


def _absolute(path: str) -> str:
    from pathlib import Path

    return path if "://" in path else str(Path(path).resolve())
