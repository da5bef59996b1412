from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.queries import searches


def test_a_search_has_the_items_that_it_showed_in_their_places(spark: SparkSession) -> None:
    issued = spark.createDataFrame(
        [("e1", "s1", "Red Cup"), ("e2", "s2", "red cup"), ("e3", None, "mug")],
        "event_id string, search_id string, query string",
    ).withColumn("event_date", F.lit("2026-01-01"))
    today, tomorrow = "2026-01-01", "2026-01-02"
    impressions = spark.createDataFrame(
        [
            ("s1", 10, "c", today),
            ("s1", 2, "b", today),
            ("s1", 1, "a", today),
            ("s1", 1, "a", today),
            ("s1", 3, "z", tomorrow),
            (None, 1, "x", today),
            ("s9", 1, "y", today),
        ],
        "search_id string, position int, item_id string, event_date string",
    )

    found = searches(issued, impressions, 256).orderBy("event_id").collect()

    assert [(row.search_id, row.normalised_query, row.result_item_ids) for row in found] == [
        ("s1", "red cup", ["a", "b", "c"]),
        ("s2", "red cup", []),
        ("e3", "mug", []),
    ]
