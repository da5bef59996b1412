import pytest
from pyspark.sql import SparkSession

from sparkrec.features.queries.item_clicks import item_clicks


def test_clicks_count_beside_what_their_places_let_expect(spark: SparkSession) -> None:
    searches = spark.createDataFrame(
        [("s1", "mug"), ("s2", "mug"), ("s3", "lamp"), ("s4", "lamp")], "search_id string, normalised_query string"
    )
    events = [
        # In place 1 two of four are clicked, in place 2 one of three; the purchase after the click is no second one.
        *[(f"s{n}", item, "impression", 1) for n, item in [(1, "a"), (2, "a"), (3, "c"), (4, "d")]],
        *[(f"s{n}", item, "impression", 2) for n, item in [(1, "b"), (2, "b"), (3, "d")]],
        ("s1", "a", "click", None),
        ("s1", "a", "purchase", None),
        ("s2", "b", "click", 2),
        ("s3", "c", "cart", None),
        # Not shown at a known place, or of no search.
        ("s1", "z", "click", None),
        (None, "a", "click", 1),
    ]
    interactions = spark.createDataFrame(events, "search_id string, item_id string, event_type string, position int")

    found = item_clicks(searches, interactions, prior=1.0).collect()

    assert {(row.query, row.item_id): (row.impressions, row.clicks) for row in found} == {
        ("mug", "a"): (2, 1),
        ("mug", "b"): (2, 1),
        ("lamp", "c"): (1, 1),
        ("lamp", "d"): (2, 0),
    }
    assert {(row.query, row.item_id): row.click_score for row in found} == pytest.approx(
        {
            ("mug", "a"): 2 / 2,
            ("mug", "b"): 2 / (1 + 2 / 3),
            ("lamp", "c"): 2 / 1.5,
            ("lamp", "d"): 1 / (1 + 1 / 2 + 1 / 3),
        }
    )
