"""Expressions of a source file: each tells of one line alone, always the same, whatever else is delivered with it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StringType, StructField, StructType

from sparkrec.cleaning import datetime_patterns
from sparkrec.cleaning.elements import with_elements, without_explode
from sparkrec.cleaning.expression_tree import Node, analysed, children, folded, kind, names, parsed, parts, walk
from sparkrec.compat.spark import jvm
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import ConfigurationError
from sparkrec.landing.columns import listed

_ALONE = "an expression sees one line, and no other"
_AGGREGATE = f"it has an aggregate function, which adds up many lines: {_ALONE}"
_WINDOW = f"it has a window function (over), whose value depends on the other lines of the delivery: {_ALONE}"
_GENERATOR = "it makes several rows of a line: only explode(<array>) and explode_outer(<array>) may"
_OF_PLANS = {"Aggregate": _AGGREGATE, "Window": _WINDOW, "Generate": _GENERATOR}
_OF_CONDITIONS = {
    "MISSING_GROUP_BY": _AGGREGATE,
    "MISSING_AGGREGATION": _AGGREGATE,
    "NESTED_AGGREGATE_FUNCTION": _AGGREGATE,
    "UNSUPPORTED_GENERATOR": _GENERATOR,
}
_OF_MEMBERS = (
    "it asks a text for a part of it: a column with a dot in its name stands in backticks, and get_json_object takes "
    "JSON apart"
)
_CALLS_JAVA = ("CallMethodViaReflection", "TryReflect")
_READS_TIMES = ("ParseToTimestamp", "ParseToDate", "GetTimestamp", "UnixTimestamp", "ToUnixTimestamp")
_WRITES_TIMES = ("DateFormatClass", "FromUnixTime")
_BY_REGEX = (
    "RLike", "RegExpReplace", "RegExpExtract", "RegExpExtractAll", "RegExpInStr", "RegExpCount", "RegExpSubStr",
    "StringSplit",
)  # fmt: skip
_MOMENTS = re.compile(r"\W*(now|today|tomorrow|yesterday)\W*", re.IGNORECASE)
# Classes of Catalyst whose value the optimizer fills in for each query: the time, the user, the database.
_OF_THE_QUERY = "org.apache.spark.sql.catalyst.expressions.FoldableUnevaluable"
_OF_THE_LINE = ("AttributeReference", "NamedLambdaVariable")


def check_source(spark: SparkSession, source: SourceSettings) -> None:
    """Find the expression that can never do, before any line has landed; what columns there are is not known yet.

    Raises:
        ConfigurationError: It names the key and the cause.
    """
    sections = source.expressions()
    lines = _made_up(spark, source, sections)
    for section, expressions in sections.items():
        _check(lines, section, expressions, known=False)
    for name, lookup in source.lookups.items():
        if lookup.latest_by:
            by = {f"lookups.{name}": {"latest_by": lookup.latest_by}}
            columns, _ = _landed(spark, by, ())
            _check(spark.createDataFrame([], columns), f"lookups.{name}", by[f"lookups.{name}"], known=False)


def check_expressions(lines: DataFrame, section: str, expressions: Mapping[str, str]) -> None:
    """Find the expression that does not fit the landed columns, or tells of more than a line, before any work is done.

    Args:
        lines: Lines with all columns that expressions may use, elements among them. None of them is read.
        section: The section of the source file.
        expressions: Its expressions, by key.

    Raises:
        ConfigurationError: It names the key, the cause and the columns that there are.
    """
    # Lines may be read by a plan that has windows and the like.
    _check(lines.sparkSession.createDataFrame([], lines.schema), section, expressions, known=True)


def _check(lines: DataFrame, section: str, expressions: Mapping[str, str], known: bool) -> None:
    columns = listed([name for name in lines.columns if not name.startswith("_")])
    for key, expression in expressions.items():
        if why := _why_not(lines, expression, section == "refuse", known):
            told = f"\n  landed columns: {columns}" if known else ""
            raise ConfigurationError(f"{section}.{key}: `{expression}` cannot be {why}{told}")


def _why_not(lines: DataFrame, expression: str, is_condition: bool, known: bool) -> str | None:
    """What is wrong with an expression, as the end of a sentence: cannot be ..."""
    spark = lines.sparkSession
    try:
        written = without_explode(spark, expression)
        # What Spark reads as the time of the run it has forgotten in the plan.
        if moment := next(_moments(parsed(spark, written), written), None):
            return f"used: {moment} is the time of the run: the same line would give another value tomorrow"
        plan = analysed(lines, written)
        if is_condition:
            lines.where(F.expr(written))
    except (AnalysisException, ParseException) as error:
        condition = error.getCondition() or ""
        if not known and condition.startswith(("UNRESOLVED_COLUMN", "FIELD_NOT_FOUND", "UNRESOLVED_FIELD")):
            return None
        for start, cause in _OF_CONDITIONS.items():
            if condition.startswith(start):
                return f"used: {cause}"
        if condition.startswith("INVALID_EXTRACT_BASE_FIELD_TYPE"):
            return f"computed: {_OF_MEMBERS}"
        return f"computed: {(error.getMessage() or str(error)).strip().splitlines()[0]}"
    whys = (_of_node(spark, node) for node in walk(parts(plan.expressions())[0]))
    why = _of_many_lines(plan) or next((why for why in whys if why), None)
    return why and f"used: {why}"


def _of_many_lines(plan: Node) -> str | None:
    """Why the plan is more than a select from lines."""
    if parts(plan.subqueries()):
        return "it has a subquery, which reads other tables: `lookups` names files whose columns expressions may use"
    nodes = [kind(node) for node in walk(plan)]
    for node in nodes:
        if node in _OF_PLANS:
            return _OF_PLANS[node]
    if nodes[0] == "Project" and len(nodes) == 2:
        return None
    return f"it makes more or fewer rows of the lines: {_ALONE}"


def _of_node(spark: SparkSession, node: Node) -> str | None:
    """Why an expression with this node does not give the same again, or fails on its first line."""
    is_a = kind(node)
    if is_a in _CALLS_JAVA:
        return f"{node.prettyName()} calls Java code"
    classes = jvm(spark)
    if classes.java.lang.Class.forName(_OF_THE_QUERY).isInstance(node) and is_a not in _OF_THE_LINE:
        return f"{node.prettyName()} tells of the run and not of the line: the same line would give another value"
    below = children(node)
    if not node.deterministic() and all(child.deterministic() for child in below):
        return f"{node.prettyName()} gives another value each time"
    if len(below) < 2 or is_a not in (*_READS_TIMES, *_WRITES_TIMES, *_BY_REGEX) or not below[1].foldable():
        return None
    value = below[1].eval(None)
    if value is None:
        return None
    text = str(value.toString()) if hasattr(value, "toString") else str(value)
    if is_a in _BY_REGEX:
        try:
            classes.java.util.regex.Pattern.compile(text)
        except IllegalArgumentException as error:
            return f"the regular expression '{text}' is wrong: {(error.getMessage() or str(error)).splitlines()[0]}"
        return None
    why = datetime_patterns.why_not(spark, text, reads=is_a in _READS_TIMES, days=is_a == "ParseToDate")
    return why and f"the pattern '{text}' is wrong: {why}"


def _moments(node: Node, expression: str) -> Iterator[str]:
    """Literals such as timestamp'now'."""
    for one in walk(node):
        if kind(one) == "Literal":
            is_time = str(one.dataType().typeName()) in ("date", "timestamp", "timestamp_ntz")
            origin = one.origin()
            if is_time and origin.startIndex().isDefined():
                text = expression[origin.startIndex().get() : origin.stopIndex().get() + 1]
                if _MOMENTS.search(text.partition("'")[2]):
                    yield text
        elif kind(one) == "Cast" and kind(one.child()) == "Literal":
            is_time = str(one.dataType().typeName()) in ("date", "timestamp", "timestamp_ntz")
            text = str(one.child().toString())
            if is_time and _MOMENTS.fullmatch(text):
                yield f"'{text}'"


def referenced_columns(lines: DataFrame, expression: str) -> list[str]:
    """The texts of a line that the expression makes its value of, each as an expression, in their order.

    They are landed columns, and fields of lookups and elements; what stands in conditions alone is none of them.

    Args:
        lines: Lines with all columns that the expression uses. None of them is read.
        expression: An expression that fits them.
    """
    plan = analysed(lines.sparkSession.createDataFrame([], lines.schema), expression)
    return list(dict.fromkeys(_texts(parts(plan.expressions())[0])))


def _texts(node: Node) -> Iterator[str]:
    type_ = str(node.dataType().typeName())
    if type_ == "boolean":
        return
    if kind(node) in ("AttributeReference", "GetStructField", "GetMapValue"):
        if type_ == "string":
            yield str(node.sql())
        return
    for child in children(node):
        yield from _texts(child)


def patterns(lines: DataFrame, expression: str) -> list[str]:
    """The patterns by which the expression reads times, in their order."""
    plan = analysed(lines.sparkSession.createDataFrame([], lines.schema), expression)
    reads = [node for node in walk(parts(plan.expressions())[0]) if kind(node) in _READS_TIMES]
    found = [children(node)[1] for node in reads if len(children(node)) > 1]
    return list(dict.fromkeys(str(pattern.eval(None).toString()) for pattern in found if pattern.foldable()))


def _made_up(spark: SparkSession, source: SourceSettings, sections: Mapping[str, Mapping[str, str]]) -> DataFrame:
    """No lines, with every column that the expressions use as if it had landed, the elements and the lookups.

    Raises:
        ConfigurationError: An expression cannot be parsed, or explodes what it cannot.
    """
    columns, fields = _landed(spark, sections, tuple(source.lookups))
    lines = with_elements(spark.createDataFrame([], columns), source)
    for lookup, settings in source.lookups.items():
        struct = StructType([StructField(field, StringType()) for field in sorted(fields[lookup]) or ["_"]])
        type_ = MapType(StringType(), StringType()) if settings.property else struct
        lines = lines.withColumn(lookup, F.lit(None).cast(type_))
    # Each is a column like any other, and not an expression that Spark could look into.
    return spark.createDataFrame([], lines.schema)


def _landed(
    spark: SparkSession, sections: Mapping[str, Mapping[str, str]], lookups: Sequence[str]
) -> tuple[StructType, dict[str, set[str]]]:
    """The columns that the expressions use, all texts, and beside them the fields of lookups.

    Raises:
        ConfigurationError: An expression cannot be parsed.
    """
    columns: dict[str, str] = {}
    fields: dict[str, set[str]] = {name: set() for name in lookups}
    for section, expressions in sections.items():
        for key, expression in expressions.items():
            try:
                used = names(spark, expression)
            except ParseException as error:
                cause = (error.getMessage() or str(error)).strip().splitlines()[0]
                raise ConfigurationError(f"{section}.{key}: `{expression}` cannot be computed: {cause}") from None
            for name in used:
                if name[0] in fields:
                    fields[name[0]] |= set(name[1:2])
                else:
                    columns.setdefault(folded(spark, name[0]), name[0])
    return StructType([StructField(name, StringType()) for name in columns.values()]), fields
