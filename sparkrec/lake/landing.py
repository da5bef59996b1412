"""Read landing files as text columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, IllegalArgumentException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType

from sparkrec.config.paths import PACKAGE, package_file
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.lake import files

UNREADABLE_LINE = "_corrupt_record"
"""Bronze column with the text of a line that does not have the file's columns."""

_FILE = "file://"

LANDING_COLUMNS = ("_source_file", "_batch_id", "_ingested_at")
"""Bronze columns that say where a line came from; the others are the source's own."""


def own_columns(columns: Sequence[str]) -> list[str]:
    """Those of bronze that are the source's own."""
    return [name for name in columns if name not in LANDING_COLUMNS]


def landing_files(source: SourceSettings) -> list[str]:
    """Files that the source's ``landing`` names, sorted.

    Raises:
        DataError: There are none.
    """
    pattern = _in_package(source) if source.landing.startswith(PACKAGE) else source.landing
    found = files.find_files(pattern)
    if not found:
        raise DataError(
            f"source {source.name}: no file at {source.landing}: mend `landing` in the source file; "
            "a relative path starts at that file's folder"
        )
    return found


def _in_package(source: SourceSettings) -> str:
    try:
        return package_file(source.landing)
    except ModuleNotFoundError:
        package, _, path = source.landing.removeprefix(PACKAGE).partition("/")
        raise DataError(
            f"source {source.name}: the Python package {package} with {path} is not installed: pip install {package}"
        ) from None


def short_names(uris: Sequence[str]) -> dict[str, str]:
    """The file's name of each URI, with as many folders in front as tell the files apart."""
    for parts in range(1, max(uri.count("/") for uri in uris) + 2):
        names = {uri: "/".join(uri.split("/")[-parts:]) for uri in uris}
        if len(set(names.values())) == len(names):
            break
    return names


@contextmanager
def unreadable_files(source: SourceSettings) -> Iterator[None]:
    """Around the work that reads the lines: a file that Spark cannot read to its end becomes a DataError."""
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        file = re.search(r"Encountered error while reading file (.+?)\. ", str(error))
        if file is None and "CANNOT_MERGE_SCHEMAS" not in str(error):
            raise
        what = file[1] if file else source.landing
        raise DataError(f"source {source.name}: {what} cannot be read as {source.format}: {_cause(error)}") from None


def _cause(error: Py4JJavaError | PySparkException) -> str:
    if isinstance(error, PySparkException):
        return " ".join(str(error.getMessage()).split())
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return " ".join(str(cause.getMessage()).split())


def read_landing(spark: SparkSession, source: SourceSettings, batch_of: Mapping[str, str]) -> DataFrame:
    """The lines of the files, every column a string, with the file's short name and its batch.

    These stand in ``_source_file`` and ``_batch_id``. A line that does not have the columns of its file keeps its text
    in ``_corrupt_record``.

    Args:
        spark: The session.
        source: The source.
        batch_of: The batch of each file, by its path or URI.

    Raises:
        DataError: A file cannot be read, or its columns are not those of the first one.
        ConfigurationError: Spark's reader refuses one of the source's ``options``.
    """
    try:
        with unreadable_files(source):
            lines = _reader(spark, source, list(batch_of))
    except AnalysisException as error:
        raise DataError(f"source {source.name}: {source.landing} is no {source.format}: {error.getMessage()}") from None
    except IllegalArgumentException as error:
        raise ConfigurationError(f"source {source.name}: options: {_cause(error)}") from None
    texts = [_as_text(lines, field).alias(field.name) for field in lines.schema.fields]
    # Spark names a file by its URI, with blanks and the like written as %20.
    uri_of = {unquote(name).removeprefix(_FILE): name for name in lines.inputFiles()}
    short = short_names(list(batch_of))
    named = [(uri_of[uri.removeprefix(_FILE)], short[uri], batch) for uri, batch in batch_of.items()]
    files_ = spark.createDataFrame(named, "_uri string, _source_file string, _batch_id string")
    told = lines.select(*texts, F.input_file_name().alias("_uri"))
    return told.join(F.broadcast(files_), "_uri", "left").drop("_uri")


def _reader(spark: SparkSession, source: SourceSettings, uris: list[str]) -> DataFrame:
    # Spark takes paths for globs.
    paths = [re.sub(r"([\\*?\[\]{}])", r"\\\1", uri) for uri in uris]
    if source.format == "parquet":
        return spark.read.options(mergeSchema="true").options(**source.options).parquet(*paths)
    if source.format == "jsonl":
        reader = spark.read.options(primitivesAsString="true", columnNameOfCorruptRecord=UNREADABLE_LINE)
        lines = reader.options(**source.options).json(paths)
        if lines.columns != [UNREADABLE_LINE]:
            return lines
        # Spark reads no JSON of which there is nothing to read.
        return spark.read.text(paths).where("trim(value) != ''").select(F.col("value").alias(UNREADABLE_LINE))
    # RFC 4180: a quote inside quotes is doubled.
    reader = spark.read.options(header="true", escape='"').options(**source.options)
    columns: list[str] = []
    for uri, path in zip(uris, paths, strict=True):
        found = reader.csv(path).columns
        if not found:
            raise DataError(f"source {source.name}: {uri} has no line of column names: remove or mend it")
        columns = columns or found
        if found != columns:
            told = f"{', '.join(found)} are not those of {uris[0]}: {', '.join(columns)}"
            raise DataError(f"source {source.name}: the columns of {uri}: {told}")
    schema = StructType([StructField(name, StringType()) for name in (*columns, UNREADABLE_LINE)])
    return reader.option("columnNameOfCorruptRecord", UNREADABLE_LINE).schema(schema).csv(paths)


def _as_text(lines: DataFrame, field: StructField) -> Column:
    column = lines[f"`{field.name}`"]
    return F.to_json(column) if isinstance(field.dataType, ArrayType | MapType | StructType) else column.cast("string")
