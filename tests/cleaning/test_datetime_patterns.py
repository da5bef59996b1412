import pytest
from pyspark.sql import SparkSession

from sparkrec.cleaning.datetime_patterns import likely_pattern, why_not


@pytest.mark.parametrize(
    "pattern",
    [
        "yyyy-MM-dd HH:mm:ss",
        "M/d/yyyy H:mm",
        "dd-MMM-yy hh:mm a",
        "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
        "yyyyMM",
        "HH:mm",
    ],
)
def test_a_pattern_that_reads_what_it_writes_is_right(spark: SparkSession, pattern: str) -> None:
    assert why_not(spark, pattern, reads=True) is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("YYYY-MM-dd", "Y is the year of a week"),
        ("yyyy-MM-DD", "D is the day of the year"),
        ("yyyy-mm-dd", "it has no month: m is the minute, the month is M"),
        ("yyyy-MM-dd hh:mm", "h is the hour of half a day"),
        ("yyyy-MM-dd HH:MM", "M stands in two places"),
        ("yyyy-MM-dd HH:mm:SS", "it has no second: S is a fraction of a second"),
        ("EEE MMM dd yyyy", "E is the day of the week, which can be written and not read"),
        ("yyyy-MM-dd'T", "a quote is not closed"),
        ("%Y-%m-%d", "patterns are written as in yyyy-MM-dd"),
        ("yyyy-MM-ddd", "ddd is too long"),
        ("yyyy-MM-dd bn", "b, n cannot stand in a pattern"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_in_plain_words(spark: SparkSession, pattern: str, why: str) -> None:
    assert (why_not(spark, pattern, reads=True) or "").startswith(why)


def test_a_pattern_that_writes_may_do_what_one_that_reads_may_not(spark: SparkSession) -> None:
    assert why_not(spark, "EEE hh", reads=False) is None
    assert (why_not(spark, "YYYY", reads=False) or "").startswith("Y is the year of a week")
    assert why_not(spark, "yyyy-MM-dd hh", reads=True, days=True) is None


def test_a_pattern_without_leading_zeros_is_found_where_it_reads_the_text(spark: SparkSession) -> None:
    assert likely_pattern(spark, "12/1/2010 8:26", "MM/dd/yyyy HH:mm") == "M/d/yyyy H:mm"
    assert likely_pattern(spark, "12/1/2010 8:6", "MM/dd/yyyy HH:mm") == "M/d/yyyy H:m"
    assert likely_pattern(spark, "1 of dd 2010", "MM 'of dd' yyyy") == "M 'of dd' yyyy"
    assert likely_pattern(spark, "December", "MM/dd/yyyy HH:mm") is None
