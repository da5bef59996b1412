"""What to say of values that cannot be used: the first of them, where it stands, and its likely cause."""

import json
import re
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from sparkrec.cleaning.datetime_patterns import likely_pattern
from sparkrec.cleaning.elements import explodes
from sparkrec.cleaning.expression_tree import absent_columns
from sparkrec.cleaning.expressions import patterns
from sparkrec.config.settings import SourceSettings

_ABOUT_A_VALUE = ("_unreadable", "_out_of_range", "_without_date", "_too_long")
_LONGEST = 40
# By the number of digits of a moment of our time, counted since 1970.
_COUNTS = {
    13: "milliseconds: timestamp_millis",
    16: "microseconds: timestamp_micros",
    19: "nanoseconds: timestamp_micros",
}
# Days of 1950 to 2100 as Excel counts them.
_EXCEL = range(18_264, 73_051)


def first_unusable(refused: DataFrame, source: SourceSettings) -> list[str]:
    """A line for each reason that is about a value: how many, in which file, the first value, and what it looks like.

    Args:
        refused: Refused lines `labelled_lines`, with their ``file``.
        source: Their source. Values of personal columns are not shown.
    """
    about = F.filter("reasons", lambda reason: reason.rlike(f"({'|'.join(_ABOUT_A_VALUE)})$"))
    rows = refused.select(F.explode(about).alias("reason"), F.struct("file", "row_id", "row").alias("line"))
    found = rows.groupBy("reason").agg(F.count("*").alias("rows"), F.min("line").alias("line")).orderBy("reason")
    return [
        f"{row.reason} {row.rows:,}: {told}"
        for row in found.collect()
        if (told := _told(refused.sparkSession, source, row.reason, row.line.file, json.loads(row.line.row)))
    ]


def _told(spark: SparkSession, source: SourceSettings, reason: str, file: str, line: Mapping[str, str]) -> str | None:
    name = reason.removesuffix(next(end for end in _ABOUT_A_VALUE if reason.endswith(end)))
    expression = source.expressions()["interactions"].get(name) or source.expressions()["reviews"].get(name)
    if expression is None:
        return None
    used = absent_columns(spark.createDataFrame([], "_none int"), [expression])
    values = {one: line[one] for one in used if line.get(one) is not None and one not in source.personal}
    shown = ", ".join(f"{one} {_short(value)}" for one, value in values.items())
    place = f"the first in {file}" + (f" has {shown}" if shown else "")
    of_line = not explodes(spark, expression) and not {*used} & {*source.lookups}
    lines = spark.createDataFrame([], StructType([StructField(one, StringType()) for one in used]))
    tried = patterns(lines, expression) if of_line and name.endswith("_time") else []
    causes = [cause for value in values.values() if (cause := _likely(spark, name, value.strip(), tried))]
    return f"{place}: {causes[0]}" if causes else place


def _short(value: str) -> str:
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")


def _likely(spark: SparkSession, name: str, value: str, tried: Sequence[str]) -> str | None:
    """What the value looks like, and how it is read as that, where these patterns do not."""
    if not name.endswith("_time"):
        return "it has a comma: replace(..., ',', '.') reads it" if re.fullmatch(r"-?\d+,\d+", value) else None
    whole = re.fullmatch(r"(\d+)(\.0*)?", value)
    if whole and len(whole[1]) in _COUNTS:
        return f"it looks like {_COUNTS[len(whole[1])]}({'... / 1000' if len(whole[1]) == 19 else '...'}) reads it"
    if whole and len(whole[1]) == 10:
        return "it looks like seconds since 1970: timestamp_seconds(...) reads it"
    if whole and int(whole[1]) in _EXCEL:
        return "it looks like a day of Excel: date_add('1899-12-30', ...) reads it"
    if whole and len(whole[1]) == 8:
        return "it looks like a day without separators: to_timestamp(..., 'yyyyMMdd') reads it"
    if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?(\.\d+)?", value):
        return "it is a time of day without a day"
    for pattern in tried:
        if better := likely_pattern(spark, value, pattern):
            return f"the pattern {better} reads it"
    if re.fullmatch(r"\d{1,2}([./-])\d{1,2}\1\d{4}.*", value):
        return "to_timestamp with a pattern such as d/M/yyyy or M/d/yyyy reads it"
    return None
