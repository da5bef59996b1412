import hashlib

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import line_hash, one_of_each, row_id, with_equal_lines

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


DELIVERED = "event_id string, known int, delivered struct<at:int,file:string>, line_hash long"


def test_of_the_lines_of_one_event_the_latest_counts_and_the_others_repeat_a_text_or_not(spark: SparkSession) -> None:
    first, again, late = (1, "a.csv"), (1, "b.csv"), (2, "a.csv")
    lines = spark.createDataFrame(
        [
            *[("e1", 0, first, 2), ("e1", 0, late, -1), ("e1", 0, again, -1), ("e1", 0, again, 2)],
            *[("e2", 0, first, -1), ("e3", 0, again, 9), ("e3", 0, first, 1), ("e4", 0, first, 4), ("e4", 0, first, 3)],
            *[("e5", 1, first, 5), ("e5", 0, late, 6), ("e6", 0, None, 1), ("e6", 0, late, 2)],
        ],
        DELIVERED,
    )
    order = [F.col("known"), F.col("delivered")]

    found = one_of_each(lines.repartition(3), F.col("event_id"), order=order)

    rows = {(row.event_id, row.delivered and tuple(row.delivered), row.line_hash): row.copy for row in found.collect()}
    assert rows == {
        ("e1", first, 2): "duplicate",
        ("e1", late, -1): None,
        ("e1", again, -1): "duplicate",
        ("e1", again, 2): "redelivered",
        ("e2", first, -1): None,
        ("e3", again, 9): None,
        ("e3", first, 1): "redelivered",
        ("e4", first, 4): "redelivered",
        ("e4", first, 3): None,
        ("e5", first, 5): None,
        ("e5", late, 6): "redelivered",
        ("e6", None, 1): "redelivered",
        ("e6", late, 2): None,
    }


def test_equal_lines_of_a_file_are_events_of_their_own_or_one_of_them_all(spark: SparkSession) -> None:
    one, two = (1, "a.csv"), (2, "b.csv")
    lines = spark.createDataFrame(
        [
            *[("i", "h1", 7, 1.5, [], one)] * 3,
            *[("i", "h1", 7, 1.5, [], two)] * 2,
            *[("i", "h2", 8, None, [], one)] * 2,
            *[("i", "h3", 9, 1.0, ["bad"], one)] * 2,
        ],
        "table string, event_id string, line_hash long, quantity double, reasons array<string>, "
        "delivered struct<at:int,file:string>",
    )

    kept = with_equal_lines(lines, "keep", True)
    summed = with_equal_lines(lines, "sum", True)

    ids = sorted((row.delivered.file, row.event_id) for row in kept.collect())
    assert ids == [
        *[("a.csv", "h1"), ("a.csv", "h1.2"), ("a.csv", "h1.3"), ("a.csv", "h2"), ("a.csv", "h2.2")],
        *[("a.csv", "h3"), ("a.csv", "h3"), ("b.csv", "h1"), ("b.csv", "h1.2")],
    ]
    found = {(row.event_id, row.delivered.file): row.quantity for row in summed.collect()}
    assert found == {("h1", "a.csv"): 4.5, ("h1", "b.csv"): 3.0, ("h2", "a.csv"): None, ("h3", "a.csv"): 1.0}
    assert summed.where("event_id = 'h1'").select("line_hash").distinct().count() == 2
    untold = with_equal_lines(lines.where("event_id = 'h2'"), "sum", False)
    assert [row.quantity for row in untold.collect()] == [2.0, 2.0]
    assert with_equal_lines(lines, "drop", True) is lines
