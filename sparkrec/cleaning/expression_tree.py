"""Spark SQL expressions as trees: how Spark's own parser and analyser read them."""

from collections.abc import Iterable, Iterator
from typing import Any

from pyspark.errors import ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.compat.spark import analysed_plan, sql_parser

Node = Any
"""A node of Catalyst in the JVM (org.apache.spark.sql.catalyst.trees.TreeNode)."""

_LAMBDA = "UnresolvedNamedLambdaVariable"
# Spark takes them for functions where there is no column of the name.
_FUNCTIONS_WITHOUT_PARENTHESES = ("current_date", "current_timestamp")


def parsed(spark: SparkSession, expression: str) -> Node:
    """The expression as the parser reads it, before anything is known of columns.

    Raises:
        ParseException: It is no expression.
    """
    return sql_parser(spark).parseExpression(expression)


def analysed(lines: DataFrame, expression: str) -> Node:
    """The plan of a select of the expression from the lines, with all names resolved.

    Raises:
        AnalysisException: A name or a type does not fit.
        ParseException: It is no expression.
    """
    return analysed_plan(lines.select(F.expr(expression)))


def kind(node: Node) -> str:
    """The node's class in Catalyst, such as Project or AttributeReference."""
    return str(node.getClass().getSimpleName())


def parts(of: Any) -> list[Any]:
    """The members of a Scala sequence."""
    return [of.apply(place) for place in range(of.size())]


def children(node: Node) -> list[Node]:
    """The node's children, in their order."""
    return parts(node.children())


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, from the top."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(spark: SparkSession, expression: str) -> list[tuple[str, ...]]:
    """The names that an expression uses, each in its parts (``product.title`` has two), in their order, each once.

    The arguments of a lambda are none of them, nor are names in a subquery, nor what is a function.

    Raises:
        ParseException: It is no expression.
    """
    return list(dict.fromkeys(_names(parsed(spark, expression), frozenset())))


def _names(node: Node, bound: frozenset[str]) -> Iterator[tuple[str, ...]]:
    is_a = kind(node)
    if is_a in ("UnresolvedAttribute", _LAMBDA):
        name = tuple(str(part) for part in parts(node.nameParts()))
        if not (is_a == _LAMBDA and name[0] in bound) and name[0].lower() not in _FUNCTIONS_WITHOUT_PARENTHESES:
            yield name
        return
    if is_a == "LambdaFunction":
        arguments = {str(argument.nameParts().apply(0)) for argument in parts(node.arguments())}
        yield from _names(node.function(), bound | arguments)
        return
    for child in children(node):
        yield from _names(child, bound)


def absent_columns(lines: DataFrame, expressions: Iterable[str]) -> list[str]:
    """Names that the expressions use and the lines do not have, sorted."""
    spark, there = lines.sparkSession, {folded(lines.sparkSession, name) for name in lines.columns}
    absent = set()
    for expression in expressions:
        try:
            used = names(spark, expression)
        except ParseException:
            # `check_expressions` says so.
            continue
        absent |= {name[0] for name in used if folded(spark, name[0]) not in there}
    return sorted(absent)


def folded(spark: SparkSession, name: str) -> str:
    """The name as Spark compares it with others."""
    return name if spark.conf.get("spark.sql.caseSensitive") == "true" else name.lower()
