"""A query over the lake in one of the engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sparkrec.config.load import load_spark_settings
from sparkrec.sql.duck import duck_query, shows_tables
from sparkrec.sql.result import Result
from sparkrec.sql.tables import Tables

Engine = Literal["duckdb", "spark"]


@contextmanager
def query_lake(root: str, text: str, engine: Engine, personal: bool, env: str) -> Iterator[Result]:
    """The result of a query, to be read within.

    Args:
        root: Folder or URI of the lake.
        text: The query, in the engine's SQL, or ``show tables``.
        engine: duckdb: on this machine, without a JVM; spark: on the session of ``env``.
        personal: Whether it may see personal data.
        env: Name of a file in conf/env/, of which Spark takes its settings.

    Raises:
        ConfigurationError: The query does not parse, names what there is not or what it may not see, or is none.
        DataError: The lake holds no tables, or the query fails on what they hold.
    """
    tables = Tables(root, personal)
    if engine == "duckdb" or shows_tables(text):
        with duck_query(tables, text) as result:
            yield result
        return
    from sparkrec.sql.spark import spark_query

    with spark_query(load_spark_settings(env), tables, text) as result:
        yield result
