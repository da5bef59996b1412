"""Queries in Spark, for what does not fit one machine."""

import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, ByteType, DoubleType, FloatType, IntegerType, LongType, ShortType

from sparkrec.compat.spark import arrow_schema
from sparkrec.config.settings import SparkSettings
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake.session import spark_session
from sparkrec.layout import absolute
from sparkrec.sql.result import Form, Result
from sparkrec.sql.spark_statement import check_analysed, explains, read_statement
from sparkrec.sql.tables import Table, Tables, named_hidden
from sparkrec.unexpected import cause

_FIELDS = (ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, BooleanType)
_SHUT = {
    # A file has no name of a table, and ${env:HOME} is a text.
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.variable.substitute": "false",
}


@contextmanager
def spark_query(spark: SparkSettings, tables: Tables, text: str) -> Iterator[Result]:
    """The result of a query in Spark's SQL in a session of its own, to be read within.

    Raises:
        ConfigurationError: It does not parse, names what there is not or what it may not see, or is no query.
    """
    with tempfile.TemporaryDirectory(prefix="sparkrec-") as warehouse:
        conf = {
            **spark.conf,
            **_SHUT,
            "spark.sql.warehouse.dir": warehouse,
            # Names that are made here are seen by nobody else.
            "spark.sql.catalogImplementation": "in-memory",
        }
        with spark_session(spark.model_copy(update={"conf": conf}), "sparkrec sql") as session:
            yield spark_result(session, tables, text)


def spark_result(session: SparkSession, tables: Tables, text: str) -> Result:
    """The result of a query on a session that knows no tables but those that the query is given here.

    Raises:
        ConfigurationError: As for `spark_query`.
    """
    for key, value in _SHUT.items():
        session.conf.set(key, value)
    named = [tables.find(name) for name in read_statement(session, text)]
    try:
        schemas = [_give(session, table) for table in named]
        frame = session.sql(text)
        if explains(text):
            return _SparkResult(frame.select(F.explode(F.split("plan", "\n")).alias("plan")))
        if frame.columns != ["col_name", "data_type", "comment"]:
            check_analysed(frame, schemas)
    except (AnalysisException, ParseException) as error:
        hidden = named_hidden(text, named)
        columns = "".join(f"; columns of {table.name}: {', '.join(table.columns)}" for table in named)
        raise ConfigurationError(hidden or f"{cause(error)}{columns}") from None
    return _SparkResult(frame)


class _SparkResult:
    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame
        self.columns: Sequence[str] = frame.columns

    def read(self, form: Form, most: int | None) -> pa.RecordBatchReader:
        """As `Result` says."""
        frame = self._frame.toDF(*[f"c{place}" for place in range(len(self.columns))])
        if form == "json":
            named = [F.col(place).alias(name) for place, name in zip(frame.columns, self.columns, strict=True)]
            frame = frame.select(F.to_json(F.struct(*named), {"ignoreNullFields": "false"}).alias("row"))
        elif form == "typed":
            frame = self._frame
        else:
            whole = [form == "fields" and isinstance(field.dataType, _FIELDS) for field in frame.schema]
            wanted = zip(frame.columns, whole, strict=True)
            frame = frame.select([F.col(name) if as_it_is else F.col(name).cast("string") for name, as_it_is in wanted])
        frame = frame if most is None else frame.limit(most)
        try:
            schema = arrow_schema(frame)
        except PySparkException as error:
            raise ConfigurationError(f"{cause(error)}: cast it to string") from None
        return pa.RecordBatchReader.from_batches(schema, _batches(frame, schema))


def _batches(frame: DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        for (packed,) in frame.mapInArrow(_packed, "batch binary").toLocalIterator():
            for batch in pa.ipc.open_stream(packed):
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    except (Py4JJavaError, PySparkException) as error:
        raise DataError(f"the query fails: {cause(error)}") from None


def _packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one value, so that the driver takes batches and not rows."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"batch": [sink.getvalue().to_pybytes()]})


def _give(session: SparkSession, table: Table) -> str:
    """Let queries see the table by its name: a view of what may be seen, over a table whose name nobody knows.

    Returns:
        The schema of that table.
    """
    layer, _, name = table.name.partition(".")
    hidden = f"hidden_{secrets.token_hex(16)}"
    session.sql(f"create schema {hidden}")
    session.catalog.createTable(f"{hidden}.{hidden}", absolute(table.path), "delta")
    columns = ", ".join(_quoted(column) for column in table.columns)
    session.sql(f"create schema if not exists {_quoted(layer)}")
    session.sql(f"create or replace view {_quoted(layer)}.{_quoted(name)} as select {columns} from {hidden}.{hidden}")
    return hidden


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
