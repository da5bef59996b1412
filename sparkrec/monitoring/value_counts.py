"""How often each value of each feature occurs: all that is needed to say how the values lie.

Numbers are counted to four significant digits. So there are at most 9,000 different ones between a power of ten and
the next, however many rows there are, and figures do not hang on the order in which rows are read. (Masson, Rim and
Lee, "DDSketch", VLDB 2019, bound the relative error of quantiles in the same way.)
"""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts.features import Feature

_DIGITS = 4
_INFINITE = float("inf")


def value_counts(tables: Mapping[str, DataFrame], known: Sequence[Feature]) -> DataFrame:
    """How often each value of the features occurs; one pass over each table.

    Args:
        tables: By name, at least those that own the features.
        known: The features.

    Returns:
        ``table, feature, number, text, rows``: a value is a number or a text; both are missing for rows without one.
    """
    number = _to_four_digits(F.col("value.number")).alias("number")
    counts = []
    # Each table is counted before they come together, so that Spark compiles reading and counting into one.
    for table in sorted({feature.table for feature in known}):
        own = [feature for feature in known if feature.table == table]
        of_row = tables[table].selectExpr(*[f"{_value(feature)} as `{feature.column}`" for feature in own])
        one_a_row = of_row.unpivot([], [feature.column for feature in own], "feature", "value")
        values = one_a_row.select(F.lit(table).alias("table"), "feature", number, "value.text")
        counts.append(values.groupBy("table", "feature", "number", "text").agg(F.count(F.lit(1)).alias("rows")))
    return reduce(DataFrame.unionByName, counts)


def _value(feature: Feature) -> str:
    """SQL of the value: a struct of a number and a text, of which one or both are missing."""
    number, text, column = "null", "null", f"`{feature.column}`"
    if feature.holds_many:
        held = f"array_remove({column}, 0)" if "padded" in feature.tags else column
        # Of a missing one Spark says null or -1, as it is set up.
        number = f"nullif(greatest(size({held}), 0), 0)"
    elif feature.type == "boolean":
        number = f"int({column})"
    elif feature.type == "string" or {"identifier", "categorical"} & set(feature.tags):
        text = f"nullif(string({column}), '')"
    else:
        number = column
    return f"named_struct('number', double({number}), 'text', string({text}))"


def _to_four_digits(value: Column) -> Column:
    """The number to four significant digits; missing where it is none, or infinite."""
    places = F.lit(_DIGITS - 1) - F.floor(F.log10(F.abs(value)))
    # By powers of ten that are whole numbers: 12.34 stays 12.34 to the last bit.
    power = F.pow(F.lit(10.0), F.abs(places))
    rounded = F.when(places >= 0, F.rint(value * power) / power).otherwise(F.rint(value / power) * power)
    # Most are small whole numbers, and need no logarithm; adding 0 makes a 0 of a -0.
    is_short = (F.abs(value) < 10**_DIGITS) & (value == F.rint(value))
    return F.when(is_short, value + 0.0).when(F.abs(value) < _INFINITE, rounded)
