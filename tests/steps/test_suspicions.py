from pyspark.sql import SparkSession

from sparkrec.steps.suspicions import empty_columns, users_of_one_session


def test_users_of_one_session_each_are_said_where_there_are_enough(spark: SparkSession) -> None:
    rows = [(f"u{number}", f"s{number}", None) for number in range(21)]
    events = spark.createDataFrame([*rows, (None, "x", None)], "user_id string, session_id string, price double")

    assert (users_of_one_session(events, 22) or "").startswith("all 21 users have just one session each")
    assert users_of_one_session(events.limit(20), 20) is None
    again = spark.createDataFrame([("u1", "other", 1.0)], events.schema)
    assert users_of_one_session(events.union(again), 23) is None


def test_mapped_columns_without_a_value_are_named(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("i", None, None), ("j", None, "x")], "item_id string, price double, brand string")

    assert (empty_columns(rows, "interactions", ["item_id", "price", "brand"]) or "").startswith(
        "null in all 2 rows: interactions.price"
    )
    assert empty_columns(rows, "items", ["item_id", "brand"]) is None
    assert empty_columns(rows, "items", []) is None
    assert empty_columns(rows.limit(0), "items", ["brand"]) is None
