import pytest
from pyspark.sql import SparkSession

from sparkrec.cleaning.expression_tree import absent_columns, names
from sparkrec.cleaning.expressions import check_expressions, check_source, patterns, referenced_columns
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import ConfigurationError


def source(event_time: str, **further: object) -> SourceSettings:
    interactions = {"user_id": "user", "item_id": "item", "event_time": event_time}
    return SourceSettings.model_validate({"name": "shop", "landing": "x", "interactions": interactions, **further})


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("timestamp_seconds(sum(int(n)) over (partition by user order by n))", "window function"),
        ("max(at)", "aggregate function"),
        ("max(at) || item", "aggregate function"),
        ("inline(array(struct(at, item)))", "several rows"),
        ("coalesce(at, string(now()))", "now tells of the run"),
        ("current_timestamp", "current_timestamp tells of the run"),
        ("timestamp_seconds(unix_timestamp())", "current_timestamp tells of the run"),
        ("current_timezone()", "current_timezone tells of the run"),
        ("timestamp'now'", "time of the run"),
        ("cast('today' as timestamp)", "time of the run"),
        ("case when item = 'a' then at else string(rand()) end", "rand gives another value"),
        ("input_file_name()", "input_file_name gives another value"),
        ("(select max(x) from other)", "other"),
        ("at in (select 1)", "subquery"),
        ("reflect('java.lang.Math', 'random')", "reflect calls Java code"),
        ("window(to_timestamp(at), '10 minutes').start", "rows of the lines"),
        ("to_timestamp(at, 'YYYY-MM-DD hh:mm:ss')", "Y is the year of a week: write y"),
        ("case when item = 'a' then to_timestamp(at) else to_date(at, 'yyyy-MM-dd q') end", "q is the quarter"),
        ("regexp_extract(at, '(x', 1)", "regular expression '(x' is wrong"),
        ("trim(at", "Syntax error"),
        ("to_moment(at)", "to_moment"),
    ],
)
def test_what_tells_of_more_than_a_line_is_refused_before_any_line_has_landed(
    spark: SparkSession, expression: str, why: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        check_source(spark, source(expression))

    assert str(error.value).startswith(f"interactions.event_time: `{expression}` cannot be ")
    assert why in str(error.value)


def test_what_landed_columns_are_there_is_not_asked_before_they_have_landed(spark: SparkSession) -> None:
    lookups = {"product": {"landing": "p", "key": ["item"]}, "said": {"landing": "s", "key": ["item"]}}
    lookups["said"] |= {"property": "p", "value": "v", "latest_by": "bigint(t)"}
    for expression in (
        "to_timestamp(concat(day, ' ', `the time`), 'yyyy-MM-dd HH:mm')",
        "transform(split(at, ','), part -> concat(part, user))[0]",
        "coalesce(product.sold_at, said['790'], said.at)",
        "case when product is not null then at end",
        "explode(from_json(lines, 'array<struct<at:string>>')).at",
    ):
        check_source(spark, source(expression, lookups=lookups))


def test_a_function_that_looks_like_a_column_is_refused_where_there_is_no_column(spark: SparkSession) -> None:
    lines = spark.createDataFrame([], "at string")
    with pytest.raises(ConfigurationError, match=r"current_user tells of the run"):
        check_expressions(lines, "interactions", {"user_id": "user"})
    check_expressions(lines.selectExpr("at as user"), "interactions", {"user_id": "user"})


def test_lines_may_be_read_by_a_plan_with_windows(spark: SparkSession) -> None:
    lines = spark.createDataFrame([("1",)], "at string").selectExpr("at", "max(at) over () as latest")
    check_expressions(lines, "items", {"title": "concat(at, latest)"})


def test_names_are_those_of_columns(spark: SparkSession) -> None:
    assert names(spark, "transform(a, x -> concat(x, b)) [`c d`.e] + (select z)") == [("a",), ("b",), ("c d", "e")]
    lines = spark.createDataFrame([], "A string, `b.c` string")
    assert absent_columns(lines, ["a || `b.c`", "explode(lines).x", "d.e", "trim(", "current_date"]) == ["d", "lines"]


def test_the_texts_that_a_value_is_made_of_are_told_from_those_of_conditions(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [], "`the day` string, t string, kind string, o struct<x:string>, m map<string,string>"
    )
    expression = "case when kind = 'a' then to_timestamp(concat(`the day`, t), 'yyyyHH') else coalesce(o.x, m['8']) end"

    found = referenced_columns(lines, expression)

    assert found[:2] == ["`the day`", "t"]
    assert len(found) == 4
    lines.selectExpr(*found)
    assert not any("kind" in name for name in found)
    assert patterns(lines, expression) == ["yyyyHH"]
