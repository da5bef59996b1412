from hostile_shop import TEXTS
from pyspark.sql import SparkSession

from sparkrec.features.queries.examples import made_queries


def test_titles_without_a_word_give_no_query_and_no_error(spark: SparkSession) -> None:
    # Each title once in each turn.
    rows = [(f"i{place}", TEXTS[place % len(TEXTS)], place) for place in range(3 * len(TEXTS) + 1)]
    items = spark.createDataFrame(rows, "item_id string, title string, place int")

    made = made_queries(items, seed=1, longest=1_000).collect()

    assert {row.made_from for row in made} >= {"blue mug", "tasse cm"}
    assert all(row.query and row.query != row.made_from for row in made)
