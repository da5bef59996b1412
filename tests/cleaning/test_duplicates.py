import hashlib

from chispa import assert_df_equality
from pyspark.sql import SparkSession

from sparkrec.cleaning.duplicates import drop_exact_duplicates

PROVENANCE = ("_source_file", "_batch_id")
LANDED = "invoice string, `Unit Price.net` string, _source_file string, _batch_id string"


def test_lines_that_differ_only_in_where_they_came_from_are_one_line(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [
            ("1", "2.5", "b.csv", "bb"),
            ("1", "2.5", "a.csv", "zz"),
            ("1", "2.5", "a.csv", "aa"),
            ("1", "2.50", "a.csv", "aa"),
            ("2", "2.5", "a.csv", "aa"),
        ],
        LANDED,
    )

    different = drop_exact_duplicates(lines, PROVENANCE).drop("row_id").withColumnRenamed("Unit Price.net", "price")

    expected = spark.createDataFrame(
        [("1", "2.5", "a.csv", "aa", 3), ("1", "2.50", "a.csv", "aa", 1), ("2", "2.5", "a.csv", "aa", 1)],
        "invoice string, price string, _source_file string, _batch_id string, copies long",
    )
    assert_df_equality(different, expected, ignore_row_order=True, ignore_nullable=True)


def test_nulls_are_equal_and_no_empty_text(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [(None, None, "a", "1"), (None, None, "a", "2"), ("", None, "a", "1"), (None, "", "a", "1")], LANDED
    )

    different = drop_exact_duplicates(lines, PROVENANCE).selectExpr("invoice", "`Unit Price.net` price", "copies")

    expected = spark.createDataFrame(
        [(None, None, 2), ("", None, 1), (None, "", 1)], "invoice string, price string, copies long"
    )
    assert_df_equality(different, expected, ignore_row_order=True, ignore_nullable=True)


def test_the_row_id_is_the_hash_of_the_lines_own_text_wherever_it_landed(spark: SparkSession) -> None:
    lines = spark.createDataFrame([("1", "ä", "a.csv", "aa"), ("2", None, "a.csv", "aa")], LANDED)
    landed_later = spark.createDataFrame([("2", None, "c.csv", "cc"), ("1", "ä", "b.csv", "bb")], LANDED)

    first, later = (
        {row.invoice: row.row_id for row in drop_exact_duplicates(some, PROVENANCE).collect()}
        for some in (lines, landed_later)
    )

    assert first == later
    assert first == {
        "1": hashlib.sha256('{"invoice":"1","Unit Price.net":"ä"}'.encode()).hexdigest(),
        "2": hashlib.sha256(b'{"invoice":"2"}').hexdigest(),
    }
