"""Read landing files as text columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, IllegalArgumentException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    StructField,
    StructType,
    VariantType,
)

from sparkrec.config.settings import SourceSettings
from sparkrec.contracts.spark import column
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake.files import for_spark
from sparkrec.landing.columns import UNREADABLE_LINE, landed_names
from sparkrec.landing.find import LandingFile, short_names
from sparkrec.landing.json_lines import TooManyKeysError, read_json_lines
from sparkrec.landing.probe import Probe

_FILE = "file://"
_NOT_FOR_SPARK = ("encoding", "charset", "basepath", "multiline")
_DIGITS_OF_A_DOUBLE = 2.0**63


class UnreadableFileError(DataError):
    """A landing file cannot be read to its end; ``uri`` is its URI as Spark names it, if that is known."""

    def __init__(self, message: str, uri: str | None = None) -> None:
        super().__init__(message)
        self.uri = uri


@dataclass(frozen=True)
class Delivered:
    """A file to read: what it is, of which batch its lines are, and what Spark opens in its place."""

    file: LandingFile
    probe: Probe
    batch: str
    opened: str


@contextmanager
def unreadable_files(source: SourceSettings, files: Sequence[Delivered]) -> Iterator[None]:
    """Around the work that reads the lines: a file that Spark cannot read to its end becomes an UnreadableFileError."""
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        named = re.search(r"Encountered error while reading file (.+?)\. ", str(error))
        if named is None:
            raise
        uri = _landed(named[1], files)
        told = f"source {source.name}: {uri} cannot be read as {source.format}: {_cause(error)}"
        raise UnreadableFileError(told, uri) from None
    except TooManyKeysError as error:
        uri = _landed(error.uri, files)
        told = (
            f"source {source.name}: the objects of {uri}, and of files beside it, have more than "
            f"{source.max_columns:,} different keys: mend it, or raise `max_columns`"
        )
        raise UnreadableFileError(told, uri) from None


def _landed(opened: str, files: Sequence[Delivered]) -> str:
    """The URI of the file that Spark has opened by a name."""
    path = unquote(opened).removeprefix(_FILE)
    return next((one.file.uri for one in files if one.opened.removeprefix(_FILE) == path), path)


def _cause(error: Py4JJavaError | PySparkException) -> str:
    if isinstance(error, PySparkException):
        return " ".join(str(error.getMessage()).split())
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return " ".join(str(cause.getMessage()).split())


def read_landing(spark: SparkSession, source: SourceSettings, delivered: Sequence[Delivered]) -> DataFrame:
    """The lines of the files, every column text, with the file's short name and its batch.

    These stand in ``_source_file`` and ``_batch_id``. Files of different columns are read each by its own; a column
    that a file lacks is null. Folders of the form ``name=value`` give a column. A line that does not have the columns
    of its file keeps its text in ``_corrupt_record``.

    Args:
        spark: The session.
        source: The source.
        delivered: The files, none of them empty or in trouble.

    Raises:
        UnreadableFileError: A file cannot be read.
        ConfigurationError: Spark's reader refuses one of the source's ``options``.
    """
    try:
        with unreadable_files(source, delivered):
            parts = [_read(spark, source, group) for group in _alike(source, delivered)]
    except AnalysisException as error:
        raise DataError(f"source {source.name}: {source.landing} is no {source.format}: {error.getMessage()}") from None
    except IllegalArgumentException as error:
        raise ConfigurationError(f"source {source.name}: options: {_cause(error)}") from None
    lines = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
    return _with_files(spark, lines, delivered)


def _alike(source: SourceSettings, delivered: Sequence[Delivered]) -> list[list[Delivered]]:
    """The files in groups that Spark reads together."""
    groups: dict[object, list[Delivered]] = {}
    for one in delivered:
        groups.setdefault((one.probe.columns, one.probe.multiline, one.probe.schema), []).append(one)
    return list(groups.values())


def _read(spark: SparkSession, source: SourceSettings, group: Sequence[Delivered]) -> DataFrame:
    paths = [for_spark(one.opened) for one in group]
    if source.format == "jsonl":
        return read_json_lines(spark, paths, source.options, group[0].probe.multiline, source.max_columns)
    options = {name: value for name, value in source.options.items() if name.lower() not in _NOT_FOR_SPARK}
    probe = group[0].probe
    if source.format == "parquet":
        return _read_parquet(spark, paths, options, probe)
    return _read_csv(spark, paths, options, probe, source.longest_line)


def _read_csv(
    spark: SparkSession, paths: list[str], options: Mapping[str, str], probe: Probe, longest: int
) -> DataFrame:
    # Not the file's own names, renamed later: Spark's time for that grows with the square of the columns.
    names = landed_names(probe.columns or ())
    schema = StructType([StructField(name, StringType()) for name in (*names, UNREADABLE_LINE)])
    # RFC 4180: a quote inside quotes is doubled.
    given = {"header": "true", "escape": '"', "maxColumns": str(max(20_480, len(names) + 1))}
    # Where records go on over lines, one whose quote nobody closes is as long as the file.
    given |= {"maxCharsPerColumn": str(longest)} | dict(options)
    own = {"multiLine": str(probe.multiline), "columnNameOfCorruptRecord": UNREADABLE_LINE, "enforceSchema": "true"}
    lines = spark.read.options(**given).options(**own).schema(schema).csv(paths)
    return lines.withColumn("_uri", F.input_file_name())


def _read_parquet(spark: SparkSession, paths: list[str], options: Mapping[str, str], probe: Probe) -> DataFrame:
    rows = spark.read.options(**options).parquet(*paths)
    names = landed_names(rows.columns)
    columns = [
        _as_text(rows, field, field.name in probe.nanoseconds).alias(name)
        for field, name in zip(rows.schema.fields, names, strict=True)
    ]
    return rows.select(*columns, F.input_file_name().alias("_uri"))


def _as_text(rows: DataFrame, field: StructField, is_nanoseconds: bool) -> Column:
    value, kind = rows[f"`{field.name.replace('`', '``')}`"], field.dataType
    if is_nanoseconds:
        return F.timestamp_micros(F.floor(value / 1000)).cast("string")
    if isinstance(kind, ArrayType | MapType | StructType | VariantType):
        return F.to_json(value)
    return _number_as_text(value, kind)


def _number_as_text(value: Column, kind: DataType) -> Column:
    """Whole numbers are written without a point, of whatever type; what is no number (NaN) is missing."""
    if isinstance(kind, FloatType | DoubleType):
        is_whole = (value == F.floor(value)) & (F.abs(value) < _DIGITS_OF_A_DOUBLE)
        text = F.when(is_whole, value.cast("bigint").cast("string")).otherwise(value.cast("string"))
        return F.when(~F.isnan(value), text)
    if isinstance(kind, DecimalType) and kind.scale > 0:
        return F.regexp_replace(value.cast("string"), r"\.0+$", "")
    return value.cast("string")


def _with_files(spark: SparkSession, lines: DataFrame, delivered: Sequence[Delivered]) -> DataFrame:
    # Spark names a file by its URI, with blanks and the like written as %20.
    uri_of = {unquote(name).removeprefix(_FILE): name for name in lines.inputFiles()}
    short = short_names([one.file.uri for one in delivered])
    partitions = {name: None for one in delivered for name in one.file.partitions}
    names = landed_names(list(partitions))
    fields = ["_uri", "_source_file", "_batch_id", *[f"_partition{place}" for place in range(len(names))]]
    schema = StructType([StructField(name, StringType()) for name in fields])
    told = [
        [
            uri_of[one.opened.removeprefix(_FILE)],
            short[one.file.uri],
            one.batch,
            *[one.file.partitions.get(name) for name in partitions],
        ]
        for one in delivered
    ]
    joined = lines.join(F.broadcast(spark.createDataFrame(told, schema)), "_uri", "left")
    if not partitions:
        return joined.drop("_uri")
    own = {name.lower(): name for name in lines.columns if name != "_uri"}
    columns = {
        name: F.coalesce(column(own[name.lower()]), F.col(f"_partition{place}"))
        if name.lower() in own
        else F.col(f"_partition{place}")
        for place, name in enumerate(names)
    }
    kept = [columns.pop(name).alias(name) if name in columns else column(name) for name in own.values()]
    return joined.select(*kept, *[value.alias(name) for name, value in columns.items()], "_source_file", "_batch_id")
