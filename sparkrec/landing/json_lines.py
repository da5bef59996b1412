"""Lines of JSON as text columns."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from sparkrec.landing.columns import UNREADABLE_LINE, landed_names

_OF_SPARKS_READER = ("encoding", "charset", "linesep", "multiline", "basepath")


class TooManyKeysError(ValueError):
    """Objects have more different keys than a table may have columns; ``uri`` is a file with many of them."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.uri = uri


def read_json_lines(
    spark: SparkSession, paths: Sequence[str], options: Mapping[str, str], multiline: bool, most: int
) -> DataFrame:
    """One row for each line that is not blank, with ``_uri``: every key a column of text.

    What is nested is JSON with its keys in order and no blanks, so that equal values are equal texts. A line that is
    not one JSON object, or that has a key twice (upper and lower case being the same), keeps its text in
    ``_corrupt_record``. A line that is an array of objects is as many rows.

    Args:
        spark: The session.
        paths: Files in UTF-8, as Spark names them.
        options: Those of Spark's JSON reader.
        multiline: Whether each file is one object or one array of them, over several lines.
        most: Different keys that there may be.

    Raises:
        TooManyKeysError: There are more.
    """
    reader = spark.read
    if (separator := {name.lower(): value for name, value in options.items()}.get("linesep")) is not None:
        reader = reader.options(lineSep=separator)
    lines = reader.text(list(paths), wholetext=multiline).select("value", F.input_file_name().alias("_uri"))
    lines = (
        lines.where(F.trim(F.regexp_replace("value", r"^\ufeff|[\r\n\t]", "")) != "")
        if multiline
        else lines.where(F.trim("value") != "")
    )
    kept = {name: value for name, value in options.items() if name.lower() not in _OF_SPARKS_READER}
    keys, has_doubles, has_arrays = _keys(lines, most)
    if has_arrays:
        lines = _without_arrays(lines, kept)
        keys, has_doubles, _ = _keys(lines, most)
    return _parsed(lines, keys, kept, has_doubles)


def _keys(lines: DataFrame, most: int) -> tuple[list[str], bool, bool]:
    """In one pass over the lines: all keys of objects, and whether one has a key twice, and whether one is an array.

    Raises:
        TooManyKeysError: There are more keys than ``most``.
    """
    keys, is_array = F.json_object_keys("value"), F.ltrim("value").startswith("[")
    # Few lines have keys of their own; where many do, the driver is not to see them.
    shapes = lines.groupBy(keys.alias("keys"), is_array.alias("is_array")).agg(F.min("_uri").alias("_uri"))
    shapes = shapes.localCheckpoint()
    has_double = F.size(F.array_distinct(F.transform("keys", F.lower))) < F.size("keys")
    found = shapes.agg(F.bool_or(has_double).alias("doubles"), F.bool_or("is_array").alias("arrays")).first()
    each = shapes.select(F.explode("keys").alias("key"), "_uri").groupBy("key").agg(F.min("_uri").alias("_uri"))
    listed = [row.key for row in each.select("key").limit(most + 1).collect()]
    if len(listed) > most:
        worst = each.groupBy("_uri").count().orderBy(F.desc("count"), "_uri").first()
        raise TooManyKeysError(worst["_uri"] if worst else "")
    return sorted(listed), bool(found and found.doubles), bool(found and found.arrays)


def _without_arrays(lines: DataFrame, options: Mapping[str, str]) -> DataFrame:
    """The lines, those that are an array of objects as a line for each of them."""
    wrapped = F.from_json(_in_brackets("value"), ArrayType(ArrayType(StringType())), dict(options))
    is_array = F.ltrim("value").startswith("[") & (F.size(wrapped) == 1) & (F.size(wrapped[0]) > 0)
    objects = F.when(is_array, wrapped[0]).otherwise(F.array("value"))
    return lines.select(F.explode(objects).alias("value"), "_uri").withColumn(
        "value", F.coalesce("value", F.lit("null"))
    )


def _parsed(lines: DataFrame, keys: Sequence[str], options: Mapping[str, str], has_doubles: bool) -> DataFrame:
    schema = ArrayType(StructType([StructField(key, StringType()) for key in keys]))
    # In an array a line of two objects is an array of two, and a comma behind an object is a mistake: an object alone
    # would be read without a look at what follows it.
    parsed = lines.withColumn("_parsed", F.from_json(_in_brackets("value"), schema, dict(options)))
    is_object = (F.size("_parsed") == 1) & F.col("_parsed")[0].isNotNull()
    if has_doubles:
        names = F.json_object_keys("value")
        is_object &= F.size(F.array_distinct(F.transform(names, F.lower))) == F.size(names)
    # By their places: Spark does not tell keys apart that differ in upper and lower case alone.
    places = StructType([StructField(f"_{place}", StringType()) for place in range(len(keys))])
    one = F.when(is_object, F.col("_parsed")[0]).cast(places)
    parsed = parsed.select("value", "_uri", one.alias("_one"))
    alike: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        alike.setdefault(key.strip().lower(), []).append(place)
    landed = landed_names([keys[group[0]] for group in alike.values()])
    values = F.col("_one")
    columns = [
        _canonical(F.coalesce(*[values.getField(f"_{place}") for place in group])).alias(name)
        for name, group in zip(landed, alike.values(), strict=True)
    ]
    unreadable = F.when(F.col("_one").isNull(), F.col("value")).alias(UNREADABLE_LINE)
    return parsed.select(*columns, unreadable, "_uri")


def _in_brackets(value: str) -> Column:
    return F.concat(F.lit("["), value, F.lit("]"))


def _canonical(value: Column) -> Column:
    nested = value.startswith("{") | value.startswith("[")
    return F.when(nested, F.coalesce(F.to_json(F.try_parse_json(value)), value)).otherwise(value)
