"""Several events of one line: the elements of an array that a line holds, such as the items of an order."""

from typing import NamedTuple

from pyspark.errors import ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.expression_tree import Node, absent_columns, children, kind, parsed, parts
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import ConfigurationError
from sparkrec.landing.columns import listed

ELEMENT, POSITION = "_sparkrec_element", "_sparkrec_position"
"""Columns of lines that are taken apart: the element, and its place in the array, from 0; null without any."""
_EXPLODE = ("explode", "explode_outer")


class _Call(NamedTuple):
    """A call of explode: where it stands in the expression, and its argument."""

    first: int
    last: int
    text: str
    argument: Node


def with_elements(lines: DataFrame, source: SourceSettings) -> DataFrame:
    """Each line as often as its array has elements, with `ELEMENT` and `POSITION`; as it is where nothing explodes.

    A line whose array is missing, empty or unreadable stays as one row without an element.

    Raises:
        ConfigurationError: Expressions explode different arrays, or what they explode is no array of the line's
            columns.
    """
    spark = lines.sparkSession
    found = _array(spark, source)
    if found is None:
        return lines
    key, array = found
    absent = absent_columns(lines, [array])
    if needed := [name for name in absent if name not in source.optional]:
        told = listed([name for name in lines.columns if not name.startswith("_")])
        raise ConfigurationError(f"{key}: explode({array}): the line has no {', '.join(needed)}; it has {told}")
    missing = {name: F.lit(None).cast("string") for name in absent}
    held = spark.createDataFrame([], lines.schema).withColumns(missing).select(F.expr(array).alias("array"))
    type_ = dict(held.dtypes)["array"]
    if not type_.startswith("array<"):
        raise ConfigurationError(f"{key}: explode({array}): it is {type_}, and no array: from_json reads one of a text")
    taken_apart = lines.withColumns(missing).select("*", F.posexplode_outer(F.expr(array)).alias(POSITION, ELEMENT))
    return taken_apart.drop(*missing)


def of_elements(spark: SparkSession, source: SourceSettings) -> SourceSettings:
    """The source with expressions over lines `with_elements`, in which no expression explodes any more."""
    return source.with_expressions(lambda expression: without_explode(spark, expression))


def without_explode(spark: SparkSession, expression: str) -> str:
    """The expression with `ELEMENT` in the place of explode(...)."""
    for call in reversed(_calls(spark, expression)):
        expression = f"{expression[: call.first]}`{ELEMENT}`{expression[call.last + 1 :]}"
    return expression


def explodes(spark: SparkSession, expression: str) -> bool:
    """Whether the expression is about an element, and not about the line as a whole."""
    return bool(_calls(spark, expression))


def event_suffix() -> Column:
    """What tells events of one line and one id apart: nothing for the first element, then #1, #2 ..."""
    return F.when(F.col(POSITION) > 0, row_suffix()).otherwise(F.lit(""))


def row_suffix() -> Column:
    """What a quarantined element has behind the id of its line: #0, #1 ...; nothing where the line has none."""
    return F.coalesce(F.concat(F.lit("#"), F.col(POSITION).cast("string")), F.lit(""))


def _array(spark: SparkSession, source: SourceSettings) -> tuple[str, str] | None:
    """The first key that explodes an array, and the array's expression.

    Raises:
        ConfigurationError: Another key explodes another one.
    """
    first: tuple[str, _Call] | None = None
    for section, expressions in source.expressions().items():
        for key, expression in expressions.items():
            for call in _calls(spark, expression):
                if first is None:
                    first = f"{section}.{key}", call
                elif not call.argument.equals(first[1].argument):
                    raise ConfigurationError(
                        f"{section}.{key}: explode({call.text}) is another array than explode({first[1].text}) of "
                        f"{first[0]}: a line can be taken apart by one array only"
                    )
    return None if first is None else (first[0], first[1].text)


def _calls(spark: SparkSession, expression: str) -> list[_Call]:
    if "explode" not in expression.lower():
        return []
    try:
        return _found(parsed(spark, expression), expression)
    except ParseException:
        # `check_expressions` says so.
        return []


def _found(node: Node, expression: str) -> list[_Call]:
    if kind(node) == "UnresolvedFunction" and children(node):
        name = [str(part).lower() for part in parts(node.nameParts())]
        if len(name) == 1 and name[0] in _EXPLODE:
            first, last = node.origin().startIndex().get(), node.origin().stopIndex().get()
            whole = expression[first : last + 1]
            text = whole[whole.index("(") + 1 : -1].strip()
            return [_Call(first, last, text, children(node)[0])]
    return [call for child in children(node) for call in _found(child, expression)]
