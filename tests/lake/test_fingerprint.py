from pyspark.sql import Row, SparkSession

from sparkrec.lake.fingerprint import fingerprint

ROWS = [
    Row(user="a", items=[1, 2], price=0.5),
    Row(user="b", items=[], price=None),
    Row(user=None, items=[3], price=2.0),
]
SCHEMA = "user string, items array<int>, price double"


def test_the_order_and_the_partitions_do_not_count(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA)
    other = spark.createDataFrame(ROWS[::-1], SCHEMA).repartition(3)

    assert fingerprint(other) == fingerprint(rows)
    assert fingerprint(rows.limit(0)) == fingerprint(other.where("false"))


def test_maps_are_hashed_whatever_the_order_of_their_keys(spark: SparkSession) -> None:
    one = spark.sql("select map('a', 1, 'b', 2) as m")

    assert fingerprint(spark.sql("select map('b', 2, 'a', 1) as m")) == fingerprint(one)
    assert fingerprint(spark.sql("select map('a', 1, 'b', 3) as m")) != fingerprint(one)


def test_every_value_and_every_copy_counts(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA)
    others = [
        rows.limit(2),
        rows.unionAll(rows.limit(1)),
        rows.selectExpr("user", "items", "price + 1e-9 as price"),
        rows.selectExpr("user", "reverse(items) as items", "price"),
        rows.selectExpr("coalesce(user, '') as user", "items", "price"),
    ]

    left = spark.createDataFrame([("a", None)], "one string, two string")
    right = spark.createDataFrame([(None, "a")], "one string, two string")

    assert fingerprint(left) != fingerprint(right)
    assert len({fingerprint(rows), *map(fingerprint, others)}) == 6
