from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.refusals import reason_set
from sparkrec.contracts.spark import names_where


def test_a_row_gets_all_reasons_that_are_true_in_the_order_given_and_none_for_a_null(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1,), (-3,), (20,), (None,)], "number int")
    conditions = {
        "negative": F.col("number") < 0,
        "not_even": F.col("number") % 2 != 0,
        "huge": F.col("number") > 10,
        "always": F.lit(True),
    }
    reasons = names_where(conditions)

    named = rows.select("number", reasons, reason_set(reasons)).collect()

    assert [tuple(row) for row in named] == [
        (1, ["not_even", "always"], "not_even + always"),
        (-3, ["negative", "not_even", "always"], "negative + not_even + always"),
        (20, ["huge", "always"], "huge + always"),
        (None, ["always"], "always"),
    ]


def test_no_conditions_give_no_reasons(spark: SparkSession) -> None:
    named = spark.range(1).select(names_where({}).alias("reasons"), reason_set(names_where({})))

    assert [tuple(row) for row in named.collect()] == [([], "")]
    assert named.schema["reasons"].dataType.simpleString() == "array<string>"
