"""What a statement in Spark's SQL is made of, and whether it is one that is answered.

Spark's own parser and analyser give the plans. What they may hold is named here, so that what a later Spark adds is
refused.
"""

import re
from collections.abc import Collection
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import ParseException
from pyspark.sql import DataFrame, SparkSession

from sparkrec.compat.spark import analysed_plan, group_of_function, parts_of_plan, sql_parser
from sparkrec.errors import ConfigurationError
from sparkrec.unexpected import cause

_EXPLAIN = re.compile(r"\s*explain\s+(?:(?:extended|formatted|cost)\s+)?", re.IGNORECASE)

_PARSED = frozenset(
    "Aggregate Distinct Except Filter Generate GlobalLimit Intersect Join LateralJoin LocalLimit LocalRelation Offset "
    "OneRowRelation PipeOperator Pivot Project Sample Sort SubqueryAlias Union UnresolvedHaving UnresolvedHint "
    "UnresolvedInlineTable UnresolvedRelation UnresolvedSubqueryColumnAliases UnresolvedTVFAliases "
    "UnresolvedTableValuedFunction UnresolvedWith Unpivot WithWindowDefinition".split()
)
_DESCRIBES = frozenset(["DescribeRelation", "UnresolvedTableOrView"])
_ANALYSED = frozenset(
    "Aggregate CTERelationDef CTERelationRef Distinct Except Expand Filter Generate GlobalLimit Intersect Join "
    "LateralJoin LocalLimit LocalRelation LogicalRelation Offset OneRowRelation PipeOperator Project Range "
    "ResolvedHint Sample Sort SubqueryAlias Union View Window WithCTE".split()
)
_EXPRESSIONS = "org.apache.spark.sql.catalyst.expressions."
_UNRESOLVED = frozenset(
    "MultiAlias ResolvedStar UnresolvedAlias UnresolvedAttribute UnresolvedExtractValue UnresolvedFunction "
    "UnresolvedNamedLambdaVariable UnresolvedOrdinal UnresolvedRegex UnresolvedStar UnresolvedStarExceptOrReplace "
    "UnresolvedStarExcept UnresolvedWindowExpression".split()
)
# They call what is given by name, tell where files lie or who runs the process, or read files that an option names.
_REFUSED = re.compile(r"Reflect|UDF|InputFile|CurrentUser|Avro|Protobuf|XPath|Xml")

_TABLE_FUNCTIONS = frozenset(
    "explode explode_outer inline inline_outer json_tuple posexplode posexplode_outer range stack".split()
)
_GROUPS = frozenset(
    f"{group}_funcs"
    for group in "agg array bitwise collection conditional conversion csv datetime generator hash json lambda map math "
    "predicate string struct url variant window".split()
)
_FURTHER_FUNCTIONS = frozenset(
    "assert_true bitmap_bit_position bitmap_bucket_number bitmap_count hll_sketch_estimate hll_union "
    "monotonically_increasing_id raise_error typeof uuid".split()
)


def read_statement(spark: SparkSession, text: str) -> list[str]:
    """Parse a statement, and refuse it unless it is a query or looks at one.

    Returns:
        Tables that it names, as ``layer.table``.

    Raises:
        ConfigurationError: It does not parse, is no query, or names what queries may not.
    """
    query = _EXPLAIN.sub("", text, count=1)
    try:
        plan = sql_parser(spark).parsePlan(query)
    except (Py4JJavaError, ParseException) as error:
        raise ConfigurationError(cause(error)) from None
    describes = _kind(plan) == "DescribeRelation" and query == text and not plan.isExtended()
    tables, queries = [], set()
    for part in parts_of_plan(plan):
        kind, name = _kind(part), part.getClass().getName()
        if name.startswith("org.apache.spark.sql.catalyst.plans.logical.") or kind in _PARSED | _DESCRIBES:
            if kind not in (_DESCRIBES if describes else _PARSED):
                raise ConfigurationError(f"only queries are allowed: this statement holds {_words(kind)}")
        elif not _is_known_expression(name, kind):
            raise ConfigurationError(f"queries may hold no {_words(kind)}")
        if kind == "UnresolvedFunction":
            _check_function(spark, _texts(part.nameParts()))
        elif kind == "UnresolvedTableValuedFunction" and _dotted(part.name()) not in _TABLE_FUNCTIONS:
            raise ConfigurationError(f"queries may not use the function {_dotted(part.name())}")
        elif kind == "UnresolvedRelation":
            if not part.options().isEmpty() or part.isStreaming():
                raise ConfigurationError("queries may give a table no options, and read no streams")
            tables.append(_texts(part.multipartIdentifier()))
        elif kind == "UnresolvedTableOrView":
            tables.append(_texts(part.multipartIdentifier()))
        elif kind == "UnresolvedWith":
            relations = part.cteRelations()
            queries |= {relations.apply(place)._1().casefold() for place in range(relations.size())}
    named = {".".join(path): path for path in tables}
    return [name for name, path in named.items() if not (len(path) == 1 and name.casefold() in queries)]


def check_analysed(frame: DataFrame, schemas: Collection[str]) -> None:
    """Refuse a query that turns out to hold, its names resolved, what queries may not.

    Args:
        frame: The query.
        schemas: Of whose tables it may read.

    Raises:
        ConfigurationError: It does.
    """
    for part in parts_of_plan(analysed_plan(frame)):
        kind, name = _kind(part), part.getClass().getName()
        if kind not in _ANALYSED and not _is_known_expression(name, kind):
            raise ConfigurationError(f"queries may hold no {_words(kind)}")
        if kind == "LogicalRelation" and _schema(part.catalogTable()) not in schemas:
            raise ConfigurationError("queries may read nothing but the lake's tables")


def explains(text: str) -> bool:
    """Whether the statement asks for a plan."""
    return _EXPLAIN.match(text) is not None


def _schema(table: Any) -> str | None:
    return str(table.get().identifier().database().get()) if table.isDefined() else None


def _is_known_expression(name: str, kind: str) -> bool:
    if _REFUSED.search(kind):
        return False
    return name.startswith(_EXPRESSIONS) or (
        name.startswith("org.apache.spark.sql.catalyst.analysis.") and kind in _UNRESOLVED
    )


def _check_function(spark: SparkSession, path: list[str]) -> None:
    name = ".".join(path).casefold()
    if name not in _FURTHER_FUNCTIONS and group_of_function(spark, name) not in _GROUPS:
        raise ConfigurationError(f"queries may not use the function {name}")


def _texts(parts: Any) -> list[str]:
    return [str(parts.apply(place)) for place in range(parts.size())]


def _dotted(parts: Any) -> str:
    return ".".join(_texts(parts)).casefold()


def _kind(part: Any) -> str:
    return str(part.getClass().getSimpleName()).removesuffix("$")


def _words(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removeprefix("Unresolved")).lower()
