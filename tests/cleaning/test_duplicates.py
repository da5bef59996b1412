import hashlib

from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import line_hash, one_of_each, row_id

LANDED = "invoice string, `Unit Price.net` string, _source_file string"


def test_the_row_id_is_the_hash_of_the_lines_own_text_wherever_it_landed(spark: SparkSession) -> None:
    lines = spark.createDataFrame([("1", "ä", "a.csv"), ("2", None, "b.csv"), ("1", "ä", "c.csv")], LANDED)

    ids = lines.select(row_id(["invoice", "Unit Price.net"]).alias("id")).collect()

    first = hashlib.sha256('{"Unit Price.net":"ä","invoice":"1"}'.encode()).hexdigest()
    assert [row.id for row in ids] == [first, hashlib.sha256(b'{"invoice":"2"}').hexdigest(), first]


def test_the_row_id_does_not_hang_on_the_order_of_columns_nor_on_one_that_is_missing(spark: SparkSession) -> None:
    line = spark.createDataFrame([("1", None, "x")], "a string, later string, b string")

    ids = line.select(row_id(["a", "later", "b"]), row_id(["b", "later", "a"]), row_id(["a", "b"])).first()

    assert ids
    assert len(set(ids)) == 1


def test_an_empty_text_is_no_missing_one(spark: SparkSession) -> None:
    lines = spark.createDataFrame([(None, "1"), ("", "1")], "a string, b string")

    assert lines.select(row_id(["a", "b"])).distinct().count() == 2


def test_the_hash_of_a_line_hangs_on_its_values_and_not_on_a_column_that_came_later(spark: SparkSession) -> None:
    lines = spark.createDataFrame([("1", None, "x"), ("1", None, "y")], "a string, later string, b string")

    hashes = lines.select(line_hash(["a", "later", "b"]), line_hash(["b", "a"])).collect()

    assert [len(set(row)) for row in hashes] == [1, 1]
    assert hashes[0] != hashes[1]


def test_the_smallest_hash_counts_the_others_are_copies_of_it_or_redelivered(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("e1", 2), ("e1", -1), ("e1", 2), ("e1", -1), ("e1", -1), ("e2", -1), ("e3", 9)],
        "event_id string, line_hash long",
    )

    found = one_of_each(lines.repartition(3), F.col("event_id"))

    expected = spark.createDataFrame(
        [
            ("e1", -1, None),
            ("e1", -1, "duplicate"),
            ("e1", -1, "duplicate"),
            ("e1", 2, "redelivered"),
            ("e1", 2, "duplicate"),
            ("e2", -1, None),
            ("e3", 9, None),
        ],
        "event_id string, line_hash long, copy string",
    )
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)
