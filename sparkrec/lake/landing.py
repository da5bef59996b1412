"""Read landing files as text columns."""

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from sparkrec.config.paths import project_root
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import DataError
from sparkrec.lake import files

UNREADABLE_LINE = "_corrupt_record"
"""Bronze column with the text of a line that does not have the file's columns."""

LANDING_COLUMNS = ("_source_file", "_batch_id", "_ingested_at")
"""Bronze columns that say where a line came from; the others are the source's own."""


def landing_files(source: SourceSettings) -> list[str]:
    """Files that the source's ``landing`` names, sorted.

    Raises:
        DataError: There are none.
    """
    pattern = source.landing
    if "://" not in pattern and not pattern.startswith("/"):
        pattern = str(project_root() / pattern)
    found = files.find_files(pattern)
    if not found:
        raise DataError(f"source {source.name}: no file at {source.landing}: mend `landing` in the source file")
    return found


def read_landing(spark: SparkSession, source: SourceSettings, uris: list[str]) -> DataFrame:
    """The lines of the files, every column a string, with the name of the file in ``_source_file``.

    A line that does not have the columns of its file keeps its text in ``_corrupt_record``.

    Raises:
        DataError: A file cannot be read, or its columns are not those of the first one.
    """
    try:
        lines = _reader(spark, source, uris)
    except AnalysisException as error:
        raise DataError(f"source {source.name}: {source.landing} is no {source.format}: {error.getMessage()}") from None
    texts = [_as_text(lines, field).alias(field.name) for field in lines.schema.fields]
    name = F.element_at(F.split(F.input_file_name(), "/"), -1)
    return lines.select(*texts, F.url_decode(name).alias("_source_file"))


def _reader(spark: SparkSession, source: SourceSettings, uris: list[str]) -> DataFrame:
    if source.format == "parquet":
        return spark.read.options(**source.options).parquet(*uris)
    if source.format == "jsonl":
        reader = spark.read.options(primitivesAsString="true", columnNameOfCorruptRecord=UNREADABLE_LINE)
        return reader.options(**source.options).json(uris)
    # RFC 4180: a quote inside quotes is doubled. A header that differs from the first file's is an error.
    reader = spark.read.options(header="true", escape='"', enforceSchema="false").options(**source.options)
    columns = reader.csv(uris[0]).columns
    schema = StructType([StructField(name, StringType()) for name in (*columns, UNREADABLE_LINE)])
    return reader.option("columnNameOfCorruptRecord", UNREADABLE_LINE).schema(schema).csv(uris)


def _as_text(lines: DataFrame, field: StructField) -> Column:
    column = lines[f"`{field.name}`"]
    simple = not hasattr(field.dataType, "fields") and not hasattr(field.dataType, "elementType")
    return column.cast("string") if simple else F.to_json(column)
