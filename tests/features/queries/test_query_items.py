import pytest
from pyspark.sql import SparkSession

from sparkrec.features.queries.item_clicks import item_clicks
from sparkrec.features.queries.query_items import query_items


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


def test_a_query_has_its_best_items_by_text_and_by_clicks(spark: SparkSession) -> None:
    queries = spark.createDataFrame(
        [("rde mug", "red mug", ["red", "mug"])], "query string, text string, words array<string>"
    )
    items = spark.createDataFrame(
        [
            ("a", "Red mug", ["red", "mug"]),
            ("b", "Red lamp", ["red", "lamp"]),
            ("c", "Oak rake", ["oak", "rake"]),
            ("d", None, []),
        ],
        "item_id string, title string, words array<string>",
    )
    vectors = spark.createDataFrame(
        [("red mug", [0.6, 0.8]), ("Red mug", [1.0, 0.0]), ("Oak rake", [0.0, 1.0])], "text string, vector array<float>"
    )
    clicks = spark.createDataFrame(
        [("rde mug", "c", 9, 3, 1.5), ("rde mug", "b", 4, 0, 0.5), ("rde mug", "d", 2, 1, 1.1)],
        "query string, item_id string, impressions long, clicks long, click_score double",
    )

    found = {row.item_id: row for row in query_items(queries, items, vectors, clicks, most=1).collect()}

    # One by text, one by clicks.
    assert set(found) == {"a", "c"}
    assert found["a"].tfidf_cosine == pytest.approx(1.0)
    assert found["a"].embedding_cosine == pytest.approx(0.6)
    assert (found["a"].impressions, found["a"].clicks, found["a"].click_score) == (0, 0, 1.0)
    assert (found["c"].bm25, found["c"].tfidf_cosine) == (0.0, 0.0)
    assert found["c"].embedding_cosine == pytest.approx(0.8)
    assert (found["c"].impressions, found["c"].clicks, found["c"].click_score) == (9, 3, 1.5)
