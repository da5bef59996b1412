"""Lines of JSON as text columns."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from sparkrec.landing.columns import UNREADABLE_LINE, landed_names

_OF_SPARKS_READER = ("encoding", "charset", "linesep", "multiline", "basepath")


def read_json_lines(
    spark: SparkSession, paths: Sequence[str], options: Mapping[str, str], multiline: bool
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
    keys, has_doubles, has_arrays = _keys(lines)
    if has_arrays:
        lines = _without_arrays(lines, kept)
        keys, has_doubles, _ = _keys(lines)
    return _parsed(lines, keys, kept, has_doubles)


def _keys(lines: DataFrame) -> tuple[list[str], bool, bool]:
    """In one pass over the lines: all keys of objects, and whether one has a key twice, and whether one is an array."""
    doubles = F.exists("shapes", lambda keys: F.size(F.array_distinct(F.transform(keys, F.lower))) < F.size(keys))
    (found,) = (
        # Few lines have keys of their own.
        lines.agg(
            F.collect_set(F.json_object_keys("value")).alias("shapes"),
            F.bool_or(F.ltrim("value").startswith("[")).alias("arrays"),
        )
        .select(F.array_sort(F.array_distinct(F.flatten("shapes"))).alias("keys"), doubles.alias("doubles"), "arrays")
        .collect()
    )
    return list(found["keys"]), bool(found.doubles), bool(found.arrays)


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
    one = F.when(is_object, F.col("_parsed")[0])
    parsed = parsed.select("value", "_uri", one.alias("_one"))
    alike: dict[str, list[str]] = {}
    for key in keys:
        alike.setdefault(key.strip().lower(), []).append(key)
    landed = landed_names([group[0] for group in alike.values()])
    columns = [
        _canonical(reduce(lambda a, b: F.coalesce(a, b), [F.col("_one").getField(key) for key in group])).alias(name)
        for name, group in zip(landed, alike.values(), strict=True)
    ]
    unreadable = F.when(F.col("_one").isNull(), F.col("value")).alias(UNREADABLE_LINE)
    return parsed.select(*columns, unreadable, "_uri")


def _in_brackets(value: str) -> Column:
    return F.concat(F.lit("["), value, F.lit("]"))


def _canonical(value: Column) -> Column:
    nested = value.startswith("{") | value.startswith("[")
    return F.when(nested, F.coalesce(F.to_json(F.try_parse_json(value)), value)).otherwise(value)
